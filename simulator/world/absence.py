"""A phone that is away for a month, a quarter or a year, and works on all the while.

Meanwhile the office works on at its hubs, and nobody meets anybody: all programs stand still, so
that a year costs what is done in it and no more. Holds no judgement. Invariant: whatever is done
goes through `Machine.act`, as on any other day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Final

from simulator.world.machine import Machine
from simulator.world.office import Dispatcher
from simulator.world.worker import WORK_BEGINS_H, Worker

DAY_S: Final = 86_400.0
# Over the whole absence, however long; so a year of little work is no longer than a busy month.
WORKER_ACTS: Final = 180
OFFICE_ACTS: Final = 60


async def be_away(
    days: int, worker: Worker[Machine], office: Sequence[Dispatcher], chance: Random
) -> None:
    """Let so many days go by in which a worker and the office meet nobody."""
    loop = asyncio.get_running_loop()
    worker.phone.note("away", f"for {days} days")
    for _ in range(days):
        await asyncio.sleep((WORK_BEGINS_H * 3_600 - loop.time()) % DAY_S)
        if acts := _so_often(WORKER_ACTS / days, chance):
            await worker.live_day(acts)
        for _ in range(_so_often(OFFICE_ACTS / days, chance) if office else 0):
            await chance.choice(office).step()
        await asyncio.sleep(3_600.0)
    worker.phone.truth.points["a phone was away for a month or longer"] += 1


def _so_often(mean: float, chance: Random) -> int:
    """A whole number around a mean."""
    return int(mean * 2 * chance.random() + chance.random())
