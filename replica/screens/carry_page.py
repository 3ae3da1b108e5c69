"""Menu > Sync, without any network: files for the hub and for colleagues' phones.

A job that was handed on fits a QR code: the code's text is an address of these screens on the
phone that reads it.

Invariant: a file that is made changes nothing of what counts as sent.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

from aiohttp import web

from core.log.limits import CARRIED_BYTES_MAX
from core.sentence import say, whole
from replica.qr import qr_svg
from replica.screens.guard import Refused
from replica.screens.here import SCREENS, Here, form_of, goto, message_of
from replica.screens.job_page import card_of
from replica.screens.joblist import Card
from replica.screens.port import CarryRefused
from replica.screens.uploads import files_in_form

# What a QR code of the largest kind holds in bytes (ISO/IEC 18004, version 40-L).
QR_LETTERS_MAX = 2_900


async def save(request: web.Request) -> web.Response:
    """A file with all that the hub is not known to hold, as a download."""
    try:
        name, data = await request.app[SCREENS].device.carried.file_for_hub()
    except CarryRefused as error:
        what_to_do = say("{why} Sync once first.", why=whole(str(error)))
        raise Refused(409, say("No file was made"), what_to_do) from error
    return _download(name, data)


async def take_in(request: web.Request) -> web.Response:
    """Take in a file that somebody carried here."""
    screens = request.app[SCREENS]
    sent = files_in_form(request, CARRIED_BYTES_MAX, files_max=1)
    data = b"".join([data async for _, data in sent])
    if not data:
        return goto("/sync", screens.messages.say("Choose a file first", tone="bad"))
    try:
        words = await screens.device.carried.take_file(data)
    except CarryRefused as error:
        return goto("/sync", screens.messages.say(whole(str(error)), tone="bad"))
    return goto("/sync", screens.messages.say(words))


async def _handed(request: web.Request) -> tuple[Here, Card, tuple[str, bytes]]:
    here, card = await card_of(request)
    if not card.handed_to:
        what_to_do = say("Hand it to a colleague first.")
        raise Refused(409, say("This job was not handed on"), what_to_do)
    device = request.app[SCREENS].device
    try:
        made = await device.carried.file_of_job(
            bytes.fromhex(card.job), bytes.fromhex(card.handed_to)
        )
    except CarryRefused as error:
        raise Refused(409, say("No file was made"), whole(str(error))) from error
    return here, card, made


async def hand_code(request: web.Request) -> web.Response:
    """A job that was handed on, as a code that the colleague's phone reads."""
    screens = request.app[SCREENS]
    here, card, (_, data) = await _handed(request)
    text = base64.urlsafe_b64encode(data).decode().rstrip("=")
    link = f"http://127.0.0.1:{request.url.port or 80}/sync/code?file={text}"
    fits = len(link) <= QR_LETTERS_MAX
    known = screens.colleagues.named(card.handed_to)
    label = screens.language.said(say("The job, for a colleague's phone"))
    return screens.page(
        here,
        "hand_code.html",
        title=say("Hand to a colleague"),
        back=f"/jobs/{card.job}",
        message=message_of(request),
        card=card,
        name=known.name if known is not None else say("the colleague"),
        qr=qr_svg(link, label, error="l") if fits else "",
        link=link,
        size=len(data),
    )


async def hand_file(request: web.Request) -> web.Response:
    """The same as a file."""
    _, _, (name, data) = await _handed(request)
    return _download(name, data)


def _download(name: str, data: bytes) -> web.Response:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return web.Response(body=data, content_type="application/octet-stream", headers=headers)


async def read_code(request: web.Request) -> web.Response:
    """What a colleague's code holds, before it is taken in."""
    screens = request.app[SCREENS]
    return screens.page(
        await screens.here(),
        "take.html",
        title=say("A job for you"),
        back="/jobs",
        message=message_of(request),
        file=request.query.get("file", ""),
    )


async def take_code(request: web.Request) -> web.Response:
    """Take in what a colleague's code holds."""
    screens = request.app[SCREENS]
    text = (await form_of(request)).get("file", "")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        words = await screens.device.carried.take_file(data)
    except (ValueError, CarryRefused) as error:
        words = say("That code holds no job. Let it be shown again")
        if isinstance(error, CarryRefused):
            words = whole(str(error))
        return goto("/sync", screens.messages.say(words, tone="bad"))
    return goto("/jobs", screens.messages.say(words))


async def put_away(request: web.Request) -> web.Response:
    """Carry a sealed file for others no longer."""
    screens = request.app[SCREENS]
    file = (await form_of(request)).get("file", "")
    if re.fullmatch("([0-9a-f]{2}){1,64}", file) is None:
        return goto("/sync", screens.messages.say("There is no such file", tone="bad"))
    await screens.device.carried.put_away(file)
    return goto("/sync", screens.messages.say("Put away"))
