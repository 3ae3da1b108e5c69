"""What moving a job in the plan means: the new order, windows that would change, arrivals, faults.

Pure functions on plain values, as in `web.board.plan_lines`; writes nothing and asks nothing. A
job is put at a time in one of three ways: in the order alone, with its window moved there, or with
the windows of later jobs moved on as well. Invariant: a window changes only in the ways that say
so, and an order is written to as few jobs as the phone needs to list the day like that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from core.dispatch.geometry import Point
from core.sentence import listed, say
from web import formats
from web.board.plan_lines import OVER, STEP_MS, Legs, Placed, PlanStop, Span, in_order, place

ORDER, TIME, PUSH = "order", "time", "push"
WAYS: Final = (ORDER, TIME, PUSH)
GAP: Final = 100
"""Between two planned places, so that most moves between two jobs write to one of them."""
FIVE_MS: Final = 5 * formats.MINUTE_MS
# What somebody is at comes before what is next, whatever was planned.
_FIRST: Final = {"on site": 0, "paused": 0, "travelling": 1}


@dataclass(frozen=True, slots=True)
class Move:
    """A worker's day after a move.

    `order` are all stops with their new windows and positions, the moved one (`stop`) among them;
    `positions` and `windows` are what has to be written, by job.
    """

    stop: PlanStop
    order: tuple[PlanStop, ...]
    positions: Mapping[str, int]
    windows: Mapping[str, Span]


def move(
    others: Sequence[PlanStop], moved: PlanStop, at_ms: int, way: str, from_ms: int, legs: Legs
) -> Move:
    """The day of a worker who has `others`, with `moved` put at `at_ms` in one of `WAYS`.

    `from_ms` is when the day begins; `moved` carries the worker's turn where it was the worker's.
    """
    ordered = in_order(others)
    placed = {one.stop.job: one for one in place(ordered, from_ms, legs)}
    windows: dict[str, Span] = {}
    if way != ORDER:
        windows[moved.job] = (at_ms, at_ms + _window_ms(moved))
        moved = _dated(moved, windows[moved.job])
    index = _index(ordered, placed, at_ms)
    after = [*ordered[:index], moved, *ordered[index:]]
    if way == PUSH:
        after = _pushed(after, index, at_ms, windows, legs)
    positions = positions_for(after, moved.job)
    after = [stop._replace(position=positions.get(stop.job, stop.position)) for stop in after]
    stop = next(stop for stop in after if stop.job == moved.job)
    return Move(stop, tuple(after), positions, windows)


def _window_ms(stop: PlanStop) -> int:
    window = stop.window
    return stop.length_ms if window is None or window[0] == window[1] else window[1] - window[0]


def _dated(stop: PlanStop, window: Span) -> PlanStop:
    return stop._replace(window_start=window[0], window_end=window[1])


def _index(ordered: Sequence[PlanStop], placed: Mapping[str, Placed], at_ms: int) -> int:
    """Where in the order a job goes that is put at `at_ms`: behind all that begin before it."""
    index = 0
    for place_in_order, stop in enumerate(ordered):
        one = placed.get(stop.job)
        if stop.begun or (one is not None and one.start_ms < at_ms):
            index = place_in_order + 1
    return index


def _pushed(
    stops: list[PlanStop], index: int, at_ms: int, windows: dict[str, Span], legs: Legs
) -> list[PlanStop]:
    """Later stops whose windows can't hold any more are moved on, as far as it takes."""
    free_ms, last = at_ms + stops[index].length_ms, stops[index]
    found = stops[: index + 1]
    for stop in stops[index + 1 :]:
        window = stop.window
        if window is None or stop.begun:
            found.append(stop)
            continue
        earliest = free_ms + legs(last.point, stop.point) * 1000
        if earliest > window[1]:
            later = -(-(earliest - window[0]) // FIVE_MS) * FIVE_MS
            windows[stop.job] = (window[0] + later, window[1] + later)
            stop = _dated(stop, windows[stop.job])
            window = windows[stop.job]
        found.append(stop)
        free_ms, last = max(earliest, window[0]) + stop.length_ms, stop
    return found


def positions_for(wanted: Sequence[PlanStop], moved: str) -> dict[str, int]:
    """The planned places to be written so that the stops come in this order; few, or none.

    Begun stops have their place by what happened; theirs are left alone.
    """
    stops = [stop for stop in wanted if not stop.begun]
    index = next((at for at, stop in enumerate(stops) if stop.job == moved), None)
    if index is None:
        return {}
    choices = [0, *_between(stops, index)]
    for position in choices:
        tried = [s._replace(position=position) if s.job == moved else s for s in stops]
        if in_order(tried) == tried:
            return {} if stops[index].position == position else {moved: position}
    last = max(
        (at for at, stop in enumerate(stops) if stop.position > 0 or at == index), default=index
    )
    return {
        stop.job: (at + 1) * GAP
        for at, stop in enumerate(stops[: last + 1])
        if stop.position != (at + 1) * GAP
    }


def _between(stops: Sequence[PlanStop], index: int) -> list[int]:
    """A place between the neighbours, where both have one or there is none on that side."""
    before = stops[index - 1].position if index else 0
    after = stops[index + 1].position if index + 1 < len(stops) else 0
    if index and before <= 0:
        return []
    if after <= 0:
        return [before + GAP]
    return [(before + after) // 2] if after - before > 1 else []


# --- arrivals


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a worker would get to a stop; `late_min` minutes after its window, 0 within it."""

    stop: PlanStop
    at_ms: int
    end_ms: int
    late_min: int


def arrivals(
    stops: Sequence[PlanStop], from_ms: int, begin: Point | None, legs: Legs, now_ms: int
) -> list[Arrival]:
    """When a worker who is free at `from_ms` in `begin` gets to each stop that is still to do.

    The stops are given in order. Who is at one is busy there for as long as it is planned to take.
    """
    free_ms, last = from_ms, begin
    found = []
    for stop in sorted(stops, key=lambda one: _FIRST.get(one.phase, 2)):
        if stop.phase in OVER:
            continue
        if stop.phase in ("on site", "paused") and stop.arrived_at is not None:
            free_ms, last = max(free_ms, now_ms, stop.arrived_at + stop.length_ms), stop.point
            continue
        window = stop.window
        at_ms = free_ms + legs(last, stop.point) * 1000
        late_ms = 0
        if window is not None:
            at_ms = max(at_ms, window[0])
            late_ms = max(at_ms - window[1], 0)
        free_ms, last = at_ms + stop.length_ms, stop.point
        found.append(Arrival(stop, at_ms, free_ms, -(-late_ms // formats.MINUTE_MS)))
    return found


# --- faults in words


@dataclass(frozen=True, slots=True)
class Person:
    """The worker that a job is moved to, as far as a plan can go against it.

    `shifts` are ms UTC, `silent` is what is known of the phone's silence in words, '' for none;
    `absent` a sentence that says until when nobody is there, '' for none.
    """

    name: str
    shifts: tuple[Span, ...]
    skills: frozenset[str]
    jobs_on: bool
    silent: str
    absent: str = ""


def faults(
    after: Move,
    before: Sequence[Arrival],
    arriving: Sequence[Arrival],
    person: Person,
    skill_names: Mapping[str, str],
    zone: ZoneInfo,
) -> list[str]:
    """What speaks against a move, in sentences, the worst first; none where nothing does."""
    moved = after.stop
    found = _late(moved, before, arriving, zone)
    found += _overlaps(after, zone)
    found += _beyond_shift(moved, before, arriving, person, zone)
    unknown = say("an unknown skill")
    lacking = [skill_names.get(skill, unknown) for skill in moved.skills
               if skill not in person.skills]  # fmt: skip
    if lacking:
        found.append(say("{worker} lacks {skills}.", worker=person.name, skills=listed(lacking)))
    if not person.jobs_on:
        found.append(say("{worker} has Jobs turned off on the phone.", worker=person.name))
    if person.silent:
        found.append(person.silent)
    return found


def _late(
    moved: PlanStop, before: Sequence[Arrival], arriving: Sequence[Arrival], zone: ZoneInfo
) -> list[str]:
    late_before = {one.stop.job: one.late_min for one in before}
    found: list[str] = []
    for one in arriving:
        if one.late_min <= late_before.get(one.stop.job, 0) and one.stop.job != moved.job:
            continue
        if one.late_min and one.stop.window is not None:
            until = formats.clock_words(one.stop.window[1], zone)
            late = formats.minutes_words(one.late_min)
            found.append(
                say(
                    "{number} is {minutes} late for its window, which ends at {until}.",
                    number=one.stop.number,
                    minutes=late,
                    until=until,
                )
            )
    return found


def _overlaps(after: Move, zone: ZoneInfo) -> list[str]:
    if after.stop.job not in after.windows:
        return []
    start = after.windows[after.stop.job][0]
    end = start + after.stop.length_ms
    found: list[str] = []
    for stop in after.order:
        window = stop.window
        if stop.job == after.stop.job or window is None or stop.phase in OVER:
            continue
        # What can still begin after it does not stand in its way.
        if window[1] < end and window[0] + stop.length_ms > start:
            clock = f"{formats.clock_words(window[0], zone)}–{formats.clock_words(window[1], zone)}"
            found.append(say("Overlaps {number} ({hours}).", number=stop.number, hours=clock))
    return found


def _beyond_shift(
    moved: PlanStop,
    before: Sequence[Arrival],
    arriving: Sequence[Arrival],
    person: Person,
    zone: ZoneInfo,
) -> list[str]:
    if not person.shifts:
        return []

    def outside(one: Arrival) -> bool:
        return not any(start <= one.at_ms and one.end_ms <= end for start, end in person.shifts)

    already = {one.stop.job for one in before if outside(one)}
    hours = ", ".join(
        f"{formats.clock_words(start, zone)}–{formats.clock_words(end, zone)}"
        for start, end in person.shifts
    )
    found: list[str] = []
    for one in arriving:
        if outside(one) and (one.stop.job == moved.job or one.stop.job not in already):
            span = f"{formats.clock_words(one.at_ms, zone)}–{formats.clock_words(one.end_ms, zone)}"
            found.append(
                say(
                    "{number} ({hours}) is outside {worker}'s shift ({shift}).",
                    number=one.stop.number,
                    hours=span,
                    worker=person.name,
                    shift=hours,
                )
            )
    return found


def snapped(at_ms: int) -> int:
    """The quarter of an hour that a moment belongs to."""
    return at_ms // STEP_MS * STEP_MS
