"""What a board shows: view, filters and order, read from a URL and written back to it.

The whole state of the board is its URL, so a bookmark, the back button, the CSV export and a second
window all ask the same question. Holds no SQL and no rows. Invariant: reading what was written
gives the same filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode

from multidict import MultiDict

from core.sentence import say
from web.board import grammar
from web.board.grammar import Fault
from web.board.term import NONE, STATUSES, TEXT, Term, read_day

TEXT_CHARACTERS_MAX: Final = 200
"""A longer text finds nothing that a shorter one would not."""
CHOICES_MAX: Final = 50
"""More workers than this in one filter is better said by a team or by all of them."""
SORTS_MAX: Final = 3
ASKED_LATELY: Final = 256
"""Filters whose heads and links are kept: a page asks for the same few again and again."""
UNASSIGNED: Final = NONE

_ID: Final = re.compile(r"[0-9a-f]{24}\Z")
_GROUP: Final = re.compile(r"[0-9a-f]{16}\Z|[0-9a-f]{24}\Z|[a-z ]{1,20}\Z|\d{4}-\d\d-\d\d\Z")


class View(NamedTuple):
    """A saved standard view: its id in the URL, its words, icon, order, and whose part it is."""

    id: str
    words: str
    icon: str
    sort: str
    part_of: str
    why: str


VIEWS: Final = (
    View(
        "exceptions",
        say("Exceptions"),
        "triangle-alert",
        "-alert,window",
        "",
        say("needs a decision"),
    ),
    View("unassigned", say("Unassigned"), "user-x", "window", "exceptions", say("has nobody")),
    View(
        "delayed",
        say("Late, at risk"),
        "clock-alert",
        "-delay,window",
        "exceptions",
        say("runs late"),
    ),
    View(
        "unacknowledged",
        say("Not on phone"),
        "smartphone",
        "window",
        "exceptions",
        say("has not reached the worker's phone"),
    ),
    View(
        "conflicts",
        say("Conflicts"),
        "git-compare",
        "-updated",
        "exceptions",
        say("has a conflict"),
    ),
    View("rejected", say("Rejected"), "circle-x", "-updated", "exceptions", say("was rejected")),
    View("today", say("Today"), "calendar-days", "window", "", say("is planned for today")),
    View("open", say("Open"), "circle", "window", "", say("is open")),
    View("progress", say("In progress"), "circle-play", "window", "", say("is in progress")),
    View("done", say("Done"), "circle-check", "-updated", "", say("is done")),
    View("all", say("All jobs"), "layers", "-updated", "", say("exists")),
)
VIEW_BY_ID: Final = {view.id: view for view in VIEWS}

SORTABLE: Final = (
    "alert",
    "number",
    "title",
    "customer",
    "window",
    "worker",
    "status",
    "delay",
    "updated",
)
"""The columns that can be sorted by, under their names in the URL."""

GROUPINGS: Final = ("", "worker", "team", "status", "customer", "day")
"""What the table's rows can be grouped by, under their names in the URL."""

HIDABLE: Final = ("number", "customer", "window", "worker", "status", "delay", "reach", "updated")
"""The columns that can be hidden; without its flags and its title a row would say nothing."""

SIGHTS: Final = ("planner", "table", "inbox", "map")
"""Where the jobs are seen, in the order in which two of them stand side by side."""
PAIRS: Final = tuple(f"{one},{two}" for at, one in enumerate(SIGHTS) for two in SIGHTS[at + 1 :])
BOTH: Final = "both"
"""The table and the map: what a board begins with, and how addresses have always named it."""
LAYOUTS: Final = (BOTH, *SIGHTS, *(pair for pair in PAIRS if pair != "table,map"))
SPANS: Final = ("", "week")
"""What the planner shows across: a day's hours, or a week's days."""


class Query(Protocol):
    """A parsed query string: aiohttp's `request.query`."""

    def get(self, key: str, default: str) -> str:
        """The first value of a name."""

    def getall(self, key: str, default: list[str]) -> list[str]:
        """All values of a name."""

    def items(self) -> Iterable[tuple[str, str]]:
        """All names with their values, in their order."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One column of the order."""

    column: str
    descending: bool

    @property
    def text(self) -> str:
        """As in a URL: `-updated` for the newest first."""
        return f"-{self.column}" if self.descending else self.column


