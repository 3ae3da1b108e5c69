"""The inbox: the view of the board that lists what needs a person, with what to do in place.

`GET /board/inbox` draws the list alone, `GET /board/inbox.json` says its order, its count and what
is new in it. Holds no SQL; what is done from it is in `inbox_actions`. Invariant: a conflict is
shown with both sides as they stand now, and decided from the frontier that it was drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from core.sentence import listed
from hub.keys import HUB
from web.board.conflicts import ConflictView, views_of
from web.board.filters import Filter, is_stream_id
from web.board.inbox_actions import act_in_inbox
from web.board.inbox_book import INBOX_BOOK
from web.board.problem import Problem
from web.board.state import Moment, moment_of
from web.board.words import load_names
from web.language import answer_json
from web.rendering import part

CARDS_MAX: Final = 60
"""More than a person decides before the list is another one."""
CONFLICTS_DRAWN_MAX: Final = 30
"""Each costs the fold of its stream; of the others it is said that they are there."""
FRESH_WORDS_MAX: Final = 3
"""More at once are told as a number."""
ICON_BY_KIND: Final = {
    "conflict": "git-compare",
    "alert": "triangle-alert",
    "rejected": "circle-x",
    "reported": "message-square",
    "phone": "smartphone",
    "damage": "shield-alert",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One problem as it is drawn; `conflict` with its `frontier` where it is one and is drawn."""

    problem: Problem
    listed: int
    icon: str
    tone: str
    href: str
    conflict: ConflictView | None
    frontier: str


@dataclass(frozen=True, slots=True)
class InboxPart:
    """What `board/inbox.html` gets: the list, what is put aside, and how many more there are."""

    cards: tuple[Card, ...]
    aside: tuple[Card, ...]
    more: int
    count: int
    selected: str
    here: str


async def inbox_of(request: web.Request, moment: Moment, wanted: Filter) -> InboxPart:
    """The inbox as it is now."""
    inbox = await request.app[INBOX_BOOK].newest(moment.now_ms)
    selected = request.query.get("job", "")
    return InboxPart(
        cards=await _cards(moment, wanted, inbox.waiting[:CARDS_MAX], inbox.first),
        aside=await _cards(moment, wanted, inbox.aside[:CARDS_MAX], {}),
        more=max(len(inbox.waiting) - CARDS_MAX, 0),
        count=len(inbox.waiting),
        selected=selected if is_stream_id(selected) else "",
        here=wanted.query(),
    )


async def _cards(
    moment: Moment, wanted: Filter, problems: Sequence[Problem], first: Mapping[str, int]
) -> tuple[Card, ...]:
    streams = dict.fromkeys(each.stream for each in problems if each.conflict)
    drawn: dict[str, tuple[dict[str, ConflictView], str]] = {}
    for stream in list(streams)[:CONFLICTS_DRAWN_MAX]:
        drawn[stream] = await _conflicts(moment, stream)
    found = []
    for problem in problems:
        views, frontier = drawn.get(problem.stream, ({}, ""))
        found.append(
            Card(
                problem=problem,
                listed=first.get(problem.key, 0),
                icon=ICON_BY_KIND[problem.kind],
                tone="bad" if problem.lost or problem.kind == "conflict" else "risk",
                href=wanted.url(job=problem.job) if problem.job else problem.page,
                conflict=views.get(problem.conflict),
                frontier=frontier,
            )
        )
    return tuple(found)


async def _conflicts(moment: Moment, stream: str) -> tuple[dict[str, ConflictView], str]:
    """The conflicts of a stream by their keys, and the frontier of what was folded."""
    reader = moment.hub.reader
    job = await reader.row("SELECT customer FROM job WHERE job = ?", (stream,))
    names = await load_names(reader, job["customer"] if job is not None else stream)
    state = await reader.state(stream)
    views = views_of(state, names, moment.zone, moment.now_ms)
    return {view.conflict: view for view in views}, state.token()


async def inbox_part(request: web.Request) -> web.StreamResponse:
    """GET /board/inbox?…&job=ID: the list alone."""
    moment = await moment_of(request)
    page = await inbox_of(request, moment, await moment.filter_of(request.query))
    return await part(request, "board/inbox.html", page)


async def inbox_json(request: web.Request) -> web.StreamResponse:
    """GET /board/inbox.json?since=NUMBER: count, order, and what is new since that list.

    The answer is `{number, count, order: [{key, job, words}], fresh: [words], more}`; the page
    gives `number` back as `since` the next time, so each problem is told to it once. Without
    `since`, and for a page that knew another run of this hub, nothing is new.
    """
    book = request.app[INBOX_BOOK]
    inbox = await book.newest(request.app[HUB].clock.now_ms())
    text = request.query.get("since", "")
    since = int(text) if text.isdecimal() and len(text) < 16 else book.number
    news = frozenset(key for key, number in inbox.first.items() if number > since)
    fresh = [each for each in inbox.waiting if each.key in news] if news else []
    answer = {
        "number": book.number,
        "count": len(inbox.waiting),
        "order": [
            {"key": each.key, "job": each.job, "words": _said(each)}
            for each in inbox.waiting[:CARDS_MAX]
        ],
        "fresh": [_said(each) for each in fresh[:FRESH_WORDS_MAX]],
        "more": max(len(fresh) - FRESH_WORDS_MAX, 0),
    }
    return answer_json(request, answer)


def _said(problem: Problem) -> str:
    name = listed([problem.number, problem.title], " ") if problem.number else problem.title
    return listed([name, problem.words], ": ")


def add_routes(app: web.Application) -> None:
    """Add the inbox's addresses."""
    app.router.add_get("/board/inbox", inbox_part)
    app.router.add_get("/board/inbox.json", inbox_json)
    app.router.add_post("/board/inbox/{action}", act_in_inbox)
