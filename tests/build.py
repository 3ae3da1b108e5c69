"""Builds real sites for tests: a site key, hubs and phones on real files, and their sessions.

Everything that a running program takes from outside is given here: each replica has a clock of
its own that tests set, and entropy from a seed. Holds no assertions. Invariant: the same seed
builds the same site, byte for byte.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import REVOKED, Kind, Role
from core.dispatch.reading import PRESENT, Reading
from core.log import messages
from core.log.certificate import Certificate, issue
from core.log.chain import chain_start, seal_leaf
from core.log.entry import FORMAT, Cursor, Entry, encode
from core.log.packing import Unpacker
from core.log.seal import make_seal
from core.log.session import Effect, Send, Session, Stage
from core.log.stream import Stored, StreamState
from replica import logs
from replica.files import MACHINE_FILES
from replica.generation import begin_anew
from replica.identity import KEY_FILE, load_identity, load_or_make_key, public_bytes, save_identity
from replica.projection.day import Track, tracks_in
from replica.replica import Replica, Touched
from replica.shelf import ReplicaShelf
from replica.store import STORE_FILE, Store
from tests.in_memory import STORES_IN_MEMORY, blank_store

# 2026-03-02 07:00 UTC, a Monday.
START_MS = 1_772_434_800_000
MINUTE_MS = 60_000
YEAR_MS = 365 * 86_400_000


class SettableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, wall_ms: int = START_MS, uptime_ms: int = 5_000_000, boot: int = 7) -> None:
        self.wall_ms = wall_ms
        self.up_ms = uptime_ms
        self.boot_number = boot

    def now_ms(self) -> int:
        return self.wall_ms

    def uptime_ms(self) -> int:
        return self.up_ms

    def boot(self) -> int:
        return self.boot_number

    def pass_ms(self, duration_ms: int) -> None:
        """Let time go by on both clocks."""
        self.wall_ms += duration_ms
        self.up_ms += duration_ms


class Entropy:
    """Bytes that follow from a seed alone."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._taken = 0

    def __call__(self, length: int) -> bytes:
        self._taken += 1
        data = self._seed + self._taken.to_bytes(8, "big")
        return blake2b(data, digest_size=length, person=b"entropy").digest()


def clock_of(replica: Replica) -> SettableClock:
    """The clock that a replica of these tests was given."""
    clock = replica.clock
    assert isinstance(clock, SettableClock)
    return clock


