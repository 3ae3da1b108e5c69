"""What the board asks of the projections: rows in order, one page at a time, and counts.

SQL only, built from a `Filter`; delays are computed outside (`web.board.alerts`) and handed in as
one JSON parameter, so that they can be filtered, counted and sorted with everything else. Holds no
HTML and no clock. Invariant: the rows of all pages, one after the other, are the rows of one
question in one order; the key of a row is what the order goes by, and ends with the job's id.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from web.board.alerts import Alert
from web.board.filters import UNASSIGNED, VIEWS, Filter
from web.board.reader import Rows
from web.formats import folded

PAGE_ROWS: Final = 100
"""Two screens of a tall monitor: one page is there before the eye is, and 90 kB at most."""
NEVER_MS: Final = 9_000_000_000_000_000
"""Jobs without a window come after all that have one."""

NAMED_MAX: Final = 1_000
"""Names that a text is found in; more of them say that the text is too short to mean one."""

Row = Any
Key = list[Any]


_ALERT: Final = """
    alert (job, level, cause, minutes, unacknowledged) AS MATERIALIZED (
        SELECT CAST(json_extract(value, '$[0]') AS TEXT), json_extract(value, '$[1]'),
               json_extract(value, '$[2]'), json_extract(value, '$[3]'),
               json_extract(value, '$[4]')
        FROM json_each(?1)
    )
"""

_FROM: Final = """
    FROM job
    LEFT JOIN alert ON alert.job = job.job
    LEFT JOIN customer ON customer.customer = job.customer AND job.customer <> ''
    LEFT JOIN customer_place AS site ON site.customer = job.customer AND site.place = job.place
    LEFT JOIN worker ON worker.worker = job.worker AND job.worker <> ''
"""

# How much a row needs a person: what hurts most first.
_URGENCY: Final = """
    CASE WHEN job.conflicts > 0 THEN 6
         WHEN alert.level = 'delayed' THEN 5
         WHEN job.status = 'rejected' THEN 4
         WHEN alert.level = 'at risk' THEN 3
         WHEN coalesce(alert.unacknowledged, 0) THEN 2
         WHEN job.status = 'open' AND job.worker = '' THEN 1
         ELSE 0 END
"""

_KEY_BY_COLUMN: Final = {
    "alert": _URGENCY,
    "number": (
        "CASE WHEN job.number LIKE '~%' OR instr(job.number, '-') = 0 THEN job.number"
        " ELSE substr(job.number, 1, instr(job.number, '-'))"
        " || printf('%012d', substr(job.number, instr(job.number, '-') + 1)) END"
    ),
    "title": "lower(job.title)",
    "customer": "lower(coalesce(customer.name, job.address))",
    "window": f"coalesce(job.window_start, {NEVER_MS})",
    "worker": "lower(coalesce(worker.name, ''))",
    "status": (
        "CASE job.status WHEN 'open' THEN 0 WHEN 'in progress' THEN 1 WHEN 'done' THEN 2"
        " WHEN 'rejected' THEN 3 ELSE 4 END"
    ),
    "delay": "coalesce(alert.minutes, -1000000)",
    "updated": "job.updated_at",
}

_CONDITION_BY_VIEW: Final = {
    "exceptions": f"({_URGENCY}) > 0",
    "unassigned": "job.status = 'open' AND job.worker = ''",
    "delayed": "alert.level IN ('delayed', 'at risk')",
    "unacknowledged": "coalesce(alert.unacknowledged, 0) = 1",
    "conflicts": "job.conflicts > 0",
    "rejected": "job.status = 'rejected'",
    "today": "job.status <> 'cancelled' AND (job.status = 'in progress' OR {in_day})",
    "open": "job.status = 'open'",
    "progress": "job.status = 'in progress'",
    "done": "job.status = 'done'",
    "all": "1",
}

_IN_DAY: Final = """
    (coalesce(job.window_start, job.window_end) < {end}
     AND coalesce(job.window_end, job.window_start) >= {start})
"""

_COLUMNS: Final = """
    job.*, coalesce(customer.name, '') AS customer_name, coalesce(site.name, '') AS place_name,
    coalesce(worker.name, '') AS worker_name, alert.level AS alert_level,
    alert.cause AS alert_cause, alert.minutes AS alert_minutes,
    coalesce(alert.unacknowledged, 0) AS unacknowledged
"""


def day_bounds(day: str, zone: ZoneInfo) -> tuple[int, int]:
    """Start and end (ms UTC) of a local day '2026-11-23'; 23 to 25 hours apart."""
    date = dt.date.fromisoformat(day)
    start = dt.datetime.combine(date, dt.time(), zone)
    end = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), zone)
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000)


def today(now_ms: int, zone: ZoneInfo) -> str:
    """The site's local day, '2026-11-23'."""
    return dt.datetime.fromtimestamp(now_ms / 1000, zone).date().isoformat()


