"""Saved views of the board: the ones that somebody sees, and how many jobs each holds now.

A view is the board's query under a name: filter, layout, order, columns and groups, not the
selection nor a fixed day. `SavedCounts` counts for all pages together, each query once in some
seconds. Holds no HTML; the rail is drawn by `rail`, and `views_page` changes views.
Invariants: somebody else's own view is shown to nobody; a view whose filter can't be read any more
is there with what is wrong with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from core.dispatch.acts import ActError
from core.sentence import say
from hub.kept_office import KeptOffice
from hub.keys import Account
from web import formats
from web.board.filters import ASKED_LATELY, CHOICES_MAX, Filter
from web.board.naming import Reading
from web.board.state import AlertBook, Moment

VIEWS_MAX: Final = 200
"""Views that one person sees: more would be no rail, and each is counted every few seconds."""
HOLD_S: Final = 3.0
"""So long a count holds, however much is written meanwhile."""
REST: Final = 8
"""Or so many times as long as it took, where that is longer: a large site has other work."""
KNOWN_MAX: Final = 2_000
"""Queries whose counts are kept: more than that are of views that are gone."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """One view: `query` is the board's address without `/?`; `shared`: everybody has it."""

    id: str
    name: str
    query: str
    shared: bool
    position: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many jobs a view holds; None: not counted yet. `fault` is what its filter is wrong in.

    `newest`: nothing was written since that is not counted.
    """

    jobs: int | None
    fault: str = ""
    newest: bool = True


async def views_seen(office: KeptOffice, account: Account) -> list[SavedView]:
    """The views that an account sees, its own first, each list in its order."""
    kept_views = (await office.state()).saved_views
    rows = [row for row in kept_views if row["owner"] in ("", account.account)]
    ordered = sorted(rows, key=lambda row: (row["owner"] == "", *_place(row)))
    return [_view(row) for row in ordered]


def _place(row: Any) -> tuple[int, str, str]:
    return row["position"], formats.folded(row["name"]), row["view"]


def _view(row: Any) -> SavedView:
    name = row["name"] or say("Without a name")
    return SavedView(row["view"], name, row["query"], not row["owner"], row["position"])


@lru_cache(maxsize=ASKED_LATELY)
def kept(wanted: Filter) -> str:
    """What of the board a view keeps: all but a fixed day, and which groups are closed."""
    return replace(wanted, day="", closed=()).query()


async def reading_of(moment: Moment, query: str) -> Reading:
    """What a view's query asks for.

    Raises:
        ActError: it has more parts than any board.
    """
    try:
        pairs = parse_qsl(query, max_num_fields=CHOICES_MAX * 4)
    except ValueError as error:
        raise ActError(
            say("that is no address of the board; open the board and save it there")
        ) from error
    return await moment.reading(MultiDict(pairs))


@dataclass(frozen=True, slots=True)
class _Counted:
    """A count: of which computation of the alerts it is, when it ended, what it took (s)."""

    count: Count
    alerts: int
    at_s: float
    took_s: float


class SavedCounts:
    """The newest counts by query, the same for everybody."""

    def __init__(self, alerts: AlertBook) -> None:
        self._alerts = alerts
        self._known: dict[str, _Counted] = {}
        self._turn = asyncio.Lock()

    async def of(
        self, moment: Moment, queries: Sequence[str], within_s: float | None = None
    ) -> dict[str, Count]:
        """The counts of these queries.

        With `within_s`, what was not counted by then has the count of before, or none.
        """
        loop = asyncio.get_running_loop()
        until_s = None if within_s is None else loop.time() + within_s
        found = {}
        for query in dict.fromkeys(queries):
            known = self._known.get(query)
            in_time = until_s is None or loop.time() < until_s
            if in_time and (known is None or not self._holds(known)):
                known = await self._counted(moment, query)
            if known is None:
                found[query] = Count(None, newest=False)
            else:
                found[query] = replace(known.count, newest=known.alerts == self._alerts.number)
        return found

    def _holds(self, known: _Counted) -> bool:
        if known.alerts == self._alerts.number:
            return True
        rested_s = asyncio.get_running_loop().time() - known.at_s
        return rested_s < max(HOLD_S, REST * known.took_s)

    async def _counted(self, moment: Moment, query: str) -> _Counted:
        # One at a time: pages that ask at once get one count, and others' questions come between.
        async with self._turn:
            known = self._known.get(query)
            if known is not None and self._holds(known):
                return known
            loop = asyncio.get_running_loop()
            number, began_s = self._alerts.number, loop.time()
            count = await _count(moment, query)
            ended_s = loop.time()
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            counted = _Counted(count, number, ended_s, ended_s - began_s)
            self._known[query] = counted
            return counted


async def _count(moment: Moment, query: str) -> Count:
    try:
        reading = await reading_of(moment, query)
    except ActError as error:
        return Count(None, formats.sentence(str(error)))
    if reading.fault is not None:
        return Count(None, formats.sentence(reading.fault.words))
    return Count(await (await moment.question(reading.wanted)).total(moment.hub.reader))


SAVED_COUNTS: Final = web.AppKey("SAVED_COUNTS", SavedCounts)


def is_taken(name: str, others: Iterable[str]) -> bool:
    """Whether a name reads like one of the others, accents and capitals aside."""
    plain = formats.folded(name)
    return any(formats.folded(other) == plain for other in others)
