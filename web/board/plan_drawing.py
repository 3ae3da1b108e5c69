"""A planner's rows being drawn: where each worker's jobs and logs lie, and what they say.

Makes the shapes that `board/planner.html` draws out of the day's facts; asks nothing and writes
nothing. Invariant: what a bar shows by place, width or colour its words say too, so that the rows
read as lists of jobs with their times by themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from core.date_words import weekday_words
from core.sentence import listed, say, say_n
from web import formats
from web.board.days import day_bounds, today
from web.board.filters import Filter
from web.board.plan_day import DayFacts, Logged, air_legs, shift_minutes
from web.board.plan_lines import (
    Axis,
    Placed,
    PlanStop,
    Span,
    axis_of,
    in_order,
    lanes_of,
    meets,
    place,
    shifts_of,
)
from web.board.questions import late_of
from web.board.rows import cause_words, delay_words, window_clock
from web.board.state import Moment
from web.roster import RosterDay, absent_words

CELL_MAX: Final = 8
"""Jobs shown in a day of a week; its head leads to all of them."""
LANE: Final = 100
"""Height of a lane in the drawing's own units."""
_CODES: Final = (
    *(say("open"), say("in progress"), say("done"), say("rejected"), say("cancelled")),
    *(say("assigned"), say("received"), say("opened"), say("accepted"), say("travelling")),
    *(say("on site"), say("paused"), say("finished"), say("delayed"), say("at risk")),
)
# By the code that they are: bars say the same few words thousands of times.
_SAID: Final[Mapping[str, str]] = {str(words): words for words in _CODES}
_ANY_TIME: Final = say("any time")
_UNTITLED: Final = say("Untitled")
_UNNAMED: Final = say("Unnamed")


class Chip(NamedTuple):
    """A job as a small link: in the tray, in the lane "any time", on the scale, in a week's day.

    `when` is the planned time in words, `note` what else there is to say; `start_ms` is where it
    is picked up by keyboard, 0 for no time. `fits`: the view holds it; `fixed`: it can't be moved.
    A plain tuple, as `Bar` and `Piece`, since a planner makes thousands of them.
    """

    job: str
    number: str
    title: str
    when: str
    note: str
    status: str
    level: str
    fits: bool
    fixed: bool
    minutes: int
    start_ms: int


class Piece(NamedTuple):
    """A drawn part of a row, on the scale and in lanes: shift, plan, window, travel, on site, tail.

    `top` and `height` are in hundredths of a lane.
    """

    kind: str
    left: int
    width: int
    top: int
    height: int


class Drawn(NamedTuple):
    """All pieces of one kind in a row, as one path."""

    kind: str
    path: str


class Bar(NamedTuple):
    """A planned job on the scale; `chip` is what it says, `tail` how late it is, in words."""

    chip: Chip
    left: int
    width: int
    lane: int
    tail: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A worker's day in a week: jobs, and how much of the shift they fill.

    `absent` says that nobody is there, `vehicle` which one it is where the day has one of its own,
    '' for neither.
    """

    day: str
    words: str
    absent: str
    vehicle: str
    chips: tuple[Chip, ...]
    more: int
    load: str
    over: bool
    current: bool
    href: str


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A worker: bars and pieces of the day, or the cells of a week.

    `absent` says until when nobody is there on the day, '' for nobody absent; a week's is in its
    cells.
    """

    worker: str
    name: str
    about: str
    absent: str
    shift: str
    silent: str
    load: str
    bars: tuple[Bar, ...]
    untimed: tuple[Chip, ...]
    drawn: tuple[Drawn, ...]
    lanes: int
    cells: tuple[Cell, ...]


def drawn(pieces: Iterable[Piece]) -> tuple[Drawn, ...]:
    """The pieces of a row as paths, one for each kind: a browser has few things to keep then."""
    paths: dict[str, list[str]] = {}
    for kind, left, width, top, height in pieces:
        box = f"M{left} {top}h{width}v{height}h-{width}z"
        paths.setdefault(kind, []).append(box)
    return tuple(Drawn(kind, "".join(boxes)) for kind, boxes in paths.items())


