"""How fast another's entries are merged: checked, durable and ready to be asked.

The frames that a listening hub was sent while the trace was written, a thousand ops at a time, are
taken into a hub that holds nothing and collects cycles as seldom as a program that serves; so are
those of one first sync. Peers and floors take turns with it on the same trace. Invariant: after
the last frame the taking side holds what was sent.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from core.log import messages
from core.log.certificate import Certificate
from core.log.messages import Runs
from replica.collecting import collecting_seldom
from replica.shelf import ReplicaShelf
from tests.bench import floors
from tests.bench.measuring import ROUNDS, Row, Timing, in_turns, median_rate, median_us, watched
from tests.bench.peering import Peers
from tests.bench.stores import Built, runs_of

# What is to be reached of the floor of plain SQL where cr-sqlite can't be had.
SQL_SHARE_MIN = 0.27


def take_live(built: Built) -> Timing:
    """Hub B takes every epoch; what came before the first is no part of the time."""
    settled, *epochs = built.live
    return _take(built, "hub-B-new", settled, [frame for epoch in epochs for frame in epoch])


def take_first(built: Built) -> Timing:
    """Hub C takes the whole site in one go."""
    return _take(built, "hub-C-new", (), built.first)


def _take(built: Built, name: str, before: Sequence[bytes], frames: Sequence[bytes]) -> Timing:
    sender = built.certificate("hub-A")
    with built.replica(name) as replica:
        shelf = ReplicaShelf(replica)
        replica.adopt_certificate(sender)
        for frame in runs_of(tuple(before)):
            take_frame(shelf, frame, sender)
        carried = runs_of(tuple(frames))
        count = 0
        with collecting_seldom(), watched() as watch:
            for frame in carried:
                count += take_frame(shelf, frame, sender)
    return watch.of(count)


def take_frame(shelf: ReplicaShelf, frame: bytes, sender: Certificate) -> int:
    """Read one frame and take it; how many entries it brought."""
    runs = messages.read(frame)
    assert isinstance(runs, Runs)
    refused = shelf.take(sender, runs)
    assert not refused, refused
    return sum(len(run.bodies) for run in runs.runs)


def signatures_of(built: Built) -> int:
    """How many signatures the live frames bring for all their entries."""
    found = 0
    for epoch in built.live[1:]:
        for frame in runs_of(epoch):
            runs = messages.read(frame)
            assert isinstance(runs, Runs)
            found += len(runs.seals)
    return found


def merge_rows(built: Built, peers: Peers | None, rounds: int = ROUNDS) -> list[Row]:
    """Ours, the floors and the peers in turns."""
    packed = floors.packed(built.trace.ops)
    bodies = bodies_of(built)
    signatures = signatures_of(built)
    works: dict[str, Callable[[], Timing]] = {
        "live": lambda: take_live(built),
        "plain SQL, NORMAL": lambda: floors.merge_by_sql(packed),
        "plain SQL, FULL": lambda: floors.merge_by_sql(packed, "FULL"),
        "first": lambda: take_first(built),
        "bare inserts, FULL": lambda: floors.insert_bodies(bodies),
        "bare verification": lambda: floors.verify(signatures),
        "bare sockets": lambda: floors.send_frames(built.first),
    }
    for name in peers.versions if peers is not None else ():
        works[name] = _peer_merge(peers, name)
    found = in_turns(works, rounds)
    return _rows(found, peers, signatures / len(bodies))


def _peer_merge(peers: Peers | None, name: str) -> Callable[[], Timing]:
    assert peers is not None
    return lambda: peers.timed(name, "merge")


def _rows(found: dict[str, list[Timing]], peers: Peers | None, signatures_each: float) -> list[Row]:
    live, unit = median_rate(found["live"]), "entries/s"
    sql = median_rate(found["plain SQL, NORMAL"])
    rows = [
        Row("bench_merge", live, unit, "plain SQL, NORMAL (no log, no signature, no history)", sql,
            f">= {SQL_SHARE_MIN} of it", live / sql >= SQL_SHARE_MIN)
    ]  # fmt: skip
    beside = ("plain SQL, FULL", "bare inserts, FULL", *(peers.versions if peers else ()))
    rows += [Row("bench_merge", live, unit, name, median_rate(found[name])) for name in beside]
    first = median_rate(found["first"])
    rows.append(Row("bench_first_merge", first, unit, "plain SQL, NORMAL", sql))
    ours_us = median_us(found["live"])
    share = signatures_each * median_us(found["bare verification"])
    rows.append(Row("bench_merge_processor", ours_us, "us/entry", "its signatures alone", share))
    sql_us = median_us(found["plain SQL, NORMAL"])
    rows.append(Row("bench_merge_processor", ours_us, "us/entry", "plain SQL, NORMAL", sql_us))
    entries = statistics.median(timing.count for timing in found["first"])
    sockets_s = statistics.median(timing.wall_s for timing in found["bare sockets"])
    rows.append(
        Row("bench_first_merge", first, unit, "its frames over bare sockets", entries / sockets_s)
    )
    return rows


def bodies_of(built: Built) -> list[bytes]:
    """All entries of the first sync as they are."""
    bodies: list[bytes] = []
    for frame in runs_of(built.first):
        runs = messages.read(frame)
        assert isinstance(runs, Runs)
        bodies += [body for run in runs.runs for body in run.bodies]
    return bodies
