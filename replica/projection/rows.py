"""Rows of one stream, written only where they differ from what stands in the table.

Most changes of a stream alter one of its rows or add one, and reading rows back costs a tenth of
writing them again. Of the tables that hold numbers of words, or say where the log has a text, it
knows which columns do; they are read as views that say the words. Invariant: afterwards the table
holds of the stream exactly the rows that were given.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from replica.many import rows_of

Row = tuple[Any, ...]

Place = tuple[int, int, int, int]
"""Where the log has a text word for word: log, seq, its first byte in the body (from 1), bytes."""

# The views whose table is named as they are with `_row` behind, and what stands in its columns: the
# number of a word (w), the bytes of an id in hex (x), the value itself (v), or a text that may be
# quoted (q), which is the last one.
_NUMBERED = {"time_log": "wwxwwvvvwwvwvvw", "note": "wxvwq"}

# How many columns name a row, the first ones of each table.
_NAMED_BY = {
    "assignment": 3, "check_item": 2, "conflict": 2, "duty": 3, "erased_job": 2, "erased_time": 5,
    "file_ref": 2, "note": 2, "phase_time": 3, "team": 1, "time_log": 3,
}  # fmt: skip


def workers_in(db: sqlite3.Connection, table: str) -> Iterator[str]:
    """The workers that a table has rows of, whose key begins with them; each is one look-up."""
    numbered = table in _NUMBERED
    worker: str | int | None = 0 if numbered else ""
    following = f"SELECT min(worker) FROM {stored_in(table)} WHERE worker > ?"
    in_words = "SELECT word FROM word WHERE number = ?"
    while (worker := db.execute(following, (worker,)).fetchone()[0]) is not None:
        yield str(db.execute(in_words, (worker,)).fetchone()[0] if numbered else worker)


def rewrite(
    db: sqlite3.Connection,
    table: str,
    key: dict[str, object],
    rows: Sequence[Row],
    held: AbstractSet[Row] | None = None,
    place_of: Callable[[Row], Place | None] = lambda row: None,
) -> None:
    """Let `table` hold `rows`, and no others, where its columns are as `key` says.

    A row has all columns of the table, in order. `held` are those that stand, if that is known; of
    one that is replaced or taken out the columns that name it are enough.
    `place_of` says where the log has a row's text, if it does.
    """
    if held is None:
        where = " AND ".join(f"{column} = ?" for column in key)
        held = set(db.execute(f"SELECT * FROM {table} WHERE {where}", tuple(key.values())))
    new = [row for row in rows if row not in held]
    coding = _NUMBERED.get(table)
    named = _NAMED_BY[table]
    if gone := {row[:named] for row in held - set(rows)} - {row[:named] for row in new}:
        names = list(gone) if coding is None else _coded(db, coding, gone)
        where = " AND ".join(f"{column} = ?" for column in _columns(db, stored_in(table))[:named])
        db.executemany(f"DELETE FROM {stored_in(table)} WHERE {where}", names)
    if new:
        if coding is not None:
            texts = (_text(coding, row, place_of) for row in new)
            new = [row + text for row, text in zip(_coded(db, coding, new), texts, strict=True)]
        marks = ", ".join("?" * len(new[0]))
        db.executemany(f"INSERT OR REPLACE INTO {stored_in(table)} VALUES ({marks})", new)


def stored_in(table: str) -> str:
    """The table that the rows of a projection stand in."""
    return f"{table}_row" if table in _NUMBERED else table


def _coded(db: sqlite3.Connection, coding: str, rows: Collection[Sequence[Any]]) -> list[Row]:
    said = {word for row in rows for code, word in zip(coding, row, strict=False) if code == "w"}
    numbers = _numbers(db, said)
    return [
        tuple(
            numbers[value] if code == "w" else bytes.fromhex(value) if code == "x" else value
            for code, value in zip(coding, row, strict=False)
            if code != "q"
        )
        for row in rows
    ]


def _text(coding: str, row: Row, place_of: Callable[[Row], Place | None]) -> Row:
    """The columns of a text that may be quoted."""
    if coding[-1] != "q":
        return ()
    place = place_of(row)
    return (row[-1], None, None, None, None) if place is None else (None, *place)


def _numbers(db: sqlite3.Connection, words: set[str]) -> dict[str, int]:
    """The local numbers of words, given to those that have none."""
    asked = "SELECT word, number FROM word WHERE word IN (:ids)"
    numbers: dict[str, int] = dict(rows_of(db, asked, words))
    for word in sorted(words - numbers.keys()):
        numbers[word] = int(db.execute("INSERT INTO word VALUES (NULL, ?)", (word,)).lastrowid or 0)
    return numbers


def forget_words(db: sqlite3.Connection) -> None:
    """Take out the words that no row says any more."""
    said = " UNION ALL ".join(
        f"SELECT {column} FROM {stored_in(table)}"
        for table, coding in _NUMBERED.items()
        for column, code in zip(_columns(db, stored_in(table)), coding, strict=False)
        if code == "w"
    )
    db.execute(f"DELETE FROM word WHERE number NOT IN ({said})")


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
