"""Visits of jobs that are done: who was where, from when to when, and how long it took.

A visit is the time that a worker logged on a job on one day; of a job where nobody logged any, its
phases say when somebody arrived and left. Jobs belong to a period as in reports. Holds no HTML.
Invariant: every job done in the period is listed, with a visit at least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from web.board.reader import Rows
from web.reports.wanted import Wanted

PAGE_ROWS: Final = 200

# ?1 and ?2 are the first and the last instant.
_VISITS: Final = """
    WITH chosen AS MATERIALIZED (
        SELECT * FROM (
            SELECT job.job, job.number, job.title, job.customer, job.place, job.address, job.worker,
                   job.lat_e7, job.lon_e7, job.arrived_at, job.finished_at, job.planned_minutes,
                   job.window_end,
                   coalesce(job.finished_at, job.window_start, job.updated_at) AS moment
            FROM job WHERE job.status = 'done' AND {of_customer})
        WHERE moment >= ?1 AND moment < ?2
    ),
    kind AS MATERIALIZED (
        SELECT (SELECT number FROM word WHERE word = 'on site') AS on_site,
               (SELECT number FROM word WHERE word = 'travel') AS travel
    ),
    logged AS MATERIALIZED (
        SELECT chosen.*, log.worker AS by_worker, log.day AS of_day,
               min(CASE WHEN log.kind = on_site THEN log.start_at END) AS first_at,
               max(CASE WHEN log.kind = on_site THEN log.stop_at END) AS last_at,
               sum(CASE WHEN log.kind = on_site THEN log.seconds END) AS on_site_s,
               sum(CASE WHEN log.kind = travel THEN log.seconds END) AS travel_s
        FROM kind CROSS JOIN chosen
        LEFT JOIN word ON word.word = chosen.job
        LEFT JOIN time_log_row AS log ON log.job = word.number AND log.superseded = 0
                                     AND log.kind IN (on_site, travel)
        GROUP BY chosen.job, log.worker, log.day
    ),
    visit AS (
        SELECT logged.*, coalesce(its_worker.word, logged.worker) AS visitor,
               its_day.word AS day, coalesce(first_at, arrived_at) AS arrived,
               coalesce(last_at, finished_at) AS gone
        FROM logged
        LEFT JOIN word AS its_worker ON its_worker.number = by_worker
        LEFT JOIN word AS its_day ON its_day.number = of_day
    )
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit. Times are ms UTC, None where nothing tells; seconds None where nobody logged."""

    job: str
    number: str
    title: str
    customer: str
    customer_name: str
    site: str
    worker: str
    worker_name: str
    day: str
    arrived_ms: int | None
    left_ms: int | None
    on_site_s: int | None
    travel_s: int | None
    planned_minutes: int | None
    late: bool

    @property
    def minutes(self) -> int | None:
        """Whole minutes on site, None where nobody logged."""
        return None if self.on_site_s is None else round(self.on_site_s / 60)

    @property
    def travel_minutes(self) -> int | None:
        """Whole minutes of travel, None where nobody logged."""
        return None if self.travel_s is None else round(self.travel_s / 60)


@dataclass(frozen=True, slots=True)
class Visits:
    """A page of visits in order of time, and what all of them are together."""

    rows: tuple[Visit, ...]
    count: int
    jobs: int
    on_site_s: int
    travel_s: int


async def visits_of(reader: Rows, wanted: Wanted, zone: ZoneInfo, page: int = 1) -> Visits:
    """The visits of a period, `PAGE_ROWS` of them; `page` counts from 1."""
    values: list[Any] = [*wanted.period.bounds_ms(zone)]

    def bound(value: Any) -> str:
        values.append(value)
        return f"?{len(values)}"

    of_customer = f"job.customer = {bound(wanted.customer)}" if wanted.customer else "1"
    who = []
    if wanted.worker:
        who.append(f"visitor = {bound(wanted.worker)}")
    if wanted.team:
        who.append(f"visitor IN (SELECT worker FROM worker WHERE team = {bound(wanted.team)})")
    sql = _VISITS.format(of_customer=of_customer)
    where = " AND ".join(who) or "1"
    totals = await reader.row(
        f"{sql} SELECT count(*) AS visits, count(DISTINCT job) AS jobs,"
        f" total(on_site_s) AS on_site_s, total(travel_s) AS travel_s FROM visit WHERE {where}",
        values,
    )
    limit, offset = bound(PAGE_ROWS), bound((page - 1) * PAGE_ROWS)
    rows = await reader.rows(
        f"{sql} SELECT visit.*, coalesce(customer.name, '') AS customer_name,"
        " coalesce(nullif(site.name, ''), nullif(site.address, ''), visit.address) AS site,"
        " coalesce(worker.name, '') AS worker_name FROM visit"
        " LEFT JOIN customer ON customer.customer = visit.customer"
        " LEFT JOIN customer_place AS site"
        "   ON site.customer = visit.customer AND site.place = visit.place"
        " LEFT JOIN worker ON worker.worker = visit.visitor"
        f" WHERE {where} ORDER BY coalesce(arrived, gone, moment), job, visitor, day"
        f" LIMIT {limit} OFFSET {offset}",
        values,
    )
    return Visits(
        tuple(map(_visit, rows)),
        int(totals["visits"]),
        int(totals["jobs"]),
        round(totals["on_site_s"]),
        round(totals["travel_s"]),
    )


def _visit(row: Any) -> Visit:
    arrived = row["arrived"]
    return Visit(
        job=row["job"],
        number=row["number"],
        title=row["title"],
        customer=row["customer"],
        customer_name=row["customer_name"],
        site=row["site"],
        worker=row["visitor"],
        worker_name=row["worker_name"],
        day=row["day"] or "",
        arrived_ms=arrived,
        left_ms=row["gone"],
        on_site_s=None if row["on_site_s"] is None else round(row["on_site_s"]),
        travel_s=None if row["travel_s"] is None else round(row["travel_s"]),
        planned_minutes=row["planned_minutes"],
        late=row["window_end"] is not None
        and (row["arrived_at"] or row["finished_at"] or row["moment"]) > row["window_end"],
    )
