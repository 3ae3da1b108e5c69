"""Runs: fixes inside a place that may become a visit, and which of several places is visited.

Holds when a phone is inside, away or gone, and when having been inside is a visit. Holds no visits
that began (`visit`). Time inside is what counts, and the pace is judged over time: a phone that
lies still reports seldom, so counting fixes would judge a visit by its arrival alone. Invariant: a
run counts no time of an absence that was seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from core.dispatch.fix import Fix
from core.dispatch.jobplace import Spot
from core.dispatch.trip import SILENCE_MS, TRIP_M

MINUTE_MS: Final = 60_000
ACCURACY_M_TRUSTED: Final = 50
"""A fix is given at most this much benefit of its own doubt."""
APART_MS: Final = 30_000
"""Two fixes away must be this far apart: one wild fix, or two in a row, end no visit."""
REENTRY_MS: Final = 5 * MINUTE_MS
"""Who is back within five minutes has not left."""
BRIDGE_MS: Final = 60 * MINUTE_MS
"""Silence up to this long between two fixes inside is bridged, and marked."""
TOGETHER_MS: Final = 2 * MINUTE_MS
"""Places entered within this of each other are entered together: the planned order decides."""
UNGATED_MS: Final = 3 * MINUTE_MS
"""Where no fix gives a speed, having stayed for so long is proof enough of not driving past."""


class Run(NamedTuple):
    """Fixes inside one place that are no visit yet.

    `stayed_ms` is the time between fixes inside, of which `slow_ms` below and `fast_ms` above
    8 km/h. `off_ms` is the first fix since that was not inside, `away_ms` the first that was well
    outside, `gone` 1 once that was a departure. `nearer` of `shared` fixes were nearer to this
    place than to the one being visited.
    """

    job: bytes
    first_ms: int
    last_ms: int
    fixes: int
    stayed_ms: int
    slow_ms: int
    fast_ms: int
    off_ms: int
    away_ms: int
    away_count: int
    gone: int
    mock: int
    silent: int
    nearer: int
    shared: int


def is_here(spot: Spot, fix: Fix, off_m: float) -> bool:
    """Whether a fix keeps a visit going; a coarse one may, though it could not have begun it."""
    accuracy_m = fix.accuracy_m or 0
    if accuracy_m <= spot.entry_accuracy_m:
        return off_m <= 0
    return off_m <= min(accuracy_m, ACCURACY_M_TRUSTED)


def is_away(spot: Spot, fix: Fix, off_m: float) -> bool:
    """Whether a fix is well outside, by more than its own error and a margin."""
    return off_m - min(fix.accuracy_m or 0, ACCURACY_M_TRUSTED) > spot.margin_m


def is_gone(first_ms: int, count: int, fix: Fix, spot: Spot, off_m: float) -> bool:
    """Whether `count` fixes away since `first_ms`, this one included, are a departure."""
    if count < 2:
        return False
    return fix.time_ms - first_ms >= APART_MS or off_m > max(spot.far_m, TRIP_M)


def runs_after(
    runs: Sequence[Run],
    fix: Fix,
    near: Sequence[Spot],
    quiet: Collection[bytes],
    visiting: Spot | None,
    pace: int,
) -> tuple[Run, ...]:
    """The runs after a fix: begun, prolonged, interrupted, or ended by an absence of five minutes.

    `near` are the places the fix may be in, `quiet` the jobs that have no run now, `visiting` where
    a visit is going on; `pace` is as `trip.pace` gives it.
    """
    run_by_job = {run.job: run for run in runs}
    found: list[Run] = []
    for spot in near:
        job = spot.place.job
        run = run_by_job.pop(job, None)
        if job in quiet:
            continue
        off_m = spot.area.outside_m(fix.lat_e7, fix.lon_e7)
        inside = off_m <= 0 and (fix.accuracy_m or 0) <= spot.entry_accuracy_m
        if inside and spot.eligible(fix.time_ms):
            found.append(_inside(run, fix, spot, visiting, pace))
        elif run is not None:
            found += _outside(run, fix, spot, off_m)
    # A place that is not even near has no `Spot` here; a second fix there is a departure.
    for run in run_by_job.values():
        found += _outside(run, fix, None, 0.0)
    return tuple(found)


def _inside(run: Run | None, fix: Fix, spot: Spot, visiting: Spot | None, pace: int) -> Run:
    stale = run is not None and (
        fix.time_ms - run.last_ms > BRIDGE_MS
        or (run.gone and fix.time_ms - run.off_ms > REENTRY_MS)
        or (run.mock and not fix.mock)
    )
    if run is None or stale:
        now_ms = fix.time_ms
        return Run(spot.place.job, now_ms, now_ms, 1, 0, 0, 0, 0, 0, 0, 0, int(fix.mock), 0, 0, 0)
    if fix.mock and not run.mock:
        return run
    since_ms = fix.time_ms - run.last_ms
    inside_ms = 0 if run.gone else since_ms
    nearer = 0
    if visiting is not None:
        own_m = spot.area.centre_distance_m(fix.lat_e7, fix.lon_e7)
        nearer = int(own_m < visiting.area.centre_distance_m(fix.lat_e7, fix.lon_e7))
    return Run(
        run.job,
        run.first_ms,
        fix.time_ms,
        run.fixes + 1,
        run.stayed_ms + inside_ms,
        run.slow_ms + (inside_ms if pace == 1 else 0),
        run.fast_ms + (inside_ms if pace == 2 else 0),
        0,
        0,
        0,
        0,
        run.mock,
        int(run.silent or since_ms > SILENCE_MS),
        run.nearer + nearer,
        run.shared + (visiting is not None),
    )


def _outside(run: Run, fix: Fix, spot: Spot | None, off_m: float) -> list[Run]:
    if fix.mock:
        return [run]
    off_ms = run.off_ms or fix.time_ms
    if fix.time_ms - off_ms > REENTRY_MS:
        return []
    away_ms, count, gone = run.away_ms, run.away_count, run.gone
    if spot is None or is_away(spot, fix, off_m):
        away_ms, count = away_ms or fix.time_ms, count + 1
        left = count >= 2 if spot is None else is_gone(away_ms, count, fix, spot, off_m)
        gone = int(gone or left)
    return [run._replace(off_ms=off_ms, away_ms=away_ms, away_count=count, gone=gone)]


def is_visit(run: Run, threshold_min: int) -> bool:
    """Whether a run is a visit: two fixes, long enough, and for most of the time slow."""
    if run.fixes < 2 or run.stayed_ms < threshold_min * MINUTE_MS:
        return False
    if run.slow_ms == run.fast_ms == 0:
        return run.stayed_ms >= UNGATED_MS
    return run.slow_ms > run.fast_ms


def choose(
    runs: Sequence[Run],
    ready: Sequence[Run],
    spot_by_job: Mapping[bytes, Spot],
    threshold_by_job: Mapping[bytes, int],
) -> Run | None:
    """Which of the `ready` runs is the visit; None if one not ready yet has the better claim.

    Of places entered together the one planned first counts, and is waited for until its own
    threshold, if that is no longer than theirs.
    """
    until_ms = min(run.first_ms for run in ready) + TOGETHER_MS
    longest_min = max(threshold_by_job[run.job] for run in ready)
    rivals = [
        run
        for run in runs
        if run in ready
        or (
            run.first_ms <= until_ms
            and run.off_ms == 0
            and run.mock == ready[0].mock
            and threshold_by_job[run.job] <= longest_min
        )
    ]
    chosen = min(rivals, key=lambda run: spot_by_job[run.job].rank)
    return chosen if chosen in ready else None


def runs_from(runs: Sequence[Run], floor_ms: int) -> tuple[Run, ...]:
    """The runs once another visit ended at `floor_ms`: what lies before it counts no more."""
    kept: list[Run] = []
    for run in runs:
        stayed_ms = min(run.stayed_ms, max(0, run.last_ms - floor_ms))
        clean = run._replace(nearer=0, shared=0)
        if stayed_ms == run.stayed_ms and run.first_ms >= floor_ms:
            kept.append(clean)
        elif not run.gone:
            kept.append(
                clean._replace(
                    first_ms=max(run.first_ms, floor_ms),
                    last_ms=max(run.last_ms, floor_ms),
                    stayed_ms=stayed_ms,
                    slow_ms=min(run.slow_ms, stayed_ms),
                    fast_ms=min(run.fast_ms, stayed_ms),
                )
            )
    return tuple(kept)