@dataclass
class Site:
    """One site below `folder`; everything in it follows from `seed`.

    `in_memory`: its stores are, so none of them can be opened again.
    """

    folder: Path
    seed: str = "site"
    in_memory: bool = False
    opened: list[Replica] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entropy = Entropy(self.seed)
        self.key = Ed25519PrivateKey.from_private_bytes(self.entropy(32))

    @property
    def site(self) -> bytes:
        return public_bytes(self.key)

    # --- replicas

    def hub(self, letter: str = "A", clock: SettableClock | None = None) -> Replica:
        """A hub certified by the site key; its certificate stands in its site stream."""
        folder, key = self._new_folder(f"hub-{letter}")
        unsigned = self._unsigned(public_bytes(key), letter.encode(), Role.HUB, self.site)
        certificate = issue(unsigned, self.key)
        save_identity(folder, self.site, (certificate,))
        hub = self._open(folder, clock or SettableClock())
        publish(hub, certificate)
        return hub

    def hub_again(self, hub: Replica) -> Replica:
        """The hub under a new key, as one that was restored has it; it holds nothing yet."""
        folder, key = self._new_folder(f"hub-again-{len(self.opened)}")
        own = hub.identity.own
        until = own.session_until + 1
        unsigned = self._unsigned(public_bytes(key), own.subject, Role.HUB, self.site, (), until)
        certificate = issue(unsigned, self.key)
        save_identity(folder, self.site, (certificate,))
        again = self._open(folder, SettableClock(hub.clock.now_ms()))
        publish(again, certificate)
        return again

    def hub_restored(self, hub: Replica, data: bytes) -> Replica:
        """The hub with an older copy of its file in the same folder, begun anew under a new key."""
        folder, clock, own = hub.store.path.parent, clock_of(hub), hub.identity.own
        hub.close()
        self.opened.remove(hub)
        for suffix in ("-wal", "-shm"):
            Path(f"{hub.store.path}{suffix}").unlink(missing_ok=True)
        hub.store.path.write_bytes(data)
        store = Store(hub.store.path)
        begin_anew(store, self.entropy)
        store.close()
        author = public_bytes(load_or_make_key(folder / KEY_FILE, self.entropy))
        unsigned = self._unsigned(author, own.subject, Role.HUB, self.site)
        certificate = issue(unsigned, self.key)
        save_identity(folder, self.site, (certificate,))
        restored = self._open(folder, clock)
        publish(restored, certificate)
        return restored

    def worker(self, hub: Replica, name: str) -> bytes:
        """A worker's stream, written by a hub."""
        worker = acts.new_stream_id(Kind.WORKER, START_MS, self.entropy(7))
        hub.write(acts.edit_worker(worker, {"name": name}))
        return worker

    def phone(
        self,
        hub: Replica,
        worker: bytes,
        *,
        rights: tuple[str, ...] = (),
        session_until: int = START_MS + YEAR_MS,
        clock: SettableClock | None = None,
        role: Role = Role.WORKER,
        announced: bool = True,
    ) -> Replica:
        """A phone of `worker`, certified by `hub`; `announced`: in the hub's site stream too."""
        folder, key = self._new_folder(f"phone-{len(self.opened)}")
        author, issuer = public_bytes(key), hub.identity.author
        unsigned = self._unsigned(author, worker, role, issuer, rights, session_until)
        certificate = issue(unsigned, hub.identity.key)
        save_identity(folder, self.site, (certificate, hub.identity.own))
        if announced:
            publish(hub, certificate)
        return self._open(folder, clock or SettableClock())

    def _new_folder(self, name: str) -> tuple[Path, Ed25519PrivateKey]:
        folder = self.folder / name
        folder.mkdir(parents=True)
        return folder, load_or_make_key(folder / KEY_FILE, self.entropy)

    def _unsigned(
        self,
        author: bytes,
        subject: bytes,
        role: Role,
        issuer: bytes,
        rights: tuple[str, ...] = (),
        session_until: int = START_MS + 20 * YEAR_MS,
    ) -> Certificate:
        return Certificate(
            self.site, author, subject, int(role), rights, session_until, b"", issuer
        )

    def _open(self, folder: Path, clock: SettableClock, reading: Reading = PRESENT) -> Replica:
        identity = load_identity(folder)
        assert identity is not None
        entropy = Entropy(f"{self.seed} {folder.name} {len(self.opened)}")
        path = folder / STORE_FILE
        if not self.in_memory and not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(blank_store())
        store = Store(path, STORES_IN_MEMORY if self.in_memory else MACHINE_FILES)
        replica = Replica(store, identity, clock, entropy, reading)
        self.opened.append(replica)
        return replica

    def reopen(self, replica: Replica, reading: Reading = PRESENT) -> Replica:
        """The replica as its files hold it: what is left after its process was killed."""
        folder = replica.store.path.parent
        replica.close()
        self.opened.remove(replica)
        return self._open(folder, clock_of(replica), reading)

    def copy(self, replica: Replica) -> bytes:
        """What the replica's file holds now."""
        replica.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return replica.store.path.read_bytes()

    def restore(self, replica: Replica, data: bytes, *, new_generation: bool = True) -> Replica:
        """The replica with an old copy of its file, under a new generation or as it was."""
        self.opened.remove(replica)
        replica.close()
        for suffix in ("-wal", "-shm"):
            Path(f"{replica.store.path}{suffix}").unlink(missing_ok=True)
        replica.store.path.write_bytes(data)
        restored = self._open(replica.store.path.parent, clock_of(replica))
        if not new_generation:
            return restored
        with restored.store.transaction():
            restored.store.put("generation", self.entropy(8))
        return self.reopen(restored)

    def clone(self, replica: Replica) -> Replica:
        """A second replica with the same key and a copy of the file: what forks logs."""
        source = replica.store.path.parent
        replica.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        folder = source.with_name(f"{source.name}-clone-{len(self.opened)}")
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
        return self._open(folder, SettableClock(replica.clock.now_ms()))

    def close(self) -> None:
        """Close every file that is still open."""
        for replica in self.opened:
            replica.close()

    # --- contents

    def new_id(self, kind: Kind, at_ms: int = START_MS) -> bytes:
        """The id of a new stream."""
        return acts.new_stream_id(kind, at_ms, self.entropy(7))

    def job(self, hub: Replica, title: str, *workers: bytes) -> tuple[bytes, list[bytes]]:
        """A job, assigned to workers by its first act; its stream and the turns."""
        job = self.new_id(Kind.JOB, hub.clock.now_ms())
        turns = [self.entropy(8) for _ in workers]
        changes = acts.create_job(job, {"title": title})
        for worker, turn in zip(workers, turns, strict=True):
            changes += acts.assign(job, worker, turn)
        hub.write(changes)
        return job, turns


