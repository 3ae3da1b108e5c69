"""Who acted, by name: accounts and workers whose ids stand in a history.

Writes nothing. Invariant: an id of nobody who is known has no name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from replica.history import HistoryRow

_NAMES: Final = """
    SELECT account AS who, name FROM account WHERE account IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT worker, name FROM worker WHERE worker IN (SELECT value FROM json_each(?1))
"""


async def names_of_actors(reader: Any, rows: Iterable[HistoryRow]) -> dict[str, str]:
    """The names of those who made these changes, by their ids in hex."""
    actors = json.dumps(sorted({row.actor for row in rows}))
    return {row["who"]: row["name"] for row in await reader.rows(_NAMES, (actors,))}
