"""Sessions as doors: a live `Session` on a real replica is fed mutants in every state.

Whole meetings of one site are held and stopped before each frame: there stand the session, its
store in memory, and the frames that would come next. A mutant of any of them is let in, chained and
sealed again by those whose keys the tests have. `faults_at` says what must not have come of it.
Holds no assertions. Invariant: after each mutant a point stands as it stood before.
"""

from __future__ import annotations

import copy
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.dispatch import acts, day_acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import SETTING, Kind, LogKind, Phase
from core.dispatch.permits import CREATE_JOBS
from core.log import messages
from core.log.beside import Beside
from core.log.canonical import pieces
from core.log.carried import MAGIC
from core.log.chain import chain_next, chain_start, seal_leaf
from core.log.chunk_list import chunks_of, list_of
from core.log.errors import LogError
from core.log.exchange import FileExchange
from core.log.file_messages import Chunk, Fetch, FileList, Held, NoFile, Offer
from core.log.limits import FRAME_BYTES_MAX
from core.log.packing import GOES_ON, MARK, packed, unpacked
from core.log.relay import RelayExchange, relay_name
from core.log.relay_messages import Relay, Relayed, TimeAsked, TimeTold
from core.log.repair import Repair
from core.log.seal import _signed_bytes
from core.log.session import Close, Effect, Send, Session, Stage
from core.log.time_told import TimeExchange
from core.log.tree import Split
from replica import logs
from replica.checking import dump_projections
from replica.file_checking import check_files
from replica.file_shelf import ReplicaFileShelf
from replica.files import MachineFiles
from replica.filing import save_file, want_file
from replica.relaying import ReplicaRelayShelf
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from replica.time_shelf import ReplicaTimeShelf
from tests import in_memory
from tests.build import START_MS, Meeting, Site, fresh_fold, hold, revoke, rows_of
from tests.core.log.authors import author_of, key_of
from tests.fuzzing.doors import signed_again
from tests.fuzzing.mutation import changed, damaged, spelt
from tests.fuzzing.writings import frames_of_fields, frames_of_newcomers

DAY = "2026-03-02"
# Files with one chunk and with two.
SMALL, LARGE = bytes(range(200)), b"plan" * 16_500
EFFECTS_MAX = 64
"""More answers than any one frame has."""


@dataclass
class World:
    """A site whose stores lie in memory, and the points at which mutants come in."""

    site: Site
    keys: dict[bytes, Ed25519PrivateKey] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    room: tempfile.TemporaryDirectory[str] | None = None


@dataclass
class Point:
    """A side of a meeting before it receives a frame: `frames` come next, `seen` came before."""

    name: str
    replica: Replica
    peer: bytes
    session: dict[str, Any]
    image: bytes
    files: bytes | None
    frames: list[bytes]
    keys: Mapping[bytes, Ed25519PrivateKey]

    def twin(self) -> Session:
        """A session that stands here."""
        session = Session.__new__(Session)
        for name, value in self.session.items():
            setattr(session, name, _own(value))
        return session

    def set_back(self) -> None:
        """Let the store, and the files beside it, hold what they held here."""
        set_back(self.replica, self.image)
        if self.files is None:
            self.replica.files.close()
        else:
            self.replica.files._for_writing().db.deserialize(self.files)


def _own(value: Any) -> Any:
    if isinstance(value, (list, dict, set, bytearray)):
        return value.copy()
    if isinstance(value, ReplicaShelf):
        # It remembers a scope by a position, which comes again with other entries.
        return ReplicaShelf(value._replica)
    if isinstance(value, (Beside, FileExchange, RelayExchange, TimeExchange)):
        exchange = copy.copy(value)
        for name, part in vars(value).items():
            setattr(exchange, name, _own(part))
        return exchange
    if isinstance(value, (ReplicaFileShelf, ReplicaTimeShelf)):
        return type(value)(value._replica)
    if isinstance(value, ReplicaRelayShelf):
        return ReplicaRelayShelf(ReplicaShelf(value._replica), value._replica)
    if isinstance(value, Repair):
        own = copy.copy(value)
        own._asked, own._told, own._heard = value._asked.copy(), value._told.copy(), []
        return own
    return value


