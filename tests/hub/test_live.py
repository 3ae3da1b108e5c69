"""The feed of a page that stays open: every event once and in order, or word that it can't be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.live import EVENTS_KEPT, QUEUE_MAX, LiveEvent, LiveFeed


async def taken(events: AsyncIterator[LiveEvent], count: int) -> list[LiveEvent]:
    return [await asyncio.wait_for(anext(events), 10) for _ in range(count)]


async def listening(feed: LiveFeed, since: int | None = None) -> AsyncIterator[LiveEvent]:
    """A subscriber that has begun to wait."""
    events = feed.subscribe(since)
    first = asyncio.get_running_loop().create_task(anext(events))
    await asyncio.sleep(0)

    async def all_of_them() -> AsyncIterator[LiveEvent]:
        yield await first
        async for event in events:
            yield event

    return all_of_them()


async def test_every_page_hears_every_event_in_order() -> None:
    feed = LiveFeed()
    one, two = await listening(feed), await listening(feed)
    for number in range(5):
        feed.publish("streams", [f"{number:024x}", "ff" * 12])
    for events in (one, two):
        heard = await taken(events, 5)
        assert [event.seq for event in heard] == [1, 2, 3, 4, 5]
        assert heard[0].ids == (f"{0:024x}", "ff" * 12)


@pytest.mark.parametrize("since", [0, 3, 9])
async def test_a_page_that_comes_back_gets_what_it_missed(since: int) -> None:
    feed = LiveFeed()
    for _ in range(10):
        feed.publish("sync", ())
    events = await listening(feed, since)
    assert [event.seq for event in await taken(events, 10 - since)] == list(range(since + 1, 11))
    feed.publish("sync", ())
    assert (await taken(events, 1))[0].seq == 11


@pytest.mark.parametrize(("events_before", "since"), [(EVENTS_KEPT + 10, 5), (3, 77)])
async def test_a_page_that_was_away_too_long_loads_everything(
    events_before: int, since: int
) -> None:
    feed = LiveFeed()
    for _ in range(events_before):
        feed.publish("streams", ())
    events = await listening(feed, since)
    assert [event.kind for event in await taken(events, 1)] == ["reload"]


async def test_a_slow_page_is_told_to_load_everything_and_holds_little() -> None:
    feed = LiveFeed()
    events = await listening(feed)
    for _ in range(QUEUE_MAX * 3):
        feed.publish("streams", ())
    await asyncio.sleep(0)
    heard = [event.kind for event in await taken(events, 2)]
    assert "reload" in heard
    queue = next(iter(feed._queues))
    assert queue.qsize() <= QUEUE_MAX


async def test_a_page_that_went_is_forgotten() -> None:
    feed = LiveFeed()
    events = feed.subscribe()
    waiting = asyncio.get_running_loop().create_task(anext(events))
    await asyncio.sleep(0)
    assert len(feed._queues) == 1
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await events.aclose()
    assert feed._queues == set()


async def test_who_moves_is_told_once_at_a_time_and_no_event_makes_room_for_it() -> None:
    feed = LiveFeed()
    feed.moves_every_s = 0.05
    events = await listening(feed)
    with feed.movers() as movers:
        for _ in range(QUEUE_MAX + EVENTS_KEPT):
            feed.moved("b")
            feed.moved("a")
        assert await movers.take() == ["a", "b"]
        began_s = asyncio.get_running_loop().time()
        feed.moved("c")
        assert await movers.take() == ["c"]
        assert asyncio.get_running_loop().time() - began_s > 0.04
    feed.moved("d")
    feed.publish("sync", ())
    assert [(event.seq, event.kind) for event in await taken(events, 1)] == [(1, "sync")]
