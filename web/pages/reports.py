"""Reports: jobs and hours of a period, by whom or what or when, as chart, table and files.

Puts together what `web.reports` counts and draws; the report is its URL. Invariant: every link of
the page asks for the same jobs and hours, until somebody changes which.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from core.sentence import say
from hub.keys import HUB
from web.board.state import moment_of
from web.csv_file import Portions, read_style, send_csv
from web.formats import folded, local_time
from web.frame import settings_of, zone_of
from web.language import language_of
from web.rendering import show
from web.reports import files
from web.reports.absent import Absent, absent_workers
from web.reports.charts import chart_of
from web.reports.completeness import HEADER, Completeness, completeness
from web.reports.drawing import Chart, swatch
from web.reports.figures import Figures, choices, count
from web.reports.period import Period, month_of, presets, week_of
from web.reports.wanted import BY_PHRASES, BY_WORDS, CHARTS, TIMES, Wanted, read_wanted

FILE_ROWS_MAX: Final = 1_000_000
LINES_AT_ONCE: Final = 500

SUMMARY_COLUMNS: Final = (
    *("id", "name", "jobs_done", "jobs_open", "jobs_rejected", "windowed", "on_time"),
    *("on_time_pct", "planned_min", "actual_min", "travel_min", "onsite_min", "waiting_min"),
    *("other_min", "break_min", "worked_min", "travel_share_pct", "auto_share_pct", "from", "to"),
    "absent_days",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its words, where its order leads, and how it is ordered now."""

    words: str
    href: str
    order: str
    hint: str


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a report is narrowed to, and the address without that."""

    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: its figures, where it leads, and whether it may still rise."""

    figures: Figures
    href: str
    may_rise: bool
    absent_days: int


@dataclass(frozen=True, slots=True)
class ReportsPage:
    """A report: what was asked, its rows and total, its chart, and how complete it is."""

    wanted: Wanted
    rows: tuple[Row, ...]
    total: Figures
    groups: int
    chart: Chart | None
    completeness: Completeness
    presets: tuple[tuple[str, str, bool], ...]
    charts: tuple[tuple[str, str, bool], ...]
    narrowed: tuple[Narrowed, ...]
    workers: Sequence[Any]
    teams: Sequence[Any]
    error: str = ""

    @property
    def by_words(self) -> Mapping[str, str]:
        """What rows can stand for."""
        return BY_WORDS

    @property
    def by_phrase(self) -> str:
        """By what the report is, as a part of a sentence."""
        return BY_PHRASES[self.wanted.by]

    @property
    def steps(self) -> tuple[str, str]:
        """The same report of the period before, and of the one after."""
        period = self.wanted.period
        return (
            self.wanted.href(period=period.step(-1)),
            self.wanted.href(period=period.step(1)),
        )

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in order."""
        return tuple(
            Column(
                BY_WORDS[self.wanted.by] if name == "name" else words,
                self.wanted.sorted_by(name),
                {name: "ascending", f"-{name}": "descending"}.get(self.wanted.sort, ""),
                hint,
            )
            for name, words, hint in _COLUMNS
        )

    @property
    def swatches(self) -> tuple[Markup, ...]:
        """The looks of the chart's series."""
        return tuple(swatch(index) for index in range(len(self.chart.legend) if self.chart else 0))


_COLUMNS: Final = (
    ("name", "", ""),
    ("done", say("Done"), say("Jobs finished in the period")),
    ("open", say("Open"), say("Jobs due in the period, or in progress")),
    ("rejected", say("Rejected"), say("Jobs due in the period that every worker rejected")),
    (
        "ontime",
        say("On time"),
        say("Arrived, or finished, before the window was over; of jobs done"),
    ),
    ("planned", say("Planned"), say("Planned minutes of the jobs done")),
    ("actual", say("Actual"), say("Time on site of the jobs done that had a plan")),
    ("travel", say("Travel"), ""),
    ("onsite", say("On site"), ""),
    ("other", say("Waiting, other"), ""),
    ("break", say("Break"), ""),
    ("worked", say("Worked"), say("All time but breaks")),
    ("travelshare", say("Travel share"), say("Travel of all time worked")),
    ("auto", say("Automatic"), say("Logged by the phone itself, of all time")),
)


_UNKNOWN: Final = {
    "worker": say("an unknown worker"),
    "team": say("an unknown team"),
    "customer": say("an unknown customer"),
}


