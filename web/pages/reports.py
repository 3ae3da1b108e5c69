"""Reports: jobs and hours of a period by worker, customer, team, vehicle or day, page and CSV.

The period is of local days of the site; hours are those that count for pay, from logs that are not
superseded. Invariant: the CSV file holds the rows of the page, and both say which phones were not
heard since the period's end, because their hours may still come.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.keys import HUB
from web.board.exports import csv_text
from web.formats import DAY_MS, folded, local_time
from web.frame import settings_of, zone_of
from web.phones import Phone, phones_of
from web.rendering import show
from web.roster import absences, days_absent, vehicle_exceptions, vehicle_of

DAYS_MAX: Final = 366
"""A year; longer is better asked in parts, so that one question cannot hold up the others."""
BY_WORDS: Final = {
    "worker": "Worker", "customer": "Customer", "team": "Team", "vehicle": "Vehicle", "day": "Day",
}  # fmt: skip
KINDS: Final = ("travel", "on site", "break", "waiting", "other")

_LOGS: Final = """
    SELECT time_log.worker AS worker, coalesce(job.customer, '') AS customer,
           coalesce(worker.team, '') AS team, time_log.day AS day, time_log.kind AS kind,
           coalesce(vehicle_day.vehicle, worker.vehicle, '') AS vehicle,
           sum(time_log.seconds) AS seconds,
           sum(CASE WHEN time_log.source = 'auto' THEN time_log.seconds ELSE 0 END) AS automatic
    FROM time_log
    LEFT JOIN job ON job.job = time_log.job
    LEFT JOIN worker ON worker.worker = time_log.worker
    LEFT JOIN vehicle_day
        ON vehicle_day.worker = time_log.worker AND vehicle_day.day = time_log.day
    WHERE time_log.day BETWEEN ? AND ? AND time_log.superseded = 0
    GROUP BY 1, 2, 3, 4, 5, 6
"""
# What stays of days that were erased; whether the phone logged it by itself is not known any more.
_ERASED: Final = """
    SELECT erased_time.worker AS worker, coalesce(job.customer, '') AS customer,
           coalesce(worker.team, '') AS team, erased_time.day AS day, erased_time.kind AS kind,
           coalesce(vehicle_day.vehicle, worker.vehicle, '') AS vehicle,
           sum(erased_time.minutes) * 60 AS seconds, 0 AS automatic
    FROM erased_time
    LEFT JOIN job ON job.job = erased_time.job
    LEFT JOIN worker ON worker.worker = erased_time.worker
    LEFT JOIN vehicle_day
        ON vehicle_day.worker = erased_time.worker AND vehicle_day.day = erased_time.day
    WHERE erased_time.day BETWEEN ? AND ? AND NOT EXISTS (
        SELECT 1 FROM time_log
        WHERE time_log.worker = erased_time.worker AND time_log.day = erased_time.day)
    GROUP BY 1, 2, 3, 4, 5, 6
"""
_JOBS: Final = """
    SELECT * FROM (
        SELECT job.worker AS worker, job.customer AS customer, coalesce(worker.team, '') AS team,
               coalesce(worker.vehicle, '') AS vehicle, job.status AS status,
               coalesce(CASE WHEN job.status = 'done' THEN job.finished_at END,
                        job.window_start, job.updated_at) AS at
        FROM job LEFT JOIN worker ON worker.worker = job.worker
    ) WHERE at >= ? AND at < ?