def set_back(replica: Replica, image: bytes) -> None:
    """Put a store's bytes back, and forget what was cached of others."""
    replica.store.db.deserialize(image)
    replica._forget()
    replica.seal_rows.clear()
    replica.take_changed()


class MemoryFiles(MachineFiles):
    """A disk that is none: what is made there lies in memory."""

    def make(self, path: Path) -> bool:
        return True

    def connect(self, path: Path) -> sqlite3.Connection:
        return in_memory.connect()


def files_of(replica: Replica) -> sqlite3.Connection | None:
    """The files beside a store, None where none were made."""
    own = replica.files._own
    return None if own is None else own.db


def into_memory(replica: Replica) -> None:
    """Let a replica go on with a copy of its store that lies in memory."""
    replica.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    replica.store.db.close()
    memory = in_memory.connect(replica.store.path.read_bytes())
    memory.execute("PRAGMA foreign_keys = ON")
    replica.store.db = memory
    replica.store.disk = MemoryFiles()


def build_world(folder: Path) -> World:
    """The site, its meetings, and a point before each frame of each."""
    site = Site(folder, "fuzz")
    world = World(site)
    hub, other = site.hub(), site.hub("B")
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone, colleague = site.phone(hub, ana, rights=(CREATE_JOBS,)), site.phone(hub, bo)
    for replica in (hub, other, phone, colleague):
        into_memory(replica)
        world.keys[replica.author] = replica.identity.key
    world.keys[site.site] = site.key
    world.keys |= {author_of(name): key_of(name) for name in ("newcomer", "stranger")}
    customer = site.new_id(Kind.CUSTOMER)
    hub.write(acts.edit_customer(customer, {"name": "Novak"}))
    jobs = [site.job(hub, title, ana, bo) for title in ("Boiler", "Pump")]
    site.job(hub, "Elsewhere", bo)
    record(world, "first", phone, hub)
    (boiler, turns), (pump, more) = jobs
    phone.write(acts.add_note(boiler, "on my way"))
    phone.write(acts.set_phase(boiler, ana, turns[0], Phase.ON_SITE))
    phone.write(day_acts.start_log(ana, DAY, boiler, b"log-0001", LogKind.ON_SITE))
    hub.write([Change(SITE_STREAM, (SETTING, "retention_days"), 30)])
    hub.write(acts.withdraw(pump, ana, more[0]))
    record(world, "again", phone, hub)
    record(world, "hubs", other, hub)
    lose_marks(hub)
    phone.write(acts.add_note(boiler, "done"))
    record(world, "repair", phone, hub)
    record(world, "colleague", colleague, hub)
    twin = site.clone(phone)
    into_memory(twin)
    set_back(twin, phone.store.db.serialize())
    phone.write(acts.add_note(boiler, "one branch"))
    twin.write(acts.add_note(boiler, "the other"))
    record(world, "fork", twin, hub)
    record(world, "forked", phone, hub)
    lost = site.phone(hub, bo)
    into_memory(lost)
    world.keys[lost.author] = lost.identity.key
    hold(lost, hub)
    lost.write(acts.add_note(jobs[0][0], "before"))
    hold(lost, hub)
    revoke(hub, lost.author)
    record(world, "revoked", other, hub)
    save_file(phone, boiler, SMALL)
    want_file(phone, save_file(hub, boiler, LARGE).address)
    record(world, "files", phone, hub)
    record(world, "files of hubs", other, hub)
    phone.write(acts.add_note(boiler, "the key is at number 5"))
    record(world, "given to carry", phone, colleague)
    record(world, "carried", colleague, hub)
    return world


