"""A small world in a process of its own: prints the digest of its trace and what it came to.

Run by test_replay.py under different PYTHONHASHSEEDs. It does what is easily not replayed: sets of
tasks that are cancelled together, executors, links that break, partitions.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from replica.link import LinkClosed
from simulator.draw import chance_for, draw_options
from simulator.virtual_loop import VirtualLoop, run
from simulator.weather import Listener, Weather, draw_outages
from simulator.wire import WeatherLink

HOUR_S = 3_600.0
PHONES = [f"phone {number}" for number in range(6)]


async def world(loop: VirtualLoop) -> int:
    seed = loop.seed
    network = {
        "cuts",
        "half_open",
        "stalls",
        "tunnels",
        "partitions",
        "one_way",
        "clogs",
        "flipped",
    }
    options = draw_options(seed, allowed=network)
    weather = Weather(loop, chance_for(seed, "weather"), options, loop.trace)
    threads = ThreadPoolExecutor(max_workers=1)
    taken = 0

    async def answer(listener: Listener[WeatherLink]) -> None:
        nonlocal taken
        async with asyncio.TaskGroup() as group:
            while True:
                link = await listener.accept()
                group.create_task(echo(link))

    async def echo(link) -> None:
        nonlocal taken
        try:
            while True:
                frame = await link.receive()
                taken += await loop.run_in_executor(threads, len, frame)
                await link.send(frame)
        except LinkClosed:
            await link.close()

    async def phone(name: str) -> None:
        chance = chance_for(seed, name)
        while loop.time() < 12 * HOUR_S:
            await asyncio.sleep(chance.uniform(10, 600))
            try:
                async with weather.dial(name, "hub") as link, asyncio.timeout(900):
                    for _ in range(chance.randrange(6)):
                        await link.send(chance.randbytes(chance.randrange(1, 3_000)))
                        await link.receive()
            except (LinkClosed, TimeoutError):
                continue

    async def fail_late() -> None:
        await asyncio.sleep(1)
        raise ValueError

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(asyncio.sleep(HOUR_S))
            group.create_task(fail_late())
    except* ValueError:
        taken += 1
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(answer(weather.listen("hub")))
        storm = group.create_task(weather.storm(["hub", *PHONES], 12 * HOUR_S))
        for name in PHONES:
            outages = draw_outages(chance_for(seed, "outages", name), options, 12 * HOUR_S)
            group.create_task(weather.follow(name, outages))
        await asyncio.gather(*map(phone, PHONES))
        weather.clear()
        storm.cancel()
        answering.cancel()
    threads.shutdown()
    return taken


if __name__ == "__main__":
    for seed in map(int, sys.argv[1:]):
        outcome = run(world, seed)
        sys.stdout.write(f"{seed} {outcome.digest} {outcome.value} {outcome.steps}\n")
