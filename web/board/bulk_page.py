"""The addresses of the bulk bar: what is selected, and what became of it.

Holds the thin handlers and what their templates get. Invariant: the answer names every selected job
that was not changed, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from aiohttp import web

from core.dispatch.acts import ActError
from core.sentence import say
from web.board.bulk import DOINGS, PICKED_MAX, Outcome, carry_out_all
from web.board.filters import Filter, read_back
from web.board.state import moment_of
from web.formats import sentence
from web.frame import see_other
from web.language import language_of
from web.rendering import part, show, wants_part

ACT: Final = "X-Board-Act"
"""The header that names the act, by which it is undone."""
NOTICE: Final = "X-Board-Notice"


@dataclass(frozen=True, slots=True)
class LeftRow:
    """A job that was left alone, as the list of them shows it."""

    number: str
    title: str
    why: str
    href: str


@dataclass(frozen=True, slots=True)
class OutcomePart:
    """What `board/outcome.html` gets: `done` are job ids with a space between."""

    words: str
    left: tuple[LeftRow, ...]
    done: str
    back_href: str


async def act_on_all(request: web.Request) -> web.StreamResponse:
    """POST /board/bulk/{action}: do it to every `pick` of the form, as one act."""
    name = request.match_info["action"]
    if name not in DOINGS:
        raise web.HTTPNotFound
    is_scripted = wants_part(request)
    wanted = read_back((await request.post()).get("back"))
    try:
        outcome = await carry_out_all(request, name)
    except ActError as error:
        words = sentence(str(error))
        if not is_scripted:
            raise see_other(wanted.url(), words, "bad") from error
        answer = await _drawn(request, OutcomePart(words, (), "", wanted.url()))
        answer.set_status(422)
        answer.headers[NOTICE] = quote(language_of(request).said(words))
        return answer
    page = outcome_part(outcome, wanted)
    if is_scripted:
        answer = await _drawn(request, page)
        answer.headers[NOTICE] = quote(language_of(request).said(outcome.words))
        answer.headers[ACT] = outcome.act
        return answer
    if not outcome.left:
        raise see_other(wanted.url(), outcome.words, undo=outcome.act)
    return await show(request, "board/outcome_page.html", page)


def outcome_part(outcome: Outcome, wanted: Filter) -> OutcomePart:
    """An outcome as its template draws it, with links into the board."""
    left = tuple(
        LeftRow(
            one.number or say("Unknown"),
            one.title or say("Untitled"),
            one.why,
            wanted.url(job=one.job),
        )
        for one in outcome.left
    )
    return OutcomePart(outcome.words, left, " ".join(outcome.done), wanted.url())


async def _drawn(request: web.Request, page: OutcomePart) -> web.Response:
    return await part(request, "board/outcome.html", page)


async def picks_json(request: web.Request) -> web.StreamResponse:
    """GET /board/picks.json?…: what "all that match" is now, at most `PICKED_MAX` jobs.

    `picks` are pairs of job and frontier, in the table's order; `total` is how many match.
    """
    moment = await moment_of(request)
    question = await moment.question(await moment.filter_of(request.query))
    rows = await question.picks(moment.hub.reader, PICKED_MAX)
    total = await question.total(moment.hub.reader) if len(rows) == PICKED_MAX else len(rows)
    picks = [[row["job"], row["frontier"]] for row in rows]
    return web.json_response(
        {"picks": picks, "total": total}, headers={"Cache-Control": "no-store"}
    )
