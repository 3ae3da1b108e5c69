"""Photos in a simulated site: workers take them on phones, and they must come to the hubs.

Holds no judgement. Invariant: a photo is in the book when its worker was told that it is saved.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from core.dispatch.acts import ActError
from replica.filing import save_file
from replica.store import StoreError
from simulator.world.machine import Machine
from simulator.world.truth import Photo

DAY_S: Final = 86_400.0
# Up to three chunks where a seed's limits are narrow, and never what a thin network can't carry.
PHOTO_BYTES_MIN, PHOTO_BYTES_MAX = 200, 12_000
_MINE: Final = (
    "SELECT job FROM assignment WHERE worker = ? AND phase NOT IN ('withdrawn', 'released') "
    "ORDER BY assigned_at DESC, job LIMIT 6"
)


class Photographer:
    """A worker who takes photos of jobs.

    Args:
        per_day: how many, at the mean.
    """

    def __init__(self, phone: Machine, per_day: float, chance: Random) -> None:
        self._phone = phone
        self._per_day = per_day
        self._chance = chance

    async def take(self) -> None:
        """Take photos until it is cancelled."""
        points = self._phone.truth.points
        while True:
            await asyncio.sleep(self._chance.expovariate(self._per_day / DAY_S))
            try:
                await self._photograph()
            except StoreError:
                points["a worker could not save"] += 1
            except ActError as refusal:
                if "erased" not in str(refusal):
                    raise
                points["a worker was told that it is erased"] += 1

    async def _photograph(self) -> None:
        chance, phone = self._chance, self._phone
        rows = phone.replica.store.db.execute(_MINE, (phone.worker.hex(),)).fetchall()
        if not rows:
            return
        job = bytes.fromhex(chance.choice(rows)[0])
        data = chance.randbytes(chance.randint(PHOTO_BYTES_MIN, PHOTO_BYTES_MAX))
        saved = await phone.do(lambda replica: save_file(replica, job, data), is_act=False)
        if not phone.up:
            # Nobody saw it.
            return
        entry = saved.written.hash_by_stream[job]
        phone.truth.photos[saved.address] = Photo(phone.name, job, entry, data)
        phone.truth.points["a photo was taken"] += 1
