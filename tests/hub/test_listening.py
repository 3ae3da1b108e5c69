"""A hub hangs up on those who ask for nothing."""

from __future__ import annotations

import asyncio
import contextlib
import resource

import pytest
from aiohttp import web

from hub.listening import allow_many_connections, listen


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: hub\r\n"])
async def test_a_connection_that_asks_for_nothing_is_hung_up_on(said: bytes) -> None:
    async with contextlib.AsyncExitStack() as stack:
        port = await listen(stack, web.Application(), "127.0.0.1", 0, None, idle_s_max=0.2)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        stack.callback(writer.close)
        writer.write(said)
        assert await asyncio.wait_for(reader.read(), 20) == b""


async def test_one_that_asks_is_answered_and_may_ask_again() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", answer)
    async with contextlib.AsyncExitStack() as stack:
        port = await listen(stack, app, "127.0.0.1", 0, None, idle_s_max=20)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        stack.callback(writer.close)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
            assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")


def test_a_hub_may_hold_as_many_connections_as_the_system_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft // 2, hard))
        allow_many_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
