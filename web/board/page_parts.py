"""The parts round the board's table: saved views with counts, column heads.

Each is a small dataclass that a template draws. Holds no SQL.
Invariant: every control is a link, so it works without a script and shows where it leads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from core.sentence import say
from web.board.filters import ASKED_LATELY, BOTH, VIEWS, Filter

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
