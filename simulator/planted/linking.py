"""Planted bugs of the product's own WebSockets, which links of whole frames never show.

Each is a context manager. Holds no judgement of who catches it. Invariant: outside their blocks
nothing is changed.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Final

import aiohttp

from core.log.errors import Malformed
from hub import sync
from replica.link import WebSocketLink
from simulator.planted.patching import replaced

SMALL_BYTES: Final = 2_048


def small_messages() -> AbstractContextManager[None]:
    """A hub's WebSockets take smaller messages than a frame may be."""

    def wrong(_: object) -> Any:
        return SMALL_BYTES

    return replaced(sync, "FRAME_BYTES_MAX", wrong)


def silence_refused() -> AbstractContextManager[None]:
    """A link whose other side has fallen silent says that what came was no frame."""

    def wrong(right: Any) -> Any:
        async def receive(self: WebSocketLink) -> bytes:
            try:
                return bytes(await right(self))
            except ConnectionError as error:
                if isinstance(error.__cause__, TimeoutError | aiohttp.ServerTimeoutError):
                    raise Malformed("what came is no frame of a WebSocket") from error
                raise

        return receive

    return replaced(WebSocketLink, "receive", wrong)


def frames_cut_off() -> AbstractContextManager[None]:
    """A link reads into a buffer that is shorter than a frame may be, and leaves the rest."""

    def wrong(right: Any) -> Any:
        async def receive(self: WebSocketLink) -> bytes:
            return bytes((await right(self))[:SMALL_BYTES])

        return receive

    return replaced(WebSocketLink, "receive", wrong)
