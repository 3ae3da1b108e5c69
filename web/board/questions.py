"""What the board asks of the projections: rows in order, one page at a time, and counts.

SQL only, built from a `Filter`; delays are computed outside (`web.board.alerts`) and handed in as
one JSON parameter, so that they can be filtered, counted and sorted with everything else. Holds no
HTML and no clock. Invariant: the rows of all pages, one after the other, are the rows of one
question in one order; the key of a row is what the order goes by, and ends with the job's id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from web.board.alerts import Alert
from web.board.days import day_bounds, today
from web.board.filters import VIEWS, Filter
from web.board.groups import GROUPS_MAX, group_sql
from web.board.near import Near
from web.board.reader import Rows
from web.board.term_sql import (
    IN_DAY,
    condition,
    text_condition,
    words_match,
    workers_condition,
)

PAGE_ROWS: Final = 50
"""More than a tall monitor shows: what is drawn beyond that is waited for and not seen."""
NEXT_ROWS: Final = 100
"""A further page, which comes when its place is a screen away: whoever scrolls goes far."""
NEVER_MS: Final = 9_000_000_000_000_000
"""Jobs without a window come after all that have one."""

Row = Any
Key = list[Any]


# An alert is one text by its job, see `alert_text`: taken apart so it costs a fraction of what the
# same as columns of JSON does. This is what such a text says: level, cause, minutes, untold, aside.
_TOLD: Final = (
    "CASE substr({told}, 1, 1) WHEN '1' THEN 'at risk' WHEN '2' THEN 'delayed' ELSE '' END",
    "substr({told}, 13)",
    "CAST(substr({told}, 4, 9) AS INTEGER)",
    "substr({told}, 2, 1) = '1'",
    "substr({told}, 3, 1) = '1'",
)
_ALERTS: Final = f"""
    alert (job, level, cause, minutes, unacknowledged, aside) AS MATERIALIZED (
        SELECT key, {", ".join(_TOLD).format(told="value")} FROM json_each(?1){{among}}
    )
"""
# Joined to few jobs they are looked through for each of them: so only those of the few are read.
_ALERT: Final = _ALERTS.replace("{among}", "")
# Found by the jobs' places in this store.
_PLACED_ALERT: Final = (
    _ALERTS.replace("alert (", "alert (local, ", 1)
    .replace("SELECT key", "SELECT its.local, key", 1)
    .replace("{among}", " CROSS JOIN job AS its ON its.job = key")
)
_LEVELS: Final = ("", "at risk", "delayed")
_MINUTES_MAX: Final = 99_999_999

_JOINS: Final = {
    "alert": "LEFT JOIN alert ON alert.job = job.job",
    "customer": ("LEFT JOIN customer ON customer.customer = job.customer AND job.customer <> ''"),
    "site": (
        "LEFT JOIN customer_place AS site"
        " ON site.customer = job.customer AND site.place = job.place"
    ),
    "worker": "LEFT JOIN worker ON worker.worker = job.worker AND job.worker <> ''",
    "team": "LEFT JOIN team ON team.team = worker.team",
}
_NEEDS: Final = {"team": ("worker",)}
_MAYBE_ALERT: Final = f"FROM job {_JOINS['alert']}"
_NO_ALERT: Final = """
    FROM (SELECT NULL AS level, NULL AS cause, NULL AS minutes, NULL AS unacknowledged,
          NULL AS aside) AS alert CROSS JOIN job
"""

# How much a row needs a person: what hurts most first. What was put aside needs nobody yet.
_URGENCY: Final = """
    CASE WHEN job.conflicts > 0 THEN 6
         WHEN alert.aside THEN 0
         WHEN alert.level = 'delayed' THEN 5
         WHEN job.status = 'rejected' THEN 4
         WHEN alert.level = 'at risk' THEN 3
         WHEN coalesce(alert.unacknowledged, 0) THEN 2
         WHEN job.status = 'open' AND job.worker = '' THEN 1
         ELSE 0 END
