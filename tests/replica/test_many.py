"""A question about many ids brings the rows of each, once."""

from __future__ import annotations

import sqlite3

import pytest

from replica.many import rows_of

ASKED = "SELECT id, owner FROM thing WHERE owner = ? AND id IN (:ids) ORDER BY id"


@pytest.fixture
def db() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE thing (id BLOB, owner TEXT)")
    rows = [(number.to_bytes(2, "big"), owner) for number in range(1_300) for owner in "AB"]
    connection.executemany("INSERT INTO thing VALUES (?, ?)", rows)
    return connection


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 64, 65, 512, 513, 1_200])
def test_each_id_brings_its_rows_once_in_their_order(db: sqlite3.Connection, count: int) -> None:
    ids = [number.to_bytes(2, "big") for number in range(count)]
    rows = list(rows_of(db, ASKED, [*reversed(ids), *ids], "B"))
    assert rows == [(each, "B") for each in ids]


def test_what_is_not_there_brings_nothing(db: sqlite3.Connection) -> None:
    assert list(rows_of(db, ASKED, [b"??", b"\x00\x01"], "A")) == [(b"\x00\x01", "A")]
    assert list(rows_of(db, ASKED, [b"\x00\x01"], "C")) == []
