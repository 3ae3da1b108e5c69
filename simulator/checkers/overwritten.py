"""A write overwrites what its author had before its eyes, and nothing else.

At each write what stood at its paths in the author's own store was written down. At the end a write
stands unless another was made with it in view. Paths to which somebody wrote from a stale page are
left out, for what that page showed is the frontier's matter, which `folded` checks; so are those to
which a hostile phone wrote what it may write, since nobody knows what it had seen. What a key wrote
after it was shut out overwrites nothing (`revoked` and `folded` say what that is).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from core.log.entry import Path
from core.log.stream import AFTER_REVOCATION, StreamState
from replica.logs import held_hashes
from simulator.world.truth import standing_hashes

if TYPE_CHECKING:
    from simulator.world.run import World


def wrong(world: World) -> Iterator[str]:
    """Paths at which other writes stand than people must expect."""
    hub = world.hubs[0]
    held = held_hashes(hub.store.db)
    hostile = {phone.identity.author for phone in world.hostile}
    for stream, by_path in world.truth.views.items():
        state = hub.replica.state(stream)
        astray = _paths_of(state, hostile) if hostile else set()
        fallen = _fallen(state) if state.has_revoked_author else set[bytes]()
        stands = held - fallen
        for path, views in by_path.items():
            made = {entry_hash: view for entry_hash, view in views.items() if entry_hash in stands}
            register = state.registers.get(path)
            if path in astray:
                continue
            if not made or register is None or any(view is None for view in made.values()):
                continue
            viewed = _viewed(made, views, fallen)
            standing = standing_hashes(state, path)
            known = made.keys() | viewed
            if standing & known != made.keys() - viewed:
                yield (
                    f"stream {stream.hex()} at {path!r}: {len(standing & known)} writes stand, "
                    f"{len(made.keys() - viewed)} should"
                )


def _viewed(
    made: Mapping[bytes, frozenset[bytes] | None],
    views: Mapping[bytes, frozenset[bytes] | None],
    fallen: set[bytes],
) -> frozenset[bytes]:
    """What the authors of `made` had in view, also by way of writes that have fallen since."""
    viewed, pending = set[bytes](), list(made)
    while pending:
        for seen in views.get(pending.pop()) or ():
            if seen not in viewed:
                viewed.add(seen)
                pending += [seen] if seen in fallen else []
    return frozenset(viewed)


def _fallen(state: StreamState) -> set[bytes]:
    """What keys wrote after they were shut out."""
    return {p.stored.hash for p in state.entries() if p.inert == AFTER_REVOCATION}


def _paths_of(state: StreamState, authors: set[bytes]) -> set[Path]:
    """The paths to which these authors wrote."""
    return {
        path
        for placed in state.entries()
        if placed.stored.author in authors and placed.entry is not None
        for path, _ in placed.entry.changes
    }