async def reports_page(request: web.Request) -> web.StreamResponse:
    """GET /reports?from=&to=&by=&worker=&customer=&team=&sort=&chart=."""
    hub = request.app[HUB]
    zone, now_ms = zone_of(await settings_of(request)), hub.clock.now_ms()
    today = local_time(now_ms, zone).date()
    wanted, error = read_wanted(request.query, today)
    found, total, groups = await count(hub.reader, wanted, zone)
    away = await absent_workers(hub.reader, wanted)
    _, end_ms = wanted.period.bounds_ms(zone)
    complete = await completeness(hub, end_ms, wanted.worker, wanted.team)
    workers, teams = await choices(hub.reader)
    page = ReportsPage(
        wanted=wanted,
        rows=tuple(
            Row(
                each,
                _deeper(wanted, each.key),
                each.key in complete.workers,
                away[each.key].days if each.key in away else 0,
            )
            for each in _with_absent(found, away)
        ),
        total=total,
        groups=groups,
        chart=chart_of(wanted, found, language_of(request)),
        completeness=complete,
        presets=tuple(
            (words, wanted.href(period=each), each == wanted.period)
            for words, each in presets(today)
        ),
        charts=tuple(
            (words, wanted.href(chart=name), name == wanted.chart) for name, words in CHARTS.items()
        ),
        narrowed=await _narrowed(hub.reader, wanted),
        workers=workers,
        teams=teams,
        error=error,
    )
    return await show(request, "reports.html", page)


def _with_absent(found: Sequence[Figures], away: Mapping[str, Absent]) -> list[Figures]:
    """The rows, and those of workers who did nothing because they were not there."""
    known = {each.key for each in found}
    more = [Figures(worker, each.name) for worker, each in away.items() if worker not in known]
    return [*found, *sorted(more, key=lambda each: folded(each.name))]


def _deeper(wanted: Wanted, key: str) -> str:
    """Where a row leads: the same figures of it alone, or the job; '' where there is no more."""
    if not key:
        return ""
    if wanted.by in TIMES:
        first = f"{key}-01" if wanted.by == "month" else key
        day = dt.date.fromisoformat(first)
        period = {"day": Period(day, day), "week": week_of(day)}.get(wanted.by, month_of(day))
        return wanted.href(period=period, by="worker" if wanted.by == "day" else "day", sort="name")
    match wanted.by:
        case "job":
            return f"/jobs/{key}"
        case "worker":
            return wanted.href(worker=key, by="day", sort="name")
        case "customer":
            return wanted.href(customer=key, by="job", sort="name")
        case "team":
            return wanted.href(team=key, by="worker", sort="name")
    return ""


async def _narrowed(reader: Any, wanted: Wanted) -> tuple[Narrowed, ...]:
    found = []
    for table in _UNKNOWN:
        chosen = getattr(wanted, table)
        if chosen:
            row = await reader.row(f"SELECT name FROM {table} WHERE {table} = ?", (chosen,))
            name = row["name"] if row is not None else _UNKNOWN[table]
            words = say("{what}: {name}", what=BY_WORDS[table], name=name)
            found.append(Narrowed(words, wanted.href(**{table: ""})))
    return tuple(found)


async def summary_csv(request: web.Request) -> web.StreamResponse:
    """GET /reports/summary.csv?…: all rows of the page's table, and no total among them."""
    moment = await moment_of(request)
    wanted = files.wanted_for_file(request, moment)
    style = read_style(request.query)
    found, _, _ = await count(moment.hub.reader, wanted, moment.zone, FILE_ROWS_MAX)
    name = f"summary-by-{wanted.by}-{wanted.period.first}-{wanted.period.last}.csv"
    headers = {HEADER: await files.header_of(moment, wanted)}
    away = await absent_workers(moment.hub.reader, wanted)
    portions = _summary_portions(_with_absent(found, away), wanted, away)
    return await send_csv(request, name, SUMMARY_COLUMNS, portions, style, headers)


async def _summary_portions(
    found: Sequence[Figures], wanted: Wanted, away: Mapping[str, Absent]
) -> Portions:
    for start in range(0, len(found), LINES_AT_ONCE):
        part = found[start : start + LINES_AT_ONCE]
        yield [_summary_line(each, wanted, away.get(each.key)) for each in part]


def _summary_line(row: Figures, wanted: Wanted, absent: Absent | None) -> list[object]:
    absent_days = absent.days if absent is not None else 0
    spans = (
        *(row.planned_s, row.actual_s, row.travel_s, row.on_site_s, row.waiting_s, row.other_s),
        *(row.break_s, row.worked_s),
    )
    return [
        *(row.key, row.name, row.done, row.open, row.rejected, row.windowed, row.on_time),
        row.on_time_percent,
        *(round(seconds / 60) for seconds in spans),
        *(row.travel_percent, row.automatic_percent),
        *(wanted.period.first.isoformat(), wanted.period.last.isoformat()),
        absent_days if wanted.by == "worker" else None,
    ]


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/reports", reports_page)
    app.router.add_get("/reports/summary.csv", summary_csv)
    app.router.add_get("/reports/jobs.csv", files.jobs_csv)
    app.router.add_get("/reports/timelogs.csv", files.time_logs_csv)
    app.router.add_get("/reports/states.csv", files.states_csv)
