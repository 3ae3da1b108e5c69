"""What the store costs: bytes on disk, time to the first answer, cost of an entry as jobs grow.

Measured on copies of built sites. The answer is a worker's open jobs, from the rows that screens
ask. Invariant: both sides of a row read or write files with the same contents.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from replica.identity import load_identity, save_identity
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from tests.bench import floors
from tests.bench.acting import worker_of
from tests.bench.measuring import (
    ROUNDS,
    Row,
    Timing,
    in_turns,
    median_rate,
    median_us,
    watched,
)
from tests.bench.merging import bodies_of, take_frame
from tests.bench.peering import TOP, PeerError, Peers
from tests.bench.stores import Built, opened, runs_of
from tests.bench.wire import JOBS_OF_THE_GOALS, acted, write_all
from tests.build import Meeting

DISK_BYTES_MAX = 5_500_000
OPEN_RATIO_MAX = 2.0
GROWTH_MAX = 1.5
WINDOW_OPS = 1_000


# --- on disk


def disk_rows(built: Built, peers: Peers | None) -> list[Row]:
    """The file of a hub that took everything in, beside the entries as bare blobs."""
    store = built.folder / "hub-B" / "store.sqlite"
    size = store.stat().st_size
    blobs = floors.bytes_of_blobs(bodies_of(built))
    goal, reached = "", None
    if built.trace.jobs == JOBS_OF_THE_GOALS:
        goal, reached = f"<= {DISK_BYTES_MAX}", size <= DISK_BYTES_MAX
    rows = [Row("bench_disk_bytes", size, "bytes", "entries as bare blobs", blobs, goal, reached)]
    for name in peers.versions if peers is not None else ():
        assert peers is not None
        try:
            rows.append(
                Row("bench_disk_bytes", size, "bytes", name, peers.turn(name, "merge")["bytes"])
            )
        except PeerError as error:
            sys.stderr.write(f"{error}\n")
    return rows


# --- to the first answer

_QUESTION = "SELECT job, title FROM job WHERE worker = ? AND status = 'open'"
_MARK = "settle(store, os.urandom)\n"
_OURS = """
import json, sys, time
from pathlib import Path
from replica.clock import SystemClock
from replica.generation import settle
from replica.identity import load_identity
from replica.replica import Replica
from replica.store import STORE_FILE, Store
import os
folder = Path(sys.argv[1])
wall_s, processor_s = time.perf_counter(), time.process_time()
store, identity = Store(folder / STORE_FILE), load_identity(folder)
settle(store, os.urandom)
replica = Replica(store, identity, SystemClock(), os.urandom)
rows = replica.store.db.execute(sys.argv[2], (sys.argv[3],)).fetchall()
timing = [1, time.perf_counter() - wall_s, time.process_time() - processor_s]
replica.close()
print(json.dumps([len(rows), timing]))
"""
_BARE = """
import json, sqlite3, sys, time
wall_s, processor_s = time.perf_counter(), time.process_time()
db = sqlite3.connect(sys.argv[1] + "/store.sqlite")
rows = db.execute(sys.argv[2], (sys.argv[3],)).fetchall()
timing = [1, time.perf_counter() - wall_s, time.process_time() - processor_s]
print(json.dumps([len(rows), timing]))
"""


def open_rows(built: Built, peers: Peers | None, rounds: int = ROUNDS) -> list[Row]:
    """Open and ask, each time in a new process; what Python takes to import is no part of it."""
    with built.replica("hub-A-written") as hub:
        folder = hub.store.path.parent
        hub.close()
        works: dict[str, Callable[[], Timing]] = {
            "ours": lambda: _ask(_OURS, folder),
            "without its mark": lambda: _ask(_OURS.replace(_MARK, ""), folder),
            "bare SQLite": lambda: _ask(_BARE, folder),
        }
        for name in peers.versions if peers is not None else ():
            works[name] = _peer_open(peers, name)
        found = in_turns(works, rounds)
    ours = 1e3 / median_rate(found["ours"])
    # What the disk takes to make the mark durable that tells a copy of the folder from itself.
    unmarked, bare = (1e3 / median_rate(found.pop(n)) for n in ("without its mark", "bare SQLite"))
    name, goal = f"bench_open_{built.trace.jobs}_jobs", f"<= {OPEN_RATIO_MAX} of it"
    rows = [
        Row(name, ours, "ms", "bare SQLite", bare, goal, ours / bare <= OPEN_RATIO_MAX),
        Row(f"{name}[without its mark]", unmarked, "ms", "bare SQLite", bare, goal,
            unmarked / bare <= OPEN_RATIO_MAX),
    ]  # fmt: skip
    for name in list(found)[1:]:
        other = 1e3 / median_rate(found[name])
        rows.append(Row(f"bench_open_{built.trace.jobs}_jobs", ours, "ms", name, other))
    return rows


def _peer_open(peers: Peers | None, name: str) -> Callable[[], Timing]:
    assert peers is not None
    return lambda: peers.timed(name, "open")


def _ask(program: str, folder: Path) -> Timing:
    words = [sys.executable, "-c", program, str(folder), _QUESTION, worker_of("W007").hex()]
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=True)
    _, (count, wall_s, processor_s) = json.loads(done.stdout)
    return Timing(count, wall_s, processor_s)


# --- as jobs grow


@dataclass(frozen=True)
class _Window:
    """What the ops after a trace are to a replica that holds it: frames to take."""

    built: Built
    frames: tuple[bytes, ...]


def scale_rows(sites: Sequence[Built], rounds: int = ROUNDS) -> list[Row]:
    """The same thousand ops written, and merged, where there are few jobs and where many.

    The first site is the one that the others are measured by.
    """
    works: dict[str, Callable[[], Timing]] = {}
    for site in sites:
        window = _window(site)
        works[f"write {site.trace.jobs}"] = _writing(window)
        works[f"merge {site.trace.jobs}"] = _taking(window)
    found = in_turns(works, rounds)
    few, *larger = (site.trace.jobs for site in sites)
    return [_growth(found, what, few, many) for many in larger for what in ("write", "merge")]


def _growth(found: dict[str, list[Timing]], what: str, few: int, many: int) -> Row:
    before_us, after_us = (median_us(found[f"{what} {jobs}"]) for jobs in (few, many))
    return Row(
        f"bench_scale_{what}_{many}_jobs", after_us, "us/entry", f"with {few} jobs", before_us,
        f"<= {GROWTH_MAX} of it", after_us / before_us <= GROWTH_MAX,
    )  # fmt: skip


def _writing(window: _Window) -> Callable[[], Timing]:
    def write() -> Timing:
        ops, acting = window.built.trace.office_window[:WINDOW_OPS], acted(window.built)
        with window.built.replica("hub-A-written") as hub, watched() as watch:
            write_all(hub, ops, acting)
        return watch.of(len(ops))

    return write


def _taking(window: _Window) -> Callable[[], Timing]:
    def take() -> Timing:
        sender = window.built.certificate("hub-A")
        with window.built.replica("hub-A-written") as hub:
            other = _as_other(window.built, hub)
            shelf = ReplicaShelf(other)
            count = 0
            with watched() as watch:
                for frame in window.frames:
                    count += take_frame(shelf, frame, sender)
            other.close()
        return watch.of(count)

    return take


def _as_other(built: Built, hub: Replica) -> Replica:
    """The copied store under hub B's key: a hub that holds all that hub A wrote."""
    folder = hub.store.path.parent
    other = load_identity(built.folder / "hub-B")
    assert other is not None
    hub.close()
    key = (built.folder / "hub-B" / "replica.key").read_bytes()
    (folder / "replica.key").write_bytes(key)
    save_identity(folder, other.site, other.certificates)
    return opened(folder, built.end_ms)


def _window(built: Built) -> _Window:
    with built.replica("hub-A-written") as hub, built.replica("hub-A-written") as copy:
        other = _as_other(built, copy)
        meeting = Meeting(other, hub).start().run()
        before = len(meeting.plain(1))
        write_all(hub, built.trace.office_window[:WINDOW_OPS], acted(built))
        meeting.run()
        other.close()
        return _Window(built, tuple(runs_of(tuple(meeting.plain(1)[before:]))))
