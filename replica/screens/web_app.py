"""What a browser keeps of the screens as an app of their own: its worker, its manifest, one page.

The page is shown in place of any other while the phone's own server does not run. All three are in
the language that is read here when they are asked for. Invariant: what is kept holds no data.
"""

from __future__ import annotations

import json
from typing import Final

from aiohttp import web

from core.sentence import say
from replica.screens.here import SCREENS

NOT_KEPT: Final = {"Cache-Control": "no-cache"}
DESCRIPTION: Final = say("Your jobs and your time, with or without a network")


async def worker(request: web.Request) -> web.Response:
    """Answer `GET /worker.js`: at the root, so that its scope is every page."""
    screens = request.app[SCREENS]
    # The browser installs it anew when a byte of it changes; so its bytes name what it keeps.
    named = (
        f"const VERSION = '{screens.assets.version}';\nconst LANGUAGE = '{screens.language.tag}';\n"
    )
    body = named.encode() + screens.assets.data_by_name["worker.js"]
    return web.Response(body=body, content_type="text/javascript", headers=NOT_KEPT)


async def manifest(request: web.Request) -> web.Response:
    """Answer `GET /manifest.webmanifest`."""
    screens = request.app[SCREENS]
    told = json.loads(screens.assets.data_by_name["manifest.webmanifest"])
    told |= {"lang": screens.language.tag, "description": screens.language.said(DESCRIPTION)}
    return web.json_response(told, content_type="application/manifest+json", headers=NOT_KEPT)


async def asleep(request: web.Request) -> web.Response:
    """Answer `GET /asleep`: what the worker shows where nothing answers."""
    return request.app[SCREENS].bare_page("asleep.html")
