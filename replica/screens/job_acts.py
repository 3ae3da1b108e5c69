"""What a worker does to a job: moves, undo, notes, ticks, problems.

Each handler turns a posted form into one act and leads back to the page that shows it committed.
Invariant: a tap on a page that no longer shows how things stand changes nothing and says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from core.dispatch import acts
from core.dispatch.acts import ActError
from core.dispatch.fields import Phase
from core.dispatch.reasons import reason_text
from core.sentence import say, small
from replica.screens.here import SCREENS, Here, form_of, goto
from replica.screens.job_page import card_of
from replica.screens.joblist import GIVEN_AWAY, Card, looked_at
from replica.screens.overruled import SEEN, overruled, seen_keys
from replica.screens.progress import BY_HAND, DONE_WORDS, PRIMARY_BY_PHASE, Turn, move
from replica.screens.words import PHASE_BY_WORD, SHOWN_BY_PHASE, WORD_BY_PHASE

# A slip is set right freely for this long; later it is a correction, and those have reasons.
SETTLED_MS = 15 * 60_000
# What was put away of one job; nobody loses more conflicts in it.
PUT_AWAY_MAX = 50

_BY_HAND_WORDS = frozenset(WORD_BY_PHASE[phase] for phase, _ in BY_HAND)


def _basis(form: dict[str, str], card: Card) -> dict[bytes, str] | None:
    """What the page had seen of the job, so that the office's newer changes stay unseen."""
    token = form.get("basis", "")
    return {bytes.fromhex(card.job): token} if token else None


async def set_phase(request: web.Request) -> web.Response:
    """Move the job to the posted phase, from the phase that the page showed."""
    here, card = await card_of(request)
    form = await form_of(request)
    return await _move(request, here, card, form, form.get("to", ""), form.get("reason", ""))


async def _move(
    request: web.Request, here: Here, card: Card, form: dict[str, str], to: str, reason: str
) -> web.Response:
    screens = request.app[SCREENS]
    page = f"/jobs/{card.job}"
    if to not in _BY_HAND_WORDS:
        return goto(page, screens.messages.say("There is no such state", tone="bad"))
    if card.phase == to:
        return goto(page)  # A second tap on the same button.
    if card.phase in GIVEN_AWAY:
        words = say("This job was given to someone else. Write a note if you worked on it")
        return goto(page, screens.messages.say(words, tone="bad"))
    if form.get("from", "") not in ("", card.phase):
        words = say(
            "The job was {state} already. Nothing was changed: look and tap again",
            state=small(SHOWN_BY_PHASE[card.phase][0]),
        )
        return goto(page, screens.messages.say(words, tone="bad"))
    if not reason and (to == "rejected" or _long_settled(here, card)):
        words = say("Give the reason, so that the office understands")
        return goto(f"{page}/state", screens.messages.say(words, tone="bad"))
    phase = PHASE_BY_WORD[to]
    turn = _turn(here, card)
    moved = move(
        turn,
        phase,
        open_logs=here.running,
        today=here.today,
        entropy=screens.device.entropy,
        reason=reason,
    )
    await screens.device.act(moved.changes, _basis(form, card))
    _acknowledge(request, card)
    done, clock = _done_words(card.phase, phase), here.clock(here.now_ms)
    words = say("{done} {clock}", done=done, clock=clock)
    token = screens.messages.say(words, job=card.job, phase=to, undo=moved.undo)
    return goto(page, token)


def _long_settled(here: Here, card: Card) -> bool:
    """Whether changing the state corrects what the office has long taken as settled."""
    settled_at = card.finished_at or card.updated_at
    return card.phase in ("finished", "rejected") and here.now_ms - settled_at > SETTLED_MS


def _turn(here: Here, card: Card) -> Turn:
    job, worker, turn = (bytes.fromhex(each) for each in (card.job, here.worker, card.turn))
    # A cancelled job's own phase is not shown; going back means to what comes before work.
    phase = card.phase if card.phase in PHASE_BY_WORD else "accepted"
    return Turn(job, worker, turn, phase)


def _done_words(before: str, phase: Phase) -> str:
    step = PRIMARY_BY_PHASE.get(before)
    return step.done if step is not None and step.phase is phase else DONE_WORDS[phase]


async def reject(request: web.Request) -> web.Response:
    """Reject the job with a reason."""
    here, card = await card_of(request)
    form = await form_of(request)
    reason = _reason(form)
    if not reason:
        return _ask_again(request, card, "reject", say("Choose a reason, or write one"))
    return await _move(request, here, card, form, "rejected", reason)


