"""What a report is asked for: period, grouping, who and where, order, chart; all in its URL.

Holds no SQL and no rows. Invariant: reading what was written gives the same, and a value that means
nothing is left out, with a sentence where it would change which days are shown.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from core.sentence import say
from web.board.filters import is_stream_id
from web.reports.period import Period, presets, read_period

BY_WORDS: Final = {
    "worker": say("Worker"),
    "job": say("Job"),
    "customer": say("Customer"),
    "team": say("Team"),
    "vehicle": say("Vehicle"),
    "day": say("Day"),
    "week": say("Week"),
    "month": say("Month"),
}
BY_PHRASES: Final = {
    "worker": say("by worker"),
    "job": say("by job"),
    "customer": say("by customer"),
    "team": say("by team"),
    "vehicle": say("by vehicle"),
    "day": say("by day"),
    "week": say("by week"),
    "month": say("by month"),
}
TIMES: Final = ("day", "week", "month")
CHARTS: Final = {
    "time": say("Hours"),
    "plan": say("Planned and actual"),
    "jobs": say("Jobs"),
    "late": say("On time"),
}
SORTS: Final = (
    *("name", "done", "open", "rejected", "ontime", "planned", "actual", "travel", "onsite"),
    *("other", "break", "worked", "travelshare", "auto"),
)
_GROUP_ID: Final = re.compile(r"[0-9a-f]{16}\Z")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One report. `worker`, `customer` and `team` are ids or '' for all; `sort` as `-worked`."""

    period: Period
    by: str = "worker"
    worker: str = ""
    customer: str = ""
    team: str = ""
    sort: str = "name"
    chart: str = "time"

    @property
    def descending(self) -> bool:
        """Whether the largest come first."""
        return self.sort.startswith("-")

    @property
    def column(self) -> str:
        """The column that rows are ordered by."""
        return self.sort.removeprefix("-")

    @property
    def choice(self) -> str:
        """The query that says which jobs and hours are meant, without how they are shown."""
        pairs = {"worker": self.worker, "customer": self.customer, "team": self.team}
        given = urlencode({name: value for name, value in pairs.items() if value})
        return self.period.query + (f"&{given}" if given else "")

    @property
    def query(self) -> str:
        """The whole query; what is as usual is left out."""
        text = f"{self.choice}&by={self.by}"
        text += "" if self.sort == "name" else f"&sort={self.sort}"
        return text + ("" if self.chart == "time" else f"&chart={self.chart}")

    def href(self, **changes: object) -> str:
        """The address of this report with some parts changed."""
        return f"/reports?{replace(self, **changes).query}"  # type: ignore[arg-type]

    def sorted_by(self, column: str) -> str:
        """The address with rows ordered by a column; once more turns the order round."""
        first = column if column == "name" else f"-{column}"
        turned = column if first.startswith("-") else f"-{column}"
        return self.href(sort=turned if self.sort == first else first)


def read_wanted(query: Mapping[str, str], today: dt.date) -> tuple[Wanted, str]:
    """The report that a URL names, and a sentence where its days could not be taken."""
    period, error = read_period(query, presets(today)[0][1], say("This week"))
    sort = query.get("sort", "")
    return (
        Wanted(
            period=period,
            by=_one_of(query.get("by", ""), BY_WORDS, "worker"),
            worker=_stream_id(query.get("worker", "")),
            customer=_stream_id(query.get("customer", "")),
            team=_matching(_GROUP_ID, query.get("team", "")),
            sort=sort if sort.removeprefix("-") in SORTS else "name",
            chart=_one_of(query.get("chart", ""), CHARTS, "time"),
        ),
        error,
    )


def _stream_id(text: str) -> str:
    return text if is_stream_id(text) else ""


def _one_of(text: str, known: Mapping[str, str], usual: str) -> str:
    return text if text in known else usual


def _matching(pattern: re.Pattern[str], text: str) -> str:
    return text if pattern.match(text) else ""
