"""Phones that meet phones: workers stand beside each other, away from every hub.

Each phone has an endpoint for whoever is at hand, which no weather reaches; sessions there are
held by the real `replica.driver`, as those of `replica.meeting`. Each frame is looked at on its
way. Holds no judgement. Invariant: nothing here changes a frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Final

from core.log.errors import SessionRefused
from replica.link import LinkClosed
from simulator.wire import WeatherLink
from simulator.world.machine import Machine
from simulator.world.talk import Leaks, WatchedLink, held, hooks_of

DAY_S: Final = 86_400.0
STAY_S: Final = (2.0, 900.0)


class Colleague:
    """A phone among those of colleagues.

    Args:
        others: the phones that it may meet.
        per_day: how many it looks for, at the mean.
    """

    def __init__(
        self,
        phone: Machine,
        others: Sequence[Machine],
        per_day: float,
        chance: Random,
        leaks: Leaks,
    ) -> None:
        self._phone = phone
        self._others = others
        self._per_day = per_day
        self._chance = chance
        self._leaks = leaks

    async def listen(self) -> None:
        """Be there for colleagues until it is cancelled."""
        phone = self._phone
        listener = phone.weather.listen(phone.at_hand)
        names = {other.at_hand: other.name for other in self._others}
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    link = await listener.accept()
                    peer = names[link.peer]
                    group.create_task(self._hold(link, peer), name=f"{phone.name} {peer}")
        except LinkClosed:
            return
        finally:
            listener.close()

    async def meet(self) -> None:
        """Stand beside a colleague now and then until it is cancelled."""
        phone, chance = self._phone, self._chance
        while True:
            await asyncio.sleep(chance.expovariate(self._per_day / DAY_S))
            other = chance.choice(self._others)
            try:
                async with (
                    asyncio.timeout(chance.uniform(*STAY_S)),
                    phone.weather.dial(phone.at_hand, other.at_hand) as link,
                ):
                    await self._hold(link, other.name, opens=True)
            except (LinkClosed, SessionRefused, TimeoutError):
                pass

    async def _hold(self, link: WeatherLink, peer: str, *, opens: bool = False) -> None:
        phone = self._phone
        hooks = hooks_of(phone, peer)
        agreed = hooks.live

        async def live() -> None:
            phone.truth.points["phones came to agree"] += 1
            await agreed()

        hooks.live = live
        watched = WatchedLink(link, peer, phone.truth.points, self._leaks)
        await held(phone, watched, opens=opens, hooks=hooks)
