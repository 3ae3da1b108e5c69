"""The floor of durable entries: rows of as many bytes, each committed by itself to a bare file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from tests.bench.measuring import watched

COMMITS = 2_000


def commit_rate(folder: Path, size: int) -> float:
    """Commits a second of one row, synced as a hub's store is, on the disk of `folder`."""
    db = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE entry (body BLOB)")
    body = os.urandom(size)
    with watched() as watch:
        for _ in range(COMMITS):
            db.execute("INSERT INTO entry VALUES (?)", (body,))
    db.close()
    return watch.of(COMMITS).rate
