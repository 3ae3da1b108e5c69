"""Menu > Sync, without any network: a file for the hub, and taking in one that came from it.

Invariant: a file that is made changes nothing of what counts as sent.
"""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from core.log.limits import CARRIED_BYTES_MAX
from replica.screens.guard import Refused
from replica.screens.here import SCREENS, goto
from replica.screens.port import CarryRefused
from replica.screens.uploads import files_in_form


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
    sent = files_in_form(request, CARRIED_BYTES_MAX, files_max=1)
    data = b"".join([data async for _, data in sent])
    if not data:
        return goto("/sync", screens.messages.say("Choose a file first", tone="bad"))
    try:
        words = await screens.device.take_file(data)
    except CarryRefused as error:
        return goto("/sync", screens.messages.say(_sentence(error), tone="bad"))
    return goto("/sync", screens.messages.say(words))


def _sentence(error: Exception) -> str:
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."
