"""The figures of a report, counted in SQL: one row a group, and what all of them add up to.

A job belongs to the moment when it was finished, or else to its window's start, or else to when it
last changed, and to the worker whose assignment leads; hours belong to the local day that their log
began, and to who logged them. Cancelled jobs are not counted, their hours are. On time is a job
whose worker arrived (or, where nothing says when, finished) before its window was over, of the jobs
done that had one. Actual minutes are all that was counted on site of the jobs done that had a plan.
Of days that were erased the summaries count. Holds no HTML. Invariant: the total is that of all
groups, shown or not, and is no row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.sentence import say
from web.board.reader import Rows
from web.formats import folded
from web.reports.wanted import Wanted

ROWS_MAX: Final = 500
"""More lines than this nobody reads on a page; the file has all of them."""
NAMED_MAX: Final = 5_000
"""Groups whose names are ordered as people order them; beyond that by the letters' codes."""

NOBODY: Final = {
    "job": say("(no job)"),
    "worker": say("(nobody)"),
    "customer": say("(no customer)"),
    "team": say("(no team)"),
    "vehicle": say("(no vehicle)"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a group adds up to: jobs, and seconds. `key` is its id, or day; `name` its words."""

    key: str
    name: str
    done: int = 0
    open: int = 0
    rejected: int = 0
    windowed: int = 0
    on_time: int = 0
    planned_s: int = 0
    actual_s: int = 0
    travel_s: int = 0
    on_site_s: int = 0
    break_s: int = 0
    waiting_s: int = 0
    other_s: int = 0
    automatic_s: int = 0

    @property
    def worked_s(self) -> int:
        """Seconds of all kinds but breaks."""
        return self.travel_s + self.on_site_s + self.waiting_s + self.other_s

    @property
    def on_time_percent(self) -> int | None:
        """Jobs on time of those done with a window; None where there is none."""
        return _percent(self.on_time, self.windowed)

    @property
    def travel_percent(self) -> int | None:
        """Travel of all time worked; None where there is none."""
        return _percent(self.travel_s, self.worked_s)

    @property
    def automatic_percent(self) -> int | None:
        """Time that the phone logged by itself, of all time; None where there is none."""
        return _percent(self.automatic_s, self.worked_s + self.break_s)


def _percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None


_SUMS: Final = tuple(one.name for one in fields(Figures) if one.name not in ("key", "name"))
_WORKED: Final = "(travel_s + on_site_s + waiting_s + other_s)"
_ORDER_BY_COLUMN: Final = {
    "done": "done",
    "open": "open",
    "rejected": "rejected",
    "ontime": "CAST(on_time AS REAL) / nullif(windowed, 0)",
    "planned": "planned_s",
    "actual": "actual_s",
    "travel": "travel_s",
    "onsite": "on_site_s",
    "other": "waiting_s + other_s",
    "break": "break_s",
    "worked": _WORKED,
    "travelshare": f"CAST(travel_s AS REAL) / nullif({_WORKED}, 0)",
    "auto": f"CAST(automatic_s AS REAL) / nullif({_WORKED} + break_s, 0)",
}
# Behind the number of a job that was erased, where no title has it.
_ERASED: Final = "\x1f"
_NAME_BY: Final = {
    "job": (
        "coalesce((SELECT number || ' ' || title FROM job WHERE job.job = key),"
        f" (SELECT number || '{_ERASED}' FROM erased_job WHERE erased_job.job = key), key)"
    ),
    "worker": "coalesce((SELECT name FROM worker WHERE worker.worker = key), key)",
    "customer": "coalesce((SELECT name FROM customer WHERE customer.customer = key), key)",
    "team": "coalesce((SELECT name FROM team WHERE team.team = key), key)",
    "vehicle": "coalesce((SELECT name FROM vehicle WHERE vehicle.vehicle = key), key)",
}
_DAY_TO: Final = {
    "day": "{day}",
    "week": "date({day}, 'weekday 0', '-6 days')",
    "month": "substr({day}, 1, 7)",
}
# What a worker drives on a local day: that day's vehicle, else the one of every day.
_VEHICLE: Final = """
    coalesce((SELECT vehicle FROM vehicle_day
              WHERE vehicle_day.worker = {worker} AND vehicle_day.day = {day}),
             (SELECT vehicle FROM worker WHERE worker.worker = {worker}), '')
"""
_SECONDS_OF_KIND: Final = ", ".join(
    f"sum(CASE WHEN kind = '{kind}' THEN seconds ELSE 0 END) AS {kind.replace(' ', '_')}_s"
    for kind in ("travel", "on site", "break", "waiting", "other")
)

# ?1 and ?2 are the period's first and last instant, ?3 and ?4 its days, ?5 the offsets from UTC.
_MOMENT: Final = """
    coalesce(CASE WHEN job.status = 'done' THEN job.finished_at END, job.window_start,
             job.updated_at)
"""
_LOCAL_DAY: Final = """
    date((moment + (SELECT json_extract(value, '$[2]') FROM json_each(?5)
                    WHERE moment >= json_extract(value, '$[0]')
                      AND moment < json_extract(value, '$[1]'))) / 1000, 'unixepoch')
"""
_WORD: Final = "(SELECT number FROM word WHERE word = '{}')"
_ON_SITE_OF_JOB: Final = f"""
    coalesce((SELECT sum(seconds) FROM time_log_row
              WHERE time_log_row.job = (SELECT number FROM word WHERE word.word = its_job)
                AND superseded = 0 AND kind = {_WORD.format("on site")}), 0)
    + coalesce((SELECT seconds FROM erased_on_site WHERE erased_on_site.job = its_job), 0)
"""
# Of days that were erased those near the period: few jobs go on for longer than two months.
# The index of the logs begins with the worker: step from worker to worker, and look up each day.
_DAYS: Final = """
    a_worker (n) AS (
        SELECT min(worker) FROM time_log_row
        UNION ALL
        SELECT (SELECT min(worker) FROM time_log_row WHERE worker > n) FROM a_worker
        WHERE n IS NOT NULL
    ),
    a_day (n, day) AS MATERIALIZED (
        SELECT number, word FROM word WHERE word BETWEEN ?3 AND ?4 AND length(word) = 10
    )
"""
_LOGS: Final = (
    _DAYS
    + """,
    logged (worker, job, day, kind, seconds, automatic) AS (
        SELECT its_worker.word, its_job.word, a_day.day, its_kind.word, log.seconds,
               CASE WHEN log.source = {auto} THEN log.seconds ELSE 0 END
        FROM a_worker CROSS JOIN a_day
        CROSS JOIN time_log_row AS log ON log.worker = a_worker.n AND log.day = a_day.n
        JOIN word AS its_worker ON its_worker.number = log.worker
        JOIN word AS its_job ON its_job.number = log.job
        JOIN word AS its_kind ON its_kind.number = log.kind
        WHERE log.superseded = 0
        UNION ALL
        SELECT worker, job, day, kind, minutes * 60, 0 FROM erased_time
        WHERE day BETWEEN ?3 AND ?4 AND NOT EXISTS (
            SELECT 1 FROM time_log
            WHERE time_log.worker = erased_time.worker AND time_log.day = erased_time.day)
    ),
    erased_on_site (job, seconds) AS MATERIALIZED (
        SELECT job, sum(minutes) * 60 FROM erased_time
        WHERE day BETWEEN date(?3, '-62 days') AND date(?4, '+7 days') AND kind = 'on site'
          AND NOT EXISTS (
            SELECT 1 FROM time_log
            WHERE time_log.worker = erased_time.worker AND time_log.day = erased_time.day)
        GROUP BY job
    )
""".replace("{auto}", _WORD.format("auto"))
)


async def count(
    reader: Rows, wanted: Wanted, zone: ZoneInfo, limit: int = ROWS_MAX
) -> tuple[list[Figures], Figures, int]:
    """Up to `limit` groups in the wanted order, the total, and how many groups there are."""
    named = wanted.column == "name" and wanted.by in ("worker", "customer", "team", "vehicle")
    sql, values = _question(wanted, zone, max(limit, NAMED_MAX) if named else limit)
    found = await reader.rows(sql, values)
    groups = [_figures(row, _name(row, wanted.by)) for row in found if not row["is_total"]]
    (total,) = (row for row in found if row["is_total"])
    if named:
        # What stands for nobody comes last, whichever way the names go.
        groups.sort(key=lambda row: folded(row.name), reverse=wanted.descending)
        groups.sort(key=lambda row: row.key == "")
    return groups[:limit], _figures(total, say("All")), int(total["groups"])


def _question(wanted: Wanted, zone: ZoneInfo, limit: int) -> tuple[str, list[Any]]:
    start_ms, end_ms = wanted.period.bounds_ms(zone)
    values: list[Any] = [
        *(start_ms, end_ms, wanted.period.first.isoformat(), wanted.period.last.isoformat()),
        json.dumps(wanted.period.offsets(zone)),
    ]
    jobs, logs = _narrowed(wanted, values)
    values.append(limit)
    sums = ", ".join(f"total({name}) AS {name}" for name in _SUMS)
    name = _NAME_BY.get(wanted.by, "key")
    direction = "DESC" if wanted.descending else "ASC"
    order = _ORDER_BY_COLUMN.get(wanted.column, "name COLLATE NOCASE")
    sql = f"""
        WITH RECURSIVE {_LOGS},
        part AS ({_jobs(wanted.by, jobs)} UNION ALL {_hours(wanted, logs)}),
        grouped AS MATERIALIZED (SELECT key, {sums} FROM part GROUP BY key)
        SELECT * FROM (
            SELECT 0 AS is_total, 0 AS groups, key, {name} AS name, {", ".join(_SUMS)} FROM grouped
            ORDER BY {order} {direction} NULLS LAST, key LIMIT ?{len(values)})
        UNION ALL SELECT 1, count(*), '', '', {sums} FROM grouped
    """
    return sql, values


def _narrowed(wanted: Wanted, values: list[Any]) -> tuple[str, str]:
    """Conditions on jobs and on logs, for who and where the report is about."""
    jobs, logs = [], []
    if wanted.worker:
        values.append(wanted.worker)
        jobs.append(f"job.worker = ?{len(values)}")
        logs.append(f"logged.worker = ?{len(values)}")
    if wanted.customer:
        values.append(wanted.customer)
        jobs.append(f"job.customer = ?{len(values)}")
        logs.append(f"job.customer = ?{len(values)}")
    if wanted.team:
        values.append(wanted.team)
        of_team = f"(SELECT worker FROM worker WHERE team = ?{len(values)})"
        jobs.append(f"job.worker IN {of_team}")
        logs.append(f"logged.worker IN {of_team}")
    return " AND ".join(jobs) or "1", " AND ".join(logs) or "1"


def _jobs(by: str, conditions: str) -> str:
    """One line for each job of the period."""
    key = {
        "job": "its_job",
        "worker": "its_worker",
        "customer": "its_customer",
        "team": "coalesce((SELECT team FROM worker WHERE worker.worker = its_worker), '')",
        "vehicle": _VEHICLE.format(worker="its_worker", day=_LOCAL_DAY),
    }.get(by) or _DAY_TO[by].format(day=_LOCAL_DAY)
    planned = "status = 'done' AND planned_minutes > 0"
    windowed = "status = 'done' AND window_end IS NOT NULL"
    return f"""
        SELECT {key} AS key, status = 'done' AS done,
               status IN ('open', 'in progress') AS open, status = 'rejected' AS rejected,
               {windowed} AS windowed,
               {windowed} AND coalesce(arrived_at, finished_at, moment) <= window_end AS on_time,
               CASE WHEN {planned} THEN planned_minutes * 60 ELSE 0 END AS planned_s,
               CASE WHEN {planned} THEN {_ON_SITE_OF_JOB} ELSE 0 END AS actual_s,
               0 AS travel_s, 0 AS on_site_s, 0 AS break_s, 0 AS waiting_s, 0 AS other_s,
               0 AS automatic_s
        FROM (SELECT job.job AS its_job, job.worker AS its_worker, job.customer AS its_customer,
                     status, planned_minutes, window_end, arrived_at, finished_at,
                     {_MOMENT} AS moment
              FROM job WHERE job.status <> 'cancelled' AND {conditions})
        WHERE moment >= ?1 AND moment < ?2
    """


def _hours(wanted: Wanted, conditions: str) -> str:
    """One line for each group of the logs of the period."""
    key = {
        "job": "logged.job",
        "worker": "logged.worker",
        "customer": "coalesce(job.customer, '')",
        "team": "coalesce((SELECT team FROM worker WHERE worker.worker = logged.worker), '')",
        "vehicle": _VEHICLE.format(worker="logged.worker", day="logged.day"),
    }.get(wanted.by) or _DAY_TO[wanted.by].format(day="logged.day")
    # Whose customer a log is its job says; where nobody asks, the jobs are left alone.
    asks_jobs = wanted.by == "customer" or wanted.customer
    job = "LEFT JOIN job ON job.job = logged.job" if asks_jobs else ""
    return f"""
        SELECT {key} AS key, 0, 0, 0, 0, 0, 0, 0, {_SECONDS_OF_KIND}, sum(automatic)
        FROM logged {job} WHERE {conditions} GROUP BY 1
    """


def _name(row: Any, by: str) -> str:
    if not row["key"]:
        return NOBODY.get(by, "")
    name: str = row["name"]
    if by == "job" and name.endswith(_ERASED):
        return say("{number} (erased)", number=name.removesuffix(_ERASED))
    return name


def _figures(row: Any, name: str) -> Figures:
    return Figures(row["key"], name, *(round(row[name]) for name in _SUMS))


async def jobs_of(reader: Rows, wanted: Wanted, zone: ZoneInfo) -> list[str]:
    """The jobs that a report counts, in order of the moments that they belong to."""
    values: list[Any] = [*wanted.period.bounds_ms(zone)]
    conditions, _ = _narrowed(wanted, values)
    rows = await reader.rows(
        f"SELECT job FROM (SELECT job.job AS job, {_MOMENT} AS moment FROM job"
        f" WHERE job.status <> 'cancelled' AND {conditions})"
        " WHERE moment >= ?1 AND moment < ?2 ORDER BY moment, job",
        values,
    )
    return [row["job"] for row in rows]


async def worker_days_of(reader: Rows, wanted: Wanted) -> list[tuple[str, str]]:
    """The workers' days `(worker, day)` with logs that a report counts, in order of days."""
    values: list[Any] = [wanted.period.first.isoformat(), wanted.period.last.isoformat()]
    _, conditions = _narrowed(replace(wanted, customer=""), values)
    rows = await reader.rows(
        f"WITH RECURSIVE {_DAYS.replace('?3', '?1').replace('?4', '?2')}"
        " SELECT logged.worker AS worker, logged.day AS day FROM ("
        "  SELECT its_worker.word AS worker, a_day.day AS day FROM a_worker CROSS JOIN a_day"
        "  JOIN word AS its_worker ON its_worker.number = a_worker.n"
        "  WHERE EXISTS (SELECT 1 FROM time_log_row AS log"
        "                WHERE log.worker = a_worker.n AND log.day = a_day.n)) AS logged"
        f" WHERE {conditions} ORDER BY logged.day, logged.worker",
        values,
    )
    return [(row["worker"], row["day"]) for row in rows]


async def choices(reader: Rows) -> tuple[Sequence[Any], Sequence[Any]]:
    """Workers and teams (`id`, `name`) that a report can be narrowed to, by name."""
    workers = await reader.rows("SELECT worker AS id, name FROM worker")
    teams = await reader.rows("SELECT team AS id, name FROM team")

    def by_name(row: Any) -> str:
        return folded(row["name"])

    return sorted(workers, key=by_name), sorted(teams, key=by_name)
