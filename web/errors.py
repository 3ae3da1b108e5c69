"""How a refusal or a fault looks: a page in words that says what happened and what to do.

Given to the hub's guard, which decides what is refused. Invariant: an error's page asks as little
of the hub as it can, and where even that fails, the words go out plainly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from hub.guard import ErrorPage, render_plainly
from web.rendering import show

ICON_BY_STATUS: Final = {403: "lock", 404: "map-pin-off", 410: "circle-off", 429: "hourglass"}


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """An error as the guard tells it, and what a person may do from here."""

    status: int
    title: str
    what_to_do: str
    reference: str
    icon: str
    back: str


async def render_error(request: web.Request, error: ErrorPage) -> web.StreamResponse:
    """The page of an error; plain text or JSON for programs and for scripts of our pages."""
    accepts = request.headers.get("Accept", "*/*")
    if "text/html" not in accepts:
        return await render_plainly(request, error)
    page = RefusalPage(
        error.status,
        error.title,
        error.what_to_do,
        error.reference or "",
        ICON_BY_STATUS.get(error.status, "triangle-alert"),
        request.path_qs if request.method == "GET" and error.status >= 500 else "",
    )
    return await show(request, "error.html", page, status=error.status)