class Drawing:
    """One planner being drawn: what every row of it needs.

    `fitting` are the jobs that the view and the filters hold, `silent` what is known of phones'
    silence, in words by worker, `rosters` who is absent and drives what, by day.
    """

    def __init__(
        self,
        moment: Moment,
        wanted: Filter,
        facts: DayFacts,
        fitting: frozenset[str],
        silent: Mapping[str, str],
        rosters: Mapping[dt.date, Mapping[str, RosterDay]],
    ) -> None:
        self._moment = moment
        self._zone = moment.zone
        self._wanted = wanted
        self._facts = facts
        self._fitting = fitting
        self._silent = silent
        self._rosters = rosters
        self._now_day = today(moment.now_ms, moment.zone)
        self._alerts = late_of(moment.alerts)
        self._clocks: dict[int, str] = {}
        day = dt.date.fromisoformat(wanted.day or today(moment.now_ms, moment.zone))
        self._bounds = day_bounds(day, moment.zone)

    # --- a day

    def day_rows(self, day: dt.date) -> tuple[tuple[PlanRow, ...], Axis]:
        """The rows of one day, and its scale."""
        first = day_bounds(day, self._zone)[0]
        shifts = {row["worker"]: self._shifts(row, day) for row in self._facts.people}
        placed = {row["worker"]: self._placed(row["worker"], first) for row in self._facts.people}
        spans: list[Span] = [span for each in shifts.values() for span in each]
        spans += [(one.start_ms, one.end_ms) for each in placed.values() for one in each]
        spans += [(one.start_ms, self._stop_ms(one))
                  for each in self._facts.logs.values() for one in each]  # fmt: skip
        axis = axis_of(day, self._zone, spans)
        rows = tuple(
            self._day_row(row, axis, shifts[row["worker"]], placed[row["worker"]],
                          self._rosters[day][row["worker"]])
            for row in self._facts.people
        )  # fmt: skip
        return rows, axis

    def _shifts(self, row: Any, day: dt.date) -> tuple[Span, ...]:
        """When a worker is to be there on a day: who is absent has no shift."""
        if self._rosters[day][row["worker"]].absence is not None:
            return ()
        return shifts_of(shift_minutes(row), day, self._zone)

    def _stop_ms(self, log: Logged) -> int:
        return log.stop_ms if log.stop_ms is not None else max(self._moment.now_ms, log.start_ms)

    def _placed(self, worker: str, first_ms: int) -> list[Placed]:
        """Where the worker's jobs of the day lie; one without a date lies where it was worked."""
        stops = in_order(self._facts.stops.get(worker, ()))
        due = [stop for stop in stops if stop.window is not None and stop.window[1] >= first_ms]
        placed = place(due, first_ms, air_legs)
        there = {stop.job for stop in due}
        worked = self._worked(self._facts.logs.get(worker, ()))
        for stop in stops:
            if stop.job in worked and stop.job not in there:
                start, _ = worked[stop.job]
                placed.append(Placed(stop, start, start + stop.length_ms))
        return placed

    def _day_row(
        self,
        row: Any,
        axis: Axis,
        shifts: Sequence[Span],
        placed: list[Placed],
        roster: RosterDay,
    ) -> PlanRow:
        worker = row["worker"]
        logs = self._facts.logs.get(worker, [])
        worked = self._worked(logs)
        lanes = self._lanes(placed, worked)
        seen = (axis.span(*span) for span in shifts)
        height = (max(lanes.values(), default=0) + 1) * LANE
        pieces = [Piece("shift", *span, 0, height) for span in seen if span is not None]
        bars = []
        for one in placed:
            lane = lanes[one.stop.job]
            done = worked.get(one.stop.job)
            found = axis.span(*(done or (one.start_ms, one.end_ms)))
            if found is not None:
                chip = self.chip(one.stop, (one.start_ms, one.end_ms), done, dated=False)
                bars.append(Bar(chip, *found, lane, self._tail_words(one.stop)))
            pieces += self._plan_pieces(one, done, axis, lane * LANE)
        for log in logs:
            span = axis.span(log.start_ms, self._stop_ms(log))
            if span is not None:
                top = lanes.get(log.job, 0) * LANE
                place_in_lane = (76, 10) if log.kind == "travel" else (6, 78)
                pieces.append(
                    Piece(log.kind.replace(" ", "-"), *span, top + place_in_lane[0],
                          place_in_lane[1])
                )  # fmt: skip
        there = {one.stop.job for one in placed}
        stops = self._facts.stops.get(worker, ())
        untimed = in_order(stop for stop in stops if stop.job not in there)
        return PlanRow(
            worker=worker,
            name=row["name"] or _UNNAMED,
            about=" · ".join(filter(None, (row["team_name"], roster.vehicle_name))),
            absent=absent_words(roster.absence, self._now_day),
            shift=", ".join(self._clock(*span) for span in shifts),
            silent=self._silent.get(worker, "") if placed or untimed else "",
            load=self._load([*(one.stop for one in placed), *untimed]),
            bars=tuple(bars),
            untimed=tuple(self.chip(stop, None, None, dated=True) for stop in untimed),
            drawn=drawn(pieces),
            lanes=max(lanes.values(), default=0) + 1,
            cells=(),
        )

    def _worked(self, logs: Iterable[Logged]) -> dict[str, Span]:
        """From when to when each job was worked on site, by job."""
        found: dict[str, Span] = {}
        for log in logs:
            if log.kind == "on site" and log.job:
                start, end = found.get(log.job, (log.start_ms, log.start_ms))
                found[log.job] = (min(start, log.start_ms), max(end, self._stop_ms(log)))
        return found

    def _lanes(self, placed: Sequence[Placed], worked: dict[str, Span]) -> dict[str, int]:
        """A lane for each job, wide enough for what was planned and what was worked."""
        spans = []
        for one in placed:
            start, end = worked.get(one.stop.job, (one.start_ms, one.end_ms))
            spans.append((min(start, one.start_ms), max(end, one.end_ms)))
        return dict(zip((one.stop.job for one in placed), lanes_of(spans), strict=True))

    def _plan_pieces(self, one: Placed, done: Span | None, axis: Axis, top: int) -> list[Piece]:
        """The window under a bar, the plan of one that was worked, and the tail of its delay."""
        found = []
        window = one.stop.window
        if window is not None and window != (one.start_ms, one.end_ms):
            found += self._piece("window", axis, window, top + 88, 6)
        end_ms = one.end_ms
        if done is not None:
            found += self._piece("plan", axis, (one.start_ms, one.end_ms), top + 2, 84)
            between = (min(done[1], one.end_ms), max(done[0], one.start_ms))
            if between[0] < between[1]:
                found += self._piece("link", axis, between, top + 42, 4)
            end_ms = max(one.end_ms, done[1])
        alert = self._alerts.get(one.stop.job)
        if alert is not None and alert[3] > 0:
            late = (end_ms, end_ms + alert[3] * formats.MINUTE_MS)
            found += self._piece(alert[1].replace(" ", "-"), axis, late, top + 22, 44)
        return found

    def _piece(self, kind: str, axis: Axis, span: Span, top: int, height: int) -> list[Piece]:
        seen = axis.span(*span)
        return [] if seen is None else [Piece(kind, *seen, top, height)]

    def _tail_words(self, stop: PlanStop) -> str:
        alert = self._alerts.get(stop.job)
        return delay_words(alert[3]) if alert is not None and alert[3] else ""

    # --- a week

    def week_rows(self, days: Sequence[dt.date]) -> tuple[PlanRow, ...]:
        """The rows of a week."""
        bounds = [(day, *day_bounds(day, self._zone)) for day in days]
        rows = []
        for row in self._facts.people:
            worker = row["worker"]
            stops = in_order(self._facts.stops.get(worker, ()))
            by_day: dict[dt.date, list[PlanStop]] = {day: [] for day in days}
            for stop in stops:
                day = self._day_of(stop, worker, bounds)
                if day is not None:
                    by_day[day].append(stop)
            rows.append(
                PlanRow(
                    worker=worker,
                    name=row["name"] or _UNNAMED,
                    about=" · ".join(filter(None, (row["team_name"], row["vehicle_name"]))),
                    absent="",
                    shift="",
                    silent=self._silent.get(worker, "") if stops else "",
                    load=self._load(stops),
                    bars=(),
                    untimed=(),
                    drawn=(),
                    lanes=1,
                    cells=tuple(self._cell(row, day, by_day[day]) for day in days),
                )
            )
        return tuple(rows)

    def _day_of(
        self, stop: PlanStop, worker: str, bounds: Sequence[tuple[dt.date, int, int]]
    ) -> dt.date | None:
        """The day of the week that a job is listed under: its window's, the one it was worked on,
        or today, where it has no date or its day is over."""
        window = stop.window
        at_ms = window[0] if window is not None else None
        if at_ms is None or not any(start <= at_ms < end for _, start, end in bounds):
            log = next((o for o in self._facts.logs.get(worker, ()) if o.job == stop.job), None)
            if log is not None:
                at_ms = log.start_ms
            elif window is not None and window[1] >= bounds[0][1]:
                at_ms = max(window[0], bounds[0][1])
        for day, start, end in bounds:
            if at_ms is not None and start <= at_ms < end:
                return day
        return next((day for day, _, _ in bounds if day.isoformat() == self._now_day), None)

    def _cell(self, row: Any, day: dt.date, stops: Sequence[PlanStop]) -> Cell:
        planned = sum(stop.length_ms for stop in stops)
        shift = sum(end - start for start, end in self._shifts(row, day))
        roster = self._rosters[day][row["worker"]]
        return Cell(
            day=day.isoformat(),
            words=weekday_words(day),
            absent=roster.absence.words if roster.absence is not None else "",
            vehicle=(roster.vehicle_name or say("no vehicle")) if roster.is_exception else "",
            chips=tuple(self.chip(stop, None, None, dated=False) for stop in stops[:CELL_MAX]),
            more=max(len(stops) - CELL_MAX, 0),
            load=self._hours(planned, shift) if stops else "",
            over=bool(shift) and planned > shift,
            current=day.isoformat() == self._now_day,
            href=replace(self._wanted, day=day.isoformat(), span="").url(),
        )

    # --- words

    def chip(self, stop: PlanStop, span: Span | None, done: Span | None, *, dated: bool) -> Chip:
        """A job as a link.

        `span` is where the plan has it, `done` where it was worked; `dated` names the whole window,
        and the day where it is another one, else only when it begins.
        """
        window = stop.window
        if span is not None:
            when = self._clock(*span)
        elif window is None:
            when = _ANY_TIME
        else:
            when = window_clock(*window, self._zone) if dated else self._hour(window[0])
            if dated and not meets(window, self._bounds):
                day = formats.day_words(window[0], self._zone, self._moment.now_ms)
                when = listed([day, when])
        alert = self._alerts.get(stop.job)
        start_ms = span[0] if span is not None else window[0] if window is not None else 0
        return Chip(
            stop.job,
            stop.number,
            stop.title or _UNTITLED,
            when,
            self._note(stop, span, done, alert),
            stop.status,
            alert[1] if alert is not None else "",
            stop.job in self._fitting,
            stop.begun or stop.status == "done",
            stop.length_ms // formats.MINUTE_MS,
            start_ms,
        )

    def _note(self, stop: PlanStop, span: Span | None, done: Span | None, alert: Any) -> str:
        """What a bar's label says beside its time: the phase, the window, what is wrong."""
        code = stop.phase if stop.phase and stop.status == "in progress" else stop.status
        parts = [_said(code)]
        if stop.window is not None and stop.window != span:
            parts.append(say("window {hours}", hours=window_clock(*stop.window, self._zone)))
        if done is not None:
            parts.append(say("worked {hours}", hours=self._clock(*done)))
        if alert is not None:
            level, cause = _said(alert[1]), cause_words(alert[2])
            late = [cause, delay_words(alert[3])] if alert[3] else [cause]
            parts.append(listed([level, listed(late, " ")], ": "))
        return listed(parts) if len(parts) > 1 else parts[0]

    def _clock(self, start_ms: int, stop_ms: int) -> str:
        return f"{self._hour(start_ms)}–{self._hour(stop_ms)}"

    def _hour(self, at_ms: int) -> str:
        minute = at_ms // formats.MINUTE_MS
        if minute not in self._clocks:
            self._clocks[minute] = formats.clock_words(at_ms, self._zone)
        return self._clocks[minute]

    def _load(self, stops: Sequence[PlanStop]) -> str:
        if not stops:
            return say("free")
        hours, minutes = divmod(sum(stop.length_ms for stop in stops) // formats.MINUTE_MS, 60)
        # As short as it can be: it stands beside the shift in a narrow column.
        words = f"{hours} h{f' {minutes:02d}' if minutes else ''}" if hours else f"{minutes} min"
        return say_n("{n} job, {time}", "{n} jobs, {time}", len(stops), time=words)

    def _hours(self, planned_ms: int, shift_ms: int) -> str:
        planned = formats.minutes_words(planned_ms // formats.MINUTE_MS)
        if not shift_ms:
            return planned
        shift = formats.minutes_words(shift_ms // formats.MINUTE_MS)
        return say("{planned} of {shift}", planned=planned, shift=shift)


def _said(code: str) -> str:
    return _SAID.get(code) or say(code)
