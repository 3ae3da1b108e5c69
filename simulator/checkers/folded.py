"""A state is the fold of the entries: by production code from scratch, and by a fold of our own.

Every store is also checked as `fieldlog check` does: hashes, seals, leaves, projections. The fold
of our own (`naive`) knows nothing of production's shortcuts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replica import logs
from replica.checking import check_store
from simulator.checkers import naive
from simulator.world.acted import path_words, stream_words
from simulator.world.truth import standing_hashes

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World


def wrong(world: World) -> Iterator[str]:
    """What a store holds that does not follow from its entries."""
    for machine in world.machines:
        for finding in check_store(machine.replica):
            yield f"{machine.name}: {finding}"
    # After healing the other hub and the phones hold the same entries, and equal states.
    yield from _unlike_naive(world.hubs[0])


def _unlike_naive(machine: Machine) -> Iterator[str]:
    replica = machine.replica
    for (stream,) in replica.store.db.execute("SELECT stream FROM stream").fetchall():
        entries = logs.stored_entries(replica.store.db, stream)
        standing_by_author = {e.author: replica.standing(e.author) for e in entries}
        formats = replica.reading.formats
        expected = naive.fold(replica.site, stream, entries, standing_by_author, formats)
        state = replica.state(stream)
        shown = {path: standing_hashes(state, path) for path in state.registers}
        if shown != expected:
            paths = [p for p in shown.keys() | expected.keys() if shown.get(p) != expected.get(p)]
            paths.sort(key=repr)
            where = f"{stream_words(stream)} ({stream.hex()})"
            others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            yield (
                f"{machine.name}: {where} folds otherwise than its entries say at "
                f"{path_words(paths[0])}{others}"
            )
