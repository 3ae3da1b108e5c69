"""The planner: workers as rows, a day's hours or a week's days across, with what nobody has on top.

Gathers what `board/planner.html` draws, of the same filter, day and selection as the table and the
map; a job that the view does not hold is there too, only pale, since it takes a worker's time all
the same. Holds no SQL and writes nothing. Invariant: a planner shows every job that its workers
have on its days, or says that it can't.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from core.date_words import weekday_words
from core.sentence import Sentence, say
from web.board.days import day_bounds, today
from web.board.filters import UNASSIGNED, VIEW_BY_ID, Filter, is_stream_id, read_filter
from web.board.plan_day import facts_of, silence_of
from web.board.plan_drawing import Chip, Drawing, PlanRow
from web.board.plan_lines import Tick, in_order
from web.board.state import Moment, moment_of
from web.formats import date_words, long_day_words
from web.rendering import part
from web.roster import roster_on

TRAY_MAX: Final = 120
"""Jobs without a worker that are shown at once; the table has all of them."""


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head in a week."""

    words: str
    current: bool


@dataclass(frozen=True, slots=True)
class Planner:
    """What `board/planner.html` draws. Times in ms UTC.

    `has_tray`: what nobody has is shown, which a filter for some workers leaves out.
    """

    day: str
    day_words: str
    week: bool
    previous_href: str
    next_href: str
    today_href: str
    day_href: str
    week_href: str
    sheets_href: str
    ticks: tuple[Tick, ...]
    heads: tuple[Head, ...]
    start_ms: int
    end_ms: int
    now_ms: int
    job_href: str
    rows: tuple[PlanRow, ...]
    has_tray: bool
    tray: tuple[Chip, ...]
    tray_total: int
    tray_href: str
    fit_words: str
    full: bool
    narrowed: bool
    clear_href: str


async def planner_part(request: web.Request) -> web.StreamResponse:
    """GET /board/planner?…: the planner alone, as the page's URL says."""
    moment = await moment_of(request)
    return await draw_planner(request, moment, read_filter(request.query), 200)


async def draw_planner(
    request: web.Request, moment: Moment, wanted: Filter, status: int
) -> web.StreamResponse:
    """Answer with the planner alone."""
    selected = request.query.get("job", "")
    selected = selected if is_stream_id(selected) else ""
    if "planner" not in wanted.sights:
        # A page that shows it by now was drawn while it showed something else.
        wanted = replace(wanted, layout="planner")
    page = PlannerPart(await planner_of(moment, wanted), selected)
    response = await part(request, "board/planner.html", page)
    response.set_status(status)
    response.headers["Cache-Control"] = "no-store"
    return response


@dataclass(frozen=True, slots=True)
class PlannerPart:
    """What `board/planner.html` gets, alone; within the board the board's page has the same."""

    planner: Planner
    selected: str


async def planner_of(moment: Moment, wanted: Filter) -> Planner:
    """The planner of a filter at a moment."""
    day = dt.date.fromisoformat(wanted.day or today(moment.now_ms, moment.zone))
    week = wanted.span == "week"
    days = week_of(day) if week else [day]
    chosen = set(wanted.workers)
    has_tray = not chosen or UNASSIGNED in chosen
    facts = await facts_of(
        moment, days, lambda row: not chosen or row["worker"] in chosen, unassigned=has_tray
    )
    jobs = {stop.job for stops in facts.stops.values() for stop in stops}
    fitting = await (await moment.question(replace(wanted, day=""))).matching(
        moment.hub.reader, sorted(jobs)
    )
    rosters = {each: await roster_on(moment.hub.reader, each.isoformat()) for each in days}
    drawing = Drawing(moment, wanted, facts, fitting, await silence_of(moment), rosters)
    rows, axis = (drawing.week_rows(days), None) if week else drawing.day_rows(day)
    tray = in_order(facts.stops.get("", ()))
    step = dt.timedelta(days=7 if week else 1)
    chosen_pairs = [("worker", each) for each in wanted.workers if each != UNASSIGNED]
    here = wanted.url()
    is_today = day.isoformat() == today(moment.now_ms, moment.zone)
    return Planner(
        day=day.isoformat(),
        day_words=_span_title(days),
        week=week,
        previous_href=replace(wanted, day=(day - step).isoformat()).url(),
        next_href=replace(wanted, day=(day + step).isoformat()).url(),
        today_href="" if is_today else replace(wanted, day="").url(),
        day_href=replace(wanted, span="").url(),
        week_href=replace(wanted, span="week").url(),
        sheets_href=f"/workers/day?{urlencode([('date', day.isoformat()), *chosen_pairs])}",
        ticks=axis.ticks if axis else (),
        heads=tuple(
            Head(weekday_words(each), each.isoformat() == today(moment.now_ms, moment.zone))
            for each in (days if week else ())
        ),
        start_ms=axis.start_ms if axis else day_bounds(days[0], moment.zone)[0],
        end_ms=axis.end_ms if axis else day_bounds(days[-1], moment.zone)[1],
        now_ms=moment.now_ms,
        job_href=f"{here}{'&' if '?' in here else '?'}job=",
        rows=rows,
        has_tray=has_tray,
        tray=tuple(drawing.chip(stop, None, None, dated=True) for stop in tray[:TRAY_MAX]),
        tray_total=len(tray),
        tray_href=Filter(view="unassigned", layout="table").url(),
        fit_words=_fit_words(wanted, len(fitting), len(jobs)),
        full=facts.full,
        narrowed=bool(wanted.workers),
        clear_href=replace(wanted, workers=()).url(),
    )


def week_of(day: dt.date) -> list[dt.date]:
    """The seven days of a day's week, from Monday."""
    monday = day - dt.timedelta(days=day.weekday())
    return [monday + dt.timedelta(days=each) for each in range(7)]


def _span_title(days: Sequence[dt.date]) -> Sentence:
    first, last = days[0], days[-1]
    if first == last:
        return long_day_words(first)
    return say(
        "{first} – {last}",
        first=date_words(first.isoformat(), first.isoformat()),
        # Of no present, so that it names its year.
        last=date_words(last.isoformat(), ""),
    )


def _fit_words(wanted: Filter, fitting: int, jobs: int) -> str:
    """Which of the jobs stand out: those that the view and the filters hold."""
    if fitting == jobs:
        return ""
    view = VIEW_BY_ID[wanted.view].words
    if wanted.statuses or wanted.text or wanted.customer:
        return say(
            "{fitting} of {jobs} jobs fit “{view}” and the filters; the others are pale.",
            fitting=fitting,
            jobs=jobs,
            view=view,
        )
    return say(
        "{fitting} of {jobs} jobs fit “{view}”; the others are pale.",
        fitting=fitting,
        jobs=jobs,
        view=view,
    )
