"""The rail beside the board: the standard views, then one's own and everybody's, with live counts.

`GET /board/rail` draws it alone. Holds no SQL. Invariant: every entry is a link, so it works
without a script, and a page never waits long for counts: what is missing its script asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from core.sentence import say
from hub.keys import ACCOUNT
from web.board.filters import VIEW_BY_ID
from web.board.naming import Reading
from web.board.page_parts import ViewLink, view_links
from web.board.saved_views import SAVED_COUNTS, SavedView, kept, views_seen
from web.board.state import ALERT_BOOK, Moment, moment_of
from web.frame import frame_of
from web.rendering import templates_of

PART_S_MAX = 5.0
"""The script asks again for what was not counted by then."""


@dataclass(frozen=True, slots=True)
class SavedLink:
    """A saved view in the rail; `count` is None where it is not known, `fault` what is wrong."""

    id: str
    words: str
    href: str
    count: int | None
    fault: str
    current: bool


@dataclass(frozen=True, slots=True)
class SavedList:
    """One's own views, or everybody's."""

    id: str
    words: str
    links: tuple[SavedLink, ...]


@dataclass(frozen=True, slots=True)
class Rail:
    """What `board/rail.html` draws.

    `words` name the view that is shown; `query` is what a view of it would keep; `may_replace` are
    saved views that can be saved anew. `settled`: every count is the newest; else ask again.
    """

    words: str
    views: tuple[ViewLink, ...]
    saved: tuple[SavedList, ...]
    query: str
    back: str
    may_replace: tuple[SavedView, ...]
    edit_href: str
    settled: bool

    @property
    def none_yet(self) -> bool:
        """Whether no standard view has a job: the site has none yet, or a filter hides them all."""
        return not any(view.count for view in self.views)


async def rail_of(
    request: web.Request,
    moment: Moment,
    reading: Reading,
    counts: dict[str, int],
    *,
    within_s: float,
) -> Rail:
    """The rail of what is shown; `counts`: the standard views'; `within_s`: see `SavedCounts`."""
    wanted = reading.wanted
    seen = await views_seen(moment.hub.office, request[ACCOUNT])
    found = await request.app[SAVED_COUNTS].of(moment, [view.query for view in seen], within_s)
    query = kept(wanted) if reading.fault is None else None
    lists = []
    for id, words, shared in (
        ("own", say("My views"), False),
        ("shared", say("Everybody’s"), True),
    ):
        links = tuple(
            SavedLink(
                id=view.id,
                words=view.name,
                href=f"/?{view.query}" if view.query else "/",
                count=found[view.query].jobs,
                fault=found[view.query].fault,
                current=view.query == query,
            )
            for view in seen
            if view.shared is shared
        )
        if links:
            lists.append(SavedList(id, words, links))
    current = [link.words for each in lists for link in each.links if link.current]
    standard = VIEW_BY_ID[wanted.view].words
    views = view_links(wanted, counts)
    if current:
        # One is shown; what it was made of needs no mark beside it.
        views = tuple(replace(view, current=False) for view in views)
    here = wanted.query()
    return Rail(
        words=current[0] if current else standard,
        views=views,
        saved=tuple(lists),
        query=kept(wanted),
        back=here,
        may_replace=tuple(seen),
        edit_href=f"/board/views?{urlencode({'back': here})}",
        settled=all(count.newest for count in found.values()),
    )


async def rail_part(request: web.Request) -> web.StreamResponse:
    """GET /board/rail?…: the rail alone, with all counts that can be had in some seconds."""
    moment = await moment_of(request)
    reading = await moment.reading(request.query)
    counts = await request.app[ALERT_BOOK].counts(moment.now_ms, moment.zone)
    rail = await rail_of(request, moment, reading, counts, within_s=PART_S_MAX)
    frame = await frame_of(request, whole=False)
    piece: Any = templates_of(request).globals["piece"]
    drawn = piece("board/rail.html", rail=rail, may_write=frame.may_write)
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=drawn, content_type="text/html", headers=headers)
