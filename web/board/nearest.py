"""Who could take a job: how soon each worker can be there, and what it would do to their own plan.

Ranked by the time to get there plus the lateness that it adds to what the worker has to do already.
Positions are the last that a phone sent, which may be old; travel times come from the hub's own
roads where it has a region, else from the straight line with a detour. Writes nothing. Invariant:
every time names its source and every position its age, and nobody is left out for being unfit: what
speaks against a worker is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from core.dispatch.geometry import Point, distance_m
from core.dispatch.itinerary import MINUTE_MS, Legs, Stop, Timed, itinerary, lateness_added
from core.sentence import listed, say
from hub.map.roads import Roads
from hub.map.travel import Travel, TravelSource, air_travel, travel_to
from hub.reckoning import Reckoner
from web import formats
from web.board.days import today
from web.board.plans import Plan, plans_of_day
from web.board.state import Moment
from web.formats import folded
from web.phones import HEARD_MS_MAX, phones_of
from web.roster import RosterDay, absent_words, days_of_job, roster_on

SHOWN_MAX: Final = 40
CLOSE_MAX: Final = 20
"""So many of the nearest have the ways round their next job searched on the roads."""
NODES_MAX: Final = 30_000
"""Nodes of one such search: some minutes round a place in a town."""
SOURCE_WORDS: Final = {
    TravelSource.ROADS: say("by road"),
    TravelSource.AIR: say("straight line"),
}
_HERE, _THERE = 0, 1


@dataclass(frozen=True, slots=True)
class Need:
    """What somebody is looked for: a place (1e-7 degree), skills by id, time needed, a window."""

    point: Point | None
    skills: tuple[str, ...] = ()
    length_ms: int = 60 * MINUTE_MS
    window_start: int | None = None
    window_end: int | None = None
    job: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker as the assign list shows one. Distances in metres, times in ms UTC or minutes.

    `eta_ms` is when they could be there, None where it is not known or the job is for another day.
    `doing` is what they finish first, `late` what of their own plan comes late by it, `shift` how
    their shift stands to it, `silent` since when the phone says nothing,
    `absent` until when nobody is there: each in words, '' or empty
    where there is nothing to say. `warnings` are those that speak against them.
    """

    worker: str
    name: str
    team: str
    vehicle: str
    live_jobs: int
    distance_m: float | None
    travel_s: int | None
    source: str
    position_at: int | None
    position_old: bool
    assigned: bool
    eta_ms: int | None
    doing: str
    late: tuple[str, ...]
    late_min: int
    shift: str
    over_shift_min: int
    silent: str
    missing_skills: tuple[str, ...]
    absent: str
    jobs_on: bool

    @property
    def near_words(self) -> str:
        """How near, in words, with the source."""
        if self.distance_m is None:
            return say("position not known")
        distance = formats.distance_words(self.distance_m)
        if self.travel_s is None:
            return say("{distance} away", distance=distance)
        minutes = formats.minutes_words(max(round(self.travel_s / 60), 1))
        return say(
            "{minutes} {source}, {distance} away",
            minutes=minutes,
            source=self.source,
            distance=distance,
        )

    @property
    def lacks_words(self) -> str:
        """Which skills are missing, in words; '' where none is."""
        return lacks_words(self.missing_skills)

    @property
    def is_fit(self) -> bool:
        """Whether nothing but time speaks against them."""
        known = self.distance_m is not None and not self.position_old
        return known and self.jobs_on and not self.missing_skills and not self.absent

    @property
    def cost_ms(self) -> int:
        """What the list is ranked by: the time to get there and the lateness that it adds."""
        eta_ms = self.eta_ms if self.eta_ms is not None else (self.travel_s or 0) * 1000
        return eta_ms + self.late_min * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Freed:
    """When and where a worker becomes free near the place; metres from there, ms UTC."""

    worker: str
    name: str
    at_ms: int
    after: str
    distance_m: float
    missing_skills: tuple[str, ...]

    @property
    def lacks_words(self) -> str:
        """Which skills are missing, in words; '' where none is."""
        return lacks_words(self.missing_skills)


def lacks_words(missing_skills: Sequence[str]) -> str:
    """Which skills somebody lacks: `lacks Gas, Heights`; '' for none."""
    return say("lacks {skills}", skills=listed(missing_skills)) if missing_skills else ""