def lose_marks(replica: Replica) -> None:
    """Let a replica know nothing of its peers, as one that was restored."""
    with replica.store.transaction() as db:
        for table in ("reach", "peer_stream", "peer"):
            db.execute(f"DELETE FROM {table}")


def record(world: World, name: str, opener: Replica, listener: Replica) -> None:
    """Hold a meeting, and keep a point before each of its frames."""
    meeting = Meeting(opener, listener).start()
    points: list[tuple[int, int, Point]] = []
    received = [0, 0]

    def keep(side: int) -> None:
        replica, peer = meeting.replicas[side], meeting.replicas[1 - side]
        session = {key: _own(value) for key, value in vars(meeting.sessions[side]).items()}
        image = replica.store.db.serialize()
        words = f"{name} {('opener', 'listener')[side]} {received[side]} {session['stage'].name}"
        db = files_of(replica)
        files = None if db is None else db.serialize()
        point = Point(words, replica, peer.author, session, image, files, [], world.keys)
        points.append((side, received[side], point))

    moved = True
    while moved:
        moved = False
        for side in (1, 0):
            if meeting.waiting[side]:
                keep(side)
                meeting.deliver(side)
                received[side] += 1
                moved = True
        moved |= meeting.tell()
    assert meeting.live, f"the meeting '{name}' did not come to an end"
    keep(0)
    keep(1)
    for side, taken, point in points:
        frames = meeting.sent[1 - side]
        point.frames = frames[taken : taken + 3] or frames[-3:]
        point.frames = [*point.frames, *frames[: 1 if taken else 0]]
        world.points.append(point)


# --- mutants


def seeds_of(point: Point) -> list[bytes]:
    """Messages that no meeting here has, about what the point's store holds."""
    streams = [row[0] for row in point.replica.store.db.execute("SELECT stream FROM stream")]
    job = next((s for s in streams if s[4] == Kind.JOB), bytes(12))
    prefix = job.hex()[:3]
    split = Split(prefix, prefix + "9", {"5": bytes(16)})
    made: list[messages.Message] = [
        messages.Leave((job, bytes(12))),
        messages.Left((job,)),
        messages.Ack(1, ((0, "gap", "further back"),)),
        messages.Ack(2),
        messages.Check(bytes(16), 3),
        messages.Agreed(same=False),
        messages.Presence({0: START_MS, 1: 5, 2: 6, 7: 1}),
        messages.Compare(0, True, (split,), ("0b",)),
        messages.Compare(1, True, (), (prefix,), (messages.StreamHeads(job, ()),)),
        messages.Compare(0, False),
        messages.Runs(1, 7, (), (), ()),
        *messages_of_files(),
        *messages_of_others(point),
    ]
    frames = [messages.write(each) for each in made]
    if point.session["stage"] in (Stage.SYNC, Stage.LIVE):
        frames += frames_of_fields(point.replica, point.keys[point.peer])
        frames += frames_of_newcomers(point.replica, point.keys[point.replica.site])
    return frames


def messages_of_others(point: Point) -> list[messages.Message]:
    """What may be said of carried files that nobody made, and of the time."""
    noise = MAGIC + point.replica.author + bytes(200)
    made: list[messages.Message] = [TimeAsked(7), TimeTold(7, START_MS), TimeTold(0, 2**62)]
    for data in (noise, b"no file"):
        name = relay_name(data)
        made += [Relay(name, len(data), 0, data[:60_000]), Relay(name, len(data), 0, data[:5])]
        made += [Relayed(name, len(data)), Relayed(name, 5), Relayed(name, 5, "no room")]
    return made


