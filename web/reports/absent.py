"""On how many days of a report's period its workers are absent.

Holds no drawing. Invariant: a day counts once, however many absences cover it.
"""

from __future__ import annotations

from dataclasses import dataclass

from web.board.reader import Rows
from web.reports.wanted import Wanted
from web.roster import absences, days_absent


@dataclass(frozen=True, slots=True)
class Absent:
    """A worker's name, and on how many days of the period it is absent."""

    name: str
    days: int


async def absent_workers(reader: Rows, wanted: Wanted) -> dict[str, Absent]:
    """The workers (hex) of a report by worker who are absent in its period."""
    if wanted.by != "worker" or wanted.customer:
        return {}
    days = [day.isoformat() for day in wanted.period.days()]
    away = await absences(reader, days[0], days[-1])
    rows = await reader.rows("SELECT worker, name, team FROM worker")
    return {
        row["worker"]: Absent(row["name"], days_absent(found, days[0], days[-1], days))
        for row in rows
        if (found := away.get(row["worker"]))
        and wanted.worker in ("", row["worker"])
        and wanted.team in ("", row["team"])
    }