def publish(hub: Replica, certificate: Certificate) -> None:
    """Write a certificate to the site stream, as enrolment does."""
    hub.write(acts.certify(certificate.author, certificate.to_bytes()))


def revoke(hub: Replica, author: bytes) -> None:
    """Revoke a key in the site stream, and cut its logs where the hub holds any."""
    changes = [Change(SITE_STREAM, (REVOKED, author), True)]
    for (stream,) in hub.store.db.execute("SELECT stream FROM log WHERE author = ?", (author,)):
        changes += [
            Change(stream, (1, author), [row.height, row.head])
            for row in logs.log_rows(hub.store.db, stream)
            if row.author == author
        ]
    hub.write(changes)


def force(replica: Replica, stream: bytes, changes: list[Change], version: int = FORMAT) -> None:
    """Write an entry without asking what its author may: a program of another version, or a liar.

    Raises:
        LogError: it is no entry at all.
    """
    state = replica.state(stream)
    log = state.logs.get((replica.author, b""))
    start = chain_start(replica.site, stream, replica.author)
    previous = log.head if log is not None else start
    cursor = log.cursors.get(version) if log is not None else None
    draft = Entry(
        wall_ms=replica.clock.now_ms() // 10 * 10,
        changes=tuple((change.path, change.value) for change in changes),
        seen=tuple(state.unseen_by((replica.author, b""))),
        version=version,
    )
    walked = cursor.copy() if cursor is not None else Cursor.at_start(stream)
    body, entry_hash, _ = encode(draft, walked, previous)
    seq = (log.height if log is not None else 0) + 1
    with replica.store.transaction():
        replica.add(stream, Stored(replica.author, seq, previous, entry_hash, body))
        replica.finish(Touched({stream}))


# --- sessions


@dataclass
class Meeting:
    """One session between two replicas in memory; frames lie in queues until they are delivered.

    `sent[0]` holds all frames of the side that opened, `sent[1]` those of the other, in order;
    `told` the streams that changed at each.
    """

    opener: Replica
    listener: Replica
    channel: bytes = b""

    def __post_init__(self) -> None:
        self.replicas = (self.opener, self.listener)
        self.sessions = tuple(
            Session(
                ReplicaShelf(replica),
                opens=replica is self.opener,
                nonce=replica.entropy(16),
                channel=self.channel,
            )
            for replica in self.replicas
        )
        self.sent: tuple[list[bytes], list[bytes]] = ([], [])
        self.waiting: tuple[list[bytes], list[bytes]] = ([], [])
        self.effects: tuple[list[Effect], list[Effect]] = ([], [])
        self.told: tuple[set[bytes], set[bytes]] = (set(), set())

    def carry(self, side: int, effects: list[Effect]) -> None:
        """Queue what `side` sends, keep its other effects."""
        for effect in effects:
            if isinstance(effect, Send):
                self.sent[side].append(effect.frame)
                self.waiting[1 - side].append(effect.frame)
            else:
                self.effects[side].append(effect)

    def start(self) -> Meeting:
        """Let the opener speak."""
        self.carry(0, self.sessions[0].open())
        return self

    def deliver(self, side: int) -> bool:
        """Give `side` its next frame; False if none waits."""
        if not self.waiting[side]:
            return False
        frame = self.waiting[side].pop(0)
        self.carry(side, self.sessions[side].receive(frame))
        return True

    def tell(self) -> bool:
        """Tell both sides what was committed at their replica; False if nothing was."""
        told = False
        for side in (0, 1):
            changed = self.replicas[side].take_changed()
            if changed:
                told = True
                self.told[side].update(changed)
                self.carry(side, self.sessions[side].changed(changed))
        return told

    def run(self, deliveries_max: int = 10_000) -> Meeting:
        """Deliver frames until none waits and nobody has anything to tell."""
        for _ in range(deliveries_max):
            moved = self.deliver(1) | self.deliver(0)
            if not moved and not self.tell():
                return self
        raise AssertionError(f"the session does not end after {deliveries_max} deliveries")

    @property
    def stages(self) -> tuple[Stage, Stage]:
        """Where both sides stand."""
        return self.sessions[0].stage, self.sessions[1].stage

    @property
    def live(self) -> bool:
        """Whether both sides say that they hold the same."""
        return self.stages == (Stage.LIVE, Stage.LIVE)

    def read(self, side: int) -> list[messages.Message]:
        """The messages that `side` sent."""
        return [messages.read(frame) for frame in self.plain(side)]

    def plain(self, side: int) -> list[bytes]:
        """The frames that `side` sent, as they were before they were packed."""
        unpacker = Unpacker()
        return [unpacker.unpacked(frame) for frame in self.sent[side]]