@dataclass(slots=True)
class _Known:
    """What all candidates of one question share."""

    wanted: Need
    moment: Moment
    is_today: bool
    skill_names: Mapping[str, str]
    assigned: frozenset[str]
    heard_ms: Mapping[str, int | None]
    roster: Mapping[str, RosterDay]
    travels: dict[str, Travel] = field(default_factory=dict)
    detours: dict[str, Mapping[tuple[int, int], int]] = field(default_factory=dict)


async def candidates(
    moment: Moment, wanted: Need, text: str, reckoner: Reckoner, radius_m: float | None = None
) -> tuple[Candidate, ...]:
    """Workers whose name, team or vehicle has `text`, within the radius; the best one first."""
    plans = await plans_of_day(moment)
    words = folded(text).split()
    known = await _known(moment, wanted)
    chosen = [
        plan
        for plan in plans.values()
        if formats.matches(words, plan.name, plan.team, known.roster[plan.worker].vehicle_name)
        and _is_within(plan, wanted.point, radius_m)
    ]
    await _reckon(known, chosen, reckoner)
    found = [_candidate(known, plan) for plan in chosen]
    found.sort(
        key=lambda one: (
            one.assigned, bool(one.absent), not one.is_fit, one.cost_ms, one.name.lower()
        )
    )  # fmt: skip
    return tuple(found[:SHOWN_MAX])


def _is_within(plan: Plan, point: Point | None, radius_m: float | None) -> bool:
    if radius_m is None:
        return True
    return point is not None and plan.point is not None and _air_m(plan.point, point) <= radius_m


def _air_m(one: Point, other: Point) -> float:
    return distance_m(*one, *other)


async def _known(moment: Moment, wanted: Need) -> _Known:
    reader = moment.hub.reader
    skills = await reader.rows("SELECT skill, name FROM skill")
    assigned = await reader.rows(
        "SELECT worker FROM assignment WHERE job = ?"
        " AND phase NOT IN ('withdrawn', 'released', 'rejected')",
        (wanted.job,),
    )
    heard: dict[str, int | None] = {}
    for phone in await phones_of(moment.hub):
        newest = max(heard.get(phone.worker) or 0, phone.heard_at_ms or 0)
        heard[phone.worker] = newest or None
    now_day = today(moment.now_ms, moment.zone)
    window = {"window_start": wanted.window_start, "window_end": wanted.window_end}
    roster = await roster_on(reader, *days_of_job(window, moment.zone, moment.now_ms))
    start = wanted.window_start
    return _Known(
        wanted,
        moment,
        start is None or today(start, moment.zone) <= now_day,
        {row["skill"]: row["name"] for row in skills},
        frozenset(row["worker"] for row in assigned),
        heard,
        roster,
    )


def start_of(plan: Plan) -> Point | None:
    """Where a worker sets out from: the job that is under way, else the last position."""
    for held in reversed(plan.begun):
        if held.point is not None:
            return held.point
    return plan.point


async def _reckon(known: _Known, plans: Sequence[Plan], reckoner: Reckoner) -> None:
    """Search the roads: once for all of them, and for the nearest the ways to what is next."""
    to = known.wanted.point
    starts = [(plan, start_of(plan)) for plan in plans]
    placed = [(plan, start) for plan, start in starts if start is not None]
    if to is None or not placed:
        return
    region = known.moment.hub.region
    roads = region.roads if region is not None else None
    travels = await reckoner.run(travel_to, roads, to, [start for _, start in placed])
    for (plan, _), travel in zip(placed, travels, strict=True):
        known.travels[plan.worker] = travel
    if roads is None or not known.is_today:
        return
    nearest = sorted(placed, key=lambda pair: (known.travels[pair[0].worker].seconds, pair[0].name))
    ways = [
        (plan.worker, start, [held.point for held in plan.ahead])
        for plan, start in nearest[:CLOSE_MAX]
        if plan.ahead
    ]
    known.detours = await reckoner.run(_detours, roads, to, ways)


def _detours(
    roads: Roads, to: Point, ways: Sequence[tuple[str, Point, Sequence[Point | None]]]
) -> dict[str, Mapping[tuple[int, int], int]]:
    """Milliseconds from each start, and from the place, to the first stop ahead; by place numbers.

    Legs further on are the same with and without the job, so the straight line does for them.
    """
    there = roads.nearest(to)
    firsts = [next((point for point in points if point), None) for _, _, points in ways]
    snaps = [None if first is None else roads.nearest(first) for first in firsts]
    from_there = (
        [None] * len(ways) if there is None else roads.times_between_ms(there, snaps, NODES_MAX)
    )
    found: dict[str, Mapping[tuple[int, int], int]] = {}
    for (worker, start, points), snap, after in zip(ways, snaps, from_there, strict=True):
        here = roads.nearest(start)
        before = None
        if here is not None and snap is not None:
            (before,) = roads.times_between_ms(here, [snap], NODES_MAX)
        first = next((2 + index for index, point in enumerate(points) if point), 0)
        if before is not None and after is not None:
            # Both or neither: a road against a straight line would be no comparison.
            found[worker] = {(_HERE, first): before, (_THERE, first): after}
    return found


