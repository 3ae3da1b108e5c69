"""The one WebSocket of a page: numbers of what changed, so that the page asks for those rows.

Messages are JSON `{seq, kind, ids}`; `kind` is 'hello' (with `epoch`), 'streams', 'sync',
'reload', or 'alive' in answer to anything that the page sends. A page that comes back gives `since`
and the `epoch` that it knew; what it missed comes first, or 'reload' when that is not known any
more. A page whose map is looked at sends 'positions on', and until 'positions off' gets the frames
of `web.board.positions` besides, first one of all workers. Holds no rows. Invariants: a page never
misses an event without being told to load anew; a browser that was signed out meanwhile is told
nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from hub.guard import session_cookie
from hub.keys import GUARD_RULES, HUB
from hub.live import LiveEvent
from web.board.positions import POSITIONS

HEARTBEAT_S: Final = 20.0
"""Shorter than the usual 30 to 60 s after which a router forgets a silent connection."""
IDS_MAX: Final = 400
"""More changed streams at once than this, and loading anew is cheaper than asking for each."""
EPOCH: Final = web.AppKey("LIVE_EPOCH", str)


async def live(request: web.Request) -> web.StreamResponse:
    """GET /live?since=SEQ&epoch=…: the feed of this page."""
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, compress=True, max_msg_size=4_096)
    await socket.prepare(request)
    feed = request.app[HUB].feed
    epoch = request.app[EPOCH]
    since = _since(request, epoch)
    await _send(socket, LiveEvent(feed.seq, "hello", ()), epoch)
    if request.query.get("since") and since is None:
        await _send(socket, LiveEvent(feed.seq, "reload", ()))
    begin = asyncio.get_running_loop().create_task
    sending, moving = begin(_forward(request, socket, since)), None
    try:
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
            if not _signed_in(request):
                await _say_signed_out(socket)
                break
            if message.data == "positions on" and moving is None:
                moving = begin(_tell_positions(request, socket))
            elif message.data == "positions off" and moving is not None:
                await _end(moving)
                moving = None
            # A browser does not see the protocol's own pings: it asks, to notice a dead line.
            await _send(socket, LiveEvent(feed.seq, "alive", ()))
    finally:
        await _end(sending)
        if moving is not None:
            await _end(moving)
    return socket


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionError):
        await task


def _since(request: web.Request, epoch: str) -> int | None:
    """Where the page left off; None where it is new, or knew another run of this hub."""
    text = request.query.get("since", "")
    known = request.query.get("epoch", "") == epoch
    return int(text) if known and text.isdecimal() and len(text) < 16 else None


async def _forward(request: web.Request, socket: web.WebSocketResponse, since: int | None) -> None:
    async for event in request.app[HUB].feed.subscribe(since):
        if len(event.ids) > IDS_MAX:
            event = LiveEvent(event.seq, "reload", ())
        if not _signed_in(request):
            await _say_signed_out(socket)
            return
        await _send(socket, event)


async def _tell_positions(request: web.Request, socket: web.WebSocketResponse) -> None:
    positions = request.app[POSITIONS]
    with request.app[HUB].feed.movers() as movers:
        frame = positions.frame()
        while _signed_in(request):
            await socket.send_bytes(frame)
            frame = positions.frame(await movers.take())


async def _say_signed_out(socket: web.WebSocketResponse) -> None:
    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"signed out")


def _signed_in(request: web.Request) -> bool:
    """Whether the session that opened the feed still lives; it may end while the page is open."""
    session_id = session_cookie(request, request.app[GUARD_RULES])
    return session_id is not None and request.app[HUB].sessions.lives(session_id)


async def _send(socket: web.WebSocketResponse, event: LiveEvent, epoch: str = "") -> None:
    message = {"seq": event.seq, "kind": event.kind, "ids": list(event.ids)}
    await socket.send_json(message | ({"epoch": epoch} if epoch else {}))