def alerts_json(alerts: Iterable[Alert]) -> str:
    """Computed alerts as the JSON parameter that every question here takes."""
    return json.dumps(
        [
            [alert.job, alert.level, alert.cause, alert.minutes, int(alert.unacknowledged)]
            for alert in alerts
        ]
    )


class Question:
    """One filter at one moment, as SQL. `alerts` is the text of `alerts_json`.

    `named` are the customers and workers whose names the filter's text is found in. Every value is
    bound; only numbers that were computed here stand in the text.
    """

    def __init__(
        self,
        wanted: Filter,
        alerts: str,
        now_ms: int,
        zone: ZoneInfo,
        named: Sequence[str] = (),
    ) -> None:
        self.filter = wanted
        self._named = named
        self._values: list[Any] = [alerts]
        self._conditions = [_view_condition(wanted.view, now_ms, zone)]
        self._narrow(wanted, zone)
        self._where = " AND ".join(f"({condition})" for condition in self._conditions)
        keys = [_KEY_BY_COLUMN[sort.column] for sort in wanted.sorts] + ["job.job"]
        self.descending = [sort.descending for sort in wanted.sorts] + [False]
        self._keys = ", ".join(f"{key} AS key_{index}" for index, key in enumerate(keys))

    async def page(self, reader: Rows, after: Key | None, limit: int = PAGE_ROWS) -> list[Row]:
        """Up to `limit` rows behind the row with the key `after`; None begins at the top."""
        values = list(self._values)
        behind = "1" if after is None else self._behind(after, values)
        order = ", ".join(
            f"key_{index}{' DESC' if down else ''}" for index, down in enumerate(self.descending)
        )
        return await reader.rows(
            f"WITH {_ALERT} SELECT * FROM (SELECT {_COLUMNS}, {self._keys} {_FROM}"
            f" WHERE {self._where}) WHERE {behind} ORDER BY {order}"
            f" LIMIT {_bind(values, limit)}",
            values,
        )

    async def some(self, reader: Rows, jobs: Sequence[str]) -> list[Row]:
        """The rows of given jobs, whether or not they match; `matches` says which do."""
        values = list(self._values)
        asked = _bind(values, json.dumps(list(jobs)))
        return await reader.rows(
            f"WITH {_ALERT} SELECT {_COLUMNS}, {self._keys}, ({self._where}) AS matches {_FROM}"
            f" WHERE job.job IN (SELECT value FROM json_each({asked}))",
            values,
        )

    async def total(self, reader: Rows) -> int:
        """How many rows match in all."""
        row = await reader.row(
            f"WITH {_ALERT} SELECT count(*) AS n {_FROM} WHERE {self._where}", self._values
        )
        return int(row["n"])

    async def points(self, reader: Rows, limit: int, jobs: Sequence[str] | None) -> list[Row]:
        """The matching jobs that have a position, the most urgent first, for the map.

        With `jobs` only those among them.
        """
        values = list(self._values)
        among = ""
        if jobs is not None:
            asked = _bind(values, json.dumps(list(jobs)))
            among = f" AND job.job IN (SELECT value FROM json_each({asked}))"
        return await reader.rows(
            f"WITH {_ALERT} SELECT job.job, job.number, job.title, job.lat_e7, job.lon_e7,"
            " job.status, job.priority, job.conflicts, job.worker,"
            " coalesce(worker.name, '') AS worker_name, alert.level AS alert_level"
            f" {_FROM} WHERE job.lat_e7 IS NOT NULL AND {self._where}{among}"
            f" ORDER BY {_URGENCY} DESC, job.updated_at DESC LIMIT {_bind(values, limit)}",
            values,
        )

    async def matching(self, reader: Rows, jobs: Sequence[str]) -> frozenset[str]:
        """Which of the given jobs match."""
        values = list(self._values)
        asked = _bind(values, json.dumps(list(jobs)))
        rows = await reader.rows(
            f"WITH {_ALERT} SELECT job.job {_FROM} WHERE job.job IN"
            f" (SELECT value FROM json_each({asked})) AND {self._where}",
            values,
        )
        return frozenset(row["job"] for row in rows)

    def key_of(self, row: Row) -> Key:
        """What the row is ordered by."""
        return [row[f"key_{index}"] for index in range(len(self.descending))]

    def read_key(self, text: str) -> Key | None:
        """A key as a page sent it back; None where it is none of this order."""
        try:
            key = json.loads(text)
        except ValueError:
            return None
        right = isinstance(key, list) and len(key) == len(self.descending)
        if not right or not all(type(part) in (int, float, str) for part in key):
            return None
        return list(key)

    def _behind(self, after: Key, values: list[Any]) -> str:
        """The rows after a key: the first column that differs decides."""
        marks = [_bind(values, part) for part in after]
        choices = []
        for index, down in enumerate(self.descending):
            same = [f"key_{earlier} = {marks[earlier]}" for earlier in range(index)]
            beyond = f"key_{index} {'<' if down else '>'} {marks[index]}"
            choices.append(" AND ".join([*same, beyond]))
        return " OR ".join(f"({choice})" for choice in choices)

    def _narrow(self, wanted: Filter, zone: ZoneInfo) -> None:
        values, conditions = self._values, self._conditions
        if wanted.statuses:
            mark = _bind(values, json.dumps(wanted.statuses))
            conditions.append(f"job.status IN (SELECT value FROM json_each({mark}))")
        if wanted.workers:
            mark = _bind(values, json.dumps(wanted.workers))
            nobody = " OR job.worker = ''" if UNASSIGNED in wanted.workers else ""
            conditions.append(
                "EXISTS (SELECT 1 FROM assignment WHERE assignment.job = job.job"
                " AND assignment.phase NOT IN ('withdrawn', 'released')"
                f" AND assignment.worker IN (SELECT value FROM json_each({mark}))){nobody}"
            )
        if wanted.customer:
            conditions.append(f"job.customer = {_bind(values, wanted.customer)}")
        if wanted.day:
            start, end = day_bounds(wanted.day, zone)
            within = _IN_DAY.format(start=start, end=end)
            conditions.append(
                f"{within} OR (job.finished_at >= {start} AND job.finished_at < {end})"
            )
        if wanted.text:
            match = _bind(values, text_match(wanted.text))
            number = _bind(values, wanted.text.upper())
            named = f"(SELECT value FROM json_each({_bind(values, json.dumps(self._named))}))"
            conditions.append(
                f"job.local IN (SELECT rowid FROM job_text WHERE job_text MATCH {match})"
                f" OR upper(job.number) = {number}"
                f" OR job.customer IN {named} OR job.worker IN {named}"
            )


