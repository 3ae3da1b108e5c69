"""What a replica told its user to be saved is there whenever its files are opened.

After kills, power cuts within transactions and full disks. What went with a disk that was replaced
by an older copy is excused until the machine has met the others, and so is what an entry that the
machine holds has erased. Does not look at other machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replica.logs import held_hashes

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World


def missing(world: World, machine: Machine) -> Iterator[str]:
    """Saved entries of a machine that its store does not hold."""
    held = held_hashes(machine.store.db)
    excused = world.truth.missing_since_restore.get(machine.name, set())
    erased = world.truth.erased_by(held)
    for saved in world.truth.saved_by(machine.name):
        if saved.hash in held or saved.hash in excused or erased.covers(saved.stream):
            continue
        yield (
            f"{machine.name} does not hold entry {saved.hash.hex()[:16]} of stream "
            f"{saved.stream.hex()}, which it had said to be saved at {saved.at_s:.0f} s"
        )
