"""A phone that has nothing yet: what to install, and the line that fetches Fieldlog from this hub.

The way in for a worker's phone before `web.pages.enrol`. Holds the page and what speaks against
following it now. Invariant: the line that is shown carries the hash of the script that this hub
gives out, so it needs no trust in the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from aiohttp import web
from markupsafe import Markup

from core.sentence import Sentence, listed, say
from hub.keys import HUB
from hub.phone.lacking import PROJECT, lacking
from hub.phone.script import install_line
from hub.phone.serve import folder_of, url_of
from hub.phone.wheelhouse import KeptFile, WheelhouseError, newest, path_of, read_list
from replica.qr import qr_svg
from web.language import language_of
from web.rendering import show

PYTHON_OF_TERMUX: Final = "3.14"
"""What Termux has today; on another one pip says itself what it lacks."""


TERMUX_LINE: Final = (
    "pkg upgrade -y && pkg install -y python python-pip python-cryptography termux-services"
)


@dataclass(frozen=True, slots=True)
class App:
    """An app that the hub has itself, for phones that never see the internet."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class NewPhonePage:
    """The way for one worker's phone; `missing` says what has to be done in the office first."""

    worker: str
    name: str
    line: str
    qr: Markup
    version: str
    missing: tuple[Sentence, ...]
    command: str
    packages: str
    apps: tuple[App, ...]
    address: str


async def new_phone(request: web.Request) -> web.StreamResponse:
    """GET /workers/{worker}/phone."""
    hub, worker = request.app[HUB], request.match_info["worker"]
    row = await hub.reader.row("SELECT name FROM worker WHERE worker = ?", (worker,))
    if row is None:
        raise web.HTTPNotFound
    try:
        files: Sequence[KeptFile] = read_list(folder_of(request.app))
        missing = missing_in(files, request.app)
    except WheelhouseError as error:
        files, missing = (), (say("The files for phones are damaged: {why}.", why=str(error)),)
    line = install_line(hub)
    own = newest(files, PROJECT)
    page = NewPhonePage(
        worker=worker,
        name=row["name"],
        line=line,
        qr=qr_svg(line, language_of(request).said(say("QR code that installs Fieldlog"))),
        version=own.version if own is not None else "",
        missing=missing,
        command=f"fieldlog phone-wheels --data {hub.folder}",
        packages=TERMUX_LINE,
        apps=tuple(App(each.name, url_of(each)) for each in files if each.name.endswith(".apk")),
        address=hub.addresses[0],
    )
    return await show(request, "new_phone.html", page)


def missing_in(files: Sequence[KeptFile], app: web.Application) -> tuple[Sentence, ...]:
    """What keeps a phone from installing what this hub runs. Raises WheelhouseError."""
    own = newest(files, PROJECT)
    if own is None:
        return (say("This hub has no program for phones yet."),)
    folder = folder_of(app)
    found = lacking((path_of(folder, each) for each in files), PYTHON_OF_TERMUX)
    said = [
        say("Parts of the program are missing: {parts}.", parts=listed(map(str, found)))
    ] if found else []  # fmt: skip
    if own.version != version(PROJECT):
        said.append(
            say(
                "Phones would get Fieldlog {theirs}, and this hub runs {here}.",
                theirs=own.version,
                here=version(PROJECT),
            )
        )
    return tuple(said)


def add_routes(app: web.Application) -> None:
    """Add this module's page to `app`."""
    app.router.add_get("/workers/{worker:[0-9a-f]{24}}/phone", new_phone)
