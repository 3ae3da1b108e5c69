"""Menu > People: whose work lies on this phone, letting another worker in, and logging out.

Draws what `replica.people` knows and carries the taps to it. Stands outside of the frame of pages,
since nobody may be in. Invariant: no tap here takes away what no hub has confirmed.
"""

from __future__ import annotations

from collections.abc import Awaitable

from aiohttp import web

from core.sentence import whole
from replica.people import LogOutRefused
from replica.screens.here import SCREENS, form_of, goto, message_of

PEOPLE_PATH = "/people"


async def people(request: web.Request) -> web.Response:
    """Who is here, what each still has to send, and who is in."""
    screens = request.app[SCREENS]
    found = await screens.device.people.all()
    return screens.bare_page(
        "people.html",
        message=message_of(request),
        people=found,
        somebody_is_in=bool(screens.device.worker),
    )


async def let_in(request: web.Request) -> web.Response:
    """Show another worker's screens."""
    person = (await form_of(request)).get("person", "")
    return await _or_refused(request, request.app[SCREENS].device.people.let_in(person), "/jobs")


async def let_somebody_new_in(request: web.Request) -> web.Response:
    """Show the page to join with; everybody who is here stays."""
    work = request.app[SCREENS].device.people.let_somebody_new_in()
    return await _or_refused(request, work, "/enrol")


async def log_out(request: web.Request) -> web.Response:
    """Take the work of whoever is in off this phone, now or once all of it is sent."""
    once_sent = (await form_of(request)).get("when") == "sent"
    work = request.app[SCREENS].device.people.log_out(once_sent=once_sent)
    return await _or_refused(request, work, "/enrol")


async def _or_refused(request: web.Request, work: Awaitable[None], onward: str) -> web.Response:
    try:
        await work
    except LogOutRefused as error:
        token = request.app[SCREENS].messages.say(whole(str(error)), tone="bad")
        return goto(PEOPLE_PATH, token)
    return goto(onward)