"""

# What each column is ordered by, the first that differs decides.
_KEYS_BY_COLUMN: Final[dict[str, tuple[str, ...]]] = {
    "alert": (_URGENCY,),
    # `A-2` before `A-17`; what no hub has numbered yet has no dash, and comes after all.
    "number": (
        (
            "CASE instr(job.number, '-') WHEN 0 THEN job.number"
            " ELSE substr(job.number, 1, instr(job.number, '-')) END"
        ),
        "CAST(substr(job.number, instr(job.number, '-') + 1) AS INTEGER)",
    ),
    "title": ("lower(job.title)",),
    "customer": ("lower(coalesce(customer.name, job.address))",),
    "window": (f"coalesce(job.window_start, {NEVER_MS})",),
    "worker": ("lower(coalesce(worker.name, ''))",),
    "status": (
        (
            "CASE job.status WHEN 'open' THEN 0 WHEN 'in progress' THEN 1 WHEN 'done' THEN 2"
            " WHEN 'rejected' THEN 3 ELSE 4 END"
        ),
    ),
    "delay": ("coalesce(alert.minutes, -1000000)",),
    "updated": ("job.updated_at",),
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

_NAMED_COLUMNS: Final = """
    job.*, coalesce(customer.name, '') AS customer_name, coalesce(site.name, '') AS place_name,
    coalesce(worker.name, '') AS worker_name, {level} AS alert_level, {cause} AS alert_cause,
    {minutes} AS alert_minutes, coalesce({unacknowledged}, 0) AS unacknowledged
