"""Menu > Sync, without any network: a file for the hub, and taking in one that came from it.

Invariant: a file that is made changes nothing of what counts as sent.
"""

from __future__ import annotations

from urllib.parse import quote

import aiohttp
from aiohttp import web

from core.log.limits import CARRIED_BYTES_MAX
from replica.screens.guard import Refused
from replica.screens.here import SCREENS, goto
from replica.screens.port import CarryRefused


async def save(request: web.Request) -> web.Response:
    """A file with all that the hub is not known to hold, as a download."""
    try:
        name, data = await request.app[SCREENS].device.file_for_hub()
    except CarryRefused as error:
        raise Refused(409, "No file was made", f"{_sentence(error)} Sync once first.") from error
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return web.Response(body=data, content_type="application/octet-stream", headers=headers)


async def take_in(request: web.Request) -> web.Response:
    """Take in a file that somebody carried here."""
    screens = request.app[SCREENS]
    data = await _file_of(request)
    if not data:
        return goto("/sync", screens.messages.say("Choose a file first", tone="bad"))
    try:
        words = await screens.device.take_file(data)
    except CarryRefused as error:
        return goto("/sync", screens.messages.say(_sentence(error), tone="bad"))
    return goto("/sync", screens.messages.say(words))


async def _file_of(request: web.Request) -> bytes:
    """The bytes of the form's file; one byte more than the limit where it is longer."""
    if request.content_type != "multipart/form-data":
        return b""
    data = bytearray()
    try:
        # Not `request.multipart()`, which is bound to what a form may have.
        async for part in aiohttp.MultipartReader(request.headers, request.content):
            if not isinstance(part, aiohttp.BodyPartReader) or part.name != "file":
                continue
            while len(data) <= CARRIED_BYTES_MAX and (piece := await part.read_chunk(65_536)):
                data += piece
            break
    except ValueError as error:
        raise Refused(400, "That form cannot be read", "Go back and try again.") from error
    return bytes(data[: CARRIED_BYTES_MAX + 1])


def _sentence(error: Exception) -> str:
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."