"""
_NAMES: Final = {
    "worker": "SELECT worker AS id, name FROM worker",
    "customer": "SELECT customer AS id, name FROM customer",
    "team": "SELECT team AS id, name FROM team",
    "vehicle": "SELECT vehicle AS id, name FROM vehicle",
}
_NOBODY: Final = {
    "worker": "(nobody)", "customer": "(no customer)", "team": "(no team)",
    "vehicle": "(no vehicle)",
}  # fmt: skip


@dataclass(slots=True)
class Row:
    """One line: how many jobs of each status, and seconds of each kind of time."""

    name: str
    jobs_by_status: dict[str, int] = field(default_factory=dict)
    seconds_by_kind: dict[str, int] = field(default_factory=dict)
    automatic_s: int = 0
    absent_days: int = 0

    def jobs(self, status: str) -> int:
        """Jobs of this status."""
        return self.jobs_by_status.get(status, 0)

    def minutes(self, *kinds: str) -> int:
        """Whole minutes of these kinds of time together."""
        return round(sum(self.seconds_by_kind.get(kind, 0) for kind in kinds) / 60)

    @property
    def worked_minutes(self) -> int:
        """Minutes of all kinds but breaks."""
        return self.minutes(*(kind for kind in KINDS if kind != "break"))

    @property
    def automatic_percent(self) -> int | None:
        """How much of the time was logged by the phone itself; None where there is no time."""
        whole = sum(self.seconds_by_kind.values())
        return round(100 * self.automatic_s / whole) if whole else None


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    def days(self) -> list[str]:
        """Each day as 2026-11-23."""
        count = (self.last - self.first).days + 1
        return [(self.first + dt.timedelta(days=number)).isoformat() for number in range(count)]

    def bounds_ms(self, zone: ZoneInfo) -> tuple[int, int]:
        """The instants at which the period begins and is over."""
        return _midnight_ms(self.first, zone), _midnight_ms(self.last + dt.timedelta(days=1), zone)


@dataclass(frozen=True, slots=True)
class ReportsPage:
    """The report, its period and grouping, and the phones whose hours may be missing."""

    first: str
    last: str
    by: str
    rows: tuple[Row, ...]
    total: Row
    silent: tuple[Phone, ...]
    query: str
    presets: tuple[tuple[str, str, bool], ...]
    error: str = ""

    @property
    def by_words(self) -> Mapping[str, str]:
        """What rows can stand for."""
        return BY_WORDS


async def reports_page(request: web.Request) -> web.StreamResponse:
    """GET /reports?from=&to=&by=."""
    return await show(request, "reports.html", await _report(request))


async def summary_csv(request: web.Request) -> web.StreamResponse:
    """GET /reports/summary.csv?from=&to=&by=: the rows of the page (RFC 4180, UTF-8)."""
    page = await _report(request)
    head = (
        *(page.by, "jobs_done", "jobs_open", "jobs_in_progress", "jobs_rejected"),
        *(f"{kind.replace(' ', '')}_min" for kind in KINDS),
        *("worked_min", "auto_share_pct", "from", "to", "phones_not_heard_since"),
        "absent_days",
    )
    silent = "; ".join(phone.name for phone in page.silent)
    lines = [
        (
            *(row.name, row.jobs("done"), row.jobs("open"), row.jobs("in progress")),
            *(row.jobs("rejected"), *(row.minutes(kind) for kind in KINDS)),
            *(row.worked_minutes, row.automatic_percent, page.first, page.last, silent),
            row.absent_days if page.by == "worker" else None,
        )
        for row in page.rows
    ]
    name = f"summary-by-{page.by}-{page.first}-{page.last}.csv"
    return web.Response(
        text=csv_text([head, *lines]),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _report(request: web.Request) -> ReportsPage:
    hub = request.app[HUB]
    zone, now_ms = zone_of(await settings_of(request)), hub.clock.now_ms()
    today = local_time(now_ms, zone).date()
    by = request.query.get("by", "worker")
    by = by if by in BY_WORDS else "worker"
    period, error = read_period(request.query, today)
    rows, total = await _rows(hub.reader, period, by, zone)
    _, end_ms = period.bounds_ms(zone)
    phones = await phones_of(hub)
    silent = [phone for phone in phones if (phone.heard_at_ms or 0) < min(end_ms, now_ms - DAY_MS)]
    first, last = period.first.isoformat(), period.last.isoformat()
    return ReportsPage(
        first=first,
        last=last,
        by=by,
        rows=rows,
        total=total,
        silent=tuple(silent),
        query=f"from={first}&to={last}&by={by}",
        presets=tuple(
            (words, f"?from={each.first}&to={each.last}&by={by}", each == period)
            for words, each in _presets(today)
        ),
        error=error,
    )


def read_period(query: Mapping[str, str], today: dt.date) -> tuple[Period, str]:
    """The period that a URL names, or this week with the reason why it was not taken."""
    this_week = _presets(today)[0][1]
    if not query.get("from") and not query.get("to"):
        return this_week, ""
    try:
        first = dt.date.fromisoformat(query.get("from", ""))
        last = dt.date.fromisoformat(query.get("to", ""))
    except ValueError:
        return this_week, "Give both days as 2026-11-23. This week is shown instead."
    if last < first:
        return this_week, "The period ends before it begins. This week is shown instead."
    if (last - first).days >= DAYS_MAX or not 2000 <= first.year <= last.year <= 2100:
        return this_week, "A report covers a year at most. This week is shown instead."
    return Period(first, last), ""


def _presets(today: dt.date) -> list[tuple[str, Period]]:
    monday = today - dt.timedelta(days=today.weekday())
    month = today.replace(day=1)
    before = month - dt.timedelta(days=1)
    week = dt.timedelta(days=6)
    return [
        ("This week", Period(monday, monday + week)),
        ("Last week", Period(monday - dt.timedelta(days=7), monday - dt.timedelta(days=1))),
        ("This month", Period(month, (month + dt.timedelta(days=31)).replace(day=1) - _ONE_DAY)),
        ("Last month", Period(before.replace(day=1), before)),
        ("Today", Period(today, today)),
    ]


_ONE_DAY: Final = dt.timedelta(days=1)


def _midnight_ms(day: dt.date, zone: ZoneInfo) -> int:
    return int(dt.datetime.combine(day, dt.time(), zone).timestamp() * 1000)


async def _rows(
    reader: Any, period: Period, by: str, zone: ZoneInfo
) -> tuple[tuple[Row, ...], Row]:
    question = _NAMES.get(by)
    name_by_id = {row["id"]: row["name"] for row in await reader.rows(question)} if question else {}
    rows: dict[str, Row] = {}
    total = Row("All")

    def lines(key: str) -> tuple[Row, Row]:
        if key not in rows:
            rows[key] = Row(name_by_id.get(key, key) if key else _NOBODY.get(by, ""))
        return rows[key], total

    days = (period.first.isoformat(), period.last.isoformat())
    logged = [*await reader.rows(_LOGS, days), *await reader.rows(_ERASED, days)]
    for found in logged:
        for line in lines(found[by]):
            _add(line.seconds_by_kind, found["kind"], found["seconds"])
            line.automatic_s += found["automatic"]
    start_ms, end_ms = period.bounds_ms(zone)
    exceptions = await vehicle_exceptions(reader, *days)
    for found in await reader.rows(_JOBS, (start_ms, end_ms)):
        day = local_time(found["at"], zone).date().isoformat()
        keys = {"day": day}
        keys["vehicle"] = vehicle_of(exceptions, found["worker"], day, found["vehicle"])
        for line in lines(keys[by] if by in keys else found[by]):
            _add(line.jobs_by_status, found["status"], 1)
    if by == "worker":
        away = await absences(reader, *days)
        for worker, found_absences in away.items():
            for line in lines(worker):
                line.absent_days += days_absent(found_absences, *days, period.days())
    ordered = sorted(rows.values(), key=lambda row: (row.name.startswith("("), folded(row.name)))
    return tuple(ordered), total


def _add(table: dict[str, int], key: str, amount: int) -> None:
    table[key] = table.get(key, 0) + amount


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/reports", reports_page)
    app.router.add_get("/reports/summary.csv", summary_csv)
