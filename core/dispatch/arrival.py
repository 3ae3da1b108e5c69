"""Runs: fixes inside a place that may become a visit, and which of several places is visited.

Holds when a phone is inside, away or gone, and when having been inside is a visit. Holds no visits
that began (`visit`). Time inside is what counts, and the pace is judged over time: a phone that
lies still reports seldom, so counting fixes would judge a visit by its arrival alone. Invariant: a
run counts no time of an absence that was seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from core.dispatch.fix import Fix, speed_cmps
from core.dispatch.geometry import distance_m
from core.dispatch.jobplace import Spot
from core.dispatch.rest import (
    GET_OUT_MS,
    LONG_REST_MS,
    SETTLED_MS,
    TRIM_MS,
    Rest,
    beside_m,
    is_walk,
)
from core.dispatch.trip import SILENCE_MS, SPEED_CMPS_GATE, TRIP_M
from core.dispatch.unseen import SPARSE_MS_MAX

MINUTE_MS: Final = 60_000
ACCURACY_M_TRUSTED: Final = 50
"""A fix is given at most this much benefit of its own doubt."""
APART_MS: Final = 30_000
"""Two fixes away must be this far apart: one wild fix, or two in a row, end no visit."""
ERRS_MS: Final = 90_000
"""Fixes that are wrong and sure of it come for less than this, the next right one included."""
BY_CAR_MS: Final = 10 * MINUTE_MS
"""Who drove so shortly before may sit in the car still."""
REENTRY_MS: Final = 5 * MINUTE_MS
"""Who is back within five minutes has not left."""
BRIDGE_MS: Final = 60 * MINUTE_MS
"""Silence up to this long between two fixes inside is bridged, and marked."""
TOGETHER_MS: Final = 2 * MINUTE_MS
"""Places entered within this of each other are entered together: the planned order decides."""
PARKED_MS: Final = 180_000
"""A car that stood at one spot for so long has come to somebody, and is in no jam."""
SETTLED_SHARE: Final = 0.5
PLANNED_M: Final = 4
"""Of two neighbours that a phone lies between the plan decides, up to so far into the other's."""
UNSETTLED_MS: Final = 15 * MINUTE_MS
"""Whoever comes to no rest in a place, mowing or in a jam, is at work there after so long."""
ON_FOOT_CMPS: Final = 60
"""Whoever moves at all is faster."""
OPEN_SKY_M: Final = 7
"""Receivers claim 3 to 7 m under an open sky, as in a car that waits, and more in a house."""
UNGATED_MS: Final = 3 * MINUTE_MS
"""Where no fix gives a speed, having stayed for so long is proof enough of not driving past."""


class Run(NamedTuple):
    """Fixes inside one place that are no visit yet.

    `stayed_ms` is the time between fixes inside, of which `slow_ms` below and `fast_ms` above
    8 km/h. `off_ms` is the first fix since that was not inside, `away_ms` the first that was well
    outside, `gone` 1 once that was a departure. `nearer` of `shared` fixes were nearer to this
    place than to the one being visited. `rested_ms` is how long the phone was at
    rest at one spot inside, the one of `spot_*`, of `active_ms` (the time inside without long
    silences). `start_ms` is when a visit began by its first long rest: with that, if a walk led
    there from `from_*`, the first fix inside or the last one of driving inside; 0 without one.
    `drove` is 1 if a fix inside, or one shortly before, told the speed of a car. `claims` fixes
    inside, of those that were not of driving, claimed an accuracy, `claimed_m` in all.
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
    rested_ms: int = 0
    spot_lat_e7: int = 0
    spot_lon_e7: int = 0
    spot_accuracy_m: int = 0
    active_ms: int = 0
    drove: int = 0
    start_ms: int = 0
    from_ms: int = 0
    from_lat_e7: int = 0
    from_lon_e7: int = 0
    claims: int = 0
    claimed_m: int = 0

    @property
    def begun_ms(self) -> int:
        """When the visit began, if it is one."""
        return self.start_ms or self.first_ms


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
    rest: Rest,
) -> tuple[Run, ...]:
    """The runs after a fix: begun, prolonged, interrupted, or ended by an absence of five minutes.

    `near` are the places the fix may be in, `quiet` the jobs that have no run now, `visiting` where
    a visit is going on; `pace` is as `trip.pace` gives it, `rest` where the phone lies.
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
            since_ms = 0 if run is None or run.gone else fix.time_ms - run.last_ms
            came_again = run is not None and _was_away(run, fix)
            run = _inside(run, fix, spot, visiting, pace)
            found.append(_rested(run, fix, rest, since_ms, came_again=came_again))
        elif run is not None:
            if speed_cmps(fix) >= SPEED_CMPS_GATE and run.rested_ms < SETTLED_MS:
                run = _coming_from(run, fix)
            found += _outside(run, fix, spot, off_m)
    # A place that is not even near has no `Spot` here; a second fix there is a departure.
    for run in run_by_job.values():
        found += _outside(run, fix, None, 0.0)
    return tuple(found)