def _bind(values: list[Any], value: Any) -> str:
    """Add a value to what is bound, and give its numbered mark."""
    values.append(value)
    return f"?{len(values)}"


def _view_condition(view: str, now_ms: int, zone: ZoneInfo) -> str:
    start, end = day_bounds(today(now_ms, zone), zone)
    condition = _CONDITION_BY_VIEW[view]
    return condition.replace("{in_day}", _IN_DAY.format(start=start, end=end))


def text_match(text: str) -> str:
    """A typed text as an FTS5 question: every word must begin a word of the job."""
    words = re.findall(r"\w+", text)
    return " ".join(f'"{word}"*' for word in words) or '""'


async def counts(reader: Rows, alerts: str, now_ms: int, zone: ZoneInfo) -> dict[str, int]:
    """How many jobs each standard view holds, by the view's id."""
    sums = ", ".join(
        f"total({_view_condition(view.id, now_ms, zone)}) AS view_{view.id}" for view in VIEWS
    )
    row = await reader.row(
        f"WITH {_ALERT} SELECT {sums} FROM job LEFT JOIN alert ON alert.job = job.job", [alerts]
    )
    return {view.id: int(row[f"view_{view.id}"]) for view in VIEWS}


async def named_like(reader: Rows, text: str) -> list[str]:
    """Customers and workers whose name has every word of `text`, accents and case aside."""
    words = folded(text).split()
    rows = await reader.rows(
        "SELECT customer AS id, name, number FROM customer"
        " UNION ALL SELECT worker, name, '' FROM worker"
    )
    found = [row["id"] for row in rows if _has_all(words, f"{row['name']} {row['number']}")]
    return found[:NAMED_MAX]


def _has_all(words: Sequence[str], text: str) -> bool:
    plain = folded(text)
    return all(word in plain for word in words)


async def workers(reader: Rows) -> list[Row]:
    """Workers that can be filtered by and assigned: the ones that are not archived, by name."""
    return await reader.rows(
        "SELECT worker.worker, worker.name, worker.phone, worker.skills, worker.shift,"
        " worker.jobs_on, worker.frontier, coalesce(team.name, '') AS team_name,"
        " coalesce(vehicle.name, '') AS vehicle_name FROM worker"
        " LEFT JOIN team ON team.team = worker.team LEFT JOIN vehicle USING (vehicle)"
        " WHERE NOT worker.archived ORDER BY lower(worker.name), worker.worker"
    )
