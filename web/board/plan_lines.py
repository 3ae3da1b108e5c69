"""The lines of a plan: the order of a worker's day, where its jobs lie in time, the scale of hours.

Pure functions on plain values; holds no SQL, no HTML and no present. The order is the one in which
the worker's phone lists the day. A job is placed as soon as the one before it and the way between
allow, but never outside its window: what does not fit shows as an overlap, not as another promise.
Invariant: the same stops give the same lines, whatever order they come in.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from core.dispatch.duty import DutyError, Shift, proposed
from core.dispatch.geometry import Point
from core.dispatch.itinerary import length_ms, turn_of_day
from web.board.days import day_bounds
from web.board.phases import WORKING
from web.formats import HOUR_MS, MINUTE_MS

SCALE: Final = 10_000
"""Places on the scale are whole numbers from 0 to this: a ten-thousandth is seconds of a day."""
STEP_MS: Final = 15 * MINUTE_MS
AXIS_FROM, AXIS_TO = 6 * 60, 20 * 60
"""Minutes of the local day that are always in sight; more where somebody works or is to."""

OVER: Final = frozenset({"finished", "rejected"})

Span = tuple[int, int]
Legs = Callable[[Point | None, Point | None], int]
"""Seconds of travel from one place to another; 0 where either is not known."""


class PlanStop(NamedTuple):
    """One job in one worker's day: its assignment and what of the job a plan goes by.

    Times in ms UTC, `planned_min` in minutes, places in 1e-7 degree; None: not known, not dated.
    `skill_ids` is a JSON list. `worker` and `turn` are '' where nobody has it. `position` is the
    planned order, 0 without one. A plain tuple, since a planner makes thousands of them.
    """

    job: str
    number: str
    title: str
    status: str
    priority: int
    window_start: int | None
    window_end: int | None
    planned_min: int | None
    lat_e7: int | None
    lon_e7: int | None
    frontier: str
    skill_ids: str = "[]"
    arrived_at: int | None = None
    worker: str = ""
    turn: str = ""
    phase: str = ""
    position: int = 0

    @property
    def point(self) -> Point | None:
        """Where it is, None where that is not known."""
        if self.lat_e7 is None or self.lon_e7 is None:
            return None
        return self.lat_e7, self.lon_e7

    @property
    def skills(self) -> tuple[str, ...]:
        """The ids of the skills that it needs."""
        return tuple(json.loads(self.skill_ids))

    @property
    def window(self) -> Span | None:
        """Start and end of the window; where one of both is open, both are the other."""
        start = self.window_start if self.window_start is not None else self.window_end
        end = self.window_end if self.window_end is not None else self.window_start
        return None if start is None or end is None else (start, end)

    @property
    def length_ms(self) -> int:
        """How long the work takes: as planned, else as a short window says, else an hour."""
        return length_ms(self.planned_min, self.window_start, self.window_end)

    @property
    def begun(self) -> bool:
        """Whether somebody is at it, or it is over: a plan can't move it any more."""
        return self.phase in WORKING or self.phase in OVER


def meets(window: Span | None, day: Span) -> bool:
    """Whether a window reaches into a day, as `plan_sql.IN_PLAN` says. Without one, True."""
    return window is None or (window[0] < day[1] and window[1] >= day[0])


class Placed(NamedTuple):
    """Where a stop lies in the plan, ms UTC."""

    stop: PlanStop
    start_ms: int
    end_ms: int


def in_order(stops: Iterable[PlanStop]) -> list[PlanStop]:
    """The stops in the order of the worker's day."""
    return sorted(stops, key=turn_of_day)


def place(stops: Sequence[PlanStop], from_ms: int, legs: Legs) -> list[Placed]:
    """Where the dated ones of `stops` lie, given in their order; nothing lies before `from_ms`."""
    found = []
    free_ms, last = from_ms, None
    for stop in stops:
        window = stop.window
        if window is None:
            continue
        earliest = free_ms + legs(last, stop.point) * 1000
        start_ms = min(max(earliest, window[0]), max(window[1], window[0]))
        placed = Placed(stop, start_ms, start_ms + stop.length_ms)
        found.append(placed)
        free_ms, last = placed.end_ms, stop.point
    return found


def lanes_of(spans: Sequence[Span]) -> list[int]:
    """A lane for each span, so that none in one lane overlap: the lowest that is free."""
    ends: list[int] = []
    lanes = [0] * len(spans)
    for index in sorted(range(len(spans)), key=lambda one: (spans[one], one)):
        start, end = spans[index]
        lane = next((number for number, free in enumerate(ends) if free <= start), len(ends))
        if lane == len(ends):
            ends.append(end)
        else:
            ends[lane] = end
        lanes[index] = lane
    return lanes


# --- the scale


@dataclass(frozen=True, slots=True)
class Tick:
    """An hour on the scale: its place and the local clock's word."""

    left: int
    words: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The hours that are in sight, ms UTC."""

    start_ms: int
    end_ms: int
    ticks: tuple[Tick, ...]

    def left(self, at_ms: int) -> int:
        """The place of a moment on the scale, cut to it."""
        share = (at_ms - self.start_ms) * SCALE // (self.end_ms - self.start_ms)
        return min(max(share, 0), SCALE)

    def span(self, start_ms: int, end_ms: int) -> Span | None:
        """Place and width of a span; None where nothing of it is in sight."""
        if end_ms <= self.start_ms or start_ms >= self.end_ms:
            return None
        left = self.left(start_ms)
        return left, max(self.left(end_ms) - left, 1)


def axis_of(day: dt.date, zone: ZoneInfo, spans: Iterable[Span]) -> Axis:
    """The hours of a local day that hold `spans` and the usual ones, in whole hours.

    Hours are real ones: a day on which the clocks go forward has 23 of them, and on the other one
    the same hour of the wall stands twice.
    """
    first, last = day_bounds(day, zone)
    start, end = proposed(Shift(AXIS_FROM, AXIS_TO), day, zone)
    for span_start, span_end in spans:
        if span_end > first and span_start < last:
            start, end = min(start, span_start), max(end, span_end)
    start = first + (max(start, first) - first) // HOUR_MS * HOUR_MS
    end = min(first - (first - min(end, last)) // HOUR_MS * HOUR_MS, last)
    ticks = tuple(
        Tick(
            (at_ms - start) * SCALE // (end - start),
            dt.datetime.fromtimestamp(at_ms / 1000, zone).strftime("%H:%M"),
        )
        for at_ms in range(start, end, HOUR_MS)
    )
    return Axis(start, end, ticks)


def shifts_of(minutes: object, day: dt.date, zone: ZoneInfo) -> tuple[Span, ...]:
    """When a worker's shift falls into a local day, ms UTC: its own, and the night's before it.

    `minutes` is what a worker's row holds, [start, end] in minutes of the day; none without one.
    """
    if not isinstance(minutes, list) or len(minutes) != 2:
        return ()
    if not all(type(minute) is int for minute in minutes):
        return ()
    try:
        shift = Shift(minutes[0], minutes[1])
    except DutyError:
        return ()
    first, last = day_bounds(day, zone)
    spans = [proposed(shift, each, zone) for each in (day - dt.timedelta(days=1), day)]
    return tuple(
        (max(start, first), min(end, last)) for start, end in spans if start < last and end > first
    )