def _rested(run: Run, fix: Fix, rest: Rest, since_ms: int, *, came_again: bool) -> Run:
    """The run with what a fix, `since_ms` after the one before, says of being at rest inside."""
    active_ms = run.active_ms + min(since_ms, MINUTE_MS)
    drives = speed_cmps(fix) >= SPEED_CMPS_GATE
    by_car = drives or run.first_ms - rest.way_ms <= BY_CAR_MS
    run = run._replace(active_ms=active_ms, drove=int(run.drove or by_car))
    if fix.accuracy_m is not None and not drives:
        run = run._replace(claims=run.claims + 1, claimed_m=run.claimed_m + fix.accuracy_m)
    if run.rested_ms < SETTLED_MS and (came_again or drives):
        # What came before, a red light perhaps, was no arrival.
        run = _coming_from(run, fix)
    lasted_ms = rest.lasted_ms(run.first_ms, fix.time_ms)
    if not lasted_ms:
        return run
    middle = rest.middle
    if not run.start_ms and lasted_ms >= LONG_REST_MS:
        start_ms = fix.time_ms - lasted_ms
        if rest.since_ms == start_ms:
            start_ms = rest.came_ms
            run = run._replace(silent=int(run.silent or rest.since_ms - start_ms > SPARSE_MS_MAX))
        cut_ms = start_ms - run.from_ms
        came_from = (run.from_lat_e7, run.from_lon_e7)
        slack_ms = GET_OUT_MS if run.from_ms == rest.way_ms else TRIM_MS
        if cut_ms >= 0 and (cut_ms < TRIM_MS or not is_walk(came_from, middle, cut_ms, slack_ms)):
            start_ms = run.from_ms
        run = run._replace(start_ms=start_ms)
    if run.rested_ms and distance_m(*middle, run.spot_lat_e7, run.spot_lon_e7) <= rest.reach_m:
        rested_ms = run.rested_ms + min(since_ms, lasted_ms)
    elif lasted_ms > run.rested_ms:
        rested_ms = lasted_ms
    else:
        return run
    return run._replace(
        rested_ms=rested_ms, spot_lat_e7=middle[0], spot_lon_e7=middle[1],
        spot_accuracy_m=rest.accuracy_m,
    )  # fmt: skip


def _was_away(run: Run, fix: Fix) -> bool:
    """Whether somebody who is inside again was elsewhere, and not only a receiver that erred."""
    return run.away_count >= 2 and fix.time_ms - run.away_ms > ERRS_MS


def _coming_from(run: Run, fix: Fix) -> Run:
    return run._replace(
        start_ms=0, from_ms=fix.time_ms, from_lat_e7=fix.lat_e7, from_lon_e7=fix.lon_e7
    )


def _inside(run: Run | None, fix: Fix, spot: Spot, visiting: Spot | None, pace: int) -> Run:
    stale = run is not None and (
        fix.time_ms - run.last_ms > BRIDGE_MS
        or (run.gone and fix.time_ms - run.off_ms > REENTRY_MS)
        or (run.mock and not fix.mock)
    )
    if run is None or stale:
        now_ms = fix.time_ms
        return Run(
            spot.place.job, now_ms, now_ms, 1, 0, 0, 0, 0, 0, 0, 0, int(fix.mock), 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, now_ms, fix.lat_e7, fix.lon_e7,
        )  # fmt: skip
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
        *run[-12:],
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
    """Whether a run is a visit: two fixes, long enough, for most of the time slow, and at rest."""
    threshold_ms = threshold_min * MINUTE_MS
    if run.fixes < 2 or run.stayed_ms < threshold_ms:
        return False
    if run.drove and not run.mock and not _is_settled(run, threshold_ms):
        return False
    if run.slow_ms == run.fast_ms == 0:
        return run.stayed_ms >= UNGATED_MS
    return run.slow_ms > run.fast_ms


