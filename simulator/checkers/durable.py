"""What a replica told its user to be saved is there whenever its files are opened.

After kills, power cuts within transactions and full disks. What went with a disk that was replaced
by an older copy is excused until the machine has met the others, and so is what an entry that the
machine holds has erased; and what a phone wrote under a key that it has laid down goes with a
stream that leaves it, as the entries of others do. Does not look at other machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replica.logs import held_hashes

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World
    from simulator.world.truth import Saved


def missing(world: World, machine: Machine) -> Iterator[str]:
    """Saved entries of a machine that its store does not hold."""
    held = held_hashes(machine.store.db)
    excused = world.truth.missing_since_restore.get(machine.name, set())
    erased = world.truth.erased_by(held)
    for saved in world.truth.saved_by(machine.name):
        if saved.hash in held or saved.hash in excused or erased.covers(saved.stream):
            continue
        if _left_with_others(world, machine, saved):
            continue
        yield (
            f"{machine.name} does not hold entry {saved.hash.hex()[:16]} of stream "
            f"{saved.stream.hex()}, which it had said to be saved at {saved.at_s:.0f} s"
        )


def _left_with_others(world: World, machine: Machine, saved: Saved) -> bool:
    truth = world.truth
    laid_down_s = truth.laid_down_at_s.get(truth.author_by_hash[saved.hash])
    dropped_s = truth.dropped_at_s.get((machine.name, saved.stream), -1.0)
    return laid_down_s is not None and dropped_s >= laid_down_s
