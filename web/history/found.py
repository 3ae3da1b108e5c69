"""What recurs at a site of the last half year, found from its jobs that are done.

Asks for the visits of some customers, or of one worker, at a time and lets `core.dispatch.patterns`
judge them, so that the hub's loop is never held for long. Jobs that a recurrence made are left out
of the rules: what makes them is known. Holds no HTML. Invariant: what is found names the days and
the jobs that it was found from.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.geometry import Point
from core.dispatch.patterns import Recurring, Round, Visit, find_recurring, find_rounds, sites_of
from web.board.reader import Rows
from web.formats import DAY_MS, local_time, point_words

DAYS: Final = 182
"""Half a year: six monthly visits, and no more than people still remember."""
ROUND_DAYS: Final = 84
"""Twelve of each weekday: rounds change with the seasons, and each worker's visits are many."""
CUSTOMERS_MAX: Final = 200
"""Those with most visits are looked at: some ms each. A customer's own page asks for one alone."""
CUSTOMERS_AT_ONCE: Final = 4
POINTS_MAX: Final = 3_000
WORKERS_MAX: Final = 500

_MADE_BY_RULE: Final = "*-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_VISITS: Final = """
    SELECT job.job, job.title, job.customer, job.place, job.lat_e7, job.lon_e7, job.worker,
           coalesce(job.arrived_at, job.finished_at) AS at,
           (SELECT sum(seconds) FROM time_log_row
            WHERE time_log_row.job = (SELECT number FROM word WHERE word.word = job.job)
              AND superseded = 0
              AND kind = (SELECT number FROM word WHERE word = 'on site')) AS seconds
    FROM job
    -- By customer or worker: by status would be to look at all that were ever done.
    WHERE +job.status = 'done' AND job.finished_at >= ?1
"""
_CUSTOMERS: Final = """
    SELECT customer FROM job
    WHERE status = 'done' AND finished_at >= ?1 AND customer <> '' AND number NOT GLOB ?2
    GROUP BY customer HAVING count(*) >= 3 ORDER BY count(*) DESC, customer LIMIT ?3
"""
_POINTS: Final = """
    SELECT DISTINCT lat_e7, lon_e7 FROM job
    WHERE status = 'done' AND finished_at >= ?1 AND customer = '' AND lat_e7 IS NOT NULL
    ORDER BY lat_e7, lon_e7 LIMIT ?2
"""


@dataclass(frozen=True, slots=True)
class Site:
    """Where something recurs: the customer and the place (ids or ''), and words for it."""

    customer: str
    place: str
    words: str
    point: Point | None


@dataclass(frozen=True, slots=True)
class FoundRule:
    """A rule of a site, with the newest of the jobs that it was found from."""

    recurring: Recurring
    site: Site
    job: str


@dataclass(frozen=True, slots=True)
class FoundRound:
    """A round with its sites, in order."""

    round: Round
    sites: tuple[Site, ...]


@dataclass(frozen=True, slots=True)
class Patterns:
    """All that was found; `cut` where more customers have visits than were looked at."""

    rules: tuple[FoundRule, ...]
    rounds: tuple[FoundRound, ...]
    cut: bool


class _Sites:
    """Which site a job is of: its customer's place, or one within 100 m of where others were."""

    def __init__(self, points: Iterable[Point]) -> None:
        ordered = list(points)
        self._number_by_point = dict(zip(ordered, sites_of(ordered), strict=True))
        self.point_by_site: dict[str, Point] = {}

    def site(self, row: Any) -> str:
        """The site's key: `customer/place`, or `@` and the number of the site; '' for none."""
        point = (row["lat_e7"], row["lon_e7"])
        if row["customer"]:
            key = f"{row['customer']}/{row['place']}"
        elif point in self._number_by_point:
            key = f"@{self._number_by_point[point]}"
        else:
            return ""
        if point[0] is not None:
            self.point_by_site.setdefault(key, point)
        return key


