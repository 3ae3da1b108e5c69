"""One call at a time on the replica, and word of what it committed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from core.dispatch import acts
from core.dispatch.acts import ActError
from core.dispatch.fields import Kind
from replica.store import DiskFull
from replica.subscriptions import Subscription
from replica.writer import Writer
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


class CountedThread(ThreadPoolExecutor):
    """One thread, with how often it was given something to do."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self.given = 0

    def submit(self, *args: Any, **named: Any) -> Future[Any]:
        self.given += 1
        return super().submit(*args, **named)


class Crowd:
    """Peers that all want something of a writer whose turn is taken until `let_go`."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.gate = threading.Event()
        loop = asyncio.get_running_loop()
        self.first = loop.create_task(writer.run(self.gate.wait, peer=b"first"))
        self.rest: list[asyncio.Task[Any]] = []

    async def ask(self, call: Callable[[], object], peer: bytes) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(
            self.writer.run(call, peer=peer)
        )
        self.rest.append(task)
        await asyncio.sleep(0)
        return task

    async def let_go(self) -> list[Any]:
        self.gate.set()
        await self.first
        return list(await asyncio.gather(*self.rest, return_exceptions=True))


async def test_what_peers_ask_for_at_once_is_done_together_and_told_to_each(site: Site) -> None:
    with CountedThread() as executor:
        writer = Writer(site.hub(), executor)
        crowd = Crowd(writer)
        subscription = writer.subscribe()
        workers = [site.new_id(Kind.WORKER) for _ in range(5)]
        for worker in workers:
            act = acts.edit_worker(worker, {"name": worker.hex()})
            await crowd.ask(partial(writer.replica.write, act), worker)
        found = await crowd.let_go()
        for worker, written in zip(workers, found, strict=True):
            assert worker in written.hash_by_stream
        assert executor.given == 2
        assert set(workers) <= await heard(subscription)


async def test_what_fails_for_one_peer_fails_for_no_other(site: Site) -> None:
    with CountedThread() as executor:
        writer = Writer(site.hub(), executor)
        crowd = Crowd(writer)
        worker, other = site.new_id(Kind.WORKER), site.new_id(Kind.WORKER)

        def half() -> None:
            with writer.replica.store.transaction():
                writer.replica.write(acts.edit_worker(other, {"name": "Aino"}))
                raise ActError("no")

        await crowd.ask(half, b"one")
        act = acts.edit_worker(worker, {"name": "Veikko"})
        await crowd.ask(partial(writer.replica.write, act), b"two")
        refusal, written = await crowd.let_go()
        assert isinstance(refusal, ActError)
        assert worker in written.hash_by_stream
        assert executor.given == 2
        names = writer.replica.store.db.execute("SELECT name FROM worker").fetchall()
        assert names == [("Veikko",)]


async def test_a_sync_that_the_disk_refuses_is_told_to_all_whose_work_it_was(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CountedThread() as executor:
        writer = Writer(site.hub(), executor)
        crowd = Crowd(writer)
        worker = site.new_id(Kind.WORKER)
        act = acts.edit_worker(worker, {"name": "Veikko"})
        await crowd.ask(partial(writer.replica.write, act), b"one")
        await crowd.ask(lambda: 7, b"two")
        store, put = writer.replica.store, writer.replica.store.put

        def refused(name: str, value: object) -> None:
            if name == "synced":
                raise DiskFull("no room")
            put(name, value)

        monkeypatch.setattr(store, "put", refused)
        found = await crowd.let_go()
        assert [type(each) for each in found] == [DiskFull, DiskFull]
        monkeypatch.undo()
        assert await writer.run(lambda: 7) == 7


async def test_whoever_gives_up_takes_nothing_from_those_who_were_taken_along(site: Site) -> None:
    with CountedThread() as executor:
        writer = Writer(site.hub(), executor)
        crowd = Crowd(writer)
        gate, done = threading.Event(), list[int]()
        leads = await crowd.ask(gate.wait, b"leads")
        for number in range(3):
            await crowd.ask(partial(done.append, number), b"%d" % number)
        crowd.gate.set()
        await crowd.first
        await asyncio.sleep(0.05)
        leads.cancel()
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.wait(crowd.rest)
        assert leads.cancelled()
        assert sorted(done) == [0, 1, 2]
        # The writer is free again.
        assert await writer.run(lambda: 7) == 7


async def test_people_wait_for_one_call_of_a_crowd_at_the_most(site: Site) -> None:
    with CountedThread() as executor:
        writer = Writer(site.hub(), executor)
        crowd, order = Crowd(writer), list[str]()
        for number in range(4):
            await crowd.ask(partial(order.append, f"peer {number}"), b"%d" % number)
        person = asyncio.get_running_loop().create_task(writer.run(order.append, "person"))
        await asyncio.sleep(0)
        await crowd.let_go()
        await person
        assert order[0] == "person"
        assert len(order) == 5
