"""The workers that can be filtered by and assigned.

One question, for everything that offers them. Holds no HTML. Invariant: everybody who is not
archived is there once, in the order of names.
"""

from __future__ import annotations

from typing import Any

from web.board.reader import Rows


async def workers(reader: Rows) -> list[Any]:
    """The ones that are not archived, by name."""
    return await reader.rows(
        "SELECT worker.worker, worker.name, worker.phone, worker.skills, worker.shift,"
        " worker.jobs_on, worker.frontier, coalesce(team.name, '') AS team_name,"
        " coalesce(vehicle.name, '') AS vehicle_name FROM worker"
        " LEFT JOIN team ON team.team = worker.team LEFT JOIN vehicle USING (vehicle)"
        " WHERE NOT worker.archived ORDER BY lower(worker.name), worker.worker"
    )
