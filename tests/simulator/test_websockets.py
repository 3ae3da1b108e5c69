"""Whole sites, and single links, over the product's own WebSockets in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hub.keys import PEERS
from hub.listening import runner_of
from hub.peers import Peers
from hub.sync import attach_sync
from replica.driver import Hooks
from replica.link import HEARTBEAT_S, LinkClosed
from replica.writer import Writer
from simulator.checkers import Violation
from simulator.draw import CALM, Options, chance_for
from simulator.streams import Streams, way
from simulator.virtual_loop import VirtualLoop, run
from simulator.weather import Weather
from simulator.world.campaign import attempt
from simulator.world.drawn import options_of
from simulator.world.run import Report, Size
from simulator.world.websockets import HonestLink, WebSockets
from tests.build import Site


def test_some_seeds_have_real_websockets_and_none_of_them_hostile_frames() -> None:
    worlds = [options_of(seed) for seed in range(400)]
    having = [world for world in worlds if world.websockets]
    assert 0.05 * len(worlds) < len(having) < 0.25 * len(worlds)
    assert not any(world.flipped_per_frame or world.lost_per_frame for world in having)
    given = [options_of(seed, having=["websockets"]) for seed in range(40)]
    assert all(world.websockets and not world.flipped_per_frame for world in given)
    for seed, world in enumerate(given):
        assert world.without("websockets") == options_of(seed, having=["websockets"]).without(
            "websockets"
        )


def test_the_honest_agree_over_websockets_whatever_others_send() -> None:
    size = Size(phones=1, days=1, entries_per_phone=5, hostile=2)
    outcome = attempt(2, size, having=["websockets"])
    assert isinstance(outcome, Report), outcome
    assert outcome.points["a hostile phone was let in"] > 10


# --- single links


@asynccontextmanager
async def _hub(loop: VirtualLoop, folder: Path, options: Options) -> AsyncIterator[Weather]:
    """The real handler of /sync over a real replica, in reach of whoever connects to `hub A`."""
    site = Site(folder)
    weather = Weather(loop, chance_for(1, "weather"), options, loop.trace)
    peers = Peers(Writer(site.hub(), None), bytes(32), lambda _: Hooks(), lambda: None)
    app = web.Application()
    app[PEERS] = peers
    attach_sync(app)
    runner = runner_of(app)
    try:
        loop.network = Streams(weather)
        await runner.setup()
        await web.UnixSite(runner, "hub A").start()
        yield weather
        assert peers.unproven.total() == 0
    finally:
        await runner.cleanup()
        await peers.stop()
        site.close()


def _failed(_: str, error: BaseException) -> None:
    raise error


def test_a_link_whose_other_side_falls_silent_ends_as_a_lost_one(tmp_path: Path) -> None:
    async def main(loop: VirtualLoop) -> float:
        # The network itself tells it later than a ping that nobody answers.
        async with _hub(loop, tmp_path, replace(CALM, find_out_s_max=1e6)) as weather:
            ways = WebSockets(loop, weather, (), _failed, revocations=False)
            async with ways.dial("phone 1", "hub A") as (link, channel):
                assert channel == ways.fingerprint("hub A")
                weather.crash("hub A", silent=True)
                with pytest.raises(LinkClosed):
                    await link.receive()
            return loop.time()

    assert HEARTBEAT_S < run(main, 1).value < 2 * HEARTBEAT_S


def test_a_phone_that_goes_before_it_is_answered_is_no_fault_of_the_hub(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    request = (
        b"GET /sync HTTP/1.1\r\nHost: hub-a:8443\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )

    async def main(loop: VirtualLoop) -> None:
        async with _hub(loop, tmp_path, CALM):
            for number in range(20):
                path = way(f"phone {number}", "hub A")
                transport, _ = await loop.create_unix_connection(asyncio.Protocol, path)
                transport.write(request)
                # Some of these are told to the hub in the moment in which the request arrives.
                transport.abort()
                await asyncio.sleep(60)

    run(main, 1)
    assert not caplog.records


def test_what_a_link_gives_that_nobody_sent_is_a_violation() -> None:
    found: list[Violation] = []

    class Repeating:
        async def send(self, frame: bytes) -> None:
            self.frame = frame

        async def receive(self) -> bytes:
            return self.frame[:3]

        async def close(self) -> None: ...

    async def main(_: VirtualLoop) -> None:
        plain, sent = Repeating(), dict[tuple[str, str], set[bytes]]()
        one: Any = HonestLink(plain, "phone 1", "hub A", sent, found.append, lambda _: None)
        other: Any = HonestLink(plain, "hub A", "phone 1", sent, found.append, lambda _: None)
        await one.send(b"abc")
        assert await other.receive() == b"abc"
        assert not found
        await one.send(b"abcdef")
        await other.receive()
        await one.send(b"xyz12")
        await other.receive()

    run(main, 1)
    assert [each.words for each in found] == ["hub A was given 3 bytes that phone 1 never sent"]
