"""The map over HTTP: tiles, style and the world's outline, for pages with MapLibre.

Holds the routes and no page. Searching addresses and asking travel times are the pages' own
questions to the open region.

    GET /map/style.json?theme=light|dark    the style of what is installed now
    GET /map/region.json                    name, bounds and attribution, or null
    GET /map/<hash>/region.pmtiles          the tiles, by ranges
    GET /map/world.json                     the outline of the world

Invariant: what has a hash in its path never changes and may be kept for ever; what has none is
asked for anew each time, so that an import shows at the next reload.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from hub.map.errors import MapError, RegionError
from hub.map.region import BASEMAP, HASH_PATTERN, LOGGER, RegionInfo, read_info, region_folder
from hub.map.style import Theme, region_style, world_style
from hub.map.world import vendored_world, world_geojson

PREFIX: Final = "/map"
_FOR_EVER: Final = "private, max-age=31536000, immutable"
_EACH_TIME: Final = "no-cache"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def attach_map(app: web.Application, map_folder: Path, world: Path | None = None) -> None:
    """Add the map's routes to an application.

    Args:
        map_folder: where regions are installed; it need not exist yet.
        world: the TopoJSON file of the world's countries; by default the one among the assets.
    """
    served = _Served(map_folder, world or vendored_world())
    app.router.add_get(f"{PREFIX}/style.json", served.style)
    app.router.add_get(f"{PREFIX}/region.json", served.description)
    app.router.add_get(f"{PREFIX}/world.json", served.outline)
    app.router.add_get(f"{PREFIX}/{{hash}}/{BASEMAP}", served.tiles)


def tiles_url(info: RegionInfo) -> str:
    """Return the tiles' address as a style names it.

    The scheme is that of the pmtiles protocol in the page; it takes the path behind it from the
    page's own host.
    """
    return f"pmtiles://{PREFIX}/{info.hash}/{BASEMAP}"


def installed_style(
    info: RegionInfo | None, theme: Theme, world_url: str | None, tiles: str = ""
) -> dict[str, Any]:
    """Return the style of what is installed, or of the world if nothing is.

    `tiles` is where the tiles are, if not at this hub.
    """
    if info is None:
        return world_style(theme, world_url)
    return region_style(
        theme,
        schema=info.schema,
        bounds=info.bounds,
        tiles_url=tiles or tiles_url(info),
        attribution=info.attribution,
        world_url=world_url,
    )


@dataclass(frozen=True, slots=True)
class _Outline:
    """The outline of the world as GeoJSON, as it is and packed, and a hash of it."""

    plain: bytes
    packed: bytes
    hash: str


@lru_cache(maxsize=2)
def _outline_of(path: Path) -> _Outline | None:
    """Work out the outline; without it the map has a plain background.

    It takes some tenths of a second, so it waits until a map is looked at, and is done once.
    """
    try:
        plain = world_geojson(path)
    except MapError as error:
        LOGGER.error("The map has no outline of the world: %s", error)
        return None
    digest = hashlib.blake2b(plain, digest_size=8).hexdigest()
    return _Outline(plain, gzip.compress(plain, 6, mtime=0), digest)


class _Served:
    """The handlers, and what they need."""

    def __init__(self, map_folder: Path, world: Path | None) -> None:
        self._map_folder = map_folder
        self._world = world
        self._working_out = asyncio.Lock()

    async def _outline(self) -> _Outline | None:
        """Return the outline; while it is worked out, everybody else is answered."""
        if self._world is None:
            return None
        async with self._working_out:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, _outline_of, self._world)

    async def _world_url(self) -> str | None:
        """Return the outline's address, which changes with its contents."""
        outline = await self._outline()
        return None if outline is None else f"{PREFIX}/world.json?v={outline.hash}"

    async def style(self, request: web.Request) -> web.StreamResponse:
        """Answer with the style of what is installed now."""
        asked = request.query.get("theme", "light")
        if asked not in ("light", "dark"):
            raise web.HTTPBadRequest(text="The map has the themes light and dark.")
        theme: Theme = "dark" if asked == "dark" else "light"
        return _json(installed_style(self._info(), theme, await self._world_url()))

    async def description(self, _request: web.Request) -> web.StreamResponse:
        """Answer with what is installed now, or null."""
        info = self._info()
        return _json(None if info is None else asdict(info) | {"tiles_url": tiles_url(info)})

    async def outline(self, request: web.Request) -> web.StreamResponse:
        """Answer with the outline of the world."""
        outline = await self._outline()
        if outline is None:
            raise web.HTTPNotFound(text="This hub has no outline of the world.")
        fixed = request.query.get("v") == outline.hash
        headers = {"Cache-Control": _FOR_EVER if fixed else _EACH_TIME, "Vary": "Accept-Encoding"}
        body = outline.plain
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = outline.packed
        return web.Response(body=body, content_type="application/geo+json", headers=headers)

    async def tiles(self, request: web.Request) -> web.StreamResponse:
        """Answer with a piece of the tile archive, or with all of it."""
        asked = request.match_info["hash"]
        path = region_folder(self._map_folder, asked) / BASEMAP
        if not HASH_PATTERN.match(asked) or not path.is_file():
            raise web.HTTPNotFound(
                text="This map is not installed any more. Reload the page to get the one that is."
            )
        headers = {"Cache-Control": _FOR_EVER, "Content-Type": "application/vnd.pmtiles"}
        return web.FileResponse(path, headers=headers)

    def _info(self) -> RegionInfo | None:
        """Return what is installed; a damaged region is logged, and the world shown instead."""
        try:
            return read_info(self._map_folder)
        except RegionError as error:
            LOGGER.error("The map cannot be used: %s", error)
            return None


def _json(value: Any) -> web.Response:
    """Answer with JSON that is asked for anew each time."""
    return web.Response(
        text=json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        content_type="application/json",
        headers={"Cache-Control": _EACH_TIME},
    )
