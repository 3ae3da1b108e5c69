"""A home for the updates of documents whose library has none: one SQLite table that only grows.

WAL with synchronous=NORMAL, which waits for no disk: kinder than what ours does.
Invariant: what `add` was given, `all` gives back in order.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path


class UpdateTable:
    """The table in a folder."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "updates.sqlite", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS updates (seq INTEGER PRIMARY KEY, data BLOB)")

    def add(self, data: bytes) -> None:
        """Keep one update."""
        self._db.execute("INSERT INTO updates (data) VALUES (?)", (data,))

    def all(self) -> list[bytes]:
        """All updates in order."""
        return [row[0] for row in self._db.execute("SELECT data FROM updates ORDER BY seq")]

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._db.close()
