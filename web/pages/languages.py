"""The choice of a language, which a browser keeps: `/language/<tag>`.

Open to everybody, since also who can't read the sign-in page may want another one. Invariant:
nothing of the site changes.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from hub.keys import GUARD_RULES
from replica.language import NAME_BY_LANGUAGE
from web.language import LANGUAGE_COOKIE
from web.pages.sign_in import onward_path

_A_YEAR_S: Final = 31_536_000


async def choose(request: web.Request) -> web.StreamResponse:
    """GET /language/<tag>?onward=PATH: show pages in that language from now on."""
    tag = request.match_info["tag"]
    if tag not in NAME_BY_LANGUAGE:
        raise web.HTTPNotFound
    answer = web.HTTPSeeOther(onward_path(request.query.get("onward", "")) or "/")
    answer.set_cookie(
        LANGUAGE_COOKIE, tag, path="/", max_age=_A_YEAR_S, httponly=True, samesite="Lax",
        secure=request.app[GUARD_RULES].secure,
    )  # fmt: skip
    raise answer


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/language/{tag:[a-z]{2}}", choose)
