"""Every day of a recurrence has one job, on every hub, however many hubs made it.

What was due once all had come to agree was written down. What was erased has no job any more. Does
not look at what the jobs say: that their states agree is another's to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.world.run import World

_TWICE = "SELECT number, count(*) FROM job GROUP BY number HAVING count(*) > 1"


def wrong(world: World) -> Iterator[str]:
    """Days whose job is missing at a hub, and those that have several."""
    due = world.truth.due_number_by_job
    for hub in world.hubs:
        numbers = dict(hub.store.db.execute("SELECT job, number FROM job").fetchall())
        erased = hub.replica.erased
        for job, number in due.items():
            if numbers.get(job.hex()) != number and not erased.covers(job):
                yield f"{hub.name} has no job {number}, which was due"
        for number, count in hub.store.db.execute(_TWICE):
            if number in due.values():
                yield f"{hub.name} has {count} jobs {number}"
