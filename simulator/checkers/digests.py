"""Two machines that met and were left in peace hold the same of what they share.

The heads are read from the tables themselves, so a digest that leaves something out can't hide it.
Used until all agree (liveness: it must be within a bound) and once more at the end. Which streams a
phone shares is taken from the hub's own scope; `scope` checks that by the acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from replica.scope import scope_of

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World

Heads = dict[bytes, frozenset[tuple[bytes, bytes, int, bytes]]]


def differing(world: World) -> Iterator[str]:
    """Pairs of a hub and a machine that should agree now and do not."""
    heads = {machine.name: _heads(machine) for machine in world.machines}
    for other in world.hubs[1:]:
        yield from _between(world.hubs[0], other, heads)
    for phone in world.phones:
        name = world.roaming[phone.name].hub
        yield from _between(next(hub for hub in world.hubs if hub.name == name), phone, heads)


def _between(hub: Machine, peer: Machine, heads: dict[str, Heads]) -> Iterator[str]:
    ours, theirs = heads[hub.name], heads[peer.name]
    if not peer.is_hub:
        scope = scope_of(hub.store.db, peer.identity.own, hub.clock.now_ms())
        ours = {stream: held for stream, held in ours.items() if stream in scope}
    unlike = sorted(s for s in ours.keys() | theirs.keys() if ours.get(s) != theirs.get(s))
    if unlike:
        shown = [
            f"{s.hex()} ({len(ours.get(s, ()))} logs and {len(theirs.get(s, ()))})"
            for s in unlike[:3]
        ]
        yield f"{hub.name} and {peer.name} differ in {len(unlike)} streams: {', '.join(shown)}"


def _heads(machine: Machine) -> Heads:
    rows = machine.store.db.execute(
        "SELECT stream, author, branch, height, head FROM log JOIN stream USING (stream) "
        "WHERE left_at IS NULL AND height > base"
    )
    found: dict[bytes, set[tuple[bytes, bytes, int, bytes]]] = {}
    for stream, *head in rows.fetchall():
        found.setdefault(stream, set()).add(tuple(head))
    return {stream: frozenset(held) for stream, held in found.items()}
