"""Saving views of the board, and the page where they are renamed, shared, put in order, taken away.

`GET /board/views` is that page; forms post to the same address. What is shared is everybody's: any
dispatcher may change it, and undo is one click away. Each change is one act in the office stream.
Invariant: what is refused changes nothing, and says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from core.dispatch.acts import Act, ActError
from core.dispatch.view_acts import remove_view, set_view
from core.sentence import listed, say
from hub.hub import check_may_write
from hub.keys import ACCOUNT, HUB
from hub.past_acts import reference_of
from web.board.filters import VIEWS, read_back
from web.board.saved_views import (
    SAVED_COUNTS,
    VIEWS_MAX,
    SavedView,
    is_taken,
    kept,
    reading_of,
    views_seen,
)
from web.board.state import moment_of
from web.formats import sentence
from web.frame import must_write, see_other
from web.language import answer_json
from web.rendering import show, wants_part
from web.stale_form import clean

ADDRESS: Final = "/board/views"
VIEW_BYTES: Final = 8
EVERYBODY: Final = "yes"


@dataclass(frozen=True, slots=True)
class ViewRow:
    """One view of the list; `words` say what it holds, `fault` what is wrong with its filter."""

    id: str
    name: str
    href: str
    shared: bool
    count: int | None
    fault: str
    is_first: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class ViewsPage:
    """The lists, and the form for a view of what the board shows, as it was typed."""

    own: tuple[ViewRow, ...]
    shared: tuple[ViewRow, ...]
    query: str
    back: str
    name: str = ""
    everybody: bool = False
    instead: str = ""
    error: str = ""

    @property
    def board_href(self) -> str:
        """The board from which the page was opened."""
        return f"/?{self.back}" if self.back else "/"

    @property
    def rows(self) -> tuple[ViewRow, ...]:
        """All views, one's own first."""
        return (*self.own, *self.shared)


async def views_page(request: web.Request) -> web.StreamResponse:
    """GET /board/views?back=QUERY: the views, and a form to save what that board shows."""
    must_write(request, say("Ask a dispatcher to save a view for everybody."))
    page = await _page(request, read_back(request.query.get("back", "")).query())
    return await show(request, "board/views.html", page)


async def _page(request: web.Request, back: str, **typed: Any) -> ViewsPage:
    moment = await moment_of(request)
    seen = await views_seen(moment.hub.office, request[ACCOUNT])
    counts = await request.app[SAVED_COUNTS].of(moment, [view.query for view in seen], 1.0)

    def rows(shared: bool) -> tuple[ViewRow, ...]:
        of_list = [view for view in seen if view.shared is shared]
        return tuple(
            ViewRow(
                id=view.id,
                name=view.name,
                href=f"/?{view.query}" if view.query else "/",
                shared=shared,
                count=counts[view.query].jobs,
                fault=counts[view.query].fault,
                is_first=place == 0,
                is_last=place == len(of_list) - 1,
            )
            for place, view in enumerate(of_list)
        )

    return ViewsPage(rows(False), rows(True), kept(read_back(back)), back, **typed)


async def save_view(request: web.Request) -> web.StreamResponse:
    """POST /board/views: save what the board shows, as a new view or in the place of one.

    The form has `name`, `everybody` ('yes' or absent), `instead` (a view's id or ''), `query` (the
    board's), and `back`. A script gets JSON `{words, undo, url}`; where it is refused, `words` with
    status 422.
    """
    form = await request.post()
    scripted = wants_part(request)
    name, instead = clean(form.get("name")), clean(form.get("instead"))
    everybody = form.get("everybody") == EVERYBODY
    back = read_back(form.get("back")).query()
    try:
        check_may_write(request[ACCOUNT])
        typed = clean(form.get("query"))
        words, undo, query = await _save(request, name, instead, everybody, typed)
    except ActError as error:
        words = sentence(str(error))
        if scripted:
            return answer_json(request, {"words": words}, status=422)
        page = await _page(
            request, back, name=name, everybody=everybody, instead=instead, error=words
        )
        return await show(request, "board/views.html", page, status=422)
    url = f"/?{query}" if query else "/"
    if scripted:
        return answer_json(request, {"words": words, "undo": undo, "url": url})
    raise see_other(url, words, undo=undo)


