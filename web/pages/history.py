"""What changed in one stream, newest first: who, when, which field, to what.

Not a page of its own but a part of several. Entries that do not stand are shown and marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from web.actors import names_of_actors
from web.roster import vehicle_names

HISTORY_SHOWN_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change; `who` is a name, 'rule' or "".

    `act` names it to be undone, "" where it is none of a person of the office.
    """

    at_ms: int
    field: str
    value: str
    who: str
    inert: bool
    act: str


async def history_of(reader: Any, stream: str) -> tuple[HistoryRow, ...]:
    """The newest changes of a stream (hex id)."""
    rows = list(reversed(await reader.history(stream)))[:HISTORY_SHOWN_MAX]
    names = await names_of_actors(reader, rows)
    accounts = {row["account"] for row in await reader.rows("SELECT account FROM account")}
    vehicles = {}
    if any(row.field.startswith("vehicle") for row in rows):
        vehicles = await vehicle_names(reader)
    return tuple(
        HistoryRow(
            row.at,
            f"vehicle on {row.path}" if row.field == "vehicle on" else row.field,
            vehicles.get(row.value, row.value) if row.field.startswith("vehicle") else row.value,
            names.get(row.actor, row.actor),
            row.inert,
            f"{stream}-{row.entry}" if row.actor in accounts and not row.inert else "",
        )
        for row in rows
    )
