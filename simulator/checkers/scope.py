"""No phone ever holds a stream that was never for its worker.

What may be on a phone follows from the acts as they were made (`Truth.may_hold`), not from what the
hubs' own function of scope says. The frames that hubs send are looked at as they leave. Where
frames are forged or repeated on another's link, which TLS keeps out, only those are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator.battering import is_hostile

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World


def foreign(world: World, machine: Machine) -> Iterator[str]:
    """Streams that a phone's store holds anything of and should not."""
    if machine.is_hub or is_hostile(world.options):
        return
    rows = machine.store.db.execute(
        "SELECT stream FROM stream UNION SELECT stream FROM log UNION SELECT stream FROM staged"
    )
    for (stream,) in rows.fetchall():
        if not world.truth.may_hold(machine.worker, stream):
            yield f"{machine.name} holds stream {stream.hex()}, which was never in its scope"
