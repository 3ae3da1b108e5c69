"""Every entry that anybody holds was written by its author.

An author's own store holds all that it wrote, so an entry of its that it does not hold was forged;
but for an author whose disk came back from a copy. Does not look at signatures.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.world.run import World


def forged(world: World) -> Iterator[str]:
    """Entries of an author that it never wrote."""
    own_by_author = {
        machine.replica.author: _written(machine.store.db, machine.replica.author)
        for machine in world.machines
        if machine.name not in world.truth.restored_at_s
    }
    for machine in world.machines:
        for author, own in own_by_author.items():
            for entry_hash in sorted(_written(machine.store.db, author) - own):
                yield (
                    f"{machine.name} holds entry {entry_hash.hex()[:16]} of author "
                    f"{author.hex()[:8]}, who never wrote it"
                )


def _written(db: sqlite3.Connection, author: bytes) -> set[bytes]:
    rows = db.execute(
        "SELECT entry.hash FROM entry JOIN log USING (log) WHERE author = ?", (author,)
    )
    return {row[0] for row in rows}
