"""The live connection of a page: says that something changed, and nothing of what.

A page that hears it asks for itself anew. Invariant: a closed page leaves no task behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from replica.screens.here import SCREENS

LOGGER = logging.getLogger(__name__)

# Changes that come together are told together: a batch of 500 jobs redraws a page a few times.
GATHER_S = 0.25
HEARTBEAT_S = 20.0
FRESH_S = 20.0
# One page needs one; a browser that opens more than this is not a person.
CONNECTIONS_MAX = 32


@dataclass(slots=True)
class OpenPages:
    """The live connections of an application; `visible` are those of pages that are looked at."""

    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    visible: set[web.WebSocketResponse] = field(default_factory=set)


OPEN = web.AppKey("OPEN", OpenPages)


async def live(request: web.Request) -> web.StreamResponse:
    """Tell this page of changes until it closes."""
    pages = request.app[OPEN]
    if len(pages.sockets) >= CONNECTIONS_MAX:
        raise web.HTTPServiceUnavailable
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=1_024)
    pages.sockets.add(socket)
    try:
        await socket.prepare(request)
        async with asyncio.TaskGroup() as group:
            tellers = [
                group.create_task(_tell(request, socket)),
                group.create_task(_keep_fresh(pages, socket)),
            ]
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
                if message.data == "shown":
                    pages.visible.add(socket)
                else:
                    pages.visible.discard(socket)
            for teller in tellers:
                teller.cancel()
    except ConnectionError:
        LOGGER.debug("a page closed while it was being connected")
    finally:
        pages.sockets.discard(socket)
        pages.visible.discard(socket)
    return socket


async def _tell(request: web.Request, socket: web.WebSocketResponse) -> None:
    async for _ in request.app[SCREENS].device.subscribe():
        if socket.closed:
            return
        try:
            await socket.send_str("changed")
        except ConnectionError:
            return  # The page closed between the question and the word.
        await asyncio.sleep(GATHER_S)


async def _keep_fresh(pages: OpenPages, socket: web.WebSocketResponse) -> None:
    """What a page says of how long ago something was grows old while it is looked at."""
    while not socket.closed:
        await asyncio.sleep(FRESH_S)
        if socket in pages.visible:
            with contextlib.suppress(ConnectionError):
                await socket.send_str("changed")


async def close_all(app: web.Application) -> None:
    """Close the live connections when the program ends."""
    for socket in list(app[OPEN].sockets):
        await socket.close()
