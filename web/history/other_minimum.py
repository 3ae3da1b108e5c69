"""What another minimum auto-logging time would have logged in the last weeks, worker by worker.

Runs the phone's own rules over the tracks that came in, twice. Holds no HTML and writes nothing.
Jobs are those that were the worker's to do on the day, by windows and assignments; buttons that
were pressed count on neither side. Invariant: a worker with a minimum of their own keeps it on both
sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.acts import track_stream
from core.dispatch.autolog import JobPlace, Places
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix
from core.dispatch.jobplace import EARLY_MS, LATE_MS, PLACES_MAX
from core.dispatch.visit import Settings
from core.dispatch.what_if import Difference, differences, visits_under
from hub.reckoning import Reckoner
from replica.autostate import place_of_row
from web.board.days import day_bounds
from web.history.track import Streams, fixes_of

DAYS_MAX: Final = 31
WORKER_DAYS_MAX: Final = 250
"""A worker-day of 2,000 fixes takes some 0.1 s of a processor: what is more is left for a narrower
question."""

_JOBS: Final = """
    SELECT job.job, job.number, job.title, job.lat_e7, job.lon_e7, job.radius_m, job.outline,
           job.window_start, job.window_end, max(turn.position) AS position
    FROM assignment AS turn JOIN job ON job.job = turn.job
    WHERE turn.worker = ? AND job.lat_e7 IS NOT NULL AND job.status <> 'cancelled'
      AND turn.assigned_at < ?3 AND coalesce(job.finished_at, ?3) >= ?2
      AND coalesce(job.window_start, ?2) - ?4 < ?3 AND coalesce(job.window_end, ?3) + ?5 >= ?2
    GROUP BY job.job ORDER BY job.job LIMIT ?6
"""


@dataclass(frozen=True, slots=True)
class OtherDay:
    """What would be otherwise on one worker's day; `number_and_title` by job (hex id)."""

    worker: str
    day: str
    found: tuple[Difference, ...]
    jobs: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Compared:
    """Both rules over all days: visits and minutes before and after, the days that differ.

    `left` counts worker-days that were not looked at, `own` workers whose own minimum counts.
    """

    worker_days: int
    visits: tuple[int, int]
    minutes: tuple[int, int]
    days: tuple[OtherDay, ...]
    left: int
    own: int


@dataclass(frozen=True, slots=True)
class _Day:
    worker: str
    day: str
    fixes: tuple[Fix, ...]
    rows: Sequence[Any]
    own_min: int | None


async def compare(
    reader: Streams,
    reckoner: Reckoner,
    zone: ZoneInfo,
    last: date,
    minimums: tuple[int, int],
    worker: str = "",
) -> Compared:
    """The last weeks up to `last` under two minimums (minutes), of all workers or one (hex id)."""
    asked = "SELECT worker, threshold_min FROM worker" + (" WHERE worker = ?" if worker else "")
    own = {
        row["worker"]: row["threshold_min"]
        for row in await reader.rows(asked, (worker,) if worker else ())
    }
    wanted = [
        (each, (last - timedelta(days=back)).isoformat())
        for back in range(DAYS_MAX)
        for each in sorted(own)
    ]
    kind = int(Kind.TRACK)
    held = {
        row["stream"] for row in await reader.rows(f"SELECT stream FROM stream WHERE kind = {kind}")
    }
    days: list[_Day] = []
    left = 0
    for each, day in wanted:
        if track_stream(bytes.fromhex(each), day) not in held:
            continue
        if len(days) == WORKER_DAYS_MAX:
            left += 1
            continue
        fixes = await fixes_of(reader, each, day)
        days.append(_Day(each, day, fixes, await _jobs(reader, zone, each, day), own[each]))
    return await reckoner.run(_compared, days, minimums, left)


async def _jobs(reader: Streams, zone: ZoneInfo, worker: str, day: str) -> Sequence[Any]:
    start_ms, end_ms = day_bounds(date.fromisoformat(day), zone)
    return await reader.rows(_JOBS, (worker, start_ms, end_ms, EARLY_MS, LATE_MS, PLACES_MAX))


def _compared(days: Sequence[_Day], minimums: tuple[int, int], left: int) -> Compared:
    visits, minutes, found = [0, 0], [0, 0], []
    for day in days:
        places = Places([_place(row) for row in day.rows])
        both = []
        for side, minimum in enumerate(minimums):
            settings = Settings(threshold_min=minimum if day.own_min is None else day.own_min)
            logged = visits_under(day.fixes, places, settings)
            visits[side] += len(logged)
            minutes[side] += sum(each.minutes for each in logged)
            both.append(logged)
        otherwise = differences(*both)
        if otherwise:
            jobs = {row["job"]: (row["number"], row["title"]) for row in day.rows}
            found.append(OtherDay(day.worker, day.day, otherwise, jobs))
    return Compared(
        len(days),
        (visits[0], visits[1]),
        (minutes[0], minutes[1]),
        tuple(found),
        left,
        len({day.worker for day in days if day.own_min is not None}),
    )


def _place(row: Any) -> JobPlace:
    return place_of_row(
        bytes.fromhex(row["job"]),
        row["lat_e7"],
        row["lon_e7"],
        row["radius_m"],
        row["outline"],
        row["window_start"],
        row["window_end"],
        row["position"],
    )
