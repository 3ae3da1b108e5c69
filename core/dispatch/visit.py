"""Visits: from fixes in order of time to arrivals at and departures from the places of jobs.

Holds the rules of arriving, staying, leaving, silence, shift end and cap, as functions of a `Core`.
Holds no late fixes and no disk form (`autolog`), and no motion (`trip`). Numbers are those of
Android's geofence guide and of field reports, tuned on recorded days. Invariants: a log begins and
ends at the time of a fix inside the place (or when a person said so), logs on site never overlap,
and what is given does not depend on when, or how often, `advance` was called between two fixes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from core.dispatch.arrival import (
    APART_MS,
    BRIDGE_MS,
    MINUTE_MS,
    ON_FOOT_CMPS,
    REENTRY_MS,
    UNGATED_MS,
    Run,
    choose,
    is_away,
    is_gone,
    is_here,
    is_in_open,
    is_next_door,
    is_visit,
    runs_after,
    runs_from,
)
from core.dispatch.autofact import (
    RULE_VERSION,
    Ask,
    Certainty,
    Given,
    Mode,
    Propose,
    Start,
    Stop,
    Suggest,
)
from core.dispatch.fields import LogKind, Phase
from core.dispatch.fix import Fix, speed_cmps
from core.dispatch.geometry import distance_m
from core.dispatch.jobplace import Places, Spot, check_threshold
from core.dispatch.rest import SETTLED_MS, TRIM_MS, Rest, beside_m, is_walk, rest_after
from core.dispatch.trip import (
    SILENCE_MS,
    SPEED_CMPS_GATE,
    TRIP_M,
    Motion,
    Way,
    arrived,
    left,
    move,
    pace,
    way_facts,
)
from core.dispatch.unseen import SPARSE_MS_MAX, moment_in_gap

THRESHOLD_MIN_DEFAULT: Final = 3
CAP_MS: Final = 12 * 60 * MINUTE_MS
OTHER_JOB_MS: Final = 10 * MINUTE_MS
DRIVE_OFF_MS: Final = 5 * MINUTE_MS
"""Who drives off is over the edge of a place by then, or works there by car."""
NEARER_M: Final = 20
"""By so much a rest must be nearer to one of two places to say which of them it is in."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the worker and the office chose, from now on.

    `shift_end_ms` is when the shift ends that is going on, None if it has no end.
    """

    mode: Mode = Mode.AUTOMATIC
    threshold_min: int = THRESHOLD_MIN_DEFAULT
    shift_end_ms: int | None = None

    def __post_init__(self) -> None:
        check_threshold(self.threshold_min)


class Visit(NamedTuple):
    """A visit that is going on, or that was left less than five minutes ago (`left_ms`).

    `own_*` is the last fix at the spot where the phone rested when it began, 0 if that was none.
    `rested_*` is the last fix here from which it did not just go away, `drove` 1 if it drove since,
    and `out_ms` when it went, as the first fix after that tells (0: there was none).
    """

    spot: Spot
    start_ms: int
    last_ms: int
    mode: Mode
    doubt: str
    threshold_min: int
    asked: int
    silent: int
    away_ms: int
    away_count: int
    away_last_ms: int
    left_ms: int
    back_count: int
    back_slow: int
    back_fast: int
    told: tuple[bytes, ...]
    own_ms: int
    own_lat_e7: int
    own_lon_e7: int
    rested_ms: int
    rested_lat_e7: int
    rested_lon_e7: int
    drove: int = 0
    out_ms: int = 0


class Core(NamedTuple):
    """All that the logger remembers. `clock_ms` is how far time has come, by fixes and ticks.

    `floor_ms` is the end of the last visit, before which none begins; `muted` are jobs whose log
    was ended at the place, with the time of a first fix away (0: none) and 1 while it is still to
    be asked whether the log goes on; `lost` is the last visit that silence ended (job, start, end);
    `heading` is the job that travelling was proposed for.
    """

    clock_ms: int = 0
    fix_ms: int = 0
    visit: Visit | None = None
    runs: tuple[Run, ...] = ()
    muted: tuple[tuple[bytes, int, int], ...] = ()
    motion: Motion = Motion()
    floor_ms: int = 0
    last_job: bytes = b""
    lost: tuple[bytes, int, int] | None = None
    heading: bytes = b""
    rest: Rest = Rest()


def way_of(settings: Settings, at_ms: int) -> Way:
    """How a fact that becomes known at `at_ms` is given."""
    if settings.shift_end_ms is not None and at_ms > settings.shift_end_ms:
        return Way(Mode.SUGGEST, "after shift", settings.threshold_min)
    doubt = "mode" if settings.mode is Mode.SUGGEST else ""
    return Way(settings.mode, doubt, settings.threshold_min)


# --- time without fixes


def advance(core: Core, to_ms: int, settings: Settings, facts: list[Given]) -> Core:
    """Let time pass until `to_ms` with no fix; what is due by then happens, in order."""
    while (visit := core.visit) is not None:
        when_ms, what = min(_deadlines(visit, settings))
        if when_ms > to_ms:
            break
        if what == "ask":
            facts.append(_ask(visit, Ask.END, visit.spot.place.job, visit.last_ms, "no evidence"))
            core = core._replace(visit=visit._replace(asked=1))
        else:
            core = _close(core, _end_ms(visit, what), what, facts)
    shift_end_ms = settings.shift_end_ms
    if shift_end_ms is not None and core.clock_ms < shift_end_ms <= to_ms and core.visit is None:
        core = end_way(core, settings, facts)
    return core if to_ms <= core.clock_ms else core._replace(clock_ms=to_ms)


def _deadlines(visit: Visit, settings: Settings) -> Iterator[tuple[int, str]]:
    shift_end_ms = None if visit.doubt == "after shift" else settings.shift_end_ms
    if visit.left_ms:
        yield max(visit.left_ms, visit.last_ms + REENTRY_MS), "left"
        if shift_end_ms is not None:
            yield max(shift_end_ms, visit.left_ms), "left"
        return
    if not visit.asked:
        yield visit.last_ms + SILENCE_MS, "ask"
    yield visit.last_ms + BRIDGE_MS, "no evidence"
    if shift_end_ms is not None:
        yield max(shift_end_ms, visit.start_ms), "shift end"
    yield visit.start_ms + CAP_MS, "cap"


def end_way(core: Core, settings: Settings, facts: list[Given]) -> Core:
    """End the way that is going on: its travel is logged, for no job."""
    motion = core.motion
    if motion.samples:
        at_ms = motion.samples[-1][0]
        facts += way_facts(motion, None, at_ms, way_of(settings, at_ms))
        if motion.moving:
            motion = motion._replace(since_ms=at_ms)
    return core._replace(motion=arrived(motion))


def close_visit(core: Core, at_ms: int, reason: str, facts: list[Given]) -> Core:
    """End the visit because a person or a switch did, and keep its job quiet until it is left."""
    if core.visit is None:
        return core
    return _close(core, max(at_ms, core.visit.start_ms), reason, facts)


def _end_ms(visit: Visit, reason: str) -> int:
    """When a visit ended: where a departure was seen, without the way from the door to the edge."""
    if reason != "left":
        return visit.last_ms
    if visit.out_ms > visit.rested_ms:
        return visit.out_ms
    return visit.rested_ms if visit.last_ms - visit.rested_ms >= TRIM_MS else visit.last_ms


def _close(core: Core, end_ms: int, reason: str, facts: list[Given]) -> Core:
    visit = core.visit
    assert visit is not None
    job = visit.spot.place.job
    seen_leaving = reason in ("left", "closed")
    was_silent = visit.silent or visit.asked or end_ms - visit.last_ms > SPARSE_MS_MAX
    unsure = was_silent or not seen_leaving
    sure = Certainty.UNCERTAIN if unsure else Certainty.CERTAIN
    evidence = tuple(ms for ms in (visit.last_ms, visit.away_ms, visit.away_last_ms) if ms)
    rule = (evidence, RULE_VERSION, visit.threshold_min)
    if visit.doubt:
        facts.append(
            Suggest(Ask.LOG, LogKind.ON_SITE, job, visit.start_ms, end_ms, sure, visit.doubt, *rule)
        )
    else:
        facts.append(
            Stop(LogKind.ON_SITE, job, visit.start_ms, end_ms, visit.mode, sure, reason, *rule)
        )
    if reason not in ("closed", "switched off"):
        facts.append(_ask(visit, Ask.FINISH, job, end_ms, reason))
    for run in core.runs:
        shared_ms = min(run.last_ms, end_ms) - max(run.first_ms, visit.start_ms)
        if shared_ms >= UNGATED_MS and run.slow_ms > run.fast_ms and not run.mock:
            facts.append(_ask(visit, Ask.SPLIT, run.job, end_ms, "places overlap"))
    muted = core.muted
    if reason in ("closed", "cap", "shift end"):
        muted = (*muted, (job, 0, int(reason != "closed")))
    return core._replace(
        visit=None,
        runs=runs_from(core.runs, end_ms),
        muted=muted,
        motion=left(core.motion, end_ms),
        floor_ms=end_ms,
        last_job=job,
        lost=(job, visit.start_ms, end_ms) if reason == "no evidence" else core.lost,
    )


def _ask(visit: Visit, ask: Ask, job: bytes, at_ms: int, reason: str) -> Suggest:
    sure = Certainty.UNCERTAIN if visit.silent or visit.asked else Certainty.CERTAIN
    return Suggest(
        ask, LogKind.ON_SITE, job, visit.start_ms, at_ms, sure, reason,
        (visit.last_ms,), RULE_VERSION, visit.threshold_min,
    )  # fmt: skip


# --- a fix


def take(core: Core, fix: Fix, places: Places, settings: Settings, facts: list[Given]) -> Core:
    """The next usable fix, later than all before; what it proves is added to `facts`."""
    core = advance(core, fix.time_ms, settings, facts)
    core = core._replace(fix_ms=fix.time_ms)
    if fix.mock and core.visit is not None and core.visit.doubt != "mock":
        return core  # What another app made up neither prolongs nor ends what was really seen.
    speed = pace(core.motion, fix)
    near = places.near(fix.lat_e7, fix.lon_e7)
    if not fix.mock:
        core = core._replace(rest=rest_after(core.rest, fix))
    visit = core.visit
    if visit is not None:
        visit = _at_visit(visit, fix, speed, core.rest)
        if visit is not core.visit:
            core = core._replace(visit=visit)
        if visit.left_ms and fix.time_ms >= visit.last_ms + REENTRY_MS:
            core = _close(core, _end_ms(visit, "left"), "left", facts)
    if core.muted:
        core = _unmuted(core, fix, places, settings, facts)
    if core.lost is not None:
        spot = places.spot_by_job.get(core.lost[0])
        if spot is None or is_away(spot, fix, spot.area.outside_m(fix.lat_e7, fix.lon_e7)):
            core = core._replace(lost=None)
    if near or core.runs:
        visiting = None if core.visit is None else core.visit.spot
        quiet = {muted[0] for muted in core.muted}
        if visiting is not None:
            quiet.add(visiting.place.job)
        runs = runs_after(core.runs, fix, near, quiet, visiting, speed, core.rest)
        _ask_of_doubtful(core, runs, fix, places, settings, facts)
        core = core._replace(runs=runs)
        if core.runs:
            core = _maybe_arrive(core, fix, places, settings, facts)
    if not fix.mock:
        way = way_of(settings, fix.time_ms)
        core = core._replace(motion=move(core.motion, fix, way, facts))
        if core.motion.moving and (core.visit is None or core.visit.left_ms):
            core = _maybe_heading(core, fix, places, way, facts)
    return core


def _at_visit(visit: Visit, fix: Fix, speed: int, rest: Rest) -> Visit:
    spot = visit.spot
    off_m = spot.area.outside_m(fix.lat_e7, fix.lon_e7)
    if not visit.out_ms:
        visit = visit._replace(out_ms=_out_ms(visit, fix))
    if is_here(spot, fix, off_m):
        visit = _rested(visit, fix, rest)
        silent = int(visit.silent or fix.time_ms - visit.last_ms > SILENCE_MS)
        if not visit.left_ms:
            return visit._replace(
                last_ms=fix.time_ms, asked=0, silent=silent, away_ms=0, away_count=0, away_last_ms=0
            )
        count = visit.back_count + 1
        slow, fast = visit.back_slow + (speed == 1), visit.back_fast + (speed == 2)
        if count >= 2 and slow >= fast:
            return visit._replace(
                last_ms=fix.time_ms, asked=0, silent=silent, away_ms=0, away_count=0,
                away_last_ms=0, left_ms=0, back_count=0, back_slow=0, back_fast=0,
            )  # fmt: skip
        return visit._replace(back_count=count, back_slow=slow, back_fast=fast)
    if not is_away(spot, fix, off_m):
        return visit
    count = visit.away_count + 1
    first_ms = visit.away_ms or fix.time_ms
    left_ms = visit.left_ms
    if not left_ms and is_gone(first_ms, count, fix, spot, off_m):
        left_ms = fix.time_ms
    return visit._replace(
        away_ms=first_ms, away_count=count, away_last_ms=fix.time_ms, left_ms=left_ms,
        back_count=0, back_slow=0, back_fast=0,
    )  # fmt: skip


def _out_ms(visit: Visit, fix: Fix) -> int:
    """When somebody went who is seen again for the first time, if this is no fix of resting."""
    away_m = distance_m(visit.rested_lat_e7, visit.rested_lon_e7, fix.lat_e7, fix.lon_e7)
    on_way = speed_cmps(fix) >= ON_FOOT_CMPS
    out_ms = moment_in_gap(visit.rested_ms, fix.time_ms, away_m, leaving=True, on_way=on_way)
    return visit.rested_ms if out_ms is None else out_ms


def _rested(visit: Visit, fix: Fix, rest: Rest) -> Visit:
    """The visit with what a fix in its place says of being at rest there."""
    rested = (visit.rested_lat_e7, visit.rested_lon_e7)
    away_ms = fix.time_ms - max(visit.out_ms, visit.rested_ms)
    lasted_ms = rest.lasted_ms(visit.start_ms, fix.time_ms)
    if lasted_ms >= (SETTLED_MS if visit.drove else MINUTE_MS):
        lat_e7, lon_e7 = rest.middle
        if distance_m(visit.own_lat_e7, visit.own_lon_e7, lat_e7, lon_e7) <= rest.reach_m:
            visit = visit._replace(own_ms=fix.time_ms)
    elif away_ms <= DRIVE_OFF_MS and (visit.drove or speed_cmps(fix) >= SPEED_CMPS_GATE):
        # By car, perhaps with a red light before the place's edge.
        return visit._replace(drove=1)
    elif is_walk(rested, (fix.lat_e7, fix.lon_e7), away_ms):
        return visit
    else:
        lat_e7, lon_e7 = fix.lat_e7, fix.lon_e7
    return visit._replace(
        rested_ms=fix.time_ms, rested_lat_e7=lat_e7, rested_lon_e7=lon_e7, drove=0, out_ms=0
    )


def _unmuted(core: Core, fix: Fix, places: Places, settings: Settings, facts: list[Given]) -> Core:
    """The jobs that stay quiet: those whose place the worker has not left since."""
    kept: list[tuple[bytes, int, int]] = []
    for job, away_ms, ask in core.muted:
        spot = places.spot_by_job.get(job)
        if spot is None:
            continue
        off_m = spot.area.outside_m(fix.lat_e7, fix.lon_e7)
        if is_away(spot, fix, off_m):
            if not away_ms or fix.time_ms - away_ms < APART_MS:
                kept.append((job, away_ms or fix.time_ms, ask))
        elif off_m > 0:
            kept.append((job, away_ms, ask))
        else:
            if ask and not fix.mock:
                facts.append(
                    Suggest(
                        Ask.EXTEND,
                        LogKind.ON_SITE,
                        job,
                        core.floor_ms,
                        fix.time_ms,
                        Certainty.CERTAIN,
                        "still on site",
                        (fix.time_ms,),
                        RULE_VERSION,
                        _threshold_min(spot, settings),
                    )  # fmt: skip
                )
            kept.append((job, 0, 0))
    return core._replace(muted=tuple(kept))


def _threshold_min(spot: Spot, settings: Settings) -> int:
    own = spot.place.threshold_min
    return settings.threshold_min if own is None else own


def _maybe_arrive(
    core: Core, fix: Fix, places: Places, settings: Settings, facts: list[Given]
) -> Core:
    spot_by_job = places.spot_by_job
    runs = [run for run in core.runs if run.job in spot_by_job]
    threshold_by_job = {run.job: _threshold_min(spot_by_job[run.job], settings) for run in runs}
    ready = [
        run
        for run in runs
        if run.last_ms == fix.time_ms and is_visit(run, threshold_by_job[run.job])
    ]
    if not ready:
        return core
    if core.visit is not None and not core.visit.left_ms:
        moved = _moved_on(core, ready, fix, spot_by_job)
        if moved is None:
            return _maybe_other_job(core, ready, facts)
        core = _close(core, core.visit.own_ms, "left", facts)
        moved = moved._replace(first_ms=core.rest.since_ms, start_ms=core.rest.since_ms)
        return _arrive(core, moved, fix, spot_by_job[moved.job], settings, facts)
    chosen = choose(runs, ready, spot_by_job, threshold_by_job, core.rest)
    if chosen is None:
        return core
    if core.visit is not None:
        core = _close(core, _end_ms(core.visit, "left"), "left", facts)
    return _arrive(core, chosen, fix, spot_by_job[chosen.job], settings, facts)


def _ask_of_doubtful(
    core: Core, runs: Sequence[Run], fix: Fix, places: Places, settings: Settings,
    facts: list[Given],
) -> None:  # fmt: skip
    """Ask about a stay that ended and was no visit only as it was next door, or in the open."""
    if core.visit is not None or len(runs) >= len(core.runs):
        return
    left = {run.job for run in core.runs} - {run.job for run in runs}
    for run in core.runs:
        spot = places.spot_by_job.get(run.job)
        if run.job not in left or spot is None or run.first_ms < core.floor_ms or run.mock:
            continue
        threshold_min = _threshold_min(spot, settings)
        if is_in_open(run, threshold_min):
            reason = "in the open"
        elif is_visit(run, threshold_min) and is_next_door(run, spot, core.rest):
            reason = "next door"
        else:
            continue
        sure = Certainty.UNCERTAIN if run.silent else Certainty.CERTAIN
        seen = (run.begun_ms, run.last_ms, fix.time_ms)
        facts.append(
            Suggest(
                Ask.LOG, LogKind.ON_SITE, run.job, run.begun_ms, run.last_ms, sure, reason,
                seen, RULE_VERSION, threshold_min,
            )
        )  # fmt: skip


def _moved_on(
    core: Core, ready: Sequence[Run], fix: Fix, spot_by_job: Mapping[bytes, Spot]
) -> Run | None:
    """The place next door that the worker went over to, having been in the one being visited.

    The phone came to rest at two spots, one after the other, each clearly nearer to its own pin.
    """
    visit, rest = core.visit, core.rest
    assert visit is not None
    if not visit.own_ms or rest.lasted_ms(visit.own_ms, fix.time_ms) < SETTLED_MS:
        return None
    own = (visit.own_lat_e7, visit.own_lon_e7)
    if distance_m(*own, *rest.middle) <= rest.reach_m:
        return None
    here = visit.spot.area
    nearer: list[tuple[float, Run]] = []
    for run in ready:
        there = spot_by_job[run.job].area
        now_m = there.centre_distance_m(*rest.middle)
        came_m = here.centre_distance_m(*rest.middle) - now_m
        was_m = there.centre_distance_m(*own) - here.centre_distance_m(*own)
        is_in = beside_m(rest.middle, rest.accuracy_m, spot_by_job[run.job], fix.time_ms) <= 0
        if is_in and not run.mock and came_m >= NEARER_M and was_m > 0:
            nearer.append((now_m, run))
    return min(nearer)[1] if nearer else None


def _arrive(
    core: Core, run: Run, fix: Fix, spot: Spot, settings: Settings, facts: list[Given]
) -> Core:
    job = run.job
    way = way_of(settings, fix.time_ms)._replace(threshold_min=_threshold_min(spot, settings))
    if run.mock:
        way = way._replace(mode=Mode.SUGGEST, doubt="mock")
    start_ms = max(run.begun_ms, core.floor_ms)
    if not run.mock:
        facts += way_facts(core.motion, job, start_ms, way)
    sure = Certainty.UNCERTAIN if run.silent else Certainty.CERTAIN
    # Where it began in a gap between fixes, the one after the gap is named.
    named_ms = core.rest.since_ms if start_ms == core.rest.came_ms else start_ms
    rule = ((named_ms, fix.time_ms), RULE_VERSION, way.threshold_min)
    if way.doubt:
        facts.append(
            Suggest(Ask.ARRIVED, LogKind.ON_SITE, job, start_ms, start_ms, sure, way.doubt, *rule)
        )
    else:
        facts.append(Start(LogKind.ON_SITE, job, start_ms, way.mode, sure, *rule))
    if not run.mock:
        facts.append(Propose(job, Phase.ON_SITE, start_ms, way.mode, *rule))
    if core.lost is not None and core.lost[0] == job and core.lost[2] == core.floor_ms:
        facts.append(
            Suggest(
                Ask.JOIN,
                LogKind.ON_SITE,
                job,
                core.lost[1],
                start_ms,
                Certainty.UNCERTAIN,
                "no evidence",
                (core.lost[2], run.first_ms),
                RULE_VERSION,
                way.threshold_min,
            )  # fmt: skip
        )
    visit = Visit(
        spot, start_ms, fix.time_ms, way.mode, way.doubt, way.threshold_min, 0, run.silent,
        0, 0, 0, 0, 0, 0, 0, (),
        fix.time_ms if run.rested_ms else 0, run.spot_lat_e7, run.spot_lon_e7,
        fix.time_ms, fix.lat_e7, fix.lon_e7,
    )  # fmt: skip
    return core._replace(
        visit=visit,
        runs=tuple(other._replace(nearer=0, shared=0) for other in core.runs if other.job != job),
        motion=arrived(core.motion),
        lost=None,
        heading=b"",
    )


def _maybe_other_job(core: Core, ready: list[Run], facts: list[Given]) -> Core:
    visit = core.visit
    assert visit is not None
    for run in ready:
        since_ms = max(run.first_ms, visit.start_ms)
        nearer = run.nearer * 2 > run.shared
        if nearer and run.last_ms - since_ms >= OTHER_JOB_MS and run.job not in visit.told:
            facts.append(_ask(visit, Ask.OTHER_JOB, run.job, run.last_ms, "nearer"))
            visit = visit._replace(told=(*visit.told, run.job))
    return core._replace(visit=visit)


def _maybe_heading(core: Core, fix: Fix, places: Places, way: Way, facts: list[Given]) -> Core:
    """Propose travelling to the next job by plan, once the phone came 200 m nearer to it."""
    quiet = {core.last_job, *(muted[0] for muted in core.muted)}
    for spot in places.by_rank:
        job = spot.place.job
        if job in quiet or not spot.travel_opens_ms <= fix.time_ms <= spot.closes_ms:
            continue
        if job == core.heading:
            return core
        centre, motion = spot.area.projection, core.motion
        before_m = distance_m(motion.lat_e7, motion.lon_e7, centre.lat_e7, centre.lon_e7)
        if before_m - spot.area.centre_distance_m(fix.lat_e7, fix.lon_e7) < TRIP_M:
            return core
        seen = (motion.since_ms, fix.time_ms)
        facts.append(
            Propose(
                job,
                Phase.TRAVELLING,
                motion.since_ms,
                way.mode,
                seen,
                RULE_VERSION,
                way.threshold_min,
            )  # fmt: skip
        )
        return core._replace(heading=job)
    return core
