"""Questions to a store, beside its writer: aiosqlite on a read-only connection.

Serves pages and the API. Never writes, never checkpoints. Invariant: what it answers was committed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import aiosqlite


class Reader:
    """A read-only connection: `async with Reader(path) as reader`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: aiosqlite.Connection | None = None

    async def __aenter__(self) -> Reader:
        self._db = await aiosqlite.connect(f"file:{self._path}?mode=ro", uri=True)
        self._db.row_factory = sqlite3.Row
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._db is not None:
            await self._db.close()
            self._db = None

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a question."""
        assert self._db is not None, "open the reader with `async with`"
        async with self._db.execute(sql, tuple(parameters)) as cursor:
            return list(await cursor.fetchall())

    async def row(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a question, None where there is none."""
        found = await self.rows(sql, parameters)
        return found[0] if found else None