"""
_ALERT_PARTS: Final = ("level", "cause", "minutes", "unacknowledged", "aside")
_COLUMNS: Final = _NAMED_COLUMNS.format(**{part: f"alert.{part}" for part in _ALERT_PARTS})
# Of the rows that are shown each looks for its own text, and only that is taken apart.
_SHOWN_COLUMNS: Final = _NAMED_COLUMNS.format(
    **{part: text.format(told="shown.told") for part, text in zip(_ALERT_PARTS, _TOLD, strict=True)}
)


def alert_text(alert: Alert) -> str:
    """A member of `alerts_json`: level, untold, aside, nine places of minutes, cause."""
    minutes = max(-_MINUTES_MAX, min(alert.minutes, _MINUTES_MAX))
    flags = f"{_LEVELS.index(alert.level)}{alert.unacknowledged:d}{alert.aside_until_ms > 0:d}"
    return f'"{alert.job}":{json.dumps(f"{flags}{minutes:+09d}{alert.cause}")}'


def alerts_json(alerts: Iterable[Alert]) -> str:
    """Computed alerts as the JSON parameter that every question here takes."""
    return f"{{{','.join(map(alert_text, alerts))}}}"


def late_of(alerts: str) -> dict[str, tuple[str, str, str, int]]:
    """Of such a JSON the jobs that are late or at risk: job, level, cause and minutes, by job."""
    found = {}
    for job, text in json.loads(alerts).items():
        level = _LEVELS[int(text[0])]
        if level:
            found[job] = (job, level, text[12:], int(text[3:12]))
    return found


def _from(*texts: str) -> str:
    """The tables that these texts name; what nothing asks of is not joined to every job."""
    named = {name for name in _JOINS if any(f"{name}." in text for text in texts)}
    named |= {more for name in named for more in _NEEDS.get(name, ())}
    return " ".join(["FROM job", *(join for name, join in _JOINS.items() if name in named)])


class Question:
    """One filter at one moment, as SQL. `alerts` is the text of `alerts_json`.

    `near` says whose names the filter's texts are found in. Every value is bound; only numbers
    that were computed here stand in the text.
    """

    def __init__(
        self,
        wanted: Filter,
        alerts: str,
        now_ms: int,
        zone: ZoneInfo,
        near: Near | None = None,
    ) -> None:
        self.filter = wanted
        self._near = near or Near()
        self._values: list[Any] = [alerts]
        self._conditions = [_view_condition(wanted.view, now_ms, zone)]
        self._narrow(wanted, now_ms, zone)
        self._where = " AND ".join(f"({condition})" for condition in self._conditions)
        parts = [
            (key, sort.descending) for sort in wanted.sorts for key in _KEYS_BY_COLUMN[sort.column]
        ]
        keys = [*(key for key, _ in parts), "+job.job"]
        self.descending = [*(down for _, down in parts), False]
        self._group, self._group_id = "", ""
        if wanted.group:
            order, identity, name = group_sql(wanted.group, now_ms, zone)
            self._group_id = identity
            self._group = f"{order} AS group_order, {identity} AS group_id, {name} AS group_name"
            keys = [order, identity, *keys]
            self.descending = [False, False, *self.descending]
        self._keys = ", ".join(f"{key} AS key_{index}" for index, key in enumerate(keys))
        self._from = _from(self._keys, self._where, self._group_id)

    async def page(self, reader: Rows, after: Key | None, limit: int = PAGE_ROWS) -> list[Row]:
        """Up to `limit` rows behind the row with the key `after`; None begins at the top."""
        return await reader.rows(*self.of_page(after, limit))

    def of_page(self, after: Key | None, limit: int) -> tuple[str, list[Any]]:
        """What `page` asks: SQL and values."""
        values = list(self._values)
        behind = "1" if after is None else self._behind(after, values)
        order = ", ".join(
            f"key_{index}{' DESC' if down else ''}" for index, down in enumerate(self.descending)
        )
        # Only what the order goes by is sorted, and tables that it does not need are not joined;
        # the columns of a row are fetched for the rows that are shown. Those come first in the
        # join and are asked for once, so that SQLite makes no table of them: into a table it works
        # out twice what each row is ordered by. A LIMIT keeps what is told of a job from being
        # looked for with each column that says a part of it.
        told = f"""json_extract(?1, '$."' || key_{len(self.descending) - 1} || '"')"""
        sql = (
            f"WITH {_PLACED_ALERT} SELECT {_SHOWN_COLUMNS}, shown.* FROM"
            f" (SELECT *, {told} AS told FROM (SELECT * FROM ({self._each(values)}) WHERE {behind}"
            f" ORDER BY {order} LIMIT {_bind(values, limit)}) LIMIT -1) AS shown"
            f" CROSS JOIN {_OF_SHOWN} ORDER BY {order}"
        )
        return sql, values

    def _each(self, values: list[Any]) -> str:
        """Place and key of each job that matches; those with an alert and the others apart.

        A look for the alert of each job takes twice as long as all the rest: few have one.
        """
        wanted = f"SELECT job.local, {self._keys} {self._from} WHERE {self._shown(values)}"
        if _MAYBE_ALERT not in wanted:
            return wanted
        alerted = wanted.replace(_MAYBE_ALERT, "FROM alert CROSS JOIN job USING (local)", 1)
        others = wanted.replace(_MAYBE_ALERT, _NO_ALERT, 1)
        return f"{alerted} UNION ALL {others} AND job.local NOT IN (SELECT local FROM alert)"

    async def some(self, reader: Rows, jobs: Sequence[str]) -> list[Row]:
        """The rows of given jobs, whether or not they match; `matches` says which do."""
        return await reader.rows(*self.of_some(jobs))

    def of_some(self, jobs: Sequence[str]) -> tuple[str, list[Any]]:
        """What `some` asks: SQL and values."""
        values = list(self._values)
        asked = _bind(values, json.dumps(list(jobs)))
        shown = self._shown(values)
        sql = (
            f"WITH {_alerts_among(asked)} SELECT {_COLUMNS}, {self._keys}, ({shown}) AS matches"
            f" {_from(_COLUMNS, self._keys, shown)}"
            f" WHERE job.job IN (SELECT value FROM json_each({asked}))"
        )
        return sql, values

    async def picks(self, reader: Rows, limit: int) -> list[Row]:
        """`job` and `frontier` of the first `limit` jobs in the order."""
        values = list(self._values)
        order = ", ".join(
            f"key_{index}{' DESC' if down else ''}" for index, down in enumerate(self.descending)
        )
        return await reader.rows(
            f"WITH {_ALERT} SELECT job.job AS job, job.frontier AS frontier, {self._keys}"
            f" {self._from} WHERE {self._where} ORDER BY {order} LIMIT {_bind(values, limit)}",
            values,
        )

    async def groups(self, reader: Rows) -> list[Row]:
        """The groups of all rows that match, in their order, with how many jobs and late ones."""
        if not self.filter.group:
            return []
        return await reader.rows(
            f"WITH {_ALERT} SELECT group_id, group_name, count(*) AS jobs, sum(late) AS late"
            f" FROM (SELECT {self._group}, alert.level = 'delayed' AS late"
            f" {_from(self._group, 'alert.', self._where)}"
            f" WHERE {self._where}) GROUP BY group_order, group_id"
            f" ORDER BY group_order, group_id LIMIT {GROUPS_MAX}",
            self._values,
        )

    async def total(self, reader: Rows) -> int:
        """How many rows match in all."""
        row = await reader.row(
            f"WITH {_ALERT} SELECT count(*) AS n {_from(self._where)} WHERE {self._where}",
            self._values,
        )
        return int(row["n"])

    async def points(self, reader: Rows, limit: int, jobs: Sequence[str] | None) -> list[Row]:
        """The matching jobs that have a position, the most urgent first, for the map.

        With `jobs` only those among them.
        """
        values = list(self._values)
        among, alerts = "", _ALERT
        if jobs is not None:
            asked = _bind(values, json.dumps(list(jobs)))
            among = f" AND job.job IN (SELECT value FROM json_each({asked}))"
            alerts = _alerts_among(asked)
        return await reader.rows(
            f"WITH {alerts} SELECT job.job, job.number, job.title, job.lat_e7, job.lon_e7,"
            " job.status, job.priority, job.conflicts, job.worker,"
            " coalesce(worker.name, '') AS worker_name, alert.level AS alert_level"
            f" {_from('alert. worker.', self._where)}"
            f" WHERE job.lat_e7 IS NOT NULL AND {self._where}{among}"
            f" ORDER BY {_URGENCY} DESC, job.updated_at DESC LIMIT {_bind(values, limit)}",
            values,
        )

    async def matching(self, reader: Rows, jobs: Sequence[str]) -> frozenset[str]:
        """Which of the given jobs match."""
        values = list(self._values)
        asked = _bind(values, json.dumps(list(jobs)))
        rows = await reader.rows(
            f"WITH {_alerts_among(asked)} SELECT job.job {_from(self._where)} WHERE job.job IN"
            f" (SELECT value FROM json_each({asked})) AND {self._where}",
            values,
        )
        return frozenset(row["job"] for row in rows)

    def _shown(self, values: list[Any]) -> str:
        """The condition of what matches and stands in no closed group."""
        closed = self.filter.closed
        if not self._group_id or not closed:
            return self._where
        # Where a job has no worker, team or customer, its id is an empty text.
        mark = _bind(values, json.dumps([*closed, *([""] if "none" in closed else [])]))
        return f"{self._where} AND {self._group_id} NOT IN (SELECT value FROM json_each({mark}))"

    def key_of(self, row: Row) -> Key:
        """What the row is ordered by."""
        return [row[name] for name in self.key_names]

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names that the parts of a row's key have in SQL."""
        return tuple(f"key_{index}" for index in range(len(self.descending)))

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

    def _narrow(self, wanted: Filter, now_ms: int, zone: ZoneInfo) -> None:
        values, conditions, near = self._values, self._conditions, self._near
        bind = partial(_bind, values)
        if wanted.statuses:
            mark = bind(json.dumps(wanted.statuses))
            # Not by the index of statuses: few jobs expected, all alerts would be read for each.
            conditions.append(f"+job.status IN (SELECT value FROM json_each({mark}))")
        if wanted.workers:
            conditions.append(workers_condition(wanted.workers, bind))
        if wanted.customer:
            conditions.append(f"job.customer = {bind(wanted.customer)}")
        if wanted.day:
            start, end = day_bounds(wanted.day, zone)
            within = IN_DAY.format(start=start, end=end)
            conditions.append(
                f"{within} OR (job.finished_at >= {start} AND job.finished_at < {end})"
            )
        if wanted.text:
            match = words_match(wanted.text)
            conditions.append(text_condition(match, wanted.text, bind, near.named))
        conditions += [condition(term, bind, now_ms, zone, near.by_term) for term in wanted.terms]