@dataclass(frozen=True, slots=True)
class Filter:
    """One question of the board. `day` is '' or '2026-11-23'; `sort` is '' for the view's own.

    `text` is words with a space between; `terms` are the conditions that no other field holds.
    `group` is one of `GROUPINGS`, and `closed` are the groups whose rows are not shown.
    `hidden` are columns, `span` is one of `SPANS`.
    """

    view: str = "exceptions"
    statuses: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    customer: str = ""
    day: str = ""
    text: str = ""
    sort: str = ""
    layout: str = BOTH
    terms: tuple[Term, ...] = ()
    group: str = ""
    closed: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    span: str = ""

    @property
    def sorts(self) -> tuple[Sort, ...]:
        """The order that holds, the first column first."""
        return read_sorts(self.sort or VIEW_BY_ID[self.view].sort)

    @property
    def sights(self) -> tuple[str, ...]:
        """The one or two of `SIGHTS` that are shown."""
        return sights_of(self.layout)

    @property
    def narrowed(self) -> bool:
        """Whether anything but the view narrows what is shown."""
        return bool(
            self.statuses or self.workers or self.day or self.text or self.customer or self.terms
        )

    @property
    def conditions(self) -> tuple[Term, ...]:
        """Everything but the view that narrows, as terms of the filter's text."""
        found = [
            Term(key, ":", values)
            for key, values in (
                ("status", self.statuses),
                ("worker", self.workers),
                ("customer", (self.customer,) if self.customer else ()),
                ("day", (self.day,) if self.day else ()),
            )
            if values
        ]
        return (*found, *self.terms, *(Term(TEXT, ":", (word,)) for word in self.text.split()))

    def with_terms(self, terms: Iterable[Term]) -> Filter:
        """Narrowed by these terms too; what a field of its own can hold goes there."""
        found = self
        for term in terms:
            found = found._with(term)
        return found

    def _with(self, term: Term) -> Filter:
        key, values = term.key, term.values
        if term.sign == ":" and not term.negated:
            if key == TEXT and not any(map(str.isspace, values[0])):
                return replace(self, text=f"{self.text} {values[0]}".strip())
            if key == "status" and not self.statuses:
                return replace(self, statuses=tuple(s for s in STATUSES if s in values))
            if key == "worker" and not self.workers and all(map(_is_worker, values)):
                return replace(self, workers=values)
            if key == "customer" and not self.customer and len(values) == 1:
                if _ID.match(values[0]):
                    return replace(self, customer=values[0])
            elif key == "day" and not self.day and len(values) == 1 and read_day(values[0]):
                return replace(self, day=values[0])
        return self if term in self.terms else replace(self, terms=(*self.terms, term))

    def without(self, term: Term) -> Filter:
        """The same without one of its `conditions`."""
        left = [other for other in self.conditions if other != term]
        return self.without_filters().with_terms(left)

    def pairs(self) -> list[tuple[str, str]]:
        """The query of the URL, without what is the default."""
        found = [] if self.view == "exceptions" else [("view", self.view)]
        found += [("status", status) for status in self.statuses]
        found += [("worker", worker) for worker in self.workers]
        text = ""
        if self.terms or self.text:
            words = (Term(TEXT, ":", (word,)) for word in self.text.split())
            text = grammar.write((*self.terms, *words))
        for name, value in (
            ("customer", self.customer),
            ("day", self.day),
            ("q", text),
            ("sort", self.sort),
        ):
            if value:
                found.append((name, value))
        if self.layout != BOTH:
            found.append(("show", self.layout))
        if self.group:
            found.append(("group", self.group))
            found += [("closed", group) for group in self.closed]
        if self.hidden:
            found.append(("hide", ",".join(self.hidden)))
        if self.span:
            found.append(("span", self.span))
        return found

    def query(self, **more: str) -> str:
        """The query text with further pairs such as `job`; without a question mark."""
        known = _query_of(self)
        if not more:
            return known
        added = "&".join(_encoded(*pair) for pair in more.items())
        return f"{known}&{added}" if known else added

    def url(self, **more: str) -> str:
        """The address of the board that shows this, and with `job` a selection."""
        query = self.query(**more)
        return f"/?{query}" if query else "/"

    def in_view(self, view: str) -> Filter:
        """Another view with the same filters and its own order."""
        return replace(self, view=view, sort="")

    def grouped_by(self, group: str) -> Filter:
        """The same jobs in other groups, all of them open."""
        return replace(self, group=group, closed=())

    def toggled(self, group: str) -> Filter:
        """The same with one of the groups closed, or opened if it was."""
        if group in self.closed:
            return replace(self, closed=tuple(one for one in self.closed if one != group))
        return replace(self, closed=(*self.closed, group)[-CHOICES_MAX:])

    def sorted_by(self, column: str, *, added: bool = False) -> Filter:
        """What a click on a column's head asks for; `added` puts the column behind the others.

        A first click sorts, a second turns the order round.
        """
        now = {sort.column: sort for sort in self.sorts}
        given = read_sorts(self.sort)
        first_down = column in ("alert", "delay", "updated")
        turned = Sort(column, not now[column].descending if column in now else first_down)
        if added and (given or self.sorts):
            kept = [sort for sort in (given or self.sorts) if sort.column != column]
            chosen = [*kept[: SORTS_MAX - 1], turned]
        else:
            chosen = [turned]
        return replace(self, sort=",".join(sort.text for sort in chosen))

    def without_filters(self) -> Filter:
        """The same view with nothing narrowed."""
        return replace(self, statuses=(), workers=(), customer="", day="", text="", terms=())


