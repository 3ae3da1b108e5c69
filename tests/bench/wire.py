"""Bytes and round trips: a worker's day, a reconnect, a first sync, a day apart, a repair.

Real sessions between real stores over a link in memory; frames are counted as they are, and what
compression would make of them is worked out afterwards. Holds no times.
Invariant: every session counted here ends live, both sides holding the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgpack

from core.dispatch import acts
from core.dispatch.fields import Kind
from core.log import messages
from core.log.messages import Hello, Message, Proof, Runs
from replica.replica import Replica
from tests.bench import peering, squeezing
from tests.bench.acting import SETTLED_MS, Acting, worker_of
from tests.bench.measuring import Row
from tests.bench.peering import PeerError, Peers
from tests.bench.site import ACCOUNT
from tests.bench.squeezing import DICTIONARY_BYTES
from tests.bench.stores import Built, runs_of
from tests.bench.trace import OFFICE, Op, worker_name
from tests.build import Entropy, Meeting, SettableClock, Site, clock_of, hold
from tests.reference_day import eight_jobs, worker_day

DAY_BYTES_MAX, DAY_BYTES_SQUEEZED_MAX = 2_400, 1_400
RECONNECT_BYTES_MAX = 100
FIRST_BYTES_MAX = 1_200_000
APART_BYTES_MAX = 90_000
REPAIR_TRIPS_MAX = 3
REPAIR_BYTES_MAX = {"scattered": 24_000, "clustered": 6_500}
JOBS_OF_THE_GOALS = 2_000


def squeezed(
    directions: Iterable[Sequence[bytes]], dictionary: Sequence[bytes] = ()
) -> dict[str, int]:
    """Bytes by way of compression, with zstd where Python or the peers' environment has it."""
    data = b"".join(dictionary)[-DICTIONARY_BYTES:]
    zstd = squeezing.zstd_module()
    if zstd is not None or not peering.python().exists():
        return squeezing.sizes(directions, data, zstd)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(msgpack.packb([[list(part) for part in directions], data]))
        command = [str(peering.python()), "-m", "tests.bench.squeezing", file.name]
        done = subprocess.run(command, cwd=peering.TOP, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(f"zstd is left out: {done.stderr.strip().splitlines()[-1]}\n")
        return squeezing.sizes(directions, data, None)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def _ways_of(name: str, sizes: dict[str, int], goal: int, words: str) -> list[Row]:
    """A row for each way of compression; each reaches the goal, where there is one, or not."""
    return [
        Row(f"{name}_bytes[{way}]", size, "bytes", "none", sizes["none"], words,
            size <= goal if goal and way != "none" else None)
        for way, size in sizes.items()
    ]  # fmt: skip


# --- a worker's day


def day_rows() -> list[Row]:
    """The reference day of 120 edits: one frame."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        hub = site.hub("A")
        ana = site.worker(hub, "Ana")
        phone = site.phone(hub, ana)
        jobs = eight_jobs(site, hub, ana)
        hold(phone, hub)
        worker_day(hub, phone, ana, jobs)
        meeting = hold(phone, hub)
        assert meeting.live
        upload = runs_of(tuple(meeting.plain(0)))
        sent = _sent(meeting, 0, lambda message: isinstance(message, Runs))
        site.close()
    size = sum(map(len, upload))
    rows = [
        Row("bench_day_bytes", size, "bytes", goal=f"<= {DAY_BYTES_MAX}",
            reached=size <= DAY_BYTES_MAX),
    ]  # fmt: skip
    words = f"<= {DAY_BYTES_SQUEEZED_MAX}"
    sizes = {"as sent": sent, **squeezed([upload])}
    return rows + _ways_of("bench_day", sizes, DAY_BYTES_SQUEEZED_MAX, words)


# --- the whole site


def reconnect_rows(built: Built, peers: Peers | None) -> list[Row]:
    """Two hubs that hold the same meet again."""
    with built.replica("hub-A") as hub, built.replica("hub-B") as other:
        hold(other, hub)
        again = hold(other, hub)
        assert again.live
    after = [_after_hello(frames) for frames in (again.plain(0), again.plain(1))]
    size, trips = max(sum(map(len, side)) for side in after), max(map(len, after))
    rows = [
        Row("bench_reconnect_bytes", size, "bytes each way",
            goal=f"<= {RECONNECT_BYTES_MAX}", reached=size <= RECONNECT_BYTES_MAX),
        Row("bench_reconnect_round_trips", trips, "round trips", goal="1", reached=trips == 1),
    ]  # fmt: skip
    found = _of_peers(peers, "nothing_new")
    return rows + [_beside(rows[0], name, size / 2) for name, size in found.items()]


def _sent(meeting: Meeting, side: int, counted: Callable[[Message], bool]) -> int:
    """Bytes, as they travelled, of those frames of a side that are to be counted."""
    travelled = zip(meeting.sent[side], meeting.read(side), strict=True)
    return sum(len(frame) for frame, message in travelled if counted(message))


def _after_hello(frames: Sequence[bytes]) -> list[bytes]:
    return [frame for frame in frames if _is_after_hello(messages.read(frame))]


def _is_after_hello(message: Message) -> bool:
    return not isinstance(message, (Hello, Proof))


def first_rows(built: Built, dictionary: Sequence[bytes], peers: Peers | None) -> list[Row]:
    """Hub C, which held nothing, comes to hold the whole site."""
    goal, words = 0, ""
    if built.trace.jobs == JOBS_OF_THE_GOALS:
        goal, words = FIRST_BYTES_MAX, f"<= {FIRST_BYTES_MAX}"
    sizes = {"as sent": built.sent, **squeezed([built.first, built.back], dictionary)}
    rows = _ways_of("bench_first", sizes, goal, words)
    ours = next(row for row in rows if "as sent" in row.name)
    found = _of_peers(peers, "first_deflated")
    return rows + _parts(built) + [_beside(ours, name, size) for name, size in found.items()]


def _parts(built: Built) -> list[Row]:
    """What the first sync consists of, before compression."""
    bodies = signatures = leaves = runs = 0
    for frame in runs_of(built.first):
        read = messages.read(frame)
        assert isinstance(read, Runs)
        bodies += sum(len(body) for run in read.runs for body in run.bodies)
        signatures += 64 * len(read.seals)
        leaves += 34 * sum(isinstance(leaf, bytes) for seal in read.seals for leaf in seal.leaves)
        runs += len(read.runs)
    return [
        Row("bench_first_entries_bytes", bodies, "bytes"),
        Row("bench_first_signatures_bytes", signatures, "bytes"),
        Row("bench_first_leaves_bytes", leaves, "bytes"),
        Row("bench_first_runs", runs, "runs"),
    ]


def apart_rows(built: Built, dictionary: Sequence[bytes], peers: Peers | None) -> list[Row]:
    """After a day apart: 200 entries of a phone's worker up, 2,000 of the office down."""
    with built.replica("hub-A") as hub, built.replica("hub-B") as other:
        hold(other, hub)
        write_all(hub, built.trace.office_window, acted(built))
        write_all(other, built.trace.phone_window, acted(built))
        meeting = hold(other, hub)
        assert meeting.live
        directions = [_after_hello(frames) for frames in (meeting.plain(0), meeting.plain(1))]
        sent = sum(_sent(meeting, side, _is_after_hello) for side in (0, 1))
    goal, words = 0, ""
    if built.trace.jobs == JOBS_OF_THE_GOALS:
        goal, words = APART_BYTES_MAX, f"<= {APART_BYTES_MAX}"
    sizes = {"as sent": sent, **squeezed(directions, dictionary)}
    rows = _ways_of("bench_apart", sizes, goal, words)
    ours = next(row for row in rows if "as sent" in row.name)
    found = _of_peers(peers, "apart_deflated")
    return rows + [_beside(ours, name, size) for name, size in found.items()]


def acted(built: Built) -> Acting:
    """What makes acts of the ops that follow the trace."""
    acting = Acting()
    for op in built.trace.ops:
        acting.act_of(op)
    return acting


def write_all(replica: Replica, ops: Sequence[Op], acting: Acting) -> None:
    """Write ops after the trace, each an act and an entry by this replica, in one transaction."""
    with replica.store.transaction():
        for op in ops:
            clock = clock_of(replica)
            clock.pass_ms(max(0, op.at_ms - clock.now_ms()))
            actor = ACCOUNT if op.writer == OFFICE else worker_of(worker_name(op.writer))
            replica.write(acting.act_of(op), actor=actor)


def _of_peers(peers: Peers | None, name: str) -> dict[str, int]:
    """A size of every peer that can be had."""
    found: dict[str, int] = {}
    for peer in peers.versions if peers is not None else ():
        try:
            assert peers is not None
            found[peer] = peers.turn(peer, "wire")[name]
        except PeerError as error:
            sys.stderr.write(f"{error}\n")
    return found


def _beside(ours: Row, peer: str, value: float) -> Row:
    return Row(ours.name, ours.value, ours.unit, f"{peer} (unsigned)", value)


# --- repair


def repair_rows(streams: int = 5_000, differing: int = 50) -> list[Row]:
    """Two hubs with so many streams, a lost mark, and some streams that one has more of."""
    rows = []
    for name in ("scattered", "clustered"):
        step = streams // differing if name == "scattered" else 1
        with tempfile.TemporaryDirectory() as folder:
            site = Site(Path(folder))
            clock = SettableClock(SETTLED_MS)
            hub, other = site.hub("A", clock), site.hub("B", clock)
            customers = _customers(hub, clock, streams)
            hold(other, hub)
            for customer in customers[: differing * step : step]:
                hub.write(acts.edit_customer(customer, {"note": "Second door"}))
            with other.store.transaction():
                other.store.db.execute("UPDATE peer SET generation = zeroblob(8), mark = 0")
            meeting, flights = _in_flights(other, hub)
            assert meeting.live
            rows += _repair_rows(name, meeting, flights)
            site.close()
    return rows


def _customers(hub: Replica, clock: SettableClock, count: int) -> list[bytes]:
    entropy = Entropy("repair")
    made = []
    with hub.store.transaction():
        for number in range(count):
            clock.pass_ms(60_000)
            made.append(acts.new_stream_id(Kind.CUSTOMER, clock.now_ms(), entropy(7)))
            hub.write(acts.edit_customer(made[-1], {"name": f"Customer {number}"}))
    return made


Flight = tuple[range, range]
"""What is under way at once: which of the frames that each side sent."""


def _in_flights(opener: Replica, listener: Replica) -> tuple[Meeting, list[Flight]]:
    """A whole session in which all that is under way arrives before anything is answered."""
    meeting = Meeting(opener, listener).start()
    flights: list[Flight] = []
    while any(meeting.waiting) or meeting.tell():
        sent = [len(frames) for frames in meeting.sent]
        due = [len(meeting.waiting[1 - side]) for side in (0, 1)]
        flights.append((range(sent[0] - due[0], sent[0]), range(sent[1] - due[1], sent[1])))
        for side, count in ((1, due[0]), (0, due[1])):
            for _ in range(count):
                meeting.deliver(side)
    return meeting, flights


def _repair_rows(name: str, meeting: Meeting, flights: list[Flight]) -> list[Row]:
    """What the repair itself took: without the hello and its answer, and what was sent by it."""
    plain = (meeting.plain(0), meeting.plain(1))
    own = [
        {
            number
            for number, frame in enumerate(frames)
            if not isinstance(messages.read(frame), (Hello, Proof, Runs, messages.Ack))
        }
        for frames in plain
    ]
    size = sum(len(plain[side][number]) for side in (0, 1) for number in own[side])
    # Compared step by step; what opens a session and ends it comes in any other one, too.
    ways = sum(
        any(isinstance(messages.read(plain[side][n]), messages.Compare) for n in flight[side])
        for flight in flights
        for side in (0, 1)
    )
    trips, goal = ways / 2, REPAIR_BYTES_MAX[name]
    return [
        Row(f"bench_repair_{name}_bytes", size, "bytes", goal=f"<= {goal}", reached=size <= goal),
        Row(f"bench_repair_{name}_trips", trips, "round trips",
            goal=f"<= {REPAIR_TRIPS_MAX}", reached=trips <= REPAIR_TRIPS_MAX),
    ]  # fmt: skip
