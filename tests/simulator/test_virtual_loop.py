"""Virtual time, drawn order, inline executors, and what the loop refuses."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from simulator.trace import Trace, in_words
from simulator.virtual_loop import (
    Deadlock,
    Livelock,
    OutsideWorld,
    Unhandled,
    VirtualLoop,
    run,
)

YEAR_S = 365 * 86_400


def test_a_year_of_sleep_takes_a_handful_of_steps():
    async def main(loop: VirtualLoop) -> float:
        await asyncio.sleep(YEAR_S)
        return loop.time()

    outcome = run(main, 1)
    assert outcome.value == YEAR_S
    assert outcome.steps < 10


def test_over_the_seeds_tasks_that_are_ready_together_run_in_every_order():
    async def main(_: VirtualLoop) -> tuple[int, ...]:
        order: list[int] = []

        async def one(number: int) -> None:
            order.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(one(number))
        return tuple(order)

    assert {run(main, seed).value for seed in range(60)} == set(permutations(range(3)))


def test_plain_callbacks_keep_the_order_that_asyncio_promises():
    async def main(loop: VirtualLoop) -> list[int]:
        order: list[int] = []
        for number in range(50):
            loop.call_soon(order.append, number)
        for number in range(50, 100):
            loop.call_later(1.0, order.append, number)
        await asyncio.sleep(2)
        return order

    assert run(main, 3).value == list(range(100))


def test_a_run_repeats_within_one_process():
    async def main(loop: VirtualLoop) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(asyncio.sleep(number % 3))
        await loop.run_in_executor(None, len, "abc")

    first, again, other = run(main, 5), run(main, 5), run(main, 6)
    assert first == again
    assert first.digest != other.digest


def test_a_deadlock_names_who_waits_and_where():
    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    async def main(_: VirtualLoop) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait_for_ever(), name="the forgotten one")

    with pytest.raises(Deadlock, match=r"the forgotten one at Event\.wait"):
        run(main, 1)


def test_a_program_that_never_waits_is_stopped():
    async def main(loop: VirtualLoop) -> None:
        for _ in range(10_000):
            await asyncio.sleep(0)

    with pytest.raises(Livelock, match="2000 steps"):
        run(main, 1, steps_max=2_000)


async def _dial(_: VirtualLoop) -> None:
    await asyncio.open_connection("127.0.0.1", 9)


async def _serve(_: VirtualLoop) -> None:
    await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)


async def _resolve(loop: VirtualLoop) -> None:
    await loop.getaddrinfo("localhost", 80)


async def _start_a_program(_: VirtualLoop) -> None:
    await asyncio.create_subprocess_exec("true")


@pytest.mark.parametrize("main", [_dial, _serve, _resolve, _start_a_program])
def test_the_outside_world_is_refused_by_name(main):
    with pytest.raises(OutsideWorld, match="simulated world"):
        run(main, 1)


def test_another_thread_may_not_speak_to_the_loop():
    async def main(loop: VirtualLoop) -> list[BaseException]:
        errors: list[BaseException] = []

        def speak() -> None:
            try:
                loop.call_soon_threadsafe(print)
            except OutsideWorld as error:
                errors.append(error)

        thread = threading.Thread(target=speak)
        thread.start()
        thread.join()
        return errors

    (error,) = run(main, 1).value
    assert "run_in_executor" in str(error)


def test_calls_on_one_executor_run_one_after_another_and_in_order():
    async def main(loop: VirtualLoop) -> list[tuple[int, float]]:
        begun: list[tuple[int, float]] = []

        def begin(number: int) -> None:
            begun.append((number, loop.time()))

        with ThreadPoolExecutor(1) as threads:
            calls = [loop.run_in_executor(threads, begin, number) for number in range(20)]
            await asyncio.gather(*calls)
        return begun

    for seed in range(10):
        done = run(main, seed).value
        assert [number for number, _ in done] == list(range(20))
        assert [at_s for _, at_s in done] == sorted({at_s for _, at_s in done})


def test_a_call_that_was_cancelled_after_it_began_still_has_its_effect():
    async def main(loop: VirtualLoop) -> list[str]:
        done: list[str] = []
        with ThreadPoolExecutor(1) as threads:
            began = loop.run_in_executor(threads, done.append, "began")
            waits = loop.run_in_executor(threads, done.append, "waits")
            began.cancel()
            waits.cancel()
            await asyncio.sleep(1)
        return done

    assert run(main, 1).value == ["began"]


def test_an_error_in_an_executor_reaches_who_waits():
    async def main(loop: VirtualLoop) -> None:
        await loop.run_in_executor(None, [].pop)

    with pytest.raises(IndexError) as raised:
        run(main, 77)
    assert "seed 77" in raised.value.__notes__


def test_an_error_that_nobody_looked_at_fails_the_run():
    async def main(loop: VirtualLoop) -> None:
        loop.call_soon([].pop)
        await asyncio.sleep(1)

    with pytest.raises(Unhandled, match="pop from empty list"):
        run(main, 1)


def test_what_main_leaves_behind_can_clean_up():
    ended: list[float] = []

    async def main(loop: VirtualLoop) -> str:
        async def linger() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(5)
                ended.append(loop.time())

        tasks = {loop.create_task(linger()) for _ in range(3)}
        await asyncio.sleep(1)
        return f"{len(tasks)} left"

    assert run(main, 1).value == "3 left"
    assert ended == [6.0, 6.0, 6.0]


def test_timeouts_queues_and_locks_of_asyncio_work_in_virtual_time():
    async def main(loop: VirtualLoop) -> tuple[float, list[int]]:
        queue: asyncio.Queue[int] = asyncio.Queue(maxsize=1)
        got: list[int] = []

        async def fill() -> None:
            for number in range(5):
                await queue.put(number)
                await asyncio.sleep(60)

        async with asyncio.TaskGroup() as group:
            group.create_task(fill())
            try:
                async with asyncio.timeout(1_000):
                    while True:
                        got.append(await queue.get())
            except TimeoutError:
                pass
        return loop.time(), got

    assert run(main, 9).value == (1_000.0, [0, 1, 2, 3, 4])


def test_a_trace_stays_small_and_its_digest_covers_everything():
    first, second = Trace(kept_max=3), Trace(kept_max=3)
    for number in range(10):
        first.note(number, "tick", str(number))
        second.note(number, "tick", "changed" if number == 0 else str(number))
    assert (
        first.tail()
        == second.tail()
        == [f"day 1 00:00:0{number}.000 tick {number}" for number in (7, 8, 9)]
    )
    assert first.digest() != second.digest()
    assert first.count_by_kind == {"tick": 10}


def test_virtual_times_are_read_as_days():
    assert in_words(86_400 + 13 * 3_600 + 5 * 60 + 2.25) == "day 2 13:05:02.250"


def test_a_task_that_a_library_made_by_itself_has_a_number_of_its_loop_and_is_ended_with_it():
    ended = []

    async def main(loop: VirtualLoop) -> None:
        async def work() -> None:
            try:
                await asyncio.sleep(3_600)
            finally:
                ended.append(loop.time())

        # As aiohttp does from Python 3.12 on; such a task is named by a count of the whole process.
        task = asyncio.Task(work(), loop=loop)
        await asyncio.sleep(1)
        assert not task.done()

    assert run(main, 1).digest == run(main, 1).digest
    assert ended == [1.0, 1.0]
