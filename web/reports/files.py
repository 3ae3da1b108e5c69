"""The files of a report: its jobs, the time logs of its days, and every state of its jobs.

What the page counts is what the files list; who has not been heard stands in the head of the
answer, among no rows. Keys are asked for once, rows in portions, so that a year's file holds
neither the hub's loop nor its memory. Invariant: the columns are those of the board's files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

from aiohttp import web

from core.sentence import say
from hub.guard import Refused
from replica.history import HistoryRow
from web.board.exports import JOB_COLUMNS, LOG_COLUMNS, LOG_ROWS, job_lines, log_line
from web.board.filters import Filter
from web.board.state import Moment, moment_of
from web.board.words import STATE_FIELDS, Names, load_names, state_words
from web.csv_file import Portions, local, read_style, send_csv, utc
from web.formats import local_time
from web.reports.completeness import HEADER, completeness
from web.reports.figures import jobs_of, worker_days_of
from web.reports.period import PeriodError, period_asked
from web.reports.wanted import Wanted, read_wanted

JOBS_AT_ONCE: Final = 200
DAYS_AT_ONCE: Final = 20
"""A worker's day has some dozen logs: a portion is some hundred lines."""

STATE_COLUMNS: Final = (
    *("job_no", "job_id", "title", "state", "what", "worker", "by", "where"),
    *("at_utc", "at_local", "tz", "stands", "entry", "act"),
)
_LOGS_OF_DAYS: Final = LOG_ROWS.format(
    source=(
        "json_each(?1) AS wanted"
        " JOIN time_log ON time_log.worker = json_extract(wanted.value, '$[0]')"
        " AND time_log.day = json_extract(wanted.value, '$[1]')"
    )
)


async def jobs_csv(request: web.Request) -> web.StreamResponse:
    """GET /reports/jobs.csv?…: one row for each job that the report counts."""
    moment, wanted = await _asked(request)
    return await _send(request, moment, wanted, "jobs", JOB_COLUMNS, _job_portions(moment, wanted))


async def time_logs_csv(request: web.Request) -> web.StreamResponse:
    """GET /reports/timelogs.csv?…: one row for each log of the report's days."""
    moment, wanted = await _asked(request)
    portions = _log_portions(moment, wanted)
    return await _send(request, moment, wanted, "timelogs", LOG_COLUMNS, portions)


async def states_csv(request: web.Request) -> web.StreamResponse:
    """GET /reports/states.csv?…: one row for each change of state of the report's jobs."""
    moment, wanted = await _asked(request)
    portions = _state_portions(moment, wanted)
    return await _send(request, moment, wanted, "states", STATE_COLUMNS, portions)


_T = TypeVar("_T")


def _some(items: Sequence[_T], at_once: int) -> Iterator[Sequence[_T]]:
    return (items[start : start + at_once] for start in range(0, len(items), at_once))


async def _asked(request: web.Request) -> tuple[Moment, Wanted]:
    moment = await moment_of(request)
    return moment, wanted_for_file(request, moment)


def wanted_for_file(request: web.Request, moment: Moment) -> Wanted:
    """What a file is asked to hold.

    Raises:
        Refused: there is no such period; a file of other days would be believed.
    """
    try:
        period_asked(request.query)
    except PeriodError as error:
        todo = say("Put right the days in the address and ask again.")
        raise Refused(400, str(error), todo) from error
    return read_wanted(request.query, local_time(moment.now_ms, moment.zone).date())[0]


async def _send(
    request: web.Request,
    moment: Moment,
    wanted: Wanted,
    name: str,
    columns: Sequence[str],
    portions: Portions,
) -> web.StreamResponse:
    style = read_style(request.query)
    headers = {HEADER: await header_of(moment, wanted)}
    file = f"{name}-{wanted.period.first}-{wanted.period.last}.csv"
    return await send_csv(request, file, columns, portions, style, headers)


async def header_of(moment: Moment, wanted: Wanted) -> str:
    """How complete the figures of a report are, for the head of its files."""
    _, end_ms = wanted.period.bounds_ms(moment.zone)
    found = await completeness(moment.hub, end_ms, wanted.worker, wanted.team)
    return found.header


async def _job_portions(moment: Moment, wanted: Wanted) -> Portions:
    question = await moment.question(Filter(view="all"))
    for jobs in _some(await jobs_of(moment.hub.reader, wanted, moment.zone), JOBS_AT_ONCE):
        found = {row["job"]: row for row in await question.some(moment.hub.reader, jobs)}
        yield await job_lines(moment, [found[job] for job in jobs if job in found])


async def _log_portions(moment: Moment, wanted: Wanted) -> Portions:
    days = await worker_days_of(moment.hub.reader, wanted)
    for some in _some(days, DAYS_AT_ONCE):
        of_customer = (
            " WHERE time_log.job IN (SELECT job FROM job WHERE customer = ?2)"
            if wanted.customer
            else ""
        )
        rows = await moment.hub.reader.rows(
            f"{_LOGS_OF_DAYS}{of_customer} ORDER BY wanted.key, time_log.start_at, time_log.log",
            [json.dumps(some), *([wanted.customer] if wanted.customer else [])],
        )
        numbers = await _numbers(moment, {row["job"] for row in rows})
        yield [log_line(row, numbers.get(row["job"], ""), moment.zone) for row in rows]


async def _numbers(moment: Moment, jobs: set[str]) -> dict[str, str]:
    rows = await moment.hub.reader.rows(
        "SELECT job, number FROM job WHERE job IN (SELECT value FROM json_each(?))",
        [json.dumps(sorted(jobs))],
    )
    return {row["job"]: row["number"] for row in rows}


async def _state_portions(moment: Moment, wanted: Wanted) -> Portions:
    """The states of one job at a time: folding its entries is what holds the loop, some ms."""
    reader = moment.hub.reader
    names = await load_names(reader, "")
    for some in _some(await jobs_of(reader, wanted, moment.zone), JOBS_AT_ONCE):
        rows = await reader.rows(
            "SELECT job, number, title FROM job WHERE job IN (SELECT value FROM json_each(?))",
            [json.dumps(some)],
        )
        row_by_job = {row["job"]: row for row in rows}
        for job in some:
            if job in row_by_job:
                history = await reader.history(job)
                yield state_lines(row_by_job[job], history, names, moment)


def state_lines(
    job: Any, history: Sequence[HistoryRow], names: Names, moment: Moment
) -> list[list[object]]:
    """A line for each change of state of a job, the oldest first; those that do not stand too."""
    return [
        [
            *(job["number"], job["job"], job["title"]),
            row.field if row.field != "phase" else row.value,
            state_words(row.field, row.path, row.value, names),
            names.worker.get(row.path.partition("/")[0], ""),
            names.actor(row.actor),
            "phone" if names.is_worker(row.actor) else "office",
            *(utc(row.at), local(row.at, moment.zone), str(moment.zone)),
            *("no" if row.inert else "yes", row.entry, row.act),
        ]
        for row in history
        if row.field in STATE_FIELDS
    ]
