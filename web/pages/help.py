"""Help: what the words mean, where things are, and every key."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from web.rendering import show


@dataclass(frozen=True, slots=True)
class HelpPage:
    """The page needs nothing of its own: the keys are the frame's."""


async def help_page(request: web.Request) -> web.StreamResponse:
    """GET /help."""
    return await show(request, "help.html", HelpPage())


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/help", help_page)
