"""Help: what the words mean, where things are, and every key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from core.sentence import marked
from web.rendering import show

STATUSES: Final = (
    *(marked("open"), marked("in progress"), marked("done"), marked("rejected")),
    *(marked("cancelled"), marked("at risk"), marked("delayed"), marked("conflict")),
)
"""The words that the page explains; they are said by their chips."""


@dataclass(frozen=True, slots=True)
class HelpPage:
    """The page needs nothing of its own: the keys are the frame's."""


async def help_page(request: web.Request) -> web.StreamResponse:
    """GET /help."""
    return await show(request, "help.html", HelpPage())


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/help", help_page)
