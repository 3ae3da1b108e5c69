"""What changed in one stream, newest first: who, when, which field, to what.

Not a page of its own but a part of several. Entries that do not stand are shown and marked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

HISTORY_SHOWN_MAX: Final = 60

_NAMES: Final = """
    SELECT account AS who, name FROM account WHERE account IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT worker, name FROM worker WHERE worker IN (SELECT value FROM json_each(?1))
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
    rows = list(reversed(await reader.history(stream)))[:HISTORY_SHOWN_MAX]
    actors = json.dumps(sorted({row.actor for row in rows}))
    names = {row["who"]: row["name"] for row in await reader.rows(_NAMES, (actors,))}
    return tuple(
        HistoryRow(row.at, row.field, row.value, names.get(row.actor, row.actor), row.inert)
        for row in rows
    )