def _legs(points: Sequence[Point | None], searched: Mapping[tuple[int, int], int]) -> Legs:
    def legs(start: int | None, end: int | None) -> int:
        if start is None or end is None:
            return 0
        known = searched.get((start, end))
        if known is not None:
            return known
        one, other = points[start], points[end]
        if one is None or other is None:
            return 0
        return round(air_travel(one, other).seconds * 1000)

    return legs


def _candidate(known: _Known, plan: Plan) -> Candidate:
    wanted, moment = known.wanted, known.moment
    travel = known.travels.get(plan.worker)
    start = start_of(plan)
    away = None if plan.point is None or wanted.point is None else _air_m(plan.point, wanted.point)
    doing, free_ms = doing_of(plan, moment.now_ms)
    put = _put_in(known, plan, start, free_ms, travel) if known.is_today else None
    late = () if put is None else _late_words(plan, *put[1:])
    eta_ms = None if put is None or travel is None else put[0].arrive_ms
    end_ms = None if put is None else put[2][-1].end_ms
    over_ms = 0 if plan.shift is None or end_ms is None else end_ms - plan.shift[1]
    return Candidate(
        worker=plan.worker,
        name=plan.name,
        team=plan.team,
        vehicle=known.roster[plan.worker].vehicle_name,
        live_jobs=len(plan.begun) + len(plan.ahead),
        distance_m=away,
        travel_s=None if travel is None else round(travel.seconds),
        source="" if travel is None else SOURCE_WORDS[travel.source],
        position_at=plan.seen_ms if plan.point is not None else None,
        position_old=plan.is_old(moment.now_ms),
        assigned=plan.worker in known.assigned,
        eta_ms=eta_ms,
        doing=doing,
        late=tuple(words for words, _ in late),
        late_min=sum(minutes for _, minutes in late),
        shift=_shift_words(plan, known, over_ms),
        over_shift_min=max(-(-over_ms // MINUTE_MS), 0),
        silent=_silent_words(known, plan.worker),
        missing_skills=_missing(known, plan),
        absent=absent_words(known.roster[plan.worker].absence, today(moment.now_ms, moment.zone)),
        jobs_on=plan.jobs_on,
    )


def _missing(known: _Known, plan: Plan) -> tuple[str, ...]:
    return tuple(
        known.skill_names.get(skill, say("a skill that is gone"))
        for skill in known.wanted.skills
        if skill not in plan.skills
    )


def doing_of(plan: Plan, now_ms: int) -> tuple[str, int]:
    """What a worker finishes first, in words, and when that is done by its plan (ms UTC)."""
    if not plan.begun:
        return "", now_ms if plan.shift is None else max(now_ms, plan.shift[0])
    held = plan.begun[-1]
    free_ms = now_ms + plan.left_ms(now_ms)
    if held.phase == "travelling":
        if held.point is not None and plan.point is not None:
            free_ms += round(air_travel(plan.point, held.point).seconds * 1000)
        return say("on the way to {number} first", number=held.number), free_ms
    left_min = -(-plan.left_ms(now_ms) // MINUTE_MS)
    left = formats.minutes_words(left_min) if left_min else ""
    return _at_words(held.number, left, is_paused=held.phase == "paused"), free_ms


def _at_words(number: str, left: str, *, is_paused: bool) -> str:
    """At which job somebody is, and how much is left of it; '' as `left`: it took longer."""
    if is_paused and left:
        return say("pausing at {number}, {time} left", number=number, time=left)
    if is_paused:
        return say("pausing at {number}, over its planned time", number=number)
    if left:
        return say("at {number}, {time} left", number=number, time=left)
    return say("at {number}, over its planned time", number=number)


def _put_in(
    known: _Known, plan: Plan, start: Point | None, free_ms: int, travel: Travel | None
) -> tuple[Timed, list[Timed], list[Timed]]:
    """The job in the plan: itself, the plan before and after. Undated it comes first.

    A dated one comes where it makes least late, its own window included.
    """
    wanted = known.wanted
    ahead = [held for held in plan.ahead if held.job != wanted.job]
    points = [start, wanted.point, *(held.point for held in plan.ahead)]
    stops = [held.stop(2 + plan.ahead.index(held)) for held in ahead]
    new = Stop(
        "",
        None if wanted.point is None else _THERE,
        wanted.length_ms,
        wanted.window_start,
        wanted.window_end,
    )
    searched = dict(known.detours.get(plan.worker, {}))
    if travel is not None:
        searched[_HERE, _THERE] = round(travel.seconds * 1000)
    legs = _legs(points, searched)
    here = None if start is None else _HERE
    before = itinerary(free_ms, here, stops, legs)
    best: tuple[tuple[int, int], Timed, list[Timed]] | None = None
    for index in range(len(stops) + 1 if wanted.window_end is not None else 1):
        after = itinerary(free_ms, here, [*stops[:index], new, *stops[index:]], legs)
        late_ms = sum(timed.late_ms for timed in after)
        cost = (late_ms, after[index].arrive_ms)
        if best is None or cost < best[0]:
            best = (cost, after[index], after)
    assert best is not None
    return best[1], before, best[2]


def _late_words(
    plan: Plan, before: Sequence[Timed], after: Sequence[Timed]
) -> list[tuple[str, int]]:
    numbers = {held.job: held.number for held in plan.ahead}
    found = []
    for added in lateness_added(before, after):
        more_min = -(-added.more_ms // MINUTE_MS)
        late_min = -(-added.late_ms // MINUTE_MS)
        number, late = numbers[added.job], formats.minutes_words(late_min)
        words: str = say("{number} comes {late} late", number=number, late=late)
        if late_min != more_min:
            more = formats.minutes_words(more_min)
            words = say(
                "{number} comes {late} late, {more} of it by this",
                number=number,
                late=late,
                more=more,
            )
        found.append((words, more_min))
    return found


def _shift_words(plan: Plan, known: _Known, over_ms: int) -> str:
    if plan.shift is None or not known.is_today:
        return ""
    end = formats.clock_words(plan.shift[1], known.moment.zone)
    if known.moment.now_ms >= plan.shift[1]:
        return say("shift ended at {end}", end=end)
    if over_ms > 0:
        over = formats.minutes_words(-(-over_ms // MINUTE_MS))
        return say("their day would end {over} after the shift's end at {end}", over=over, end=end)
    return say("shift until {end}", end=end)


def _silent_words(known: _Known, worker: str) -> str:
    if worker not in known.heard_ms:
        return say("has no phone yet")
    heard = known.heard_ms[worker]
    if heard is None:
        return say("phone never heard")
    gone_ms = known.moment.now_ms - heard
    if gone_ms <= HEARD_MS_MAX:
        return ""
    return say("phone silent for {span}", span=formats.span_words(gone_ms))


async def becoming_free(moment: Moment, wanted: Need, radius_m: float) -> tuple[Freed, ...]:
    """Who finishes a job within the radius next, the soonest first: when nobody is there now."""
    if wanted.point is None:
        return ()
    known = await _known(moment, wanted)
    found: list[Freed] = []
    for plan in (await plans_of_day(moment)).values():
        if known.roster[plan.worker].absence is not None or not plan.jobs_on:
            continue
        held = (*plan.begun, *plan.ahead)
        timed = _ends(plan, moment.now_ms)
        for one, end_ms in zip(held, timed, strict=True):
            if one.point is None or (away := _air_m(one.point, wanted.point)) > radius_m:
                continue
            missing = _missing(known, plan)
            found.append(Freed(plan.worker, plan.name, end_ms, one.number, away, missing))
            break
    found.sort(key=lambda one: (bool(one.missing_skills), one.at_ms, one.name.lower()))
    return tuple(found[:8])


def _ends(plan: Plan, now_ms: int) -> list[int]:
    """When each job of the plan ends, what is under way first (ms UTC)."""
    _, free_ms = doing_of(plan, now_ms)
    points: list[Any] = [start_of(plan), *(held.point for held in plan.ahead)]
    stops = [held.stop(1 + index) for index, held in enumerate(plan.ahead)]
    timed = itinerary(free_ms, 0, stops, _legs(points, {}))
    return [*(free_ms for _ in plan.begun), *(one.end_ms for one in timed)]
