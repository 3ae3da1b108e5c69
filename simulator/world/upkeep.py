"""What a simulated machine's program does for its store now and again, as the product's do.

The functions are the product's, the rhythm that of `replica.device` and `hub.hub`. Holds no fate.
Invariant: a disk that refuses puts it off until the next time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from hub.forgetting import apply_retention
from replica.purging import forget_erased, forget_only_here
from replica.replica import Replica
from replica.store import StoreError
from simulator.world.machine import Machine

UPKEEP_FIRST_S: Final = 60.0
UPKEEP_S: Final = 3_600.0


async def look_after_store(machine: Machine, looked_at: Callable[[Machine], None]) -> None:
    """Look after a store until it is cancelled.

    `looked_at` is called before, while nothing has been put right yet.
    """
    pause_s = UPKEEP_S if machine.is_hub else UPKEEP_FIRST_S
    while True:
        await asyncio.sleep(pause_s)
        pause_s = UPKEEP_S
        looked_at(machine)
        try:
            await machine.writer.run(forget_erased, machine.replica)
            if machine.is_hub:
                await machine.do(apply_retention)
            if machine.ballast is not None:
                await machine.writer.run(machine.ballast.lay)
        except StoreError:
            machine.truth.points["a store was not looked after"] += 1


async def forget_for_good(machine: Machine) -> None:
    """At the end: the worker has read what only the own phone knew, and nothing is at work."""

    def forget(replica: Replica) -> None:
        forget_only_here(replica, all_of_it=True)
        forget_erased(replica)

    await machine.do(forget)