def hold(opener: Replica, listener: Replica) -> Meeting:
    """A whole session; its `sent` are the frames each way."""
    return Meeting(opener, listener).start().run()


def interrupted(opener: Replica, listener: Replica, deliveries: int) -> Meeting:
    """A session that the network cuts after so many frames were delivered."""
    meeting = Meeting(opener, listener).start()
    side = 1
    for _ in range(deliveries):
        if not (meeting.deliver(side) or meeting.deliver(1 - side)):
            break
        side = 1 - side
    return meeting


def agree(*replicas: Replica, streams: set[bytes] | None = None) -> bool:
    """Whether replicas have equal folds of the streams that all of them hold (or of `streams`)."""
    held = [streams_of(replica) for replica in replicas]
    shared = set.intersection(*held) if streams is None else streams
    assert shared, "replicas that share nothing agree on nothing"
    return all(
        len({replica.state(stream).fingerprint() for replica in replicas}) == 1 for stream in shared
    )


def streams_of(replica: Replica) -> set[bytes]:
    """The streams that a replica holds and did not leave."""
    rows = replica.store.db.execute("SELECT stream FROM stream WHERE left_at IS NULL")
    return {row[0] for row in rows}


def tracks_held(replica: Replica) -> list[Track]:
    """The tracks of all days that a replica holds."""
    dated: dict[tuple[bytes, bytes], list[StreamState]] = {}
    for stream in sorted(streams_of(replica), reverse=True):
        if stream[4] in (Kind.DAY, Kind.TRACK):
            dated.setdefault((stream[:4], stream[5:]), []).append(replica.state(stream))
    return [track for key in sorted(dated) for track in tracks_in(*dated[key])]


def notes_of(replica: Replica) -> list[str]:
    """The texts of the notes that stand, sorted."""
    return sorted(row[0] for row in replica.store.db.execute("SELECT text FROM note"))


def put(source: Replica, target: Replica, stream: bytes) -> None:
    """Bring a whole stream, as its author that joined again under a new key would."""
    with target.store.transaction() as db:
        for log in source.state(stream).logs.values():
            target.add_chain(stream, [placed.stored for placed in log.placed])
        for row in logs.log_rows(db, stream):
            if row.author == source.author:
                leaves = (seal_leaf(stream, row.height, row.head),)
                seal = make_seal(source.site, row.author, source.identity.key, 1, leaves)
                logs.cover(db, row, logs.keep_seal(db, seal))
        target.finish(Touched({stream}))


def rows_of(replica: Replica, without: Callable[[str], bool] = lambda name: False) -> list[str]:
    """Every row of every table as text, sorted: to see that nothing changed."""
    return sorted(_rows(replica, without))


def _rows(replica: Replica, without: Callable[[str], bool]) -> Iterator[str]:
    db = replica.store.db
    for _, name, kind, *_ in db.execute("PRAGMA main.table_list").fetchall():
        # Shadow tables are an index's own affair; it is read through the table that it serves.
        if kind != "shadow" and name != "sqlite_schema" and not without(name):
            for row in db.execute(f'SELECT * FROM "{name}"'):
                yield f"{name} {tuple(row)!r}"


def fresh_fold(replica: Replica, stream: bytes) -> StreamState:
    """The fold of a stream from what the file holds, past every cache."""
    entries = logs.stored_entries(replica.store.db, stream)
    standings = {entry.author: replica.standing(entry.author) for entry in entries}
    reading = replica.reading
    return StreamState.build(
        replica.site, stream, entries, standings, reading.permits, reading.formats
    )
