"""Every entry that anybody holds was written by its author.

An author's own store holds all that it wrote, so an entry of its that it does not hold was forged;
but for an author whose disk came back from a copy. What was written under a key that a phone laid
down is known from the book. Does not look at signatures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replica.logs import held_hashes

if TYPE_CHECKING:
    from simulator.world.run import World


def forged(world: World) -> Iterator[str]:
    """Entries of an author that it never wrote."""
    own_by_author = {
        machine.replica.author: held_hashes(machine.store.db, machine.replica.author)
        for machine in world.machines
        if machine.name not in world.truth.restored_at_s
    }
    for machine in world.machines:
        for author, own in own_by_author.items():
            for entry_hash in sorted(held_hashes(machine.store.db, author) - own):
                yield (
                    f"{machine.name} holds entry {entry_hash.hex()[:16]} of author "
                    f"{author.hex()[:8]}, who never wrote it"
                )
        for author in sorted(world.truth.laid_down_at_s):
            for entry_hash in sorted(held_hashes(machine.store.db, author)):
                if world.truth.author_by_hash.get(entry_hash) != author:
                    yield (
                        f"{machine.name} holds entry {entry_hash.hex()[:16]} of the former author "
                        f"{author.hex()[:8]}, who never wrote it"
                    )
