"""Links: what carries the frames of one session between two replicas.

A link is in order and loses nothing while it is up; it may end at any frame. Two kinds are here,
the WebSocket and a pair in memory; the simulator has a third. Holds no conversation.
Invariant: `receive` gives whole frames, as they were sent.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import aiohttp
from aiohttp import web

from core.log.errors import Malformed, OverLimit
from core.log.limits import FRAME_BYTES_MAX

# Pings find a dead link; on a phone each wakes the radio, so they are rare.
HEARTBEAT_S = 240.0


class LinkClosed(ConnectionError):
    """The link is down; what was not acked will be sent again."""


class Crowded(LinkClosed):
    """Who was called has no place just now, as others came at once; it will have one soon."""


class Link(Protocol):
    """Carries frames both ways until it is closed."""

    async def send(self, frame: bytes) -> None:
        """Send one frame; raises `LinkClosed`."""

    async def receive(self) -> bytes:
        """The next frame; raises `LinkClosed`, or a `LogError` for what is no frame."""

    async def close(self) -> None:
        """End the link; the other side hears of it, or finds out."""


class WebSocketLink:
    """A link over a WebSocket, a client's or a server's."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse | web.WebSocketResponse) -> None:
        self._socket = socket

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        try:
            await self._socket.send_bytes(frame)
        except (ConnectionError, RuntimeError) as error:
            raise LinkClosed("the connection ended") from error

    async def receive(self) -> bytes:
        """The next frame."""
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            data: bytes = message.data
            return data
        if message.type is aiohttp.WSMsgType.ERROR:
            error = message.data
            if not isinstance(error, aiohttp.WebSocketError):
                # No pong came, or the connection broke: nobody sent anything wrong.
                raise LinkClosed("the connection ended") from error
            if error.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                raise OverLimit(f"a frame is over {FRAME_BYTES_MAX} bytes")
            raise Malformed(f"what came is no frame of a WebSocket: {error}")
        if message.type is aiohttp.WSMsgType.TEXT:
            raise Malformed("a frame of a session is bytes, and text came")
        raise LinkClosed("the connection ended")

    async def close(self) -> None:
        """Close the WebSocket."""
        await self._socket.close()


class MemoryLink:
    """One end of a link within a process; make both with `memory_link_pair`."""

    def __init__(self, incoming: asyncio.Queue[bytes | None]) -> None:
        self._incoming = incoming
        self._other: MemoryLink | None = None
        self._closed = False

    def join(self, other: MemoryLink) -> None:
        """Let frames go to `other`."""
        self._other = other

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        if self._closed or self._other is None or self._other._closed:
            raise LinkClosed("the link was closed")
        self._other._incoming.put_nowait(frame)

    async def receive(self) -> bytes:
        """The next frame."""
        frame = None if self._closed else await self._incoming.get()
        if frame is None:
            self._closed = True
            raise LinkClosed("the link was closed")
        return frame

    async def close(self) -> None:
        """Close both ends."""
        self._closed = True
        self._incoming.put_nowait(None)
        if self._other is not None:
            self._other._incoming.put_nowait(None)


def memory_link_pair() -> tuple[MemoryLink, MemoryLink]:
    """Two joined ends."""
    first, second = MemoryLink(asyncio.Queue()), MemoryLink(asyncio.Queue())
    first.join(second)
    second.join(first)
    return first, second


def websocket_options() -> dict[str, object]:
    """How both sides open their WebSockets: bounded frames, rare pings, no deflate."""
    return {"max_msg_size": FRAME_BYTES_MAX, "heartbeat": HEARTBEAT_S, "compress": 0}
