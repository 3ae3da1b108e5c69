"""What was erased is gone on whoever knows of it, and does not come back.

Who holds an entry that erases holds nothing of what it names, from the same transaction on. At the
end everybody holds all such entries, and no byte of an erased job stands in any file: each text of
a job ends with a part of its id. Does not look at summaries of what was erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Kind
from replica.logs import stored_entries
from simulator.world.truth import mark_of

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World

_HELD = "SELECT stream FROM stream UNION SELECT stream FROM log UNION SELECT stream FROM staged"


def back(world: World, machine: Machine) -> Iterator[str]:
    """Streams of which a machine holds anything although it knows them to be erased."""
    if not world.truth.erasure_by_hash:
        return
    erased = world.truth.erased_by(_of_site(machine))
    for (stream,) in machine.store.db.execute(_HELD).fetchall():
        if erased.covers(stream):
            yield f"{machine.name} holds stream {stream.hex()}, which it knows to be erased"


def left(world: World) -> Iterator[str]:
    """At the end: acts that not all know of, and bytes that still stand somewhere."""
    if not world.truth.erasure_by_hash:
        return
    known = {machine.name: _of_site(machine) for machine in world.machines}
    acts = world.truth.erasure_by_hash.keys() & set[bytes]().union(*known.values())
    jobs = [stream for stream in world.truth.workers_by_job if stream[4] == Kind.JOB]
    for machine in world.machines:
        if acts - known[machine.name]:
            yield f"{machine.name} does not know of all that was erased"
        erased = world.truth.erased_by(known[machine.name])
        stored = machine.disk.stored_bytes()
        for job in filter(erased.covers, jobs):
            if mark_of(job).encode() in stored:
                yield f"{machine.name} still has bytes of job {job.hex()}, which was erased"


def _of_site(machine: Machine) -> set[bytes]:
    """The entries of the site stream that a machine holds: there all that is erased is said."""
    return {stored.hash for stored in stored_entries(machine.store.db, SITE_STREAM)}