def _is_settled(run: Run, threshold_ms: int) -> bool:
    """Whether a car stood at one spot for long, and for most of the time; no jam is like that."""
    if run.stayed_ms >= UNSETTLED_MS:
        return True
    # Whoever sets a lower minimum would rather have a jam logged than miss a short visit.
    if _is_open(run) and threshold_ms >= PARKED_MS:
        return False
    settled = run.rested_ms >= min(threshold_ms, PARKED_MS)
    return settled and run.rested_ms >= SETTLED_SHARE * run.active_ms


def _is_open(run: Run) -> bool:
    """Whether a phone saw the sky all the time, as in a car that waits; it must have said so."""
    return run.claims > 0 and run.claimed_m <= OPEN_SKY_M * run.claims


def is_in_open(run: Run, threshold_min: int) -> bool:
    """Whether a run is no visit only because it may have been a car that waited in the open."""
    hidden = run._replace(claims=0)
    return is_visit(hidden, threshold_min) and not is_visit(run, threshold_min)


def is_next_door(run: Run, spot: Spot, rest: Rest, slack_m: float = 0.0) -> bool:
    """Whether who stayed did so beside the place. Nobody who came to no rest did.

    A present rest that is long enough counts, else the spot of the longest.
    """
    if run.mock or run.rested_ms < SETTLED_MS:
        return False
    middle, accuracy_m = (run.spot_lat_e7, run.spot_lon_e7), run.spot_accuracy_m
    if rest.lasted_ms(run.first_ms, run.last_ms) >= SETTLED_MS:
        middle, accuracy_m = rest.middle, rest.accuracy_m
    return beside_m(middle, accuracy_m, spot, run.last_ms) > slack_m


def choose(
    runs: Sequence[Run],
    ready: Sequence[Run],
    spot_by_job: Mapping[bytes, Spot],
    threshold_by_job: Mapping[bytes, int],
    rest: Rest,
) -> Run | None:
    """Which of the `ready` runs is the visit; None if one not ready yet has the better claim.

    Somebody must be in one of the places and not next door to all. Of places entered together the
    one planned first counts, if the phone is hardly next door to it, and is waited for until its
    own threshold, if that is no longer than theirs.
    """
    if all(is_next_door(run, spot_by_job[run.job], rest) for run in ready):
        return None
    ready = [run for run in ready if not is_next_door(run, spot_by_job[run.job], rest, PLANNED_M)]
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
            and not is_next_door(run, spot_by_job[run.job], rest, PLANNED_M)
        )
    ]
    share_by_job = {run.job: _share_of_radius(run, spot_by_job[run.job]) for run in rivals}
    chosen = min(rivals, key=lambda run: spot_by_job[run.job].rank)
    # A yard whose circle reaches over somebody's door has no claim to who is at that door.
    radius_m = spot_by_job[chosen.job].area.radius_m
    lesser = [
        run
        for run in rivals
        if spot_by_job[run.job].area.radius_m < radius_m
        and 2 * share_by_job[run.job] < share_by_job.get(chosen.job, 0.0)
    ]
    chosen = min(lesser, key=lambda run: spot_by_job[run.job].rank, default=chosen)
    return chosen if chosen in ready else None


def _share_of_radius(run: Run, spot: Spot) -> float:
    """How far from the middle of a place the phone came to rest, as a share of its radius."""
    away_m = spot.area.centre_distance_m(run.spot_lat_e7, run.spot_lon_e7)
    return away_m / spot.area.radius_m if run.rested_ms else 0.0


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
                    rested_ms=min(run.rested_ms, stayed_ms),
                    active_ms=min(run.active_ms, stayed_ms),
                    start_ms=max(run.start_ms, floor_ms) if run.start_ms else 0,
                    claims=0,
                    claimed_m=0,
                )
            )
    return tuple(kept)
