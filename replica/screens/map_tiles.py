"""What the map is drawn from in the phone's browser: a style, and the tiles by ranges.

Both come from what `replica.carried_map` holds; the style is a hub's, and is cut down to what can
be answered here. Holds no page. Invariant: what a style names beyond the carried tiles is left out,
so that drawing it asks nobody but this phone.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from replica.carried_map import THEMES
from replica.screens.here import SCREENS

_KINDS: Final = frozenset({"vector", "raster"})


async def style(request: web.Request) -> web.Response:
    """What is carried and how it is drawn: `style`, `tiles` and more, None where there is none."""
    theme = request.query.get("theme", THEMES[0])
    if theme not in THEMES:
        raise web.HTTPBadRequest
    carried = request.app[SCREENS].device.map.carried.here
    if carried is None:
        return web.json_response({"style": None, "tiles": None})
    tiles = f"/map/{carried.file}"
    drawn: dict[str, Any] = dict(carried.offer.styles[theme])
    drawn["sources"] = {
        name: {key: source[key] for key in ("type", "tileSize") if key in source}
        | {"url": f"pmtiles://{tiles}"}
        for name, source in drawn.get("sources", {}).items()
        if isinstance(source, dict) and source.get("type") in _KINDS
    }
    # Fonts and pictures by an address, or another source, would be asked for somewhere else.
    kept = {key: drawn[key] for key in ("version", "sources", "layers") if key in drawn}
    kept["layers"] = [
        each for each in kept.get("layers", [])
        if isinstance(each, dict) and each.get("source", "") in ("", *kept["sources"])
    ]  # fmt: skip
    told = {
        "style": kept,
        "tiles": tiles,
        "schema": carried.offer.schema,
        "bounds": list(carried.offer.bounds),
        "zoom_max": carried.archive.zoom_max,
    }
    return web.json_response(told)


async def tiles(request: web.Request) -> web.StreamResponse:
    """A piece of the archive that is carried."""
    carried = request.app[SCREENS].device.map.carried
    path = carried.path
    if path is None or request.match_info["file"] != path.name or not path.is_file():
        raise web.HTTPNotFound
    # It lies on this very disk: what the browser kept of it would take up room twice.
    headers = {"Cache-Control": "no-store", "Content-Type": "application/vnd.pmtiles"}
    return web.FileResponse(path, headers=headers)
