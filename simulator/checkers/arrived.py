"""What any replica told its user to be saved is on both hubs once all has healed.

What was on one machine alone when that came back from an older copy is lost with its disk, and
known to be (`Truth.lost_with_a_disk`). What was erased is nowhere (`erased`). Does not look
at what became of the entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replica.logs import held_hashes

if TYPE_CHECKING:
    from simulator.world.run import World


def missing(world: World) -> Iterator[str]:
    """Saved entries that a hub does not hold."""
    for hub in world.hubs:
        held = held_hashes(hub.store.db)
        excused, erased = world.truth.lost_with_a_disk, world.truth.erased_by(held)
        for saved in world.truth.saved.values():
            if saved.hash in held or saved.hash in excused or erased.covers(saved.stream):
                continue
            yield (
                f"{hub.name} does not hold entry {saved.hash.hex()[:16]} of stream "
                f"{saved.stream.hex()}, which {saved.machine} said to be saved at "
                f"{saved.at_s:.0f} s"
            )
