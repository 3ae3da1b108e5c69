"""What changed in one stream, newest first: who, when, which field, to what.

Not a page of its own but a part of several. Entries that do not stand are shown and marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

HISTORY_SHOWN_MAX: Final = 60

_HISTORY: Final = """
    SELECT history.at, history.field, history.value, history.inert,
           coalesce(account.name, worker.name, history.actor) AS who
    FROM history
    LEFT JOIN account ON account.account = history.actor
    LEFT JOIN worker ON worker.worker = history.actor
    WHERE history.stream = ? ORDER BY history.number DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change; `who` is a name, 'rule' or ""."""

    at_ms: int
    field: str
    value: str
    who: str
    inert: bool


async def history_of(reader: Any, stream: str) -> tuple[HistoryRow, ...]:
    """The newest changes of a stream (hex id)."""
    return tuple(
        HistoryRow(row["at"], row["field"], row["value"], row["who"], bool(row["inert"]))
        for row in await reader.rows(_HISTORY, (stream, HISTORY_SHOWN_MAX))
    )
