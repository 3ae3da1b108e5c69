"""A port that a server listens on, and that it leaves without leaving anybody at the door.

Holds no requests. Invariant: whoever was let in before `stop` is known to the server, which says
goodbye to them.
"""

from __future__ import annotations

import asyncio

from aiohttp import web


class Listener(web.TCPSite):
    """As aiohttp's own, but for a connection that comes in just as it stops."""

    async def stop(self) -> None:
        """Listen no more."""
        if isinstance(self._server, asyncio.Server):
            # asyncio makes the connection of a socket that it took in a task, and where the server
            # was closed before that task began it drops the socket open: nobody hangs up on it
            # (CPython's `Server._attach` raises). So the door is shut first.
            loop = asyncio.get_running_loop()
            for each in self._server.sockets:
                loop.remove_reader(each.fileno())
            await asyncio.sleep(0)
        await super().stop()
