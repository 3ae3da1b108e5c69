"""Photos and files of a job on the phone: saving them without a network, and looking at them.

What the office sends comes by itself as far as there is a network; what is not here can be asked
for. Invariant: no file is said to be on the hub before the hub has said so, and none is given to
the browser as anything but a picture or bytes to be saved.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from core.dispatch.acts import ActError
from core.dispatch.attached import Attached, files_of
from core.dispatch.pictures import HEAD_BYTES, headers_of_file
from core.log.errors import LogError
from core.log.limits import FILE_BYTES_MAX
from core.sentence import capital, say, say_n
from replica.filing import Whereabouts
from replica.screens.guard import Refused
from replica.screens.here import SCREENS, Here, goto
from replica.screens.joblist import Card
from replica.screens.uploads import files_in_form
from replica.store import StoreError

LIMIT = f"{FILE_BYTES_MAX >> 20} MiB"
# Files of one form, and of one job that are listed.
FILES_MAX = 20
SHOWN_MAX = 100

PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class FileOnPhone:
    """One file as the job's page lists it; `where` in words, `href` its address here."""

    file: str
    name: str
    by: str
    at: int
    href: str
    size: int | None
    here: bool
    on_hub: bool
    wanted: bool
    is_picture: bool
    where: str


async def files_on_phone(request: web.Request, here: Here, card: Card) -> list[FileOnPhone]:
    """The files of a job, the newest first."""
    device = request.app[SCREENS].device
    if await device.reader.row("SELECT 1 FROM file_ref WHERE job = ? LIMIT 1", (card.job,)) is None:
        return []
    actors = {
        row["file"]: (row["actor"], row["name"] or "")
        for row in await device.reader.rows(
            "SELECT file, actor, worker.name FROM file_ref LEFT JOIN worker "
            "ON worker.worker = actor WHERE job = ?",
            (card.job,),
        )
    }
    found = await _named(request, card.job)
    return [
        _view(
            each, await device.where_is(each.address), actors, here, card, device.choices.files_wait
        )
        for each in found[:SHOWN_MAX]
    ]


def _view(
    each: Attached,
    at: Whereabouts,
    actors: dict[str, tuple[str, str]],
    here: Here,
    card: Card,
    waits: bool,
) -> FileOnPhone:
    file = each.file.hex()
    actor, name = actors.get(file, ("", ""))
    own = actor == here.worker
    if at.here:
        alone = say("On this phone, not yet on the hub") if own else say("On this phone")
        if own and waits:
            alone = say("On this phone, waits for Wi-Fi")
        where = say("On this phone and on the hub") if at.on_hub else alone
    elif at.chunks:
        came = at.chunks - at.missing
        where = say("Comes: {count} of {most} parts are here", count=came, most=at.chunks)
    else:
        comes = say("Comes by Wi-Fi") if waits else say("Comes with the next contact")
        where = comes if at.wanted else say("Not on this phone")
    return FileOnPhone(
        file=file,
        name=each.shown,
        by=say("You") if own else name or say("The office"),
        at=each.write.corrected_ms,
        href=f"/jobs/{card.job}/files/{file}",
        size=at.size,
        here=at.here,
        on_hub=at.on_hub,
        wanted=at.wanted,
        # What it is shows when it is opened: to read each for a list takes long on a phone.
        is_picture=each.name.lower().endswith(PICTURES),
        where=where,
    )


async def _named(request: web.Request, job: str) -> tuple[Attached, ...]:
    state = await request.app[SCREENS].device.reader.state(job)
    return files_of(state.registers)


async def _one(request: web.Request) -> Attached:
    job, file = request.match_info["job"], request.match_info["file"]
    found = next((each for each in await _named(request, job) if each.file.hex() == file), None)
    if found is None:
        raise web.HTTPNotFound
    return found


async def add(request: web.Request) -> web.Response:
    """Save what was photographed or chosen; it is on this phone when the page comes back."""
    screens = request.app[SCREENS]
    job = request.match_info["job"]
    row = await screens.device.reader.row("SELECT 1 FROM job WHERE job = ?", (job,))
    if row is None:
        raise web.HTTPNotFound
    added, page = 0, f"/jobs/{job}#files"
    try:
        async for name, data in files_in_form(request, FILE_BYTES_MAX, files_max=FILES_MAX):
            await screens.device.attach_file(bytes.fromhex(job), name, data)
            added += 1
    except (ActError, StoreError) as error:
        words = capital(str(error))
        if added:
            words = say_n(
                "{why}. {n} before it was saved",
                "{why}. {n} before it were saved",
                added,
                why=words,
            )
        return goto(page, screens.messages.say(words, tone="bad"))
    if not added:
        return goto(page, screens.messages.say("Choose a file first", tone="bad"))
    words = say_n("It is saved on this phone", "{n} files are saved on this phone", added)
    return goto(page, screens.messages.say(words))


async def show(request: web.Request) -> web.Response:
    """The bytes of a file that is here."""
    found = await _one(request)
    try:
        data = await request.app[SCREENS].device.read_file(found.address)
    except LogError as error:
        what_to_do = say("Go back and ask for it; it comes as soon as there is a network.")
        raise Refused(404, say("This file is not on this phone"), what_to_do) from error
    return web.Response(body=data, headers=headers_of_file(found.shown, data[:HEAD_BYTES]))


async def fetch(request: web.Request) -> web.Response:
    """Ask for a file that is not here."""
    screens = request.app[SCREENS]
    found = await _one(request)
    here = await screens.device.want_file(found.address)
    words = say("It is here") if here else say("It comes as soon as there is a network")
    return goto(f"/jobs/{request.match_info['job']}#files", screens.messages.say(words))