def sights_of(layout: str) -> tuple[str, ...]:
    """What one of `LAYOUTS` shows, in the order of `SIGHTS`."""
    return ("table", "map") if layout == BOTH else tuple(layout.split(","))


def read_layout(text: str) -> str:
    """Read `planner,map` in any order; what is no sight is left out, and three are not shown."""
    found = tuple(sight for sight in SIGHTS if sight in text.split(",")[: len(SIGHTS)])
    if found == ("table", "map") or not 1 <= len(found) <= 2:
        return BOTH
    return ",".join(found)


# A page has the order of its question in each of its addresses.
@lru_cache(maxsize=1_024)
def read_sorts(text: str) -> tuple[Sort, ...]:
    """Read `-delay,window`; unknown and repeated columns are left out."""
    found: dict[str, Sort] = {}
    for part in text.split(",")[: len(SORTABLE)]:
        column = part.removeprefix("-")
        if column in SORTABLE and column not in found:
            found[column] = Sort(column, part.startswith("-"))
    return tuple(found.values())[:SORTS_MAX]


def read_filter(query: Query) -> Filter:
    """Read the board's part of a URL.

    What is no filter (an unknown view, a worker's id that is none, a text that does not parse) is
    left out: an old bookmark still opens a board, and the board shows which filters hold. Names in
    the text stand as they were typed; `web.board.naming` settles whose they are.
    """
    try:
        terms = grammar.parse(query.get("q", ""))
    except Fault:
        terms = ()
    return read_plain(query).with_terms(placed.term for placed in terms)


def read_plain(query: Query) -> Filter:
    """Read the board's part of a URL but for the filter's text."""
    return _plain_of(tuple(query.items()))


@lru_cache(maxsize=ASKED_LATELY)
def _plain_of(pairs: tuple[tuple[str, str], ...]) -> Filter:
    query = MultiDict(pairs)
    view = query.get("view", "exceptions")
    customer = query.get("customer", "")
    workers = query.getall("worker", [])[:CHOICES_MAX]
    statuses = query.getall("status", [])
    group = query.get("group", "") if query.get("group", "") in GROUPINGS else ""
    closed = [one for one in query.getall("closed", []) if _GROUP.match(one)] if group else []
    return Filter(
        view=view if view in VIEW_BY_ID else "exceptions",
        statuses=tuple(status for status in STATUSES if status in statuses),
        workers=_once(worker for worker in workers if _is_worker(worker)),
        customer=customer if _ID.match(customer) else "",
        day=_day(query.get("day", "")),
        sort=",".join(sort.text for sort in read_sorts(query.get("sort", ""))),
        layout=read_layout(query.get("show", BOTH)),
        group=group,
        closed=_once(closed)[:CHOICES_MAX],
        hidden=tuple(one for one in HIDABLE if one in query.get("hide", "").split(",")),
        span=query.get("span", "") if query.get("span", "") in SPANS else "",
    )


def is_stream_id(text: str) -> bool:
    """Whether a text is a stream's id as pages write it: 24 hex digits."""
    return _ID.match(text) is not None


@lru_cache(maxsize=1_024)
def _query_of(wanted: Filter) -> str:
    return "&".join(_encoded(*pair) for pair in wanted.pairs())


# A page has sixty addresses of the same few pairs.
@lru_cache(maxsize=1_024)
def _encoded(name: str, value: str) -> str:
    return urlencode([(name, value)])


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _is_worker(value: str) -> bool:
    return value == UNASSIGNED or _ID.match(value) is not None


def _day(text: str) -> str:
    day = read_day(text)
    return day.isoformat() if day else ""


def read_back(text: object) -> Filter:
    """The filter that a posted form carries as a query text, so that its answer returns there."""
    try:
        pairs = parse_qsl(text, max_num_fields=CHOICES_MAX * 4) if isinstance(text, str) else []
    except ValueError:  # More of them than any page writes.
        pairs = []
    return read_filter(MultiDict(pairs))
