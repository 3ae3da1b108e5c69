"""Menu > Colleagues: one's own code, colleagues whose code was read, and handing a job to one.

A job that is handed on is the colleague's by the giver's own entry, with or without a hub; how it
gets to their phone is sync's matter. Invariant: what runs on a job that is handed on ends in the
same act.
"""

from __future__ import annotations

from aiohttp import web

from core.dispatch import acts, day_acts
from core.dispatch.acts import ActError, Change
from core.sentence import capital, say
from replica.qr import qr_svg
from replica.screens.colleagues import CodeUnreadable, Colleague, read_code
from replica.screens.guard import Refused
from replica.screens.here import SCREENS, Here, form_of, goto, message_of
from replica.screens.job_page import card_of
from replica.screens.joblist import IN_WORK, TO_DO, Card

HANDED_ON = "handed on"


async def colleagues(request: web.Request) -> web.Response:
    """Colleagues, and the code that a colleague's phone reads."""
    screens = request.app[SCREENS]
    here = await screens.here()
    own = Colleague(here.worker, here.worker_name, screens.device.meetings.address)
    link = own.link(request.url.port or 80)
    return screens.page(
        here,
        "colleagues.html",
        title=say("Colleagues"),
        message=message_of(request),
        known=screens.colleagues.all,
        link=link,
        qr=qr_svg(link, screens.language.said(say("My code for a colleague's phone"))),
        meets=bool(own.address),
    )


def _read(request: web.Request, query: dict[str, str]) -> Colleague:
    try:
        return read_code(query, request.app[SCREENS].device.worker)
    except CodeUnreadable as error:
        raise Refused(400, say("This code can't be used"), str(error)) from error


async def add_form(request: web.Request) -> web.Response:
    """What a code that was read says, before it is kept."""
    screens = request.app[SCREENS]
    here = await screens.here()
    found = _read(request, dict(request.query))
    return screens.page(
        here,
        "colleague.html",
        title=say("Add a colleague"),
        back="/colleagues",
        message=message_of(request),
        found=found,
        before=screens.colleagues.named(found.worker),
    )


async def add(request: web.Request) -> web.Response:
    """Keep a colleague, and look for their phone where it can be met."""
    screens = request.app[SCREENS]
    colleague = _read(request, await form_of(request))
    screens.colleagues.add(colleague)
    if colleague.address:
        screens.device.meetings.meet_at(colleague.address)
    words = say("{name} is known on this phone", name=colleague.name)
    return goto("/colleagues", screens.messages.say(words))


async def forget(request: web.Request) -> web.Response:
    """Drop a colleague from this phone's list; what was handed to them stays theirs."""
    screens = request.app[SCREENS]
    screens.colleagues.forget((await form_of(request)).get("worker", ""))
    return goto("/colleagues", screens.messages.say("Taken off the list"))


async def hand_form(request: web.Request) -> web.Response:
    """Whom to hand a job to."""
    screens = request.app[SCREENS]
    here, card = await card_of(request)
    return screens.page(
        here,
        "hand.html",
        title=say("Hand to a colleague"),
        back=f"/jobs/{card.job}",
        message=message_of(request),
        card=card,
        known=screens.colleagues.all,
        possible=card.phase in (*TO_DO, *IN_WORK),
    )


async def hand(request: web.Request) -> web.Response:
    """Hand the job to a colleague; 5 seconds to take it back, and later by the office."""
    screens = request.app[SCREENS]
    here, card = await card_of(request)
    form = await form_of(request)
    page = f"/jobs/{card.job}"
    colleague = screens.colleagues.named(form.get("worker", ""))
    if colleague is None:
        token = screens.messages.say("Choose a colleague to hand the job to", tone="bad")
        return goto(f"{page}/hand", token)
    if card.phase not in (*TO_DO, *IN_WORK):
        words = say("Only a job that is still to do can be handed on. Nothing was changed")
        return goto(page, screens.messages.say(words, tone="bad"))
    changes, undo = _handing(here, card, colleague)
    await screens.device.act(changes)
    words = say("Handed to {name}", name=colleague.name)
    return goto(page, screens.messages.say(words, job=card.job, phase=HANDED_ON, undo=undo))


def _handing(here: Here, card: Card, colleague: Colleague) -> tuple[acts.Act, acts.Act]:
    job, worker, turn = (bytes.fromhex(each) for each in (card.job, here.worker, card.turn))
    try:
        changes = acts.hand_over(job, worker, turn, bytes.fromhex(colleague.worker))
    except ActError as error:
        raise Refused(400, say("This job can't be handed on"), capital(str(error))) from error
    undo = [Change(change.stream, change.path, None) for change in changes]
    for log in here.running:
        if log.job == job:
            changes += day_acts.stop_log(worker, log.day, log.job, log.log)
    return changes, undo