async def problem(request: web.Request) -> web.Response:
    """Tell the office of a problem, and where asked pause the job."""
    screens = request.app[SCREENS]
    here, card = await card_of(request)
    form = await form_of(request)
    reason = _reason(form)
    if not reason:
        return _ask_again(request, card, "problem", say("Choose what the problem is, or write it"))
    note = acts.report_problem(bytes.fromhex(card.job), reason)
    if form.get("then") != "pause" or card.phase not in ("travelling", "on site"):
        await screens.device.act(note)
        _noted(request, card)
        return goto(f"/jobs/{card.job}", screens.messages.say("The office will see the problem"))
    moved = move(
        _turn(here, card),
        Phase.PAUSED,
        open_logs=here.running,
        today=here.today,
        entropy=screens.device.entropy,
        reason=reason,
    )
    await screens.device.act([*note, *moved.changes])
    token = screens.messages.say(
        "Paused, the office will see the problem", job=card.job, phase="paused", undo=moved.undo
    )
    return goto(f"/jobs/{card.job}", token)


def _reason(form: dict[str, str]) -> str:
    """The chosen reason and what was written beside it."""
    choice, text = form.get("choice", "").strip(), form.get("text", "").strip()
    return reason_text(choice, text)[: acts.NAME_LETTERS_MAX]


def _ask_again(request: web.Request, card: Card, action: str, words: str) -> web.Response:
    token = request.app[SCREENS].messages.say(words, tone="bad")
    return goto(f"/jobs/{card.job}/{action}", token)


async def undo(request: web.Request) -> web.Response:
    """Take back the act of a message, if the job still stands where that act left it."""
    screens = request.app[SCREENS]
    _, card = await card_of(request)
    form = await form_of(request)
    message = screens.messages.take(form.get("token", ""))
    page = f"/jobs/{card.job}"
    if message is None or message.undo is None or message.job != card.job:
        words = say("Too late to undo with one tap. Set the state by hand below")
        return goto(page, screens.messages.say(words, tone="bad"))
    if card.phase != message.phase:
        words = say("The job has moved on since. Set the state by hand below")
        return goto(page, screens.messages.say(words, tone="bad"))
    await screens.device.act(message.undo)
    return goto(page, screens.messages.say("Undone"))


async def add_note(request: web.Request) -> web.Response:
    """Add a note to the job."""
    screens = request.app[SCREENS]
    _, card = await card_of(request)
    form = await form_of(request)
    text = form.get("text", "").replace("\r\n", "\n")
    await screens.device.act(acts.add_note(bytes.fromhex(card.job), text))
    _noted(request, card)
    token = screens.messages.say("Note saved on this phone")
    return goto(f"/jobs/{card.job}#notes", token)


async def tick(request: web.Request) -> web.Response:
    """Tick a check item, or take the tick back."""
    screens = request.app[SCREENS]
    _, card = await card_of(request)
    form = await form_of(request)
    try:
        item = int(form.get("item", ""))
    except ValueError:
        raise ActError(say("there is no such check item; load the page anew")) from None
    job = bytes.fromhex(card.job)
    await screens.device.act(acts.set_tick(job, item, form.get("ticked") == "yes"))
    return goto(f"/jobs/{card.job}#check-{item}")


async def acknowledge(request: web.Request) -> web.Response:
    """Say that the office's change was seen, and what it did not take."""
    screens = request.app[SCREENS]
    here, card = await card_of(request)
    told = await overruled(screens.device.reader, here, card, screens.marks)
    _acknowledge(request, card, [each.key for each in told if each.decided])
    return goto(f"/jobs/{card.job}")


def _noted(request: web.Request, card: Card) -> None:
    """An own note is no news, nor are those that it was written under; all else new stays so."""
    marks = request.app[SCREENS].marks
    seen = marks.seen(card.job)
    if seen is not None:
        marks.look_at(card.job, {**seen, "notes": card.notes + 1})


def _acknowledge(request: web.Request, card: Card, put_away: Iterable[str] = ()) -> None:
    marks = request.app[SCREENS].marks
    kept = [*seen_keys(marks, card.job), *put_away][-PUT_AWAY_MAX:]
    marks.look_at(card.job, looked_at(card) | ({SEEN: kept} if kept else {}))
