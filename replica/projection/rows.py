"""Rows of one stream, written only where they differ from what stands in the table.

Most changes of a stream alter one of its rows or add one, and reading rows back costs a tenth of
writing them again. Knows no table by name. Invariant: afterwards the table holds of the stream
exactly the rows that were given.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

Row = tuple[Any, ...]


def workers_in(db: sqlite3.Connection, table: str) -> Iterator[str]:
    """The workers that a table has rows of, whose key begins with them; each is one look-up."""
    worker = ""
    following = f"SELECT worker FROM {table} WHERE worker > ? ORDER BY worker LIMIT 1"
    while (row := db.execute(following, (worker,)).fetchone()) is not None:
        worker = row[0]
        yield worker


def rewrite(
    db: sqlite3.Connection, table: str, key: dict[str, object], rows: Sequence[Row]
) -> None:
    """Let `table` hold `rows`, and no others, where its columns are as `key` says.

    A row has all columns of the table, in order.
    """
    where = " AND ".join(f"{column} = ?" for column in key)
    values = tuple(key.values())
    held = set(db.execute(f"SELECT * FROM {table} WHERE {where}", values))
    wanted = set(rows)
    if not held <= wanted:
        db.execute(f"DELETE FROM {table} WHERE {where}", values)
        held.clear()
    if held != wanted:
        new = [row for row in rows if row not in held]
        db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(new[0]))})", new)
