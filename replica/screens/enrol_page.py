"""Joining a site: the first page of a new phone, by the QR code's link or by a typed code.

Also the page on which a phone joins again for which the hub opens no session any more. Invariant:
while the phone has not joined a site, this is the only page there is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from core.sentence import say
from replica.pairing import PairingError, check_address, decode_offer, entropy_from_code
from replica.screens.here import SCREENS, form_of, goto
from replica.screens.port import EnrolmentRefused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEFAULT_PORT = 8443


async def enrol_form(request: web.Request) -> web.Response:
    """Ask for the code and the address, or for the link."""
    screens = request.app[SCREENS]
    if screens.device.worker and not screens.device.join_again:
        return goto("/jobs")
    return await _draw(request)


async def _draw(
    request: web.Request, *, status: int = 200, error: str = "", code: str = "", address: str = "",
    link: str = "",
) -> web.Response:  # fmt: skip
    screens = request.app[SCREENS]
    return screens.bare_page(
        "enrol.html",
        status=status,
        error=error,
        again=screens.device.join_again,
        code=code,
        address=address,
        link=link,
        others=len(await screens.device.people.all()),
    )


async def enrol(request: web.Request) -> web.Response:
    """Join; what was typed stays in the form where it did not work."""
    screens = request.app[SCREENS]
    if screens.device.worker and not screens.device.join_again:
        return goto("/jobs")
    form = await form_of(request)
    code, address = form.get("code", "").strip(), form.get("address", "").strip()
    link = form.get("link", "").strip()
    try:
        if link:
            decode_offer(link)
            await screens.device.enrol(link=link)
        else:
            if not code or not address:
                raise EnrolmentRefused(say("Type both the code and the hub's address."))
            entropy_from_code(code)
            address = with_port(address)
            await screens.device.enrol(code=code, address=address)
    except (EnrolmentRefused, PairingError) as error:
        words = str(error)
        return await _draw(request, status=400, error=words, code=code, address=address, link=link)
    return goto("/jobs")


def with_port(address: str) -> str:
    """An address as typed, `https://` and a path taken off, the usual port added.

    Raises:
        MalformedOffer: it is no address.
    """
    bare = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    host, colon, port = bare.rpartition(":")
    complete = bare if colon and port.isdigit() and not host.endswith(":") else ""
    found = complete or f"{bare}:{DEFAULT_PORT}"
    check_address(found)
    return found


def require_enrolment(app: web.Application) -> None:
    """Lead every other page to this one until the phone has joined a site."""
    free = (
        "/enrol",
        "/static/",
        "/icon/",
        "/worker.js",
        "/manifest.webmanifest",
        "/asleep",
        "/location/",
        "/people",
        "/settings/language",
    )

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        joined = bool(request.app[SCREENS].device.worker)
        if joined or request.path.startswith(free):
            return await handler(request)
        return goto("/enrol")

    app.middlewares.append(check)
