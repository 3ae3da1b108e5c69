"""The parts round the board's table: saved views with counts, column heads.

Each is a small dataclass that a template draws. Holds no SQL.
Invariant: every control is a link, so it works without a script and shows where it leads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from core.sentence import say
from web.board.filters import ASKED_LATELY, BOTH, GROUPINGS, HIDABLE, VIEWS, Filter

_TONE_BY_VIEW: Final = {
    "exceptions": "bad",
    "delayed": "bad",
    "conflicts": "bad",
    "rejected": "bad",
    "unassigned": "risk",
    "unacknowledged": "risk",
}


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A saved view in the rail; `tone` colours its count when there is anything in it."""

    id: str
    words: str
    icon: str
    href: str
    count: int
    current: bool
    tone: str
    part: bool
    why: str


@dataclass(frozen=True, slots=True)
class Column:
    """A head of the table. `sort` is 'ascending', 'descending', 'none', or '' without an order."""

    id: str
    words: str
    href: str
    sort: str
    place: int


@dataclass(frozen=True, slots=True)
class Toolbar:
    """Where the controls over a table lead, by its filter alone.

    `groupings` and `hidable` say words, an address or a column's id, and whether it is chosen.
    """

    groupings: tuple[tuple[str, str, bool], ...]
    hidable: tuple[tuple[str, str, bool], ...]
    csv_jobs: str
    csv_logs: str
    propose_href: str
    new_href: str


_GROUPING_WORDS: Final = {
    "": say("None"),
    "worker": say("Worker"),
    "team": say("Team"),
    "status": say("Status"),
    "customer": say("Customer"),
    "day": say("Day"),
}
_COLUMNS: Final = (
    ("alert", say("Flags")),
    ("number", say("No.")),
    ("title", say("Title")),
    ("customer", say("Customer, place")),
    ("window", say("Window")),
    ("worker", say("Worker")),
    ("status", say("Status")),
    ("delay", say("Delay")),
    ("reach", say("Phone")),
    ("updated", say("Updated")),
)


def view_links(wanted: Filter, counts: dict[str, int]) -> tuple[ViewLink, ...]:
    """The rail: each view with its count over the whole site."""
    return _view_links(wanted, tuple(counts[view.id] for view in VIEWS))


@lru_cache(maxsize=ASKED_LATELY)
def _view_links(wanted: Filter, counts: tuple[int, ...]) -> tuple[ViewLink, ...]:
    if wanted.layout == "inbox":
        # The inbox is of no view: who chooses one wants to see its jobs.
        wanted = replace(wanted, layout=BOTH)
    return tuple(
        ViewLink(
            id=view.id,
            words=view.words,
            icon=view.icon,
            href=wanted.in_view(view.id).url(),
            count=count,
            current=view.id == wanted.view,
            tone=_TONE_BY_VIEW.get(view.id, ""),
            part=bool(view.part_of),
            why=view.why,
        )
        for view, count in zip(VIEWS, counts, strict=True)
    )


@lru_cache(maxsize=ASKED_LATELY)
def columns(wanted: Filter) -> tuple[Column, ...]:
    """The table's heads; `place` numbers the columns of an order of several, from 1."""
    sorts = wanted.sorts
    by_column = {sort.column: (place, sort) for place, sort in enumerate(sorts, 1)}
    found = []
    for column, words in _COLUMNS:
        if column == "reach":
            found.append(Column(column, words, "", "", 0))
            continue
        place, sort = by_column.get(column, (0, None))
        order = "none" if sort is None else "descending" if sort.descending else "ascending"
        shown = place if len(sorts) > 1 else 0
        found.append(Column(column, words, wanted.sorted_by(column).url(), order, shown))
    return tuple(found)


@lru_cache(maxsize=ASKED_LATELY)
def toolbar_of(wanted: Filter) -> Toolbar:
    """The controls over the table of a filter."""
    return Toolbar(
        groupings=tuple(
            (_GROUPING_WORDS[group], wanted.grouped_by(group).url(), group == wanted.group)
            for group in GROUPINGS
        ),
        hidable=tuple(
            (column, words, column in wanted.hidden)
            for column, words in _COLUMNS
            if column in HIDABLE
        ),
        csv_jobs=f"/export/jobs.csv?{wanted.query()}",
        csv_logs=f"/export/timelogs.csv?{wanted.query()}",
        propose_href=f"/proposal?day={wanted.day}" if wanted.day else "/proposal",
        new_href=wanted.url(do="new"),
    )
