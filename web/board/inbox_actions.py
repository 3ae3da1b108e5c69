"""What a dispatcher does in the inbox: decide a conflict, ask, answer, put an alert aside.

Each is one act of the account, signed and merged like any other. Holds no list. Invariant: what is
refused changes nothing, and says what was wrong and what to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from core.dispatch import acts, snooze
from core.dispatch.acts import Act, ActError
from core.dispatch.fields import Kind
from core.log.errors import Malformed
from core.sentence import say
from hub.keys import ACCOUNT
from hub.past_acts import reference_of
from web import formats
from web.board.conflicts import conflict_of
from web.board.days import day_bounds, today
from web.board.decisions import decision
from web.board.filters import is_stream_id, read_back
from web.board.state import Moment, moment_of
from web.formats import sentence
from web.frame import see_other
from web.language import language_of
from web.rendering import wants_part
from web.stale_form import clean

SPANS: Final[Mapping[str, int]] = {"15": 15 * formats.MINUTE_MS, "60": formats.HOUR_MS}
"""How long an alert can be put aside, by what the form says: minutes, as ms."""
NOTICE: Final = "X-Board-Notice"
UNDO: Final = "X-Board-Undo"


@dataclass(frozen=True, slots=True)
class Case:
    """What was posted, of which stream."""

    moment: Moment
    stream: bytes
    form: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A text of the form."""
        return clean(self.form.get(name))

    def job(self) -> bytes:
        """The stream, which has to be a job's."""
        if self.stream[4] != Kind.JOB:
            raise ActError(say("that is no job; load the page anew"))
        return self.stream


@dataclass(frozen=True, slots=True)
class Done:
    """What an action writes, and what to tell the person."""

    changes: Act
    words: str


async def _decide(case: Case) -> Done:
    state = await case.moment.hub.reader.state(case.stream.hex())
    conflict = conflict_of(state, case.text("conflict"))
    if conflict is None:
        raise ActError(say("that conflict is decided already, or changed; look at it again"))
    changes = decision(state, conflict, case.text("choice"))
    return Done(changes, say("Decided; every phone and hub will know."))


async def _ask(case: Case) -> Done:
    changes = acts.ask_worker(case.job(), case.text("text"))
    return Done(changes, say("Asked. It is a note of the job, and its phones point it out."))


async def _answer(case: Case) -> Done:
    """A note of the job, and what was reported is dealt with."""
    now_ms, alert = case.moment.now_ms, case.text("alert")
    changes = acts.add_note(case.job(), case.text("text"))
    changes += snooze.snooze(case.stream, alert, snooze.FOR_GOOD_MS, now_ms=now_ms)
    return Done(changes, say("Answered, as a note of the job."))


def _alert_of(case: Case) -> str:
    """The kind of alert that the form names; only of jobs and workers are there any."""
    if case.stream[4] not in (Kind.JOB, Kind.WORKER):
        raise ActError(say("of that record there are no alerts; load the page anew"))
    return case.text("alert")


async def _aside(case: Case) -> Done:
    now_ms, zone = case.moment.now_ms, case.moment.zone
    span = case.text("span")
    if span in SPANS:
        until_ms = now_ms + SPANS[span]
    elif span == "tomorrow":
        until_ms = day_bounds(today(now_ms, zone), zone)[1]
    elif span == "good":
        until_ms = snooze.FOR_GOOD_MS
    else:
        raise ActError(say("choose for how long: 15 minutes, an hour, or until tomorrow"))
    reason = case.text("reason")
    changes = snooze.snooze(case.stream, _alert_of(case), until_ms, reason, now_ms=now_ms)
    if span == "good":
        return Done(changes, say("Dealt with."))
    until = formats.moment_words(until_ms, zone, now_ms)
    words = say("Put aside until {until}; it comes back sooner if it gets worse.", until=until)
    return Done(changes, words)


async def _wake(case: Case) -> Done:
    return Done(snooze.wake(case.stream, _alert_of(case)), say("It is on the list again."))


ACTIONS: Final[Mapping[str, Callable[[Case], Awaitable[Done]]]] = {
    "decide": _decide,
    "ask": _ask,
    "answer": _answer,
    "aside": _aside,
    "wake": _wake,
}


async def act_in_inbox(request: web.Request) -> web.StreamResponse:
    """POST /board/inbox/{action}: do it; a script gets words alone, a form the inbox again."""
    action = ACTIONS.get(request.match_info["action"])
    if action is None:
        raise web.HTTPNotFound
    form = await request.post()
    status, tone, act = 200, "good", ""
    try:
        words, act = await _carry_out(request, action, form)
    except (ActError, Malformed) as error:
        words, status, tone = sentence(str(error)), 422, "bad"
    if not wants_part(request):
        raise see_other(read_back(form.get("back")).url(), words, tone, undo=act)
    headers = {
        NOTICE: quote(language_of(request).said(words)),
        UNDO: act,
        "Cache-Control": "no-store",
    }
    return web.Response(status=status, headers=headers)


async def _carry_out(
    request: web.Request, action: Callable[[Case], Awaitable[Done]], form: Mapping[str, Any]
) -> tuple[str, str]:
    moment = await moment_of(request)
    stream, basis = clean(form.get("stream")), clean(form.get("basis"))
    held = is_stream_id(stream) and await moment.hub.reader.row(
        "SELECT 1 FROM stream WHERE stream = ?", (bytes.fromhex(stream),)
    )
    if not held:
        raise ActError(say("this hub holds no such record; load the page anew"))
    done = await action(Case(moment, bytes.fromhex(stream), form))
    named = {bytes.fromhex(stream): basis} if basis else None
    written = await moment.hub.act(request[ACCOUNT], done.changes, named)
    return done.words, reference_of(written).text()
