"""How a refusal or a fault looks to a person: a page in words, in the frame of all pages.

The hub's guard, which stands round everything, answers an error with two plain lines: what
happened, and what to do. For a browser that asked for a page they are drawn as one here; programs
and scripts of our pages get them as they are. Invariant: where the page cannot be drawn, the plain
lines go out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from hub.guard import ERROR_PAGE, ErrorPage
from web.language import language_of
from web.rendering import show

LOGGER = logging.getLogger(__name__)

ICON_BY_STATUS: Final = {403: "lock", 404: "map-pin-off", 410: "circle-off", 429: "hourglass"}
_PLAIN: Final = ("Allow", "Retry-After", "Connection")


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """What happened and what to do; `back` is the address to try again, or empty."""

    status: int
    title: str
    what_to_do: str
    icon: str
    back: str


@web.middleware
async def draw_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Draw what the guard says in plain lines as a page, where a page was asked for.

    Whatever was asked for is answered in the language of who asks.
    """
    plain = await handler(request)
    said: ErrorPage | None = plain.get(ERROR_PAGE)
    if said is None or plain.prepared or not isinstance(plain, web.Response):
        return plain
    language = language_of(request)
    title, what_to_do = language.said(said.title), language.said(said.what_to_do)
    if plain.content_type == "application/json":
        body = {"error": title, "what_to_do": what_to_do, "reference": said.reference}
        plain.text = json.dumps(body)
        return plain
    plain.text = f"{title}\n{what_to_do}\n"
    if "text/html" not in request.headers.get("Accept", ""):
        return plain
    page = RefusalPage(
        plain.status,
        title,
        what_to_do,
        ICON_BY_STATUS.get(plain.status, "triangle-alert"),
        request.path_qs if request.method == "GET" and plain.status >= 500 else "",
    )
    try:
        drawn = await show(request, "error.html", page, status=plain.status)
    except Exception:
        LOGGER.exception("the page for error %s could not be drawn", plain.status)
        return plain
    drawn.headers.update({name: plain.headers[name] for name in _PLAIN if name in plain.headers})
    return drawn
