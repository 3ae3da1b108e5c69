"""A phone joins: the QR code, the code to type, the link, and whether it has joined.

The codes are made by the hub (`hub.enrolments`), good for ten minutes and one phone. They stand on
the answer to a POST alone: no address bar, history or log of a proxy ever holds one.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from markupsafe import Markup

from core.sentence import say
from hub.enrolment import EnrolmentRefused
from hub.guard import Refused
from hub.keys import ACCOUNT, HUB
from replica.qr import qr_svg
from web.frame import READS_ONLY, see_other
from web.language import language_of
from web.rendering import show


@dataclass(frozen=True, slots=True)
class EnrolPage:
    """The offer for one worker's phone; `address` goes with the typed `code`, `qr` is an SVG."""

    worker: str
    name: str
    code: str
    address: str
    link: str
    qr: Markup
    until_ms: int


async def offer(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/enrol: make an offer and show it."""
    if request[ACCOUNT].role == "manager":
        raise Refused(403, READS_ONLY, say("Ask a dispatcher to let the phone join."))
    hub = request.app[HUB]
    worker = request.match_info["worker"]
    row = await hub.reader.row("SELECT name FROM worker WHERE worker = ?", (worker,))
    if row is None:
        raise web.HTTPNotFound
    try:
        made = await hub.writer.run(hub.enrolments.offer, bytes.fromhex(worker))
    except EnrolmentRefused as refusal:
        raise see_other(f"/workers/{worker}", str(refusal), "bad") from refusal
    page = EnrolPage(
        worker=worker,
        name=row["name"],
        code=made.code,
        address=hub.addresses[0],
        link=made.link,
        qr=qr_svg(made.link, language_of(request).said(say("QR code for the phone"))),
        until_ms=made.until_ms,
    )
    return await show(request, "enrol.html", page)


async def enrol_again(request: web.Request) -> web.StreamResponse:
    """GET /workers/{worker}/enrol: a code is never shown twice, so back to the worker's page."""
    raise see_other(f"/workers/{request.match_info['worker']}")


async def state(request: web.Request) -> web.StreamResponse:
    """GET /workers/{worker}/enrol/state: `{"joined": bool}`, asked by the page while it waits."""
    hub = request.app[HUB]
    worker = bytes.fromhex(request.match_info["worker"])
    return web.json_response({"joined": await hub.writer.run(hub.enrolments.joined, worker)})


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    at = "/workers/{worker:[0-9a-f]{24}}/enrol"
    app.router.add_post(at, offer)
    app.router.add_get(at, enrol_again)
    app.router.add_get(f"{at}/state", state)
