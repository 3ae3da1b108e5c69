"""CSV files of exactly what the board shows: jobs, and the time logs of those jobs.

RFC 4180: comma, quotes where needed, CRLF. Times stand twice, in UTC and in the site's zone with
its offset; column names never change with the language of the screen. A text that a spreadsheet
would run as a formula gets an apostrophe before it. Streamed page by page, so a file of any length
costs the memory of one page. Invariant: the rows are those of the board's question, in its order.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from core.dispatch.fields import Phase
from replica.projection.conflict import phase_words
from web import formats
from web.board.questions import Question
from web.board.reader import Rows
from web.board.state import Moment, moment_of
from web.csv_file import csv_text, local, utc
from web.roster import vehicle_exceptions, vehicle_names, vehicle_of

PAGE_ROWS: Final = 500
"""Rows asked for at once: some hundred kilobytes."""

JOB_COLUMNS: Final = (
    "job_no",
    "job_id",
    "title",
    "priority",
    "status",
    "phase",
    "reason",
    "customer_no",
    "customer",
    "site",
    "address",
    "lat",
    "lon",
    "contact",
    "phone",
    "team",
    "workers",
    "vehicle",
    "created_utc",
    "created_local",
    "window_start_utc",
    "window_end_utc",
    "window_start_local",
    "window_end_local",
    "planned_min",
    "received_utc",
    "accepted_utc",
    "travel_start_utc",
    "arrived_utc",
    "finished_utc",
    "arrived_local",
    "finished_local",
    "travel_min",
    "onsite_min",
    "break_min",
    "delay_min",
    "delay_cause",
    "auto_share_pct",
    "edits",
    "tz",
    "updated_local",
)
# What of a file says what a column of the table says.
_SHOWN: Final = (
    ("number", ("job_no", "priority")),
    ("title", ("title",)),
    ("customer", ("customer", "site")),
    ("window", ("window_start_local", "window_end_local")),
    ("worker", ("workers",)),
    ("status", ("status", "phase", "reason")),
    ("delay", ("delay_min", "delay_cause")),
    ("reach", ("received_utc",)),
    ("updated", ("updated_local",)),
)
LOG_COLUMNS: Final = (
    "log_id",
    "job_no",
    "job_id",
    "worker",
    "type",
    "day",
    "start_local",
    "end_local",
    "start_utc",
    "end_utc",
    "tz",
    "minutes",
    "decimal_hours",
    "source",
    "confidence",
    "evidence_fixes",
    "counts",
    "edited_by",
    "reason",
    "supersedes",
)
_PRIORITY: Final = ("low", "normal", "high", "urgent")


async def jobs_csv(request: web.Request) -> web.StreamResponse:
    """GET /export/jobs.csv?…: one row for each job of the filter.

    With `columns=shown` it has the table's columns that are not hidden, in the table's order.
    """
    moment = await moment_of(request)
    if request.query.get("columns") != "shown":
        return await _stream(request, moment, "jobs", JOB_COLUMNS, job_lines)
    hidden = (await moment.filter_of(request.query)).hidden
    shown = [name for column, names in _SHOWN for name in names if column not in hidden]
    places = [JOB_COLUMNS.index(name) for name in shown]

    async def lines(moment: Moment, rows: Sequence[Any]) -> list[list[object]]:
        return [[line[place] for place in places] for line in await job_lines(moment, rows)]

    return await _stream(request, moment, "jobs", shown, lines)


async def time_logs_csv(request: web.Request) -> web.StreamResponse:
    """GET /export/timelogs.csv?…: one row for each time log of the filter's jobs.

    Where nothing is filtered those of no job come too, at the end: then it is every log.
    """
    moment = await moment_of(request)
    return await _stream(request, moment, "timelogs", LOG_COLUMNS, _log_lines, _jobless_lines)


async def _stream(
    request: web.Request,
    moment: Moment,
    name: str,
    columns: Sequence[str],
    lines: Any,
    jobless: Any = None,
) -> web.StreamResponse:
    # A closed group is only out of sight: its jobs are among those that the page counts.
    wanted = replace(await moment.filter_of(request.query), closed=())
    question = await moment.question(wanted)
    day = formats.local_time(moment.now_ms, moment.zone).strftime("%Y-%m-%d")
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8; header=present",
            "Content-Disposition": f'attachment; filename="{name}-{day}.csv"',
            "Cache-Control": "no-store",
        }
    )
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(csv_text([columns]).encode())
    async for rows in _pages(moment.hub.reader, question):
        text = csv_text(await lines(moment, rows))
        if text:
            await response.write(text.encode())
    if jobless is not None and wanted.view == "all" and not wanted.narrowed:
        async for part in jobless(moment):
            await response.write(csv_text(part).encode())
    await response.write_eof()
    return response


async def _pages(reader: Rows, question: Question) -> AsyncIterator[list[Any]]:
    after = None
    while True:
        rows = await question.page(reader, after, PAGE_ROWS)
        if rows:
            yield rows
        if len(rows) < PAGE_ROWS:
            return
        after = question.key_of(rows[-1])


async def job_lines(moment: Moment, rows: Sequence[Any]) -> list[list[object]]:
    """The lines of jobs, given as rows of the board's question."""
    reader, zone = moment.hub.reader, moment.zone
    jobs = json.dumps([row["job"] for row in rows])
    customers = await _by_job(
        reader,
        "SELECT job.job, customer.number FROM json_each(?) AS wanted JOIN job"
        " ON job.job = wanted.value JOIN customer ON customer.customer = job.customer",
        jobs,
    )
    people = await _by_job(
        reader,
        "SELECT assignment.job, worker.worker, worker.name, coalesce(team.name, '') AS team,"
        " worker.vehicle FROM json_each(?) AS wanted"
        " JOIN assignment ON assignment.job = wanted.value JOIN worker USING (worker)"
        " LEFT JOIN team ON team.team = worker.team"
        " WHERE assignment.phase NOT IN ('withdrawn', 'released') ORDER BY assigned_at",
        jobs,
    )
    logs = await _by_job(
        reader,
        "SELECT time_log.job, kind, source, sum(seconds) AS seconds FROM json_each(?) AS wanted"
        " JOIN time_log ON time_log.job = wanted.value WHERE NOT superseded"
        " GROUP BY time_log.job, kind, source",
        jobs,
    )
    streams = [bytes.fromhex(row["job"]) for row in rows]
    marks = ", ".join("?" * len(streams))
    first_by_job: dict[str, dict[str, int]] = {}
    for row in await reader.rows(
        "SELECT lower(hex(job)) AS job, phase, min(at) AS at FROM phase_time"
        f" WHERE job IN ({marks}) GROUP BY job, phase",
        streams,
    ):
        first_by_job.setdefault(row["job"], {})[phase_words(Phase(row["phase"]))] = row["at"]
    edits = {
        row["job"]: row["entries"]
        for row in await reader.rows(
            f"SELECT lower(hex(stream)) AS job, entries FROM stream WHERE stream IN ({marks})",
            streams,
        )
    }
    vehicles = await _vehicles(reader, rows, people, zone)
    return [
        _job_line(
            row,
            zone,
            (customers.get(row["job"]) or [None])[0],
            people.get(row["job"], []),
            vehicles[row["job"]],
            logs.get(row["job"], []),
            first_by_job.get(row["job"], {}),
            edits.get(row["job"], 0),
        )
        for row in rows
    ]