def messages_of_files() -> list[messages.Message]:
    """What may be said of files that are held, of such that are not, and of what is sent."""
    made: list[messages.Message] = []
    for data in (SMALL, LARGE, b"nobody's"):
        chunks = list_of(data)
        address = chunks.address
        made += [Offer((address, bytes(32))), Held((address,)), NoFile(address)]
        made += [Fetch(address, 0, 1), Fetch(address, 1, 2), FileList(address, chunks.to_bytes())]
        made += [Chunk(address, number, part) for number, part in enumerate(chunks_of(data), 1)]
    return made


def mutant_at(point: Point, chance: Random, seeds: list[bytes]) -> bytes:
    """A mutant of a frame that would come here, or of another."""
    sound = chance.choice(point.frames) if chance.random() < 0.75 else chance.choice(seeds)
    if chance.random() < 0.2:
        return damaged(sound, chance, chance.choice(point.frames))
    parts = list(parts_of(sound))
    donor = chance.choice(parts_of(chance.choice(seeds)))
    sealed = chance.random() < 0.7
    if sealed and len(parts) > 1 and chance.random() < 0.6:
        at = chance.randrange(1, len(parts))
        parts[at] = changed(parts[at], chance, (*parts[1:], donor))
    else:
        parts = changed(parts, chance, (donor,))
    while chance.random() < 0.3:
        parts = changed(parts, chance, (donor,))
    frame = written(point, parts, chance, sealed)
    return packed(frame) if chance.random() < 0.1 else frame


@lru_cache(4_096)
def parts_of(frame: bytes) -> tuple[Any, ...]:
    """The values that a sound frame consists of; nobody changes them."""
    plain = pieces(unpacked(frame))
    return tuple(msgpack.unpackb(piece, strict_map_key=False) for piece in plain)


def written(point: Point, parts: Any, chance: Random, sealed: bool) -> bytes:
    """The frame of these parts; `sealed`: what it proves is chained and signed again."""
    if not isinstance(parts, list) or not parts:
        return spelt(parts, chance)
    head, bodies = parts[0], [spelt(part, chance) for part in parts[1:]]
    if sealed and isinstance(head, list) and head:
        try:
            if head[0] == 3:
                head = resealed(point, head, bodies)
            elif head[0] == 0:
                head = [*head[:4], [recertified(point, data) for data in head[4]], *head[5:]]
        except (TypeError, ValueError, LookupError, AttributeError, LogError, OverflowError):
            # It is too far from a message for anything to be signed.
            head = parts[0]
    return spelt(head, chance) + b"".join(bodies)


def resealed(point: Point, head: list[Any], bodies: list[bytes]) -> list[Any]:
    """The head of `runs` with the hash of each run's end under seals that hold."""
    _, number, position, authors, seals, runs = head
    waiting, leaves = list(bodies), []
    counted = [min(run[3], len(bodies)) for run in runs]
    if len(runs) == 1 and counted[0] != len(bodies):
        runs = [[*runs[0][:3], len(bodies), *runs[0][4:]]]
        counted = [len(bodies)]
    for run, count in zip(runs, counted, strict=True):
        author = point.peer if run[1] == 0 else authors[run[1] - 1]
        previous = chain_start(point.replica.site, run[0], author)
        if run[2] > 1:
            short = run[4] if len(run) == 5 else b""
            db = point.replica.store.db
            previous = logs.place_of(db, run[0], author, run[2] - 1, short)[0][1]
        for body in waiting[:count]:
            previous = chain_next(previous, body)
        del waiting[:count]
        leaves.append(seal_leaf(run[0], run[2] + count - 1, previous))
    own = tuple(leaf for run, leaf in zip(runs, leaves, strict=True) if run[1] == 0)
    signed = []
    for author, made, named, signature in seals:
        key = point.keys.get(point.peer if author == 0 else authors[author - 1])
        covered = tuple(leaves[e] if type(e) is int else e for e in named) or own
        if key is not None:
            who = key.public_key().public_bytes_raw()
            signature = key.sign(_signed_bytes(point.replica.site, who, made, covered))
        signed.append([author, made, named, signature])
    return [3, number, position, authors, signed, runs]


