"""Minutes are conserved: no moment of a worker's day is counted twice, and no minute is made up.

What counts, and the rows of `time_log`, are measured by each other and by the stretches as they
really were: a log that one boot covers never counts for longer than it ran, whatever the clock of
the phone said; and where no clock jumped all its time counts, for it or for another. Where a phone
learnt within a boot how far its clock stands off, its logs are placed by one of what it said, and
by so much another's shown times may differ. Does not know the rules of what counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from core.dispatch.acts import day_stream
from core.dispatch.timelog import LOG_MS_MAX, TimeLog, moments_by_boot
from core.dispatch.workday import logs_of
from replica.projection.day import CountedInterval, intervals_of

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World
    from simulator.world.truth import Stretch

# Rounding to whole seconds, and the moment between the tap and the entry.
SLACK_S = 2.0
# A crystal that runs wrong by a thousandth would be a broken one.
DRIFT_MAX = 0.001


def wrong(world: World) -> Iterator[str]:
    """Where time was counted twice, made up or lost."""
    jumps = bool(world.options.clock_upsets_per_day)
    for machine in world.machines:
        counted = _counted(machine)
        yield from _twice(machine, counted)
        yield from _sums(machine, counted)
        rows = machine.store.db.execute(
            "SELECT log, seconds, superseded, start_at, stop_at FROM time_log"
        )
        row_by_log = {bytes.fromhex(row[0]): row[1:] for row in rows.fetchall()}
        moved_s = _moved_s(machine, counted)
        for stretch in world.truth.stretches.values():
            if stretch.log in row_by_log and stretch.log not in world.truth.corrected:
                row = row_by_log[stretch.log]
                own = [
                    piece
                    for (who, _), day in counted.items()
                    if who == stretch.worker
                    for piece in day
                ]
                by_s = moved_s.get((stretch.worker, stretch.boot), 0.0)
                yield from _against_truth(machine, stretch, own, by_s, *row, jumps=jumps)


def _moved_s(
    machine: Machine, counted: dict[tuple[bytes, str], list[CountedInterval]]
) -> dict[tuple[bytes, int], float]:
    """By worker and boot how far apart the times are at which it began, as its logs say."""
    logs: dict[bytes, list[TimeLog]] = {}
    for worker, day in counted:
        state = machine.replica.state(day_stream(worker, day))
        logs.setdefault(worker, []).extend(read.log for read in logs_of(state, worker))
    return {
        (worker, boot): (max(told) - min(told)) / 1_000
        for worker, own in logs.items()
        for boot, told in moments_by_boot(own).items()
    }


def _counted(machine: Machine) -> dict[tuple[bytes, str], list[CountedInterval]]:
    """What counts, by worker and day, wherever there is a log."""
    days = machine.store.db.execute("SELECT DISTINCT worker, day FROM time_log").fetchall()
    found = {}
    for name, day in days:
        worker = bytes.fromhex(name)
        found[(worker, day)] = intervals_of(machine.replica, worker, day)
    return found


def _twice(
    machine: Machine, counted: dict[tuple[bytes, str], list[CountedInterval]]
) -> Iterator[str]:
    for (worker, day), pieces in counted.items():
        for before, after in pairwise(pieces):
            if before.end_ms is not None and before.end_ms > after.start_ms:
                yield f"{machine.name} counts a moment of worker {worker.hex()} on {day} twice"


def _sums(
    machine: Machine, counted: dict[tuple[bytes, str], list[CountedInterval]]
) -> Iterator[str]:
    """What a log counts for is the sum of its intervals."""
    rows = machine.store.db.execute(
        "SELECT worker, day, log, seconds FROM time_log WHERE stop_at NOTNULL"
    )
    for worker, day, log, seconds in rows.fetchall():
        summed_ms = sum(
            piece.end_ms - piece.start_ms
            for piece in counted[(bytes.fromhex(worker), day)]
            if piece.log.hex() == log and piece.end_ms is not None
        )
        if abs(seconds - summed_ms / 1_000) > 1:
            yield f"{machine.name}: log {log} counts {seconds} s, its intervals {summed_ms} ms"


def _against_truth(
    machine: Machine,
    stretch: Stretch,
    counted: list[CountedInterval],
    moved_s: float,
    seconds: int,
    superseded: int,
    start_at: int,
    stop_at: int | None,
    *,
    jumps: bool,
) -> Iterator[str]:
    if stretch.stop_s is None or stop_at is None or stretch.boot != stretch.stop_boot:
        return
    true_s = stretch.stop_s - stretch.start_s
    slack_s = SLACK_S + true_s * DRIFT_MAX
    name = f"{machine.name}: log {stretch.log.hex()} of {true_s:.0f} s"
    if seconds > true_s + slack_s:
        yield f"{name} counts for {seconds} s"
    if not superseded and not jumps:
        counted_s = _counted_s(counted, start_at, stop_at)
        # A log that was left running over a day counts for a day, by rule.
        if counted_s < min(true_s, LOG_MS_MAX / 1_000) - slack_s - moved_s:
            yield f"{name} counts for {seconds} s, and only {counted_s:.0f} s of its time count"


def _counted_s(counted: list[CountedInterval], start_ms: int, stop_ms: int) -> float:
    """How much of a stretch of a worker's time counts for any log."""
    return sum(
        (min(piece.end_ms, stop_ms) - max(piece.start_ms, start_ms)) / 1_000
        for piece in counted
        if piece.end_ms is not None and piece.end_ms > start_ms and piece.start_ms < stop_ms
    )
