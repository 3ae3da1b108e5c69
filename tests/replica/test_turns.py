"""Who comes first at the writer where many want it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replica.turns import PEOPLE, Turns

ALICE, FLOOD, BOB = b"alice", b"flood", b"bob"


class World:
    """Turns under a clock that only the calls themselves move."""

    def __init__(self) -> None:
        self.now_ms = 1_000
        self.turns: Turns[None] = Turns(lambda: self.now_ms)
        self.order: list[bytes] = []
        self.inside = 0

    async def call(self, peer: bytes, takes_ms: int = 10) -> None:
        async with self.turns.turn(peer):
            self.inside += 1
            assert self.inside == 1
            try:
                await asyncio.sleep(0)
                self.now_ms += takes_ms
                self.order.append(peer)
            finally:
                self.inside -= 1

    def begin(self, peer: bytes, takes_ms: int = 10) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self.call(peer, takes_ms))


async def test_a_peer_that_asks_for_little_waits_for_one_call_of_a_flood_at_most() -> None:
    world = World()
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(world.call(FLOOD))
        for _ in range(3):
            await asyncio.sleep(0)
        group.create_task(world.call(ALICE))
    assert world.order.index(ALICE) <= 3
    assert world.order.count(FLOOD) == 20


async def test_people_come_before_all_peers() -> None:
    world = World()
    async with asyncio.TaskGroup() as group:
        for peer in (FLOOD, ALICE, BOB, PEOPLE):
            group.create_task(world.call(peer))
    assert world.order[:2] == [FLOOD, PEOPLE]


async def test_peers_that_ask_for_as_much_get_as_much() -> None:
    world = World()
    async with asyncio.TaskGroup() as group:
        for peer in (ALICE, BOB):
            for _ in range(10):
                group.create_task(world.call(peer))
    assert abs(world.order[:10].count(ALICE) - 5) <= 1


async def test_what_a_peer_took_is_forgotten_in_time() -> None:
    world = World()
    await world.call(FLOOD, takes_ms=5_000)
    await world.call(ALICE, takes_ms=10)
    # Of five seconds half a millisecond is left after fourteen halvings, of two seconds each.
    world.now_ms += 28_000
    async with asyncio.TaskGroup() as group:
        for peer in (BOB, FLOOD, ALICE):
            group.create_task(world.call(peer))
    assert world.order[-3:] == [BOB, FLOOD, ALICE]


async def test_a_clock_that_starts_anew_holds_nobody_up() -> None:
    world = World()
    world.now_ms = 10**13
    await world.call(FLOOD)
    world.now_ms = 5
    async with asyncio.TaskGroup() as group:
        for peer in (BOB, FLOOD, ALICE):
            group.create_task(world.call(peer))
    assert world.order[1:] == [BOB, ALICE, FLOOD]


async def test_a_clock_that_fails_fails_one_call_and_holds_nobody_up() -> None:
    def clock() -> int:
        if failing:
            raise OSError("no clock")
        return 0

    failing = True
    turns: Turns[None] = Turns(clock)
    with pytest.raises(OSError, match="no clock"):
        async with turns.turn(ALICE):
            pass
    failing = False
    async with asyncio.timeout(10), turns.turn(ALICE):
        pass


async def test_a_clock_that_fails_as_a_turn_ends_keeps_it_from_nobody_who_waits() -> None:
    def clock() -> int:
        if failing:
            raise OSError("no clock")
        return 0

    async def wait() -> None:
        async with turns.turn(ALICE):
            pass

    failing = False
    turns: Turns[None] = Turns(clock)
    holding = turns.turn(PEOPLE)
    await holding.__aenter__()
    waiting = asyncio.get_running_loop().create_task(wait())
    await asyncio.sleep(0)
    failing = True
    with pytest.raises(OSError, match="no clock"):
        await holding.__aexit__(None, None, None)
    failing = False
    async with asyncio.timeout(10):
        await waiting
        await wait()


async def test_a_wait_that_is_given_up_leaves_the_turn_to_others() -> None:
    world = World()
    async with world.turns.turn(ALICE):
        waits = [world.begin(peer) for peer in (BOB, FLOOD)]
        await asyncio.sleep(0)
        waits[0].cancel()
        await asyncio.sleep(0)
    await waits[1]
    assert world.order == [FLOOD]
    with pytest.raises(asyncio.CancelledError):
        await waits[0]


async def test_a_turn_that_is_given_as_it_is_given_up_goes_on_to_others() -> None:
    world = World()
    holding = world.turns.turn(ALICE)
    await holding.__aenter__()
    waits = [world.begin(peer) for peer in (BOB, FLOOD)]
    await asyncio.sleep(0)
    await holding.__aexit__(None, None, None)
    waits[0].cancel()
    await asyncio.wait(waits)
    assert world.order == [FLOOD]
    await world.call(ALICE)


@given(
    st.lists(
        st.tuples(st.sampled_from([ALICE, BOB, FLOOD, PEOPLE]), st.integers(0, 50)), max_size=30
    ),
    st.lists(st.integers(0, 29), max_size=6),
)
def test_whoever_waits_gets_a_turn(calls: list[tuple[bytes, int]], given_up: list[int]) -> None:
    async def run() -> None:
        world = World()
        tasks = [world.begin(peer, takes) for peer, takes in calls]
        await asyncio.sleep(0)
        for number in given_up:
            if number < len(tasks):
                tasks[number].cancel()
        if tasks:
            _, waiting = await asyncio.wait(tasks, timeout=10)
            assert not waiting
        cancelled = sum(task.cancelled() for task in tasks)
        assert len(world.order) + cancelled == len(calls)
        await world.call(ALICE)

    asyncio.run(run())
