"""Hubs that move: a hub's address is another from then on, and phones and hubs must find it.

An address is a name for where a hub stands; the network below knows hubs by their own names.
Whoever dials a hub goes by the address that it was enrolled with and those that hubs told, read
from its own store by the product's rules (`replica.hubs`). Holds no times (see `fate`).
Invariant: a hub has one address at a time, and no address is ever another hub's.
"""

from __future__ import annotations

import asyncio
from typing import Final

from core.dispatch.acts import SITE_STREAM, set_hub_addresses
from core.dispatch.fields import HUB_ADDRESSES
from core.dispatch.show import value_at
from replica.hubs import hubs_by_letter
from replica.replica import Replica
from replica.store import StoreError
from simulator.world.machine import Machine

TRY_AGAIN_S: Final = 600.0


class Houses:
    """Where each hub stands, and who knows it."""

    def __init__(self) -> None:
        self._moves: dict[str, int] = {}

    def address(self, hub: str) -> str:
        """Where a hub is now."""
        return f"{hub} in house {1 + self._moves.get(hub, 0)}"

    def move(self, hub: str) -> None:
        """From here on a hub is somewhere else; nobody was told yet."""
        self._moves[hub] = self._moves.get(hub, 0) + 1

    def has_moved(self, hub: str) -> bool:
        """Whether a hub is elsewhere than at first."""
        return hub in self._moves

    def knows(self, machine: Machine, hub: str) -> bool:
        """Whether a machine would find a hub: by where it was at first, or by what hubs told."""
        if not self.has_moved(hub):
            return True
        found = self.was_told(machine, hub)
        machine.truth.points["somebody found a hub that had moved"] += found
        return found

    def was_told(self, machine: Machine, hub: str) -> bool:
        """Whether a machine's own store names the address where a hub is now."""
        replica = machine.replica
        registers = replica.state(SITE_STREAM).registers
        letter = hub.removeprefix("hub ")
        told = [
            value_at(registers, (HUB_ADDRESSES, each.author)) or ()
            for each in hubs_by_letter(replica).get(letter, ())
        ]
        return any(self.address(hub) in addresses for addresses in told)

    async def tell(self, hub: Machine) -> None:
        """Say where a hub is, as its program does at each start, where that is not said yet."""

        def write(replica: Replica) -> None:
            addresses = [self.address(hub.name)]
            registers = replica.state(SITE_STREAM).registers
            if value_at(registers, (HUB_ADDRESSES, replica.author)) != addresses:
                replica.write(set_hub_addresses(replica.author, addresses))

        while True:
            try:
                await hub.do(write, is_act=False)
            except StoreError:
                hub.note("store", "failed")
                await asyncio.sleep(TRY_AGAIN_S)
            else:
                return
