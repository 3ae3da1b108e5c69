"""The screens' own files: styles, scripts, icons.

Read once at the start and served under an address that names their content. Only files found then
are served. Invariant: a page never names a file that is not there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web

STATIC_FOLDER = Path(__file__).parent / "static"

_FOR_EVER = "public, max-age=31536000, immutable"
_TYPE_BY_SUFFIX = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".html": "text/html",
}


@dataclass(frozen=True, slots=True, eq=False)
class Assets:
    """The files by name, and the version over all of them."""

    version: str
    data_by_name: dict[str, bytes]

    @classmethod
    def read(cls, folder: Path = STATIC_FOLDER) -> Assets:
        """Read every file of `folder`; some 60 kB in all."""
        data_by_name = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        digest = hashlib.blake2b(digest_size=8)
        for name, data in data_by_name.items():
            digest.update(name.encode() + b"\0" + hashlib.blake2b(data).digest())
        version = digest.hexdigest()
        return cls(version, data_by_name)

    def url(self, name: str) -> str:
        """The address of a file.

        Raises:
            KeyError: there is no such file, so the page that names it would be broken.
        """
        if name not in self.data_by_name:
            raise KeyError(f"the screens have no file {name!r}")
        return f"/static/{self.version}/{name}"

    async def serve(self, request: web.Request) -> web.Response:
        """Answer `GET /static/{version}/{name}`; another version is served, but not for ever."""
        this_version = request.match_info["version"] == self.version
        return self._answer(request.match_info["name"], _FOR_EVER if this_version else "no-cache")

    async def serve_icon(self, request: web.Request) -> web.Response:
        """Answer `GET /icon/{name}`: the manifest names its icons without a version."""
        return self._answer(request.match_info["name"], "no-cache")

    def _answer(self, name: str, kept: str) -> web.Response:
        data = self.data_by_name.get(name)
        if data is None:
            raise web.HTTPNotFound
        kind = _TYPE_BY_SUFFIX.get(Path(name).suffix, "application/octet-stream")
        return web.Response(body=data, content_type=kind, headers={"Cache-Control": kept})


@cache
def installed_assets() -> Assets:
    """The files as they stood when they were first asked for: one reading for all in a process."""
    return Assets.read()
