"""Static files: read once at the start, served under a URL that names their content.

All files share one version in the path, `/static/<version>/<name>`, so that one module can import
another by its relative name and both are still cached for ever. Only files found at the start are
served: a name that is not among them is unknown, whatever it spells.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from aiohttp import web

STATIC_FOLDER: Final = Path(__file__).parent / "static"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TYPE_BY_SUFFIX: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".pbf": "application/x-protobuf",
}


@dataclass(frozen=True, slots=True, eq=False)
class Assets:
    """The static files of this installation: `file_by_name` and the version over all of them."""

    version: str
    file_by_name: dict[str, Path]

    @classmethod
    def read(cls, folder: Path = STATIC_FOLDER) -> Assets:
        """Read every file below `folder` once, to know its name and content."""
        digest = hashlib.blake2b(digest_size=8)
        file_by_name = {}
        for path in sorted(folder.rglob("*")):
            # A `.gz` is served in place of its neighbour to browsers that take it.
            if path.is_file() and not path.name.startswith(".") and path.suffix != ".gz":
                name = path.relative_to(folder).as_posix()
                file_by_name[name] = path
                digest.update(f"{name}\0".encode() + hashlib.blake2b(path.read_bytes()).digest())
        return cls(digest.hexdigest(), file_by_name)

    def url(self, name: str) -> str:
        """The URL of a file by its name below `web/static`, such as `board/live.js`.

        Raises:
            KeyError: there is no such file, so a page that names it would be broken.
        """
        if name not in self.file_by_name:
            raise KeyError(f"web/static has no file {name!r}")
        return f"/static/{self.version}/{name}"

    def has(self, name: str) -> bool:
        """Whether there is such a file: what is built from packages may be absent."""
        return name in self.file_by_name

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /static/{version}/{name}`; another version is served, but not for ever."""
        path = self.file_by_name.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        response = web.FileResponse(path)
        response.headers["Content-Type"] = _TYPE_BY_SUFFIX.get(
            path.suffix, "application/octet-stream"
        )
        this_version = request.match_info["version"] == self.version
        response.headers["Cache-Control"] = _FOR_EVER if this_version else "no-cache"
        return response


@cache
def installed_assets() -> Assets:
    """The files of `web/static` as they stood when first asked for: all ports serve the same."""
    return Assets.read()


ASSETS: Final = web.AppKey("ASSETS", Assets)


def attach_assets(app: web.Application, assets: Assets) -> None:
    """Serve `assets` and let pages find them under `ASSETS`."""
    app[ASSETS] = assets
    app.router.add_get("/static/{version:[0-9a-f]{16}}/{name:.+}", assets.serve)
