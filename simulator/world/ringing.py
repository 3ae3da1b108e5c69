"""A customer rings two dispatchers about one job, and both act on it at once.

Each looks at the job on the page of an own hub, thinks for a while, and acts from what the page
showed; so neither has seen what the other writes. Holds no judgement: what stands in the end is for
`overwritten` and `folded` to say. Invariant: both act through `Dispatcher.act_on`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Final

from core.dispatch.acts import ActError
from replica.store import StoreError
from simulator.world.office import Dispatcher

DAY_S: Final = 86_400.0
THINKS_S: Final = (1.0, 600.0)


async def ring(office: Sequence[Dispatcher], per_day: float, chance: Random) -> None:
    """Ring two dispatchers now and then, until it is cancelled."""
    while True:
        await asyncio.sleep(chance.expovariate(per_day / DAY_S))
        one, other = chance.sample(office, 2)
        if not (one.hub.up and other.hub.up):
            continue
        shown = [job for job in one.shown() if job in other.shown()]
        if not shown:
            continue
        job = chance.choice(shown)
        thinks_s = [chance.uniform(*THINKS_S) for _ in range(2)]
        tokens = [one.shown()[job], other.shown()[job]]
        one.hub.note("rung", f"and {other.hub.name} about one job")
        async with asyncio.TaskGroup() as group:
            acting = [
                group.create_task(_act(who, job, token, wait_s), name="a dispatcher rung up")
                for who, token, wait_s in zip((one, other), tokens, thinks_s, strict=True)
            ]
        if all(task.result() for task in acting):
            one.hub.truth.points["two dispatchers took one job at once"] += 1


async def _act(who: Dispatcher, job: bytes, token: str, wait_s: float) -> bool:
    """Act on a job after thinking; whether it was saved."""
    await asyncio.sleep(wait_s)
    if not who.hub.up:
        return False
    try:
        return await who.act_on(job, token)
    except ActError as error:
        who.hub.note("refused act", str(error))
        return False
    except StoreError:
        who.hub.truth.points["a dispatcher could not save"] += 1
        return False
