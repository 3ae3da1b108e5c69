"""What a phone asks a hub for before it has joined: the script, the lists, the files.

    GET /phone/install.sh                the script (`hub.phone.script`)
    GET /phone/wheels.txt                the wheels, as `sha256sum` writes them
    GET /phone/packages.txt              Termux's packages, likewise
    GET /phone/files/<sha256>/<name>     a file

Open to everybody on the network: a phone has no account yet, and nothing here is secret. Invariant:
nothing is served but what is on the list, and under its hash.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web

from core.sentence import say
from hub.guard import Refused
from hub.keys import HUB
from hub.phone.script import SCRIPT_PATH, script_of
from hub.phone.wheelhouse import FOLDER, KeptFile, WheelhouseError, path_of, read_list

PREFIX: Final = "/phone/"
_TYPE_BY_SUFFIX: Final = {
    ".apk": "application/vnd.android.package-archive",
    ".deb": "application/vnd.debian.binary-package",
}


def attach_phone(app: web.Application) -> None:
    """Add these routes to a hub's application."""
    app.router.add_get(SCRIPT_PATH, _script)
    app.router.add_get("/phone/wheels.txt", _wheels)
    app.router.add_get("/phone/packages.txt", _packages)
    app.router.add_get("/phone/files/{sha256:[0-9a-f]{64}}/{name}", _file)


def folder_of(app: web.Application) -> Path:
    """Where the hub keeps files for phones."""
    return app[HUB].folder / FOLDER


def url_of(file: KeptFile) -> str:
    """Where a file is served."""
    return f"/phone/files/{file.sha256}/{quote(file.name)}"


def _files(request: web.Request) -> tuple[KeptFile, ...]:
    try:
        return read_list(folder_of(request.app))
    except WheelhouseError as error:
        raise Refused(503, say("The files for phones are damaged."), str(error)) from error


async def _script(request: web.Request) -> web.Response:
    return web.Response(text=script_of(request.app[HUB]), content_type="text/x-shellscript")


async def _wheels(request: web.Request) -> web.Response:
    found = [each for each in _files(request) if each.is_wheel]
    if not found:
        raise Refused(
            503,
            say("This hub has no program for phones yet."),
            say("In the office, with the internet: fieldlog phone-wheels --data FOLDER"),
        )
    return _sums(found)


async def _packages(request: web.Request) -> web.Response:
    return _sums([each for each in _files(request) if each.name.endswith(".deb")])


def _sums(files: list[KeptFile]) -> web.Response:
    return web.Response(text="".join(f"{each.sha256}  {each.name}\n" for each in files))


async def _file(request: web.Request) -> web.StreamResponse:
    asked = request.match_info["sha256"]
    found = next((each for each in _files(request) if each.sha256 == asked), None)
    if found is None:
        raise web.HTTPNotFound
    suffix = Path(found.name).suffix
    kind = _TYPE_BY_SUFFIX.get(suffix, "application/octet-stream")
    return web.FileResponse(
        path_of(folder_of(request.app), found),
        headers={
            "Content-Type": kind,
            "Content-Disposition": f'attachment; filename="{found.name}"',
            "Cache-Control": "public, max-age=31536000, immutable",
        },
    )
