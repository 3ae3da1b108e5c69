"""Shutting phones out: the office revokes a key, and its worker joins again with a new one.

As a phone that was lost and found: it works on under the key that is shut out until its worker has
joined again; then all that it holds goes on under the new key. Sometimes the office lets count what
was written meanwhile. Holds no judgement. Invariant: whoever was shut out joins again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

from hub.admission import admit, waiting
from hub.revocation import shut_out
from replica.generation import remember_former, seal_own, void_reach
from replica.replica import Replica
from replica.store import StoreError
from simulator.world.machine import Machine
from simulator.world.site import certificate_act, make_phone

# How long a worker goes on without noticing, or without coming by the office.
SHUT_OUT_S_MAX: Final = 6 * 3_600.0
TRY_AGAIN_S: Final = 600.0

Reborn = Callable[[Machine], Awaitable[None]]


class ShuttingOut:
    """How the offices of a site deal with phones that are lost.

    Args:
        hubs: at any of which a phone can be shut out, join again and have its work admitted.
        entropy: gives new keys.
    """

    def __init__(self, hubs: Sequence[Machine], entropy: Callable[[int], bytes]) -> None:
        self._hubs = hubs
        self._entropy = entropy

    async def befall(self, phone: Machine, chance: Random, reborn: Reborn) -> bool:
        """Let a phone be shut out and join again; False where no hub was there to do it.

        `reborn` is called when it is open again under the new key.
        """
        author, points = phone.identity.author, phone.truth.points
        hub = chance.choice(self._hubs)
        if not hub.up:
            return False
        phone.note("shut out", hub.name)
        try:
            await hub.do(lambda replica: shut_out(replica, author))
            points["a phone was shut out"] += 1
        except StoreError:
            # Whether it was, nobody knows: the worker is told to join again in any case.
            points["the office could not shut a phone out"] += 1
        await asyncio.sleep(chance.uniform(60.0, SHUT_OUT_S_MAX))
        await self._join_again(phone, chance)
        await reborn(phone)
        if chance.random() < 0.5:
            await asyncio.sleep(chance.uniform(60.0, SHUT_OUT_S_MAX))
            await self._admit(chance.choice(self._hubs), author)
        return True

    async def _join_again(self, phone: Machine, chance: Random) -> None:
        """A hub certifies a new key, under which the phone begins anew with all that it holds."""
        while True:
            hub = chance.choice(self._hubs)
            identity = make_phone(hub.identity, phone.worker, self._entropy)
            try:
                if hub.up and await hub.act(lambda _, who=identity: certificate_act(who)):  # type: ignore[misc]
                    break
            except StoreError:
                hub.note("store", "failed")
            await asyncio.sleep(TRY_AGAIN_S)
        await phone.die(silent=False)
        phone.open()
        begin_anew(phone.replica)
        phone.close()
        phone.truth.laid_down_at_s[phone.identity.author] = phone.weather.loop.time()
        phone.become(identity)
        phone.open()
        phone.note("joined again")

    async def _admit(self, hub: Machine, author: bytes) -> None:
        """Let count what a key wrote after it was shut out, as far as a hub knows it."""

        def let_count(replica: Replica) -> int:
            mine = [each for each in waiting(replica) if each.author == author]
            return sum(admit(replica, each.stream, author) for each in mine)

        if not hub.up:
            return
        try:
            count = await hub.do(let_count)
        except StoreError:
            hub.note("store", "failed")
            return
        hub.truth.points["what a shut-out key wrote was admitted"] += bool(count)


def begin_anew(replica: Replica) -> None:
    """What `replica.generation.begin_anew` does to a store, of a key that lies in no folder."""
    store = replica.store
    with store.transaction():
        seal_own(store, replica.identity.key)
        remember_former(store, replica.author)
        void_reach(store, replica.entropy)
        store.put("mine", 0)