def _alerts_among(asked: str) -> str:
    """The alerts of the jobs in a JSON list alone."""
    return _ALERTS.replace("{among}", f" WHERE key IN (SELECT value FROM json_each({asked}))")


_OF_SHOWN: Final = _from(_SHOWN_COLUMNS).replace("FROM job", "job USING (local)", 1)


def _bind(values: list[Any], value: Any) -> str:
    """Add a value to what is bound, and give its numbered mark."""
    values.append(value)
    return f"?{len(values)}"


def _view_condition(view: str, now_ms: int, zone: ZoneInfo) -> str:
    condition = _CONDITION_BY_VIEW[view]
    if "{in_day}" not in condition:
        return condition
    start, end = day_bounds(today(now_ms, zone), zone)
    return condition.replace("{in_day}", IN_DAY.format(start=start, end=end))


async def views_of(
    reader: Rows, alerts: str, now_ms: int, zone: ZoneInfo, jobs: Sequence[str] | None = None
) -> dict[str, int]:
    """In which standard views each job stands, or each of `jobs`, by job: a bit for each view.

    `alerts` need tell of no other jobs than these.
    """
    bits = " + ".join(
        f"((({_view_condition(view.id, now_ms, zone)}) IS TRUE) << {place})"
        for place, view in enumerate(VIEWS)
    )
    values: list[Any] = [alerts]
    among = ""
    if jobs is not None:
        mark = _bind(values, json.dumps(list(jobs)))
        among = f" WHERE job.job IN (SELECT value FROM json_each({mark}))"
    rows = await reader.rows(
        f"WITH {_ALERT} SELECT job.job, {bits} AS views FROM job"
        f" LEFT JOIN alert ON alert.job = job.job{among}",
        values,
    )
    return {row["job"]: row["views"] for row in rows}