async def _vehicles(
    reader: Rows, rows: Sequence[Any], people: dict[str, list[Any]], zone: ZoneInfo
) -> dict[str, str]:
    """By job, the vehicles that its workers drive on its day: when it was done, or is to be."""
    names = await vehicle_names(reader)
    day_by_job = {}
    for row in rows:
        at_ms = row["arrived_at"] or row["finished_at"] or row["window_start"]
        day = formats.local_time(at_ms, zone).date().isoformat() if at_ms is not None else ""
        day_by_job[row["job"]] = day
    days = [day for day in day_by_job.values() if day]
    exceptions = await vehicle_exceptions(reader, min(days), max(days)) if days else {}
    return {
        job: _joined(
            names.get(vehicle_of(exceptions, each["worker"], day, each["vehicle"]), "")
            for each in people.get(job, [])
        )
        for job, day in day_by_job.items()
    }


async def _by_job(reader: Rows, sql: str, jobs: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in await reader.rows(sql, [jobs]):
        found.setdefault(row["job"], []).append(row)
    return found


def _job_line(
    row: Any,
    zone: ZoneInfo,
    customer: Any,
    people: Sequence[Any],
    vehicles: str,
    logs: Sequence[Any],
    first_by_phase: dict[str, int],
    edits: int,
) -> list[object]:
    seconds = {
        kind: sum(log["seconds"] for log in logs if log["kind"] == kind)
        for kind in ("travel", "on site", "break")
    }
    total = sum(log["seconds"] for log in logs)
    auto = sum(log["seconds"] for log in logs if log["source"] == "auto")
    arrived = row["arrived_at"]
    return [
        row["number"],
        row["job"],
        row["title"],
        _PRIORITY[min(max(row["priority"], 0), 3)],
        row["status"],
        row["phase"],
        row["reason"],
        customer["number"] if customer is not None else "",
        row["customer_name"],
        row["place_name"],
        row["address"],
        _degrees(row["lat_e7"]),
        _degrees(row["lon_e7"]),
        row["contact"],
        row["contact_phone"],
        _joined(person["team"] for person in people),
        _joined(person["name"] for person in people),
        vehicles,
        utc(row["created_at"]),
        local(row["created_at"], zone),
        utc(row["window_start"]),
        utc(row["window_end"]),
        local(row["window_start"], zone),
        local(row["window_end"], zone),
        row["planned_minutes"],
        # A phone that opened a job had received it: nothing else tells when.
        utc(first_by_phase.get("received", first_by_phase.get("opened"))),
        utc(first_by_phase.get("accepted")),
        utc(first_by_phase.get("travelling")),
        utc(arrived),
        utc(row["finished_at"]),
        local(arrived, zone),
        local(row["finished_at"], zone),
        round(seconds["travel"] / 60),
        round(seconds["on site"] / 60),
        round(seconds["break"] / 60),
        row["alert_minutes"] if row["alert_level"] else None,
        (row["alert_cause"] or "") if row["alert_level"] else "",
        round(100 * auto / total) if total else None,
        edits,
        str(zone),
        local(row["updated_at"], zone),
    ]


def _degrees(value_e7: int | None) -> Decimal | None:
    """Degrees as a number: a southern one is no formula."""
    return None if value_e7 is None else Decimal(formats.degrees_text(value_e7))


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


LOG_ROWS: Final = (
    "SELECT time_log.*, coalesce(worker.name, '') AS worker_name,"
    " coalesce(account.name, editor.name, '') AS editor_name FROM {source}"
    " LEFT JOIN worker ON worker.worker = time_log.worker"
    " LEFT JOIN account ON account.account = time_log.actor"
    " LEFT JOIN worker AS editor ON editor.worker = time_log.actor"
)


async def _log_lines(moment: Moment, rows: Sequence[Any]) -> list[list[object]]:
    number_by_job = {row["job"]: row["number"] for row in rows}
    source = "json_each(?) AS wanted JOIN time_log ON time_log.job = wanted.value"
    found = await moment.hub.reader.rows(
        LOG_ROWS.format(source=source) + " ORDER BY wanted.key, time_log.start_at, time_log.log",
        [json.dumps(list(number_by_job))],
    )
    return [log_line(row, number_by_job[row["job"]], moment.zone) for row in found]


async def _jobless_lines(moment: Moment) -> AsyncIterator[list[list[object]]]:
    """The logs of no job, oldest first, some at a time."""
    after: tuple[int, str] = (-1, "")
    while True:
        rows = await moment.hub.reader.rows(
            LOG_ROWS.format(source="time_log")
            + " WHERE time_log.job = '' AND (time_log.start_at, time_log.log) > (?, ?)"
            " ORDER BY time_log.start_at, time_log.log LIMIT ?",
            [*after, PAGE_ROWS],
        )
        if rows:
            yield [log_line(row, "", moment.zone) for row in rows]
        if len(rows) < PAGE_ROWS:
            return
        after = (rows[-1]["start_at"], rows[-1]["log"])


def log_line(row: Any, number: str, zone: ZoneInfo) -> list[object]:
    """The line of a time log, given as a row of `LOG_ROWS`; `number` is its job's."""
    closed = row["stop_at"] is not None
    counts = closed and not row["superseded"]
    seconds = row["seconds"] if counts else None
    return [
        row["log"],
        number,
        row["job"],
        row["worker_name"],
        row["kind"],
        row["day"],
        local(row["start_at"], zone),
        local(row["stop_at"], zone),
        utc(row["start_at"]),
        utc(row["stop_at"]),
        str(zone),
        round(seconds / 60) if seconds is not None else None,
        f"{seconds / 3600:.2f}" if seconds is not None else None,
        row["source"],
        row["certainty"] or "certain",
        _fix_count(row["evidence"]),
        "yes" if counts else "no",
        row["editor_name"] if row["source"] in ("correction", "dispatcher") else "",
        row["reason"],
        row["supersedes"],
    ]


def _fix_count(evidence: str) -> int | None:
    try:
        found = json.loads(evidence) if evidence else {}
    except ValueError:
        return None
    fixes = found.get("fixes") if isinstance(found, dict) else None
    return len(fixes) if isinstance(fixes, list) else None