def recertified(point: Point, data: bytes) -> bytes:
    """A certificate under the signature of the issuer that it names."""
    parts = msgpack.unpackb(data, strict_map_key=False)
    again: bytes = msgpack.packb(signed_again(parts, point.keys[parts[8]]))
    return again


# --- what must not come of them


def faults_at(point: Point, frames: Sequence[bytes], *, thorough: bool = False) -> str | None:
    """Let frames in, one after another, at a point whose store is set back; what is wrong, or None.

    `thorough`: the whole store is looked at too. It is set back again where it was changed.
    """
    db = point.replica.store.db
    first = db.total_changes
    first_of_files = changes_of_files(point.replica)
    session = point.twin()
    words: str | None = None
    for frame in frames:
        before, files_before = db.total_changes, changes_of_files(point.replica)
        try:
            effects = session.receive(frame)
        except Exception as error:  # noqa: BLE001 - whatever escapes is the fault that is looked for
            words = f"{type(error).__name__}: {error}"
            break
        words = fault_of_effects(session, effects)
        if words is None and session.stage is Stage.CLOSED and db.total_changes != before == first:
            words = _changed_rows(point)
        if session.stage is Stage.CLOSED and changes_of_files(point.replica) != files_before:
            words = words or "of a refused frame something was kept among the files"
        if words is not None or session.stage is Stage.CLOSED:
            break
    if db.in_transaction:
        words = words or "a transaction was left open"
    if (db.total_changes, changes_of_files(point.replica)) != (first, first_of_files):
        if words is None and thorough:
            words = fault_of_store(point.replica)
        point.set_back()
    return None if words is None else f"{point.name}: {words}"


def changes_of_files(replica: Replica) -> int:
    """How often anything was changed in the files beside a store."""
    db = files_of(replica)
    return 0 if db is None else db.total_changes


def _changed_rows(point: Point) -> str | None:
    """Which rows a refused frame changed, None where the bytes alone did."""
    if point.replica.store.db.serialize() == point.image:
        return None
    after = set(rows_of(point.replica))
    point.set_back()
    changed_rows = after ^ set(rows_of(point.replica))
    return f"a refused frame changed {sorted(changed_rows)[:2]}" if changed_rows else None


def fault_of_effects(session: Session, effects: list[Effect]) -> str | None:
    """Whether the session ends by name, and says only what its peer can read."""
    if len(effects) > EFFECTS_MAX:
        return f"one frame had {len(effects)} effects"
    ends = [effect for effect in effects if isinstance(effect, Close)]
    if bool(ends) is not (session.stage is Stage.CLOSED):
        return "a session closed without a word, or says so and goes on"
    if any(not isinstance(end.error, LogError) for end in ends):
        return "a session ended without a named error"
    for effect in effects:
        if isinstance(effect, Send):
            if len(effect.frame) > FRAME_BYTES_MAX:
                return f"a frame of {len(effect.frame)} bytes was sent"
            if effect.frame[:1] == MARK and effect.frame[1] & GOES_ON:
                # Only who had those before it can read it.
                continue
            try:
                messages.read(unpacked(effect.frame))
            except LogError as error:
                return f"a frame was sent that nobody reads: {error}"
    return None


def fault_of_store(replica: Replica) -> str | None:
    """Whether what is stored is the fold of the entries, and the rows follow from it."""
    streams = [row[0] for row in replica.store.db.execute("SELECT stream FROM stream")]
    for stream in streams:
        if replica.state(stream).fingerprint() != fresh_fold(replica, stream).fingerprint():
            return f"the state of {stream.hex()} is not the fold of its entries"
    before = dump_projections(replica.store.db)
    replica.rebuild_projections()
    after = dump_projections(replica.store.db)
    different = [table for table in before if before[table] != after[table]]
    if different:
        return f"rows made anew differ: {different}"
    return next(iter(check_files(replica)), None)
