"""A phone joins: the QR code, the code to type, the link, and whether it has joined.

The codes are made by the hub (`hub.enrolments`), good for ten minutes and one phone. They stand on
the answer to a POST alone: no address bar, history or log of a proxy ever holds one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import segno
from aiohttp import web
from markupsafe import Markup

from core.sentence import say
from hub.enrolment import EnrolmentRefused
from hub.guard import Refused
from hub.keys import ACCOUNT, HUB
from web.frame import READS_ONLY, see_other
from web.language import language_of
from web.rendering import show

QUIET_MODULES: Final = 4
"""The white margin round a QR code that ISO/IEC 18004 asks for."""


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


def qr_svg(text: str, label: str) -> Markup:
    """A QR code as an SVG element without a size, to be sized by the page's own style."""
    matrix = segno.make(text, error="m", micro=False).matrix
    side = len(matrix) + 2 * QUIET_MODULES
    return Markup(
        '<svg class="qr" viewBox="0 0 {} {}" role="img" aria-label="{}"><path d="{}"/></svg>'
    ).format(side, side, label, _dark_runs(matrix))


def _dark_runs(matrix: Sequence[Sequence[int]]) -> str:
    """The dark modules as one path, a rectangle for each run in a row."""
    runs = []
    for y, row in enumerate(matrix, QUIET_MODULES):
        x = QUIET_MODULES
        for dark, modules in itertools.groupby(row):
            length = len(list(modules))
            if dark:
                runs.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return "".join(runs)


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    at = "/workers/{worker:[0-9a-f]{24}}/enrol"
    app.router.add_post(at, offer)
    app.router.add_get(at, enrol_again)
    app.router.add_get(f"{at}/state", state)
