"""Forgetting in a simulated site: the office erases, and sets rules by which hours of long ago go.

Everything is done by the product's own functions, at times that are drawn; phones may be away for
all of it. Holds no judgement. Invariant: what is open is never erased, since the product refuses.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from core.dispatch import acts, day_acts
from core.dispatch.acts import ActError, day_stream
from core.dispatch.fields import LogKind
from hub.erasables import of_stream
from hub.forgetting import KEEP_DAYS_MIN, erase_streams
from replica.store import StoreError
from simulator.world.machine import Machine

DAY_S: Final = 86_400.0
_CLOSED: Final = (
    "SELECT job FROM job WHERE status NOT IN ('open', 'in progress') ORDER BY job LIMIT 20"
)
_CUSTOMERS: Final = (
    "SELECT customer FROM customer WHERE customer NOT IN (SELECT customer FROM job "
    "WHERE customer NOTNULL AND status IN ('open', 'in progress')) ORDER BY customer"
)
_DAYS: Final = "SELECT DISTINCT worker, day FROM time_log ORDER BY day DESC, worker LIMIT 12"


class Clerk:
    """Who erases at one hub, by hand and by setting how long things are kept.

    Args:
        per_day: how often, at the mean.
    """

    def __init__(self, hub: Machine, per_day: float, chance: Random) -> None:
        self._hub = hub
        self._per_day = per_day
        self._chance = chance
        self._account = chance.randbytes(8)

    async def erase(self) -> None:
        """Erase something now and then until it is cancelled."""
        chance = self._chance
        while True:
            await asyncio.sleep(chance.expovariate(self._per_day / DAY_S))
            doing = chance.choices((self._erase, self._keep), (8, 1))[0]
            try:
                await doing()
            except StoreError:
                self._hub.truth.points["the office could not erase"] += 1
            except ActError as error:
                self._hub.note("refused act", str(error))

    async def _erase(self) -> None:
        chance, hub = self._chance, self._hub
        db = hub.replica.store.db
        jobs = [bytes.fromhex(row[0]) for row in db.execute(_CLOSED).fetchall()]
        customers = [bytes.fromhex(row[0]) for row in db.execute(_CUSTOMERS).fetchall()]
        days = [day_stream(bytes.fromhex(who), day) for who, day in db.execute(_DAYS).fetchall()]
        streams = chance.choices((jobs, days, customers), (5, 5, 1))[0]
        if not streams:
            return
        found = of_stream(db, chance.choice(streams))
        if found is None:
            return
        chosen = found.chosen(along=chance.random() < 0.5)
        await hub.do(lambda replica: erase_streams(replica, chosen, actor=self._account))
        hub.note("erased", f"{len(chosen)} streams")
        hub.truth.points["the office erased something"] += 1

    async def _keep(self) -> None:
        """Say how long worker-days and jobs are kept: hours of long ago then go by the rule."""
        name = self._chance.choice(("keep_days_days", "keep_jobs_days", "keep_tracks_days"))
        days = KEEP_DAYS_MIN + self._chance.randrange(60)
        await self._hub.act(lambda _: acts.set_setting(name, days), actor=self._account)


class LateDays:
    """A worker who writes down days of long ago, of which rules of retention erase some."""

    def __init__(self, phone: Machine, per_day: float, chance: Random) -> None:
        self._phone = phone
        self._per_day = per_day
        self._chance = chance

    async def write_down(self) -> None:
        """Write such days until it is cancelled."""
        chance, phone = self._chance, self._phone
        while True:
            await asyncio.sleep(chance.expovariate(self._per_day / DAY_S))
            at_ms = phone.clock.now_ms() - chance.randrange(1, 150) * 86_400_000
            day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).date()
            act = self._day(day.isoformat(), at_ms)
            try:
                await phone.act(lambda _, act=act: act)  # type: ignore[misc]
            except StoreError:
                phone.truth.points["a worker could not save"] += 1
            except ActError as refusal:
                if "erased" not in str(refusal):
                    raise
                phone.truth.points["a worker was told that it is erased"] += 1

    def _day(self, day: str, at_ms: int) -> acts.Act:
        worker, log = self._phone.worker, self._chance.randbytes(8)
        fixes = [at_ms // 1_000 * 1_000, 601_700_000, 249_400_000, 8, *[0] * 20]
        return [
            *day_acts.start_log(worker, day, None, log, LogKind.OTHER, at_ms=at_ms),
            *day_acts.stop_log(worker, day, None, log, at_ms=at_ms + 600_000),
            *day_acts.add_fixes(worker, day, fixes),
        ]