async def patterns_of(
    reader: Rows, now_ms: int, zone: ZoneInfo, customer: str = "", worker: str = ""
) -> Patterns:
    """What recurs until now: of all customers or one, and the rounds of all workers or one."""
    since_ms = now_ms - DAYS * DAY_MS
    today = local_time(now_ms, zone).date()
    points = await reader.rows(_POINTS, (since_ms, POINTS_MAX))
    sites = _Sites((row["lat_e7"], row["lon_e7"]) for row in points)
    customers = [customer]
    if not customer:
        rows = await reader.rows(_CUSTOMERS, (since_ms, _MADE_BY_RULE, CUSTOMERS_MAX + 1))
        customers = [row["customer"] for row in rows]
    cut, customers = len(customers) > CUSTOMERS_MAX, customers[:CUSTOMERS_MAX]
    portions = [
        customers[start : start + CUSTOMERS_AT_ONCE]
        for start in range(0, len(customers), CUSTOMERS_AT_ONCE)
    ]
    rules: list[tuple[Recurring, str]] = []
    for names in [*portions, *([] if customer else [[""]])]:
        rows = await reader.rows(
            f"{_VISITS} AND job.customer IN (SELECT value FROM json_each(?2))"
            " AND job.number NOT GLOB ?3 ORDER BY at, job.job",
            (since_ms, json.dumps(names), _MADE_BY_RULE),
        )
        rules += _rules(rows, sites, zone, today)
        await asyncio.sleep(0)
    if worker:
        rules = [pair for pair in rules if pair[0].worker == worker]
    rounds = (
        [] if customer else await _rounds(reader, now_ms - ROUND_DAYS * DAY_MS, sites, zone, worker)
    )
    words = await _words(reader, sites, rules, rounds)
    ordered = sorted(rules, key=lambda pair: (-len(pair[0].hits), pair[0].site, pair[0].rule))
    return Patterns(
        tuple(FoundRule(found, words[found.site], job) for found, job in ordered),
        tuple(FoundRound(one, tuple(words[site] for site in one.sites)) for one in rounds),
        cut,
    )


def _rules(
    rows: Iterable[Any], sites: _Sites, zone: ZoneInfo, today: date
) -> list[tuple[Recurring, str]]:
    """The rules in these visits, each with the newest job of its hits."""
    visits: list[Visit] = []
    job_by_visit: dict[tuple[str, date, str], str] = {}
    for row in rows:
        visit = _visit(row, sites, zone)
        if visit is not None:
            visits.append(visit)
            job_by_visit[visit.site, visit.day, visit.title] = row["job"]
            job_by_visit[visit.site, visit.day, ""] = row["job"]
    found = []
    for each in find_recurring(visits, today):
        last = (each.site, each.hits[-1])
        job = job_by_visit.get((*last, each.title)) or job_by_visit[*last, ""]
        found.append((each, job))
    return found


def _visit(row: Any, sites: _Sites, zone: ZoneInfo) -> Visit | None:
    site = sites.site(row)
    if not site or row["at"] is None:
        return None
    at = local_time(row["at"], zone)
    minutes = None if row["seconds"] is None else round(row["seconds"] / 60)
    minute = at.hour * 60 + at.minute
    return Visit(site, at.date(), minute, minutes, row["worker"], row["title"])


async def _rounds(
    reader: Rows, since_ms: int, sites: _Sites, zone: ZoneInfo, worker: str
) -> list[Round]:
    """The rounds of each worker, one at a time."""
    rows = await reader.rows("SELECT worker FROM worker ORDER BY worker LIMIT ?", (WORKERS_MAX,))
    found: list[Round] = []
    for one in [worker] if worker else [row["worker"] for row in rows]:
        visits = await reader.rows(
            f"{_VISITS} AND job.worker = ?2 ORDER BY at, job.job", (since_ms, one)
        )
        own = (_visit(row, sites, zone) for row in visits)
        found += find_rounds(visit for visit in own if visit is not None)
        await asyncio.sleep(0)
    return found


async def _words(
    reader: Rows, sites: _Sites, rules: Iterable[tuple[Recurring, str]], rounds: Iterable[Round]
) -> dict[str, Site]:
    """The sites that were found something at, by their keys."""
    keys = {found.site for found, _ in rules} | {site for one in rounds for site in one.sites}
    customers = json.dumps(sorted({key.partition("/")[0] for key in keys if "/" in key}))
    names = {
        row["customer"]: row["name"]
        for row in await reader.rows(
            "SELECT customer, name FROM customer"
            " WHERE customer IN (SELECT value FROM json_each(?))",
            (customers,),
        )
    }
    places = {
        (row["customer"], row["place"]): row["words"]
        for row in await reader.rows(
            "SELECT customer, place, coalesce(nullif(name, ''), address) AS words"
            " FROM customer_place WHERE customer IN (SELECT value FROM json_each(?))",
            (customers,),
        )
    }
    found = {}
    for key in keys:
        customer, _, place = key.partition("/") if "/" in key else ("", "", "")
        point = sites.point_by_site.get(key)
        parts = [names.get(customer, ""), places.get((customer, place), "")]
        words = ", ".join(part for part in parts if part)
        found[key] = Site(customer, place, words or point_words(*(point or (None, None))), point)
    return found
