"""One call at a time on the replica, and word of what it committed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.dispatch import acts
from core.dispatch.acts import ActError
from core.dispatch.fields import Kind
from replica.writer import Subscription, Writer
from tests.build import Site


@pytest.fixture
def writer(site: Site) -> Iterator[Writer]:
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield Writer(site.hub(), executor)


async def heard(subscription: Subscription) -> frozenset[bytes]:
    async with asyncio.timeout(10):
        return await anext(aiter(subscription))


async def test_many_calls_at_once_run_one_after_another(writer: Writer) -> None:
    running: list[int] = []

    def call(number: int) -> int:
        assert running == []
        running.append(number)
        writer.replica.write(acts.set_setting("threshold_min", number % 60))
        running.remove(number)
        return number

    found = await asyncio.gather(*(writer.run(call, number) for number in range(30)))
    assert found == list(range(30))


async def test_what_was_committed_is_told_and_what_failed_is_not(
    site: Site, writer: Writer
) -> None:
    subscription = writer.subscribe()
    worker = site.new_id(Kind.WORKER)
    await writer.run(writer.replica.write, acts.edit_worker(worker, {"name": "Aino"}))
    assert worker in await heard(subscription)
    with pytest.raises(ActError):
        await writer.run(writer.replica.write, [])
    assert subscription._streams == set()


async def test_a_slow_listener_hears_of_all_streams_at_once(site: Site, writer: Writer) -> None:
    subscription = writer.subscribe()
    workers = [site.new_id(Kind.WORKER) for _ in range(5)]
    for worker in workers:
        await writer.run(writer.replica.write, acts.edit_worker(worker, {"name": "Aino"}))
    assert await heard(subscription) >= set(workers)


async def test_who_unsubscribes_hears_no_more_and_its_loop_ends(writer: Writer) -> None:
    subscription = writer.subscribe()
    other = writer.subscribe()

    async def listen() -> int:
        return len([streams async for streams in subscription])

    listening = asyncio.get_running_loop().create_task(listen())
    await writer.run(writer.replica.write, acts.set_setting("threshold_min", 4))
    await asyncio.sleep(0)
    writer.unsubscribe(subscription)
    assert await asyncio.wait_for(listening, 10) == 1
    await writer.run(writer.replica.write, acts.set_setting("threshold_min", 5))
    assert await heard(other)
    writer.unsubscribe(subscription)  # A second time changes nothing.


async def test_a_call_that_was_given_up_still_tells_what_it_committed(writer: Writer) -> None:
    """Whoever waits may go; what is durable is told to the others."""
    subscription = writer.subscribe()
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)
        writer.replica.write(acts.set_setting("threshold_min", 7))

    call = asyncio.get_running_loop().create_task(writer.run(slow))
    await begun.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    go_on.set()
    assert acts.SITE_STREAM in await heard(subscription)
