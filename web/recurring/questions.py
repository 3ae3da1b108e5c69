"""What the pages of recurring jobs ask: all of them, one, the jobs of one, and a job's own one.

A job is one of a recurrence if its stream is derived from it and a day, which is proven here; its
number only says which one to look at. Writes nothing.
Invariant: a job that was numbered by hand or by another program is never taken for one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.recurrence import (
    Recurrence,
    occurrence_number,
    occurrence_stream,
    recurrence_with,
)
from web.board.reader import Rows

DAY_LETTERS: Final = len("-2026-11-23")

ROWS: Final = """
    SELECT recurrence.*, coalesce(customer.name, '') AS customer_name,
           coalesce(worker.name, '') AS worker_name, coalesce(worker.archived, 0) AS worker_gone,
           (SELECT count(*) FROM conflict
            WHERE stream = recurrence.recurrence AND kind <> 'snoozed') AS conflicts
    FROM recurrence LEFT JOIN customer ON customer.customer = recurrence.customer
                    LEFT JOIN worker ON worker.worker = recurrence.worker
"""
_JOB: Final = """
    SELECT job.job, job.number, job.title, job.status, job.reason, job.window_start,
           job.window_end, job.finished_at, coalesce(worker.name, '') AS worker
    FROM job LEFT JOIN worker ON worker.worker = job.worker
"""


@dataclass(frozen=True, slots=True)
class DayOf:
    """A job's recurrence and day; `is_skipped` where the recurrence leaves the day out."""

    recurrence: bytes
    number: str
    title: str
    day: date
    is_skipped: bool


def recurrence_in(row: Any) -> Recurrence | None:
    """The recurrence that a row of `ROWS` holds, of what each job begins with the title alone."""
    return recurrence_with(
        bytes.fromhex(row["recurrence"]),
        number=row["number"],
        repeats=json.loads(row["repeats"]),
        starts=row["starts"],
        ends=row["ends"],
        hours=json.loads(row["hours"]),
        zone=row["zone"],
        horizon_days=row["horizon_days"],
        skipped=json.loads(row["skipped"]),
        worker=bytes.fromhex(row["worker"]) or None,
        each={fields.TITLE: row["title"]},
    )


def zone_named(name: str) -> ZoneInfo | None:
    """The zone of a name; None where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


async def day_of_job(reader: Rows, job: str, number: str) -> DayOf | None:
    """Which recurrence's job of which day a job is; None for one that was made by people."""
    day = _day_in(number)
    if day is None:
        return None
    rows = await reader.rows(
        "SELECT recurrence, number, title, skipped FROM recurrence WHERE number = ?",
        (number[:-DAY_LETTERS],),
    )
    for row in rows:
        stream = bytes.fromhex(row["recurrence"])
        if occurrence_stream(stream, day).hex() == job:
            skipped = day.isoformat() in json.loads(row["skipped"])
            return DayOf(stream, row["number"], row["title"], day, skipped)
    return None


def _day_in(number: str) -> date | None:
    try:
        return date.fromisoformat(number[-DAY_LETTERS + 1 :])
    except ValueError:
        return None


async def open_counts(reader: Rows) -> dict[str, int]:
    """How many open jobs there are of each number of a recurrence; by what their numbers say."""
    rows = await reader.rows(
        "SELECT number FROM job WHERE status IN ('open', 'in progress')"
        " AND number LIKE '_%-____-__-__'"
    )
    counts: dict[str, int] = {}
    for (number,) in rows:
        of = number[:-DAY_LETTERS]
        counts[of] = counts.get(of, 0) + 1
    return counts


async def job_on(reader: Rows, recurrence: bytes, day: date) -> Any:
    """The row of a recurrence's job of a day; None where it is not made."""
    return await reader.row(
        f"{_JOB} WHERE job.job = ?", (occurrence_stream(recurrence, day).hex(),)
    )


async def jobs_of(reader: Rows, recurrence: bytes, number: str) -> list[tuple[date, Any]]:
    """All jobs of a recurrence with their days, the earliest first."""
    if not number:
        return []
    rows = await reader.rows(
        f"{_JOB} WHERE job.number >= ? AND job.number < ?", (f"{number}-", f"{number}.")
    )
    found = []
    for row in rows:
        day = _day_in(row["number"])
        if day is None or row["number"] != occurrence_number(number, day):
            continue
        if occurrence_stream(recurrence, day).hex() == row["job"]:
            found.append((day, row))
    return sorted(found, key=lambda each: each[0])


def next_days(recurrence: Recurrence, today: date, count: int, days_max: int) -> list[date]:
    """The next days from today on, skipped ones too, of the next `days_max` days."""
    found = []
    for day in recurrence.falling(today, days_max):
        found.append(day)
        if len(found) == count:
            break
    return found


def made_from(recurrence: Recurrence, day: date) -> date:
    """From which day on hubs make a day's job."""
    return day - timedelta(days=recurrence.horizon_days)
