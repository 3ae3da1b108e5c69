"""A port that is left while somebody comes in."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket

import pytest
from aiohttp import web

from replica.listener import Listener
from tests.running import PATIENCE_S


@pytest.mark.parametrize("rounds", range(5))
async def test_whoever_comes_in_as_a_server_stops_is_hung_up_on(rounds: int) -> None:
    runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await Listener(runner, "127.0.0.1", 0).start()
    with socket.create_connection(runner.addresses[0][:2]) as caller:
        # The loop takes the connection in one of its next rounds.
        for _ in range(rounds):
            await asyncio.sleep(0)
        await runner.cleanup()
        caller.setblocking(False)
        async with asyncio.timeout(PATIENCE_S):
            # Who was never let in is reset.
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.get_running_loop().sock_recv(caller, 1) == b""
    # What was dropped open would be told here.
    gc.collect()
