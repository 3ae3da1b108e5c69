"""The libraries that draw the map in the phone's browser, and how their files are served.

They lie among the browser's assets that are built into the wheel; nothing of them is imported.
Holds no page. Invariant: a file is served only if it is one of these and was there at the start; a
phone whose program has none of them shows the list in place of the map.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from aiohttp import web

VENDOR: Final = Path(__file__).parents[2] / "web" / "static" / "vendor"
PREFIX: Final = "/library"

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TYPE_BY_SUFFIX: Final = {".mjs": "text/javascript", ".js": "text/javascript", ".css": "text/css"}

# What the scripts of the map call each file, the package's folder without its version, the file.
_FILES: Final = {
    "maplibre": ("maplibre-gl", "maplibre-gl.mjs"),
    "maplibre-worker": ("maplibre-gl", "maplibre-gl-worker.mjs"),
    "maplibre-style": ("maplibre-gl", "maplibre-gl.css"),
    "pmtiles": ("pmtiles", "pmtiles.mjs"),
    "leaflet": ("leaflet", "leaflet.js"),
    "leaflet-style": ("leaflet", "leaflet.css"),
    "protomaps-leaflet": ("protomaps-leaflet", "protomaps-leaflet.js"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Libraries:
    """The files that are there: where each is served, and where it lies."""

    url_by_name: dict[str, str]
    path_by_url: dict[str, Path]

    @classmethod
    def find(cls, vendor: Path = VENDOR) -> Libraries:
        """Look which of the files are there."""
        url_by_name, path_by_url = {}, {}
        for name, (package, file) in _FILES.items():
            for path in sorted(vendor.glob(f"{package}-[0-9]*/{file}")):
                # The version stands in the folder's name, so that a file may be kept for ever.
                url_by_name[name] = f"{PREFIX}/{path.parent.name}/{path.name}"
                path_by_url[url_by_name[name]] = path
        return cls(url_by_name, path_by_url)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /library/{package}/{name}`; aiohttp gives the packed file beside it."""
        path = self.path_by_url.get(request.path)
        if path is None:
            raise web.HTTPNotFound
        kind = _TYPE_BY_SUFFIX[path.suffix]
        return web.FileResponse(path, headers={"Content-Type": kind, "Cache-Control": _FOR_EVER})


@cache
def installed_libraries() -> Libraries:
    """The files as they stood when they were first asked for."""
    return Libraries.find()
