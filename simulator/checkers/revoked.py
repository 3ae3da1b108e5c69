"""A key that was shut out counts up to what hubs held of it when they learnt so, and no further.

What each hub held at that moment was written down, and the furthest of them counts. Measured on
hubs, once all have healed. What was admitted counts by entries of the hub that did it and is no
matter here. Does not look at what entries say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.log.stream import AFTER_REVOCATION
from replica.logs import held_hashes

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World


def wrong(world: World) -> Iterator[str]:
    """Work from before that does not count any more, and what came after and counts."""
    if not world.truth.revoked_by_hash:
        return
    for hub in world.hubs:
        yield from _on(world, hub)


def _on(world: World, hub: Machine) -> Iterator[str]:
    truth, held = world.truth, held_hashes(hub.store.db)
    revoked = {key for entry, key in truth.revoked_by_hash.items() if entry in held}
    must_count = set[bytes]().union(
        *(counted for (_, key), counted in truth.counted.items() if key in revoked)
    )
    written = {entry for entry in held if truth.author_by_hash.get(entry) in revoked}
    for stream in sorted({truth.stream_by_hash[entry] for entry in written}):
        for placed in hub.replica.state(stream).entries():
            entry, inert = placed.stored.hash, placed.inert
            named = f"entry {entry.hex()[:16]} of stream {stream.hex()}"
            if entry in must_count and inert == AFTER_REVOCATION:
                yield (
                    f"{hub.name} lets {named} fall, which a hub held when its author was shut out"
                )
            if entry in written and entry not in truth.ever_counted and not inert:
                yield (
                    f"{hub.name} lets {named} count, which no hub held when its author was shut out"
                )