async def _save(
    request: web.Request, name: str, instead: str, everybody: bool, typed: str
) -> tuple[str, str, str]:
    """Do it; the words, the act by which it is undone, and the view's query."""
    hub, account = request.app[HUB], request[ACCOUNT]
    reading = await reading_of(await moment_of(request), typed)
    if reading.fault is not None:
        raise ActError(
            say(
                "The filter can't be read: {what}. Mend it on the board, then save it",
                what=reading.fault.words,
            )
        )
    query = kept(reading.wanted)
    seen = await views_seen(hub.office, account)
    replaced = _known(seen, instead) if instead else None
    name = name or (replaced.name if replaced is not None else "")
    if replaced is None and len(seen) >= VIEWS_MAX:
        raise ActError(say("There are {n} views already; take one away first", n=VIEWS_MAX))
    _check_name_free(seen, name, instead)
    view = bytes.fromhex(instead) if instead else hub.replica.entropy(VIEW_BYTES)
    owner = b"" if everybody else bytes.fromhex(account.account)
    moves = replaced is None or replaced.shared is not everybody
    changes = set_view(
        view,
        name=name,
        query=query,
        owner=owner if moves else None,
        position=await _behind(request, owner) if moves else None,
    )
    written = await hub.act(account, changes)
    words = say("The view {view} was saved.", view=name)
    if reading.wanted.day:
        day = say("It is of no fixed day: to have it follow the day, filter by day:today.")
        words = listed((words, day), " ")
    return words, reference_of(written).text(), query


async def _behind(request: web.Request, owner: bytes) -> int:
    """The position after the last view of an owner's."""
    row = await request.app[HUB].reader.row(
        "SELECT coalesce(max(position), -1) + 1 FROM saved_view WHERE owner = ?", (owner.hex(),)
    )
    return int(row[0]) if row is not None else 0


def _known(seen: Sequence[SavedView], view: str) -> SavedView:
    for one in seen:
        if one.id == view:
            return one
    raise ActError(say("That view is not there any more; load the page anew"))


def _check_name_free(seen: Sequence[SavedView], name: str, view: str) -> None:
    if is_taken(name, (standard.words for standard in VIEWS)):
        words = say("{view} is the name of a standard view; give another one", view=name)
        raise ActError(words)
    for one in seen:
        if one.id != view and is_taken(name, (one.name,)):
            words = say(
                "There is a view of the name {view} already; give another one", view=one.name
            )
            raise ActError(words)


async def change_view(request: web.Request) -> web.StreamResponse:
    """POST /board/views/{view}: `act` is `change` (name, everybody), `up`, `down` or `remove`."""
    form = await request.post()
    back = read_back(form.get("back")).query()
    to = f"{ADDRESS}?{urlencode({'back': back})}"
    try:
        check_may_write(request[ACCOUNT])
        words, changes = await _change(request, request.match_info["view"], form)
        written = await request.app[HUB].act(request[ACCOUNT], changes)
    except ActError as error:
        raise see_other(to, sentence(str(error)), "bad") from error
    raise see_other(to, words, undo=reference_of(written).text())


async def _change(request: web.Request, view: str, form: Any) -> tuple[str, Act]:
    account = request[ACCOUNT]
    seen = await views_seen(request.app[HUB].office, account)
    one, identity = _known(seen, view), bytes.fromhex(view)
    match form.get("act"):
        case "remove":
            words = say("The view {view} was taken away.", view=one.name)
            return words, remove_view(identity)
        case "up" | "down":
            by = -1 if form.get("act") == "up" else 1
            of_list = [other for other in seen if other.shared is one.shared]
            words = say("The view {view} was moved.", view=one.name)
            return words, _moved(of_list, of_list.index(one), by)
        case "change":
            return await _changed(request, seen, one, form)
    raise ActError(say("There is no such thing to do with a view; load the page anew"))


async def _changed(
    request: web.Request, seen: Sequence[SavedView], one: SavedView, form: Any
) -> tuple[str, Act]:
    name, everybody = clean(form.get("name")), form.get("everybody") == EVERYBODY
    if name == one.name and everybody is one.shared:
        raise ActError(say("Nothing of the view {view} was changed", view=one.name))
    _check_name_free(seen, name, one.id)
    owner = b"" if everybody else bytes.fromhex(request[ACCOUNT].account)
    moves = everybody is not one.shared
    changes = set_view(
        bytes.fromhex(one.id),
        name=name if name != one.name else None,
        owner=owner if moves else None,
        position=await _behind(request, owner) if moves else None,
    )
    words = say("The view {view} was saved.", view=name)
    if moves:
        whose = say("Everybody has it now.") if everybody else say("It is yours alone now.")
        words = listed((words, whose), " ")
    return words, changes


def _moved(of_list: Sequence[SavedView], at: int, by: int) -> Act:
    """The positions of a list in which one view has changed places with its neighbour."""
    to = at + by
    if not 0 <= to < len(of_list):
        raise ActError(say("The view stands there already"))
    ordered = list(of_list)
    ordered[at], ordered[to] = ordered[to], ordered[at]
    return [
        change
        for position, view in enumerate(ordered)
        if view.position != position
        for change in set_view(bytes.fromhex(view.id), position=position)
    ]


def add_routes(app: web.Application) -> None:
    """Add the addresses of saved views."""
    app.router.add_get(ADDRESS, views_page)
    app.router.add_post(ADDRESS, save_view)
    app.router.add_post(f"{ADDRESS}/{{view:[0-9a-f]{{16}}}}", change_view)
