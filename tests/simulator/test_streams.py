"""Streams keep the promises of a TCP connection, and the library of the real links runs on them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from simulator.draw import CALM, Options, chance_for, draw_options
from simulator.streams import Streams, StreamTransport, way
from simulator.virtual_loop import Outcome, OutsideWorld, VirtualLoop, run
from simulator.weather import Weather

HOUR_S = 3_600.0
TEXT = b"".join(number.to_bytes(4, "big") for number in range(5_000))
Play = Callable[[Weather, "Heard", "Heard"], Awaitable[Any]]


class Heard(asyncio.Protocol):
    """Writes down what it is told."""

    transport: StreamTransport

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.told: list[str] = []
        self.error: Exception | None = None
        self.over = asyncio.get_running_loop().create_future()

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, StreamTransport)
        self.transport = transport
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        assert self.told[0] == "made"
        assert "lost" not in self.told
        self.pieces.append(data)

    def eof_received(self) -> None:
        self.told.append("end")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.told.append("lost")
        self.error = error
        self.over.set_result(None)


def _play(play: Play, options: Options = CALM, seed: int = 1) -> Any:
    """Join a phone and a hub by one stream, and let `play` have the weather and both ends."""

    async def main(loop: VirtualLoop) -> Any:
        weather = Weather(loop, chance_for(seed, "weather"), options, loop.trace)
        loop.network = Streams(weather)
        met = loop.create_future()

        def answer() -> Heard:
            met.set_result(Heard())
            return met.result()

        await loop.create_unix_server(answer, "hub")
        _, phone = await loop.create_unix_connection(Heard, way("phone", "hub"))
        hub = await met
        await asyncio.sleep(0)
        return await play(weather, phone, hub)

    return run(main, seed).value


async def _write_all(heard: Heard, size: int = 700) -> None:
    for start in range(0, len(TEXT), size):
        heard.transport.write(TEXT[start : start + size])
        await asyncio.sleep(0.01)


def test_what_was_written_arrives_whole_and_in_order_cut_at_other_places():
    sizes = set()
    for seed in range(20):

        async def play(_, phone, hub):
            await _write_all(phone)
            phone.transport.close()
            await hub.over
            return hub.data, hub.told, hub.error, {len(piece) for piece in hub.pieces}

        options = replace(CALM, fragmented_per_write=0.5)
        data, told, error, seen = _play(play, options, seed)
        assert data == TEXT
        assert told == ["made", "end", "lost"]
        assert error is None
        sizes |= seen
    assert min(sizes) < 14
    assert max(sizes) > 700  # Two writes in one piece.


def test_what_arrives_over_a_bad_stream_is_always_a_beginning_of_what_was_written():
    lost = 0
    for seed in range(40):
        allowed = {"far", "thin", "stalls", "half_open", "partitions", "one_way", "clogs"}
        allowed.add("websockets")
        options = replace(draw_options(seed, allowed=allowed), cut_per_frame=0.01)

        async def play(weather, phone, hub):
            async with asyncio.TaskGroup() as group:
                storm = group.create_task(weather.storm(["phone", "hub"], HOUR_S))
                await _write_all(phone)
                phone.transport.close()
                await asyncio.gather(phone.over, hub.over)
                storm.cancel()
            return hub.data, hub.told.count("lost")

        data, ends = _play(play, options, seed)
        assert data == TEXT[: len(data)]
        assert ends == 1
        lost += len(data) < len(TEXT)
    assert lost > 5


def test_a_writer_is_held_back_until_the_reader_has_taken_enough():
    async def play(_, phone, hub):
        hub.transport.pause_reading()
        phone.transport.write(TEXT)
        await asyncio.sleep(60)
        held = list(phone.told), hub.data
        hub.transport.resume_reading()
        await asyncio.sleep(60)
        return held, phone.told, hub.data

    held, told, data = _play(play, replace(CALM, send_buffer_bytes=8_000))
    assert held == (["made", "pause"], b"")
    assert told == ["made", "pause", "resume"]
    assert data == TEXT


def test_bytes_cost_time_and_wait_while_the_way_is_blocked():
    async def play(weather, phone, hub):
        before_s = weather.loop.time()
        phone.transport.write(bytes(5_000))
        partition = weather.divide([["phone"], ["hub"]])
        weather.loop.call_later(0.9, weather.unite, partition)
        while len(hub.data) < 5_000:  # noqa: ASYNC110  # a protocol has no event
            await asyncio.sleep(0.001)
        first_s = weather.loop.time() - before_s
        phone.transport.write(bytes(5_000))
        while len(hub.data) < 10_000:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        return first_s, weather.loop.time() - before_s - first_s

    first_s, second_s = _play(play, replace(CALM, bytes_per_s=10_000.0))
    assert first_s >= 0.9
    assert 0.5 <= second_s < 0.7


def test_a_half_open_side_writes_into_the_void_until_it_finds_out_late():
    async def play(weather, phone, hub):
        weather.crash("hub", silent=True)
        phone.transport.write(b"into the void")
        await hub.over
        heard = list(phone.told)
        await phone.over
        return heard, phone.told, weather.loop.time(), phone.error

    heard, told, at_s, error = _play(play, replace(CALM, find_out_s_max=400.0))
    assert heard == ["made"]
    assert told == ["made", "lost"]
    assert at_s > 1.0
    assert isinstance(error, ConnectionResetError)


def test_an_aborted_stream_is_reset_on_the_other_side():
    async def play(_, phone, hub):
        phone.transport.abort()
        await asyncio.gather(phone.over, hub.over)
        return phone.error, hub.error

    phone_error, hub_error = _play(play)
    assert phone_error is None
    assert isinstance(hub_error, ConnectionResetError)


def test_a_stream_that_is_closed_with_a_full_buffer_ends_when_it_has_found_room():
    async def play(weather, phone, hub):
        hub.transport.pause_reading()
        phone.transport.write(TEXT)
        phone.transport.close()
        await asyncio.sleep(60)
        waits = list(phone.told)
        hub.transport.resume_reading()
        await asyncio.gather(phone.over, hub.over)
        return waits, phone.told, phone.error, hub.data

    waits, told, error, data = _play(play, replace(CALM, send_buffer_bytes=8_000))
    assert waits == ["made", "pause"]
    assert told == ["made", "pause", "lost"]
    assert error is None
    assert data == TEXT


def test_a_paused_reader_learns_of_the_end_when_it_reads_on_or_when_it_writes():
    async def play(_, phone, hub):
        hub.transport.pause_reading()
        phone.transport.write(b"last words")
        phone.transport.abort()
        await asyncio.sleep(10)
        waits = list(hub.told)
        hub.transport.write(b"is anybody there?")
        await hub.over
        return waits, hub.data

    assert _play(play) == (["made"], b"")


def test_a_loop_without_a_network_and_a_stream_with_tls_are_refused_by_name():
    async def alone(loop: VirtualLoop) -> None:
        await loop.create_unix_connection(asyncio.Protocol, way("phone", "hub"))

    async def with_tls(loop: VirtualLoop) -> None:
        loop.network = Streams(Weather(loop, chance_for(1, "weather")))
        await loop.create_unix_server(asyncio.Protocol, "hub", ssl=object())

    for main in (alone, with_tls):
        with pytest.raises(OutsideWorld, match="create_unix"):
            run(main, 1)


def test_nobody_who_listens_is_a_refused_connection():
    async def main(loop: VirtualLoop) -> None:
        loop.network = Streams(Weather(loop, chance_for(1, "weather")))
        await loop.create_unix_connection(asyncio.Protocol, way("phone", "hub"))

    with pytest.raises(ConnectionRefusedError):
        run(main, 1)


# --- the library of the real links


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(heartbeat=240.0, compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY:
            break
        await socket.send_bytes(bytes(reversed(message.data)))
    return socket


def _talk(seed: int, options: Options) -> Outcome[tuple[int, str]]:
    """Echo messages of many sizes over a WebSocket for hours; how many came, and what ended it."""

    async def main(loop: VirtualLoop) -> tuple[int, str]:
        loop.network = Streams(Weather(loop, chance_for(seed, "weather"), options, loop.trace))
        app = web.Application()
        app.router.add_get("/sync", _echo)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        await web.UnixSite(runner, "hub").start()
        came = 0
        connector = aiohttp.UnixConnector(way("phone", "hub"))
        timeout = aiohttp.ClientTimeout(total=None)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as client,
                client.ws_connect("https://hub/sync", heartbeat=240.0, compress=0) as socket,
            ):
                for number in range(30):
                    sent = bytes([number]) * (number * number * number + 1)
                    await socket.send_bytes(sent)
                    message = await socket.receive()
                    if message.data != sent:
                        return came, message.type.name
                    came += 1
                    # Who does not receive answers no ping, and is given up.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1 + number * 60):
                            await socket.receive()
            return came, "closed"
        except (aiohttp.ClientError, ConnectionError) as error:
            return came, type(error).__name__
        finally:
            await runner.cleanup()

    return run(main, seed)


def test_an_unmodified_websocket_talks_over_streams_in_pieces_for_hours():
    outcome = _talk(1, replace(CALM, fragmented_per_write=1.0))
    assert outcome.value == (30, "closed")
    assert outcome.virtual_s > 7 * HOUR_S


def test_a_websocket_leaves_the_same_trace_although_it_is_masked_anew():
    options = replace(CALM, fragmented_per_write=0.5, cut_per_frame=0.005, half_open_per_cut=1.0)
    ends = set()
    for seed in range(4):
        first, second = _talk(seed, options), _talk(seed, options)
        assert first == second
        ends.add(first.value)
    assert len(ends) > 1
