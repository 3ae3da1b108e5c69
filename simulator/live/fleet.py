"""A process full of phones: `python -m simulator.live.fleet`, told what to do by lines of JSON.

    {"do": "begin", "address": …, "fingerprint": …, "folder": …, "disk_folder": …, "seed": …,
     "options": {…}, "live": {…}, "number": N}
    {"do": "join", "worker": ID, "link": LINK}   a phone joins          -> {"joined": ID}
    {"do": "settle"}                             all meet the hub once  -> {"settled": N}
    {"do": "run"}                                the day                -> {"second": …}, {"ran": …}
    {"do": "drain"}                              all hand in the rest   -> {"drained": …}

Holds no judging. Invariant: it ends when its input ends, and removes what it laid.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from core.dispatch.acts import ActError
from hub.listening import allow_many_connections
from replica.clock import SystemClock
from replica.collecting import collecting_seldom
from replica.screens.port import EnrolmentRefused
from replica.store import StoreError
from simulator.draw import Options, chance_for
from simulator.live.phone import LivePhone, ShiftedClock
from simulator.live.tally import Tally
from simulator.live.target import Target
from simulator.scenario.scenario import Live
from simulator.weather import draw_outages
from simulator.world.remembered import signatures_remembered
from simulator.world.truth import Truth
from simulator.world.worker import Worker

SETTLE_AT_ONCE = 12
SETTLE_S_MAX = 120.0
DRAIN_S_MAX = 120.0
DAY_S = 86_400.0
LAG_LOOK_S = 0.1
# What a live run makes something of among a scenario's options: its network and its hub are real,
# and are as they are. Phones come on in its ramp up, as in a morning's rush.
LIVE_OPTIONS = frozenset(
    {
        "tunnels_per_day",
        "dead_zones_per_day",
        "offline_per_day",
        "clock_offset_ms_max",
        "kills_per_day",
        "morning_rush_s",
        "websockets",
    }
)


class Fleet:
    """The phones of one process.

    Args:
        asked: what `begin` said.
        tell: sends a line.
    """

    def __init__(self, asked: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._target = Target(asked["address"], bytes.fromhex(asked["fingerprint"]))
        self._folder = Path(asked["folder"])
        self._disk_folder = Path(asked["disk_folder"])
        self._seed: int = asked["seed"]
        self._number: int = asked["number"]
        self._options = Options(**asked["options"])
        self._live = Live(**asked["live"])
        self.tally = Tally()
        self._phones: list[LivePhone] = []
        self._workers: list[Worker[LivePhone]] = []
        self._lag_ms = 0.0

    async def join(self, worker: str, link: str) -> None:
        """Let a phone join; told in words where it may not."""
        name = f"phone {len(self._phones)}"
        chance = chance_for(self._seed, "live", self._number, name)
        on_disk = chance.random() < self._live.file_share
        folder = (self._disk_folder if on_disk else self._folder) / worker
        offset_ms = self._options.clock_offset_ms_max
        clock = ShiftedClock(chance.randint(-offset_ms, offset_ms)) if offset_ms else SystemClock()
        phone = LivePhone(folder, self._target, worker, clock, os.urandom, self.tally, Truth())
        try:
            await phone.join(link)
        except (EnrolmentRefused, StoreError, OSError) as refusal:
            self._tell({"joined": worker, "refused": str(refusal)})
            return
        self._phones.append(phone)
        self._workers.append(Worker(phone, [], chance, makes_jobs=False))
        self._tell({"joined": worker})

    async def settle(self) -> None:
        """Each phone meets the hub once, leaves, and writes what it is to have written by then."""
        places = asyncio.Semaphore(SETTLE_AT_ONCE)
        settled = 0

        async def one(phone: LivePhone, worker: Worker[LivePhone]) -> None:
            nonlocal settled
            async with places:
                phone.come_on()
                met = await _becomes(lambda: phone.has_met and phone.is_live, SETTLE_S_MAX)
                if not met:
                    why = phone.refusal or "it did not come to agree"
                    self.tally.failed(f"a phone's first meeting with the hub failed: {why}"[:200])
                await phone.go_off()
                await self._write_backlog(phone, worker)
                settled += met
                if met and settled % 20 == 0:
                    self._tell({"settling": settled})

        await asyncio.gather(*map(one, self._phones, self._workers))
        self._tell({"settled": settled, "tally": self.tally.drained()})

    async def _write_backlog(self, phone: LivePhone, worker: Worker[LivePhone]) -> None:
        tries = 0
        while phone.wrote_offline < self._live.backlog and tries < 4 * self._live.backlog:
            tries += 1
            await self._step(worker)
            if tries % 8 == 0:
                await asyncio.sleep(0)

    async def run(self) -> None:
        """The day: come on, work, leave; a line each second of how it goes."""
        live, loop = self._live, asyncio.get_running_loop()
        began_s = loop.time()
        watching = [loop.create_task(self._watch_lag()), loop.create_task(self._tell_seconds())]
        order = list(zip(self._phones, self._workers, strict=True))
        Random(self._seed).shuffle(order)
        count = max(1, len(order))
        until_s = began_s + live.ramp_up_s + live.hold_s
        try:
            async with asyncio.TaskGroup() as group:
                for place, (phone, worker) in enumerate(order):
                    comes_s = began_s + live.ramp_up_s * place / count
                    leaves_s = until_s + live.ramp_down_s * place / count
                    group.create_task(self._day(phone, worker, comes_s, leaves_s))
        finally:
            for task in watching:
                task.cancel()
            await asyncio.wait(watching)
        self._tell({"second": self._second()})
        self._tell({"ran": round(loop.time() - began_s, 1)})

    async def _day(
        self, phone: LivePhone, worker: Worker[LivePhone], comes_s: float, leaves_s: float
    ) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, comes_s - loop.time()))
        phone.come_on()
        chance = chance_for(self._seed, "day", phone.worker.hex())
        async with asyncio.TaskGroup() as group:
            parts = [
                group.create_task(self._work(worker, chance)),
                group.create_task(self._lose_networks(phone, chance)),
                group.create_task(self._kill(phone, chance)),
            ]
            await asyncio.sleep(max(0.0, leaves_s - loop.time()))
            for part in parts:
                part.cancel()
        if not phone.has_network:
            phone.find_network()

    async def _work(self, worker: Worker[LivePhone], chance: Random) -> None:
        per_s = self._live.taps_per_min / 60
        while per_s > 0:
            await asyncio.sleep(chance.expovariate(per_s))
            await self._step(worker)

    async def _step(self, worker: Worker[LivePhone]) -> None:
        try:
            await worker.step()
        except ActError as refusal:
            # What the office changed meanwhile is no fault; a worker is told and goes on.
            self.tally.count(f"told a worker: {refusal}"[:120])

    def _of_a_day(self) -> float:
        """Seconds of the run for a second of a day: the hold stands for one."""
        return self._live.hold_s / DAY_S

    async def _lose_networks(self, phone: LivePhone, chance: Random) -> None:
        scale, loop = self._of_a_day(), asyncio.get_running_loop()
        began_s = loop.time()
        for outage in draw_outages(chance, self._options, DAY_S):
            await asyncio.sleep(max(0.0, began_s + scale * outage.start_s - loop.time()))
            place = phone.place()
            if place is not None:
                self.tally.count(f"cut off {place[0]} {place[1]}")
            self.tally.count("networks lost")
            await phone.lose_network()
            await asyncio.sleep(max(0.0, began_s + scale * outage.end_s - loop.time()))
            phone.find_network()

    async def _kill(self, phone: LivePhone, chance: Random) -> None:
        per_day = self._options.kills_per_day
        while per_day > 0:
            await asyncio.sleep(chance.expovariate(per_day / DAY_S) * self._of_a_day())
            self.tally.count("programs killed")
            await phone.die_and_come_back()

    async def _watch_lag(self) -> None:
        """How late this process comes to what is due: a slow simulator must not blame a hub."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LAG_LOOK_S
            await asyncio.sleep(LAG_LOOK_S)
            self._lag_ms = max(self._lag_ms, 1_000 * (loop.time() - due_s))

    async def _tell_seconds(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._tell({"second": self._second()})

    def _second(self) -> dict[str, Any]:
        lag_ms, self._lag_ms = self._lag_ms, 0.0
        return {
            "on": sum(phone.is_connected for phone in self._phones),
            "live": sum(phone.is_live for phone in self._phones),
            "cut off": sum(not phone.has_network for phone in self._phones),
            "lag ms": round(lag_ms, 1),
            "processor s": time.process_time(),
            "tally": self.tally.drained(),
        }

    async def drain(self) -> None:
        """All hand in what they have, then leave; what could not be handed in is told."""
        for phone in self._phones:
            phone.find_network()
            phone.come_on()
        until_s = time.monotonic() + DRAIN_S_MAX
        left = self._phones
        while left and time.monotonic() < until_s:
            await asyncio.sleep(0.5)
            left = [phone for phone in left if not (phone.is_live and phone.entries()[1] == 0)]
        wrote = unsent = 0
        for phone in self._phones:
            all_of_it, waits = phone.entries()
            wrote, unsent = wrote + all_of_it, unsent + waits
        refusals = sorted({phone.refusal for phone in left if phone.refusal})
        told = {
            "wrote": wrote,
            "unsent": unsent,
            "phones left": len(left),
            "refusals": refusals[:5],
            "tally": self.tally.drained(),
        }
        self._tell({"drained": told})

    async def end(self) -> None:
        """Leave, and remove all that was laid."""
        for phone in self._phones:
            await phone.go_off()
            phone.remove()


async def _becomes(is_so: Callable[[], bool], within_s: float) -> bool:
    until_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until_s:
            return False
        await asyncio.sleep(0.05)
    return True


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


async def _asked() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _line(reader: asyncio.StreamReader, doing: set[asyncio.Task[None]]) -> bytes:
    """The next line, which may come while `doing` is done. Raises what that raises."""
    reading = asyncio.get_running_loop().create_task(reader.readline())
    while not reading.done():
        done, _ = await asyncio.wait({reading, *doing}, return_when=asyncio.FIRST_COMPLETED)
        for task in [each for each in doing if each in done]:
            doing.remove(task)
            task.result()
    return reading.result()


async def main() -> None:
    """Do what is asked until nobody asks any more, which ends what is being done."""
    reader = await _asked()
    fleet: Fleet | None = None
    doing: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    try:
        while line := await _line(reader, doing):
            asked = json.loads(line)
            if asked["do"] == "begin":
                fleet = Fleet(asked, _tell)
                _tell({"begun": asked["number"]})
                continue
            assert fleet is not None, "it has begun"
            steps: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
                "join": partial(fleet.join, asked.get("worker"), asked.get("link")),
                "settle": fleet.settle,
                "run": fleet.run,
                "drain": fleet.drain,
            }
            doing.add(loop.create_task(steps[asked["do"]]()))
    finally:
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)
        if fleet is not None:
            with contextlib.suppress(Exception):
                await fleet.end()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    allow_many_connections()
    with signatures_remembered(), collecting_seldom():
        asyncio.run(main())
