"""Recurring jobs in a simulated site: offices begin and change them, and every hub makes all.

Everything is done by the product's own functions, at times that are drawn; hubs are cut off from
each other meanwhile, die and come back. Holds no judgement. Invariant: each hub makes what is due
as often as the product lets it, also where the other one makes the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Final

from core.dispatch.acts import ActError
from core.dispatch.recurrence import Often, occurrence_number
from core.dispatch.recurrence_acts import edit_recurrence
from hub.hub import UPKEEP_S
from hub.recurring import add, days_due, make_due, recurrence_of, skip, take_up
from replica.store import StoreError
from simulator.world.machine import Machine

DAY_S: Final = 86_400.0
# Of an office that begins more, hubs would have little else to do.
BEGUN_MAX: Final = 3
_ZONES: Final = ("Europe/Helsinki", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati")
_CUSTOMERS: Final = "SELECT customer FROM customer ORDER BY customer"
_KNOWN: Final = "SELECT recurrence FROM recurrence ORDER BY recurrence"


class Planner:
    """Who begins recurring jobs at one hub, and changes them.

    Args:
        workers: whom there is to choose from.
        per_day: how often, at the mean.
    """

    def __init__(
        self,
        hub: Machine,
        workers: Sequence[bytes],
        per_day: float,
        chance: Random,
    ) -> None:
        self._hub = hub
        self._workers = workers
        self._per_day = per_day
        self._chance = chance
        self._account = chance.randbytes(8)
        self._begun = 0

    async def plan(self) -> None:
        """Begin one, leave a day out, take that back or change one, until it is cancelled."""
        chance, points = self._chance, self._hub.truth.points
        while True:
            await asyncio.sleep(chance.expovariate(self._per_day / DAY_S))
            doing = chance.choices(
                (self._begin, self._skip, self._take_up, self._edit), (4, 3, 1, 2)
            )
            try:
                await doing[0]()
            except StoreError:
                points["the office could not save"] += 1
            except ActError as refusal:
                self._hub.note("refused act", str(refusal))

    async def _begin(self) -> None:
        if self._begun >= BEGUN_MAX:
            return
        self._begun += 1
        chance = self._chance
        weekly = chance.random() < 0.4
        known = self._hub.replica.store.db.execute(_CUSTOMERS).fetchall()
        customers = [bytes.fromhex(row[0]) for row in known]
        days = sorted(chance.sample(range(7), chance.randint(1, 4))) if weekly else []
        values: dict[str, object] = {
            "title": f"Round {self._hub.name} {self._begun}",
            "repeats": [Often.WEEKLY if weekly else Often.DAILY, 1, days],
            "zone": chance.choice(_ZONES),
            "hours": chance.choice((None, [8 * 60, 10 * 60], [22 * 60, 26 * 60])),
            "horizon": chance.randint(1, 4),
            "worker": chance.choice((None, *self._workers)),
            "customer": chance.choice((None, *customers)),
        }
        await self._hub.do(lambda replica: add(replica, values, actor=self._account))
        self._hub.truth.points["a recurring job was begun"] += 1

    async def _skip(self) -> None:
        stream = self._one()
        if stream is None:
            return
        days = [due.day for due in days_due(self._hub.replica) if due.recurrence.stream == stream]
        if days:
            # Some lie beyond the horizon.
            day = self._chance.choice(days) + timedelta(days=self._chance.choice((0, 0, 1, 7)))
            await self._hub.do(lambda replica: skip(replica, stream, day, actor=self._account))
            self._hub.truth.points["a day was left out"] += 1

    async def _take_up(self) -> None:
        stream = self._one()
        if stream is None:
            return
        recurrence = recurrence_of(self._hub.replica, stream)
        skipped: list[date] = sorted(recurrence.skipped) if recurrence is not None else []
        if skipped:
            day = self._chance.choice(skipped)
            await self._hub.do(lambda replica: take_up(replica, stream, day, actor=self._account))

    async def _edit(self) -> None:
        stream, chance = self._one(), self._chance
        if stream is None:
            return
        name, value = chance.choice(
            (
                ("title", f"Other round {chance.randrange(100)}"),
                ("horizon", chance.randint(1, 5)),
                ("worker", chance.choice((None, *self._workers))),
                ("hours", [6 * 60, 7 * 60]),
            )
        )
        changes = edit_recurrence(stream, {name: value})
        await self._hub.act(lambda _: changes, actor=self._account)

    def _one(self) -> bytes | None:
        rows = self._hub.replica.store.db.execute(_KNOWN).fetchall()
        return bytes.fromhex(self._chance.choice(rows)[0]) if rows else None


async def make_recurring(hub: Machine) -> None:
    """Make what is due at once and then every hour, as the hub's program does, until cancelled."""
    while True:
        try:
            made = await hub.do(make_due, is_act=False)
        except StoreError:
            hub.truth.points["a hub could not make recurring jobs"] += 1
        else:
            hub.truth.points["a recurring job was made"] += made
        await asyncio.sleep(UPKEEP_S)


async def make_once(hub: Machine) -> None:
    """Make what is due, and write down which jobs those are: a hub is to have them all."""
    await hub.do(make_due, is_act=False)
    for due in days_due(hub.replica):
        number = occurrence_number(due.recurrence.number, due.day)
        hub.truth.due_number_by_job[due.job] = number
