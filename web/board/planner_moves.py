"""Moving a job in the planner: what it would mean, and the one act that does it.

Holds the two addresses and what they write. A move withdraws from the one, assigns to the other and
writes order and windows in a single act, made from the frontiers that the preview showed. Where
something that it depends on changed since, nothing is written and the person is told what.
Invariant: what is written is what the preview of the same moment says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from core.dispatch import acts
from core.dispatch.acts import Act, ActError
from core.log.errors import Malformed
from core.sentence import Sentence, listed, marked, say, say_n
from hub.hub import check_may_write
from hub.keys import ACCOUNT
from hub.past_acts import reference_of
from web import formats
from web.board.filters import read_back
from web.board.plan_weighing import Offer
from web.board.plan_wish import NoSuchJob, Prospect, Wish, read_wish, weigh
from web.board.planner import draw_planner
from web.board.state import RECKONER, Moment, moment_of
from web.board.words import load_names, state_words, value_words
from web.formats import sentence
from web.language import answer_json, language_of
from web.stale_form import FieldChange, changed_since

NOTICE: Final = "X-Board-Notice"
UNDO: Final = "X-Board-Undo"
NO_SUCH_JOB: Final = say("There is no such job on this hub.")
_DEPENDS: Final = (
    *("assigned", "withdrawn", "handed to", "phase", "cancelled", "override"),
    *(marked("window"), "order", marked("planned minutes")),
)
_HEARD: Final = frozenset({"received", "opened"})
"""That a phone got a job or somebody looked at it is no reason to plan anew."""


class Overtaken(Exception):
    """Something that the move depends on changed since its preview; a sentence says what."""


async def preview(request: web.Request) -> web.StreamResponse:
    """POST /board/planner/preview: what a move would mean, as JSON; nothing is written.

    The form has `job`, `worker` ('' takes the job back), `start` (ms UTC or a local day), and
    where it is taken from one of several `giver`.
    """
    moment = await moment_of(request)
    try:
        prospect = await weigh(moment, read_wish(await request.post()), request.app[RECKONER])
    except NoSuchJob:
        raise web.HTTPNotFound(text=NO_SUCH_JOB) from None
    except ActError as error:
        return answer_json(request, {"error": sentence(str(error))}, status=422)
    return answer_json(
        request,
        {
            "title": prospect.title,
            "giver": prospect.giver_names,
            "ask": prospect.ask,
            "reason": prospect.needs_reason,
            "start": prospect.at_ms,
            "source": prospect.source,
            "seen": json.dumps(prospect.seen),
            "offers": [_offer(each, prospect.chosen) for each in prospect.offers],
        },
    )


def _offer(offer: Offer, chosen: str) -> dict[str, Any]:
    return {
        "way": offer.way,
        "words": offer.words,
        "note": offer.note,
        "faults": offer.faults,
        "arrivals": offer.arrivals,
        "chosen": offer.way == chosen,
    }


async def drop(request: web.Request) -> web.StreamResponse:
    """POST /board/planner/move: move a job, in one act; the answer is the planner as it is then.

    The form is that of the preview, with the `way` that was chosen ('' where the preview did not
    ask), `seen` as the preview gave it, and a `reason` where somebody at work is taken off. Only
    the planner's script moves jobs; without it they are assigned in the pane.
    """
    moment = await moment_of(request)
    form = await request.post()
    status, act = 200, ""
    try:
        words, act = await _carry_out(request, moment, read_wish(form))
    except NoSuchJob:
        raise web.HTTPNotFound(text=NO_SUCH_JOB) from None
    except Overtaken as error:
        words, status = str(error), 409
    except (ActError, Malformed) as error:
        words, status = sentence(str(error)), 422
    wanted = read_back(form.get("back"))
    answer = await draw_planner(request, await moment_of(request), wanted, status)
    answer.headers[NOTICE] = quote(language_of(request).said(words))
    answer.headers[UNDO] = act
    return answer


async def _carry_out(request: web.Request, moment: Moment, wish: Wish) -> tuple[str, str]:
    """Do it; the words for the person, and the act by which it is undone."""
    check_may_write(request[ACCOUNT])
    if wish.seen:
        await _check_not_overtaken(moment, wish, wish.seen)
    prospect = await weigh(moment, wish, request.app[RECKONER])
    if wish.seen:
        # The weighing takes a while, in which somebody else may have acted.
        await _check_not_overtaken(moment, wish, wish.seen)
        _check_same_day(prospect, wish)
    if prospect.ask and not wish.way:
        raise ActError(say("choose one of the ways that the planner offers"))
    if prospect.needs_reason and not wish.reason:
        raise ActError(
            say(
                "{worker} is at {number} already; say why it is taken away",
                worker=prospect.giver_names,
                number=prospect.stop.number,
            )
        )
    changes = changes_of(prospect, wish, moment.hub.replica.entropy(8))
    if not changes:
        raise ActError(
            say("{number} stands there already; nothing was changed", number=prospect.stop.number)
        )
    streams = {change.stream for change in changes}
    basis = {bytes.fromhex(job): token for job, token in wish.seen.items() if token}
    written = await moment.hub.act(
        request[ACCOUNT], changes, {s: t for s, t in basis.items() if s in streams} or None
    )
    return _said(prospect, wish, moment), reference_of(written).text()


def changes_of(prospect: Prospect, wish: Wish, turn: bytes) -> Act:
    """The one act of a move; `turn` is the id of a new assignment, where one is made."""
    stream = bytes.fromhex(prospect.stop.job)
    changes: Act = []
    for each in prospect.taken:
        worker, ended = bytes.fromhex(each.worker), bytes.fromhex(each.turn)
        changes += acts.withdraw(stream, worker, ended, wish.reason)
    if not wish.worker:
        return changes
    after = prospect.offer(wish.way).move
    worker = bytes.fromhex(wish.worker)
    own = bytes.fromhex(prospect.stop.turn) if prospect.same_worker else turn
    if not prospect.same_worker:
        changes += acts.assign(stream, worker, turn, after.positions.get(prospect.stop.job, 0))
    for stop in after.order:
        job = bytes.fromhex(stop.job)
        if stop.job in after.windows:
            changes += acts.edit_job(job, {"window": after.windows[stop.job]})
        is_moved = stop.job == prospect.stop.job
        if stop.job in after.positions and (prospect.same_worker or not is_moved):
            held = own if is_moved else bytes.fromhex(stop.turn)
            changes += acts.set_order(job, worker, held, after.positions[stop.job])
    return changes


def _said(prospect: Prospect, wish: Wish, moment: Moment) -> str:
    number = prospect.stop.number
    if not wish.worker:
        return say(
            "{number} is taken back from {worker}.", number=number, worker=prospect.giver_names
        )
    offer = prospect.offer(wish.way)
    windows = offer.move.windows
    if prospect.same_worker:
        words = (
            say("{number} is moved", number=number)
            if prospect.stop.job in windows
            else say("{number} is moved in the order of the day", number=number)
        )
    else:
        words = say("{number} is assigned to {worker}", number=number, worker=prospect.worker_name)
    parts: list[str] = [words]
    if prospect.stop.job in windows:
        start = windows[prospect.stop.job][0]
        parts.append(formats.moment_words(start, moment.zone, moment.now_ms))
    if prospect.giver_names:
        parts.append(say("no longer to {worker}", worker=prospect.giver_names))
    words = listed(parts)
    pushed = len(windows) - (prospect.stop.job in windows)
    if pushed:
        more = say_n("{n} later window moved on", "{n} later windows moved on", pushed)
        words = listed([words, more], "; ")
    return sentence(words)


# --- overtaken


async def _check_not_overtaken(moment: Moment, wish: Wish, seen: Any) -> None:
    """Tell whether a job that the move depends on changed since its preview."""
    reader = moment.hub.reader
    rows = await reader.rows(
        "SELECT job, number, customer, frontier FROM job"
        " WHERE job IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(seen)),),
    )
    for row in rows:
        if row["frontier"] == seen[row["job"]]:
            continue
        changes = await changed_since(reader, row["job"], seen[row["job"]], _DEPENDS)
        telling = [c for c in changes if not (c.field == "phase" and c.theirs in _HEARD)]
        if telling:
            raise Overtaken(await _overtaken_words(moment, row, telling))


async def _overtaken_words(moment: Moment, row: Any, changes: Sequence[FieldChange]) -> Sentence:
    names = await load_names(moment.hub.reader, row["customer"])
    newest = max(changes, key=lambda change: change.at_ms)
    if newest.field in ("window", "order", "planned minutes"):
        value = value_words(newest.field, newest.theirs, names, moment.zone, moment.now_ms)
        what: str = say("{field} {value}", field=say(newest.field), value=value)
        if newest.field == "order":
            what = say("planned in another order")
    else:
        what = state_words(newest.field, newest.path, newest.theirs, names)
    when = formats.moment_words(newest.at_ms, moment.zone, moment.now_ms)
    return say(
        "Nothing was changed: since you looked, {who} acted on {number} at {moment} ({what}). "
        "Look at it and decide again.",
        who=newest.who,
        number=row["number"],
        moment=when,
        what=what,
    )


def _check_same_day(prospect: Prospect, wish: Wish) -> None:
    """The worker's day has to hold the jobs that it held in the preview."""
    known = set(wish.seen) - {wish.job}
    if wish.worker and prospect.others != known:
        raise Overtaken(
            say(
                "Nothing was changed: since you looked, {worker}'s day got other jobs. "
                "Look at it and decide again.",
                worker=prospect.worker_name,
            )
        )
