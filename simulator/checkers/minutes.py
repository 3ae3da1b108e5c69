"""Minutes are conserved: no moment of a worker's day is counted twice, and no minute is made up.

The rows of `interval` and `time_log` are measured by each other and by the stretches as they really
were: a log that one boot covers never counts for longer than it ran, whatever the phone's clock
said; and where no clock jumped all its time counts, for it or for another. Does not know the rules
of what counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.dispatch.timelog import LOG_MS_MAX

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
        yield from _twice(machine)
        yield from _sums(machine)
        rows = machine.store.db.execute(
            "SELECT log, seconds, superseded, start_at, stop_at FROM time_log"
        )
        row_by_log = {bytes.fromhex(row[0]): row[1:] for row in rows.fetchall()}
        for stretch in world.truth.stretches.values():
            if stretch.log in row_by_log and stretch.log not in world.truth.corrected:
                row = row_by_log[stretch.log]
                yield from _against_truth(machine, stretch, *row, jumps=jumps)


def _twice(machine: Machine) -> Iterator[str]:
    rows = machine.store.db.execute(
        "SELECT worker, day, start_at, end_at FROM interval ORDER BY worker, day, start_at"
    ).fetchall()
    for before, after in zip(rows, rows[1:], strict=False):
        same = before[:2] == after[:2]
        if same and before[3] is not None and before[3] > after[2]:
            yield f"{machine.name} counts a moment of worker {after[0]} on {after[1]} twice"


def _sums(machine: Machine) -> Iterator[str]:
    """What a log counts for is the sum of its intervals."""
    rows = machine.store.db.execute(
        "SELECT time_log.log, seconds, coalesce(sum(end_at - interval.start_at), 0) FROM time_log "
        "LEFT JOIN interval USING (worker, day, log) WHERE stop_at NOTNULL GROUP BY 1, worker, day"
    )
    for log, seconds, summed_ms in rows.fetchall():
        if abs(seconds - summed_ms / 1_000) > 1:
            yield f"{machine.name}: log {log} counts {seconds} s, its intervals {summed_ms} ms"


def _against_truth(
    machine: Machine,
    stretch: Stretch,
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
        counted_s = _counted_s(machine, stretch.worker, start_at, stop_at)
        # A log that was left running over a day counts for a day, by rule.
        if counted_s < min(true_s, LOG_MS_MAX / 1_000) - slack_s:
            yield f"{name} counts for {seconds} s, and only {counted_s:.0f} s of its time count"


def _counted_s(machine: Machine, worker: bytes, start_ms: int, stop_ms: int) -> float:
    """How much of a stretch of a worker's time counts for any log."""
    (counted_ms,) = machine.store.db.execute(
        "SELECT coalesce(sum(min(end_at, ?2) - max(start_at, ?1)), 0) FROM interval "
        "WHERE worker = ?3 AND end_at > ?1 AND start_at < ?2",
        (start_ms, stop_ms, worker.hex()),
    ).fetchone()
    return float(counted_ms) / 1_000
