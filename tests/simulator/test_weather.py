"""Links keep their promise until they end; networks fail in the ways that were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from replica.link import Link, LinkClosed
from simulator.draw import CALM, Options, chance_for, draw_options
from simulator.virtual_loop import VirtualLoop, run
from simulator.weather import Outage, Weather, draw_outages
from simulator.wire import WeatherLink

HOUR_S = 3_600.0
Play = Callable[[Weather, WeatherLink, WeatherLink], Awaitable[Any]]


def _play(play: Play, options: Options = CALM, seed: int = 1) -> Any:
    """Join a phone and a hub by one link, and let `play` have the weather and both ends."""

    async def main(loop: VirtualLoop) -> Any:
        weather = Weather(loop, chance_for(seed, "weather"), options, loop.trace)
        listener = weather.listen("hub")
        phone = await weather.connect("phone", "hub")
        return await play(weather, phone, await listener.accept())

    return run(main, seed).value


async def _all_of(link: Link) -> list[bytes]:
    """Everything that arrives until the link is over."""
    frames: list[bytes] = []
    try:
        while True:
            frames.append(await link.receive())
    except LinkClosed:
        return frames


async def _send_all(link: Link, frames: list[bytes]) -> int:
    """How many frames the sender believes to be sent."""
    for count, frame in enumerate(frames):
        try:
            await link.send(frame)
        except LinkClosed:
            return count
    await link.close()
    return len(frames)


FRAMES = [bytes([number]) * (1 + number * 37) for number in range(60)]


def test_a_calm_link_gives_every_frame_once_and_in_order_and_then_ends():
    async def play(_, phone, hub):
        sent, got = await asyncio.gather(_send_all(phone, FRAMES), _all_of(hub))
        return sent, got

    assert _play(play) == (60, FRAMES)


def test_what_arrives_over_a_bad_link_is_always_a_beginning_of_what_was_sent():
    lost = 0
    for seed in range(60):
        allowed = {"far", "thin", "stalls", "cuts", "half_open", "partitions", "one_way", "clogs"}
        options = replace(draw_options(seed, allowed=allowed), cut_per_frame=0.02)

        async def play(weather, phone, hub):
            async with asyncio.TaskGroup() as group:
                storm = group.create_task(weather.storm(["phone", "hub"], HOUR_S))
                got = await asyncio.gather(_send_all(phone, FRAMES), _all_of(hub))
                storm.cancel()
            return got

        sent, got = _play(play, options, seed)
        assert got == FRAMES[: len(got)]
        lost += sent > len(got)
    assert lost > 5  # A sender was told "sent" and the frame never came: acks must bear the proof.


def test_after_a_cut_both_sides_learn_of_it_and_a_half_open_side_learns_late():
    late = []
    for seed in range(30):
        options = replace(CALM, half_open_per_cut=0.5, find_out_s_max=400.0)

        async def play(weather, phone, hub):
            at_s = []
            weather.cut("phone")

            async def hear(link):
                await _all_of(link)
                at_s.append(weather.loop.time())

            await asyncio.gather(hear(phone), hear(hub))
            with pytest.raises(LinkClosed):
                await phone.send(b"too late")
            return at_s

        first_s, last_s = _play(play, options, seed)
        assert last_s <= 401.0
        late.append(last_s - first_s > 1.0)
    assert any(late)
    assert not all(late)


def test_a_half_open_side_sends_into_the_void_without_an_error_until_it_finds_out():
    async def play(weather, phone, hub):
        weather.crash("hub", silent=True)
        await phone.send(b"into the void")
        with pytest.raises(LinkClosed):
            await hub.receive()
        await _all_of(phone)
        return weather.loop.time()

    assert _play(play) > 1.0


def test_a_killed_program_is_announced_by_its_machine_and_listens_no_more():
    async def play(weather, phone, _):
        before_s = weather.loop.time()
        weather.crash("hub", silent=False)
        await _all_of(phone)
        took_s = weather.loop.time() - before_s
        with pytest.raises(LinkClosed, match="refused"):
            await weather.connect("phone", "hub")
        weather.listen("hub")
        link = await weather.connect("phone", "hub")
        return took_s, link.peer

    took_s, peer = _play(play)
    assert took_s < 1.0
    assert peer == "hub"


def test_frames_wait_for_the_end_of_a_short_partition():
    async def play(weather, phone, hub):
        partition = weather.divide([["phone"], ["hub"]])
        await phone.send(b"waits")
        weather.loop.call_later(0.9, weather.unite, partition)
        frame = await hub.receive()
        return frame, weather.loop.time() >= 0.9

    assert _play(play) == (b"waits", True)


def test_in_a_long_partition_both_sides_give_up_each_in_its_own_time():
    async def play(weather, phone, hub):
        weather.divide([["phone"], ["hub"]])
        await phone.send(b"never arrives")
        got = await asyncio.gather(_all_of(phone), _all_of(hub))
        with pytest.raises(LinkClosed, match="did not answer"):
            await weather.connect("phone", "hub")
        return got

    assert _play(play) == [[], []]


def test_a_one_way_partition_lets_only_one_side_be_heard():
    async def play(weather, phone, hub):
        weather.divide([["phone"], ["hub"]], one_way=True)
        await phone.send(b"heard")
        await hub.send(b"unheard")
        frame = await hub.receive()
        return frame, await _all_of(phone)

    assert _play(play) == (b"heard", [])


def test_a_third_endpoint_does_not_notice_a_partition_of_others():
    async def play(weather, phone, hub):
        weather.divide([["phone"], ["another phone"]])
        await phone.send(b"hello")
        return await hub.receive()

    assert _play(play) == b"hello"


def test_dialling_waits_for_a_tunnel_to_end_but_not_for_ever():
    async def play(weather, *_):
        weather.leave_network("phone")
        assert weather.is_offline("phone")
        weather.loop.call_later(10.0, weather.join_network, "phone")
        begun_s = weather.loop.time()
        await weather.connect("phone", "hub")
        waited_s = weather.loop.time() - begun_s
        weather.leave_network("phone")
        with pytest.raises(LinkClosed, match="did not answer phone in 20 s"):
            await weather.connect("phone", "hub")
        return waited_s

    assert 10.0 <= _play(play) < 11.0


def test_a_sender_waits_until_the_receiver_has_taken_what_fills_the_buffer():
    async def play(weather, phone, hub):
        sent = []

        async def fill():
            for number in range(4):
                await phone.send(bytes(100_000))
                sent.append(number)

        async with asyncio.TaskGroup() as group:
            group.create_task(fill())
            await asyncio.sleep(60)
            before = len(sent)
            for _ in range(4):
                await hub.receive()
        return before, len(sent)

    assert _play(play) == (2, 4)


def test_large_frames_take_their_time_on_a_narrow_link():
    async def play(weather, phone, hub):
        begun_s = weather.loop.time()
        await phone.send(bytes(40_000))
        await hub.receive()
        return weather.loop.time() - begun_s

    assert 20.0 <= _play(play, replace(CALM, bytes_per_s=2_000.0)) < 20.2


def test_clogged_frames_are_late_and_not_lost():
    options = replace(CALM, clogs_per_day=2_000.0, find_out_s_max=1e6)

    async def play(weather, phone, hub):
        async with asyncio.TaskGroup() as group:
            group.create_task(weather.storm(["phone", "hub"], HOUR_S))
            sending = group.create_task(_send_all(phone, FRAMES))
            got = await _all_of(hub)
        assert weather.trace.count_by_kind["clog"] > 10
        assert weather.passes("phone", "hub")
        return sending.result(), got

    assert _play(play, options) == (60, FRAMES)


def test_when_the_weather_clears_everybody_reaches_everybody():
    for seed in range(20):
        options = draw_options(seed, allowed={"partitions", "one_way", "clogs", "cuts", "tunnels"})

        async def play(weather, *ends):
            names = ["hub", "phone", "colleague"]
            weather.listen("colleague")
            outages = draw_outages(chance_for(1), replace(CALM, tunnels_per_day=50.0), 24 * HOUR_S)
            async with asyncio.TaskGroup() as group:
                group.create_task(weather.storm(names, 24 * HOUR_S))
                group.create_task(weather.follow("phone", outages))
                await asyncio.sleep(12.5 * HOUR_S)
                weather.leave_network("colleague")
                weather.clear()
                for _ in range(20):
                    await weather.connect("phone", "hub", timeout_s=1.0)
                    await weather.connect("hub", "colleague", timeout_s=1.0)
                    await asyncio.sleep(HOUR_S)

        _play(play, options, seed)


def test_a_hostile_network_does_all_that_its_options_say():
    def got_with(**options) -> list[bytes]:
        async def play(_, phone, hub):
            for frame in FRAMES:
                await phone.send(frame)
            await asyncio.sleep(60)
            await phone.close()
            return await _all_of(hub)

        return _play(play, replace(CALM, **options))

    assert len(got_with(lost_per_frame=0.5)) < 45
    assert set(got_with(lost_per_frame=0.5)) <= set(FRAMES)
    repeated = got_with(repeated_per_frame=0.5)
    assert len(repeated) > 75
    assert set(repeated) == set(FRAMES)
    reordered = got_with(reordered_per_frame=0.5, latency_s_max=0.021)
    assert reordered != sorted(reordered)
    assert len(got_with(split_per_frame=1.0)) == 60 + 59
    flipped = got_with(flipped_per_frame=1.0)
    assert [len(frame) for frame in flipped] == [len(frame) for frame in FRAMES]
    assert all(frame != sent for frame, sent in zip(flipped, FRAMES, strict=True))


def test_outages_come_in_order_and_never_overlap():
    options = replace(CALM, tunnels_per_day=30.0, dead_zones_per_day=5.0, offline_per_day=0.3)
    for seed in range(30):
        outages = draw_outages(chance_for(seed), options, 30 * 24 * HOUR_S)
        assert outages
        for outage, following in zip(outages, outages[1:], strict=False):
            assert outage.start_s < outage.end_s < following.start_s
    assert draw_outages(chance_for(1), CALM, 1e9) == ()


def test_a_phone_follows_its_outages():
    async def play(weather, *_):
        seen = []
        async with asyncio.TaskGroup() as group:
            group.create_task(weather.follow("phone", [Outage(100, 200), Outage(300, 400)]))
            for at_s in (50, 150, 250, 350, 450):
                await asyncio.sleep(at_s - weather.loop.time())
                seen.append(weather.is_offline("phone"))
        return seen

    assert _play(play) == [False, True, False, True, False]


def test_who_closes_a_listener_closes_those_who_wait_there():
    async def play(weather, *_):
        listener = weather.listen("depot")
        waiting = await weather.connect("phone", "depot")
        listener.close()
        with pytest.raises(LinkClosed, match="no longer listens"):
            await listener.accept()
        return await _all_of(waiting)

    assert _play(play) == []


def test_two_listeners_of_one_name_are_refused():
    async def play(weather, *_):
        with pytest.raises(ValueError, match="already listens"):
            weather.listen("hub")

    _play(play)


def test_a_world_forgets_links_that_are_over():
    async def play(weather, phone, hub):
        assert [link.peer for link in weather.links_of("phone")] == ["hub"]
        await phone.close()
        await _all_of(hub)
        return weather.links_of("phone") + weather.links_of("hub")

    assert _play(play) == []
