"""Every phone and hub knows at the end where each hub stands that has moved.

What it knows is read from its own store as the product reads it. Does not look at how it got there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.world.run import World


def lost(world: World) -> Iterator[str]:
    """Machines that would not find a hub that has moved."""
    for hub in world.hubs:
        for machine in world.machines:
            if machine is hub or not world.houses.has_moved(hub.name):
                continue
            if not world.houses.was_told(machine, hub.name):
                yield f"{machine.name} does not know that {hub.name} has moved"
