"""Questions beside the writer: committed things only, and never a write."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from core.dispatch import acts
from replica.reader import Reader
from replica.replica import Replica


async def test_rows_come_by_name_and_a_missing_one_is_none(hub: Replica) -> None:
    hub.write(acts.set_setting("threshold_min", 9))
    async with Reader(hub.store.path) as reader:
        rows = await reader.rows(
            "SELECT name, value FROM setting WHERE name = ?", ["threshold_min"]
        )
        assert [(row["name"], row["value"]) for row in rows] == [("threshold_min", "9")]
        assert await reader.row("SELECT 1 FROM setting WHERE name = 'none'") is None


async def test_only_what_was_committed_is_seen(hub: Replica) -> None:
    async with Reader(hub.store.path) as reader:
        with hub.store.transaction():
            hub.write(acts.set_setting("threshold_min", 9))
            assert await reader.rows("SELECT * FROM setting") == []
        assert len(await reader.rows("SELECT * FROM setting")) == 1


@pytest.mark.parametrize(
    "sql",
    ["DELETE FROM entry", "PRAGMA user_version = 9", "CREATE TABLE x (y)", "VACUUM"],
)
async def test_a_reader_can_not_write(hub: Replica, sql: str) -> None:
    async with Reader(hub.store.path) as reader:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await reader.rows(sql)


async def test_a_reader_that_was_closed_says_so(hub: Replica) -> None:
    reader = Reader(hub.store.path)
    async with reader:
        pass
    with pytest.raises(AssertionError, match="async with"):
        await reader.rows("SELECT 1")


async def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        async with Reader(tmp_path / "none.sqlite"):
            pass
    assert not (tmp_path / "none.sqlite").exists()
    await asyncio.sleep(0.05)  # The thread that failed says goodbye to this loop.


async def test_questions_that_are_asked_together_are_answered_each_in_its_place(
    hub: Replica,
) -> None:
    hub.write(acts.set_setting("threshold_min", 9))
    async with Reader(hub.store.path) as reader:
        settings, none, numbers = await reader.answers(
            ("SELECT name FROM setting WHERE name = ?", ["threshold_min"]),
            ("SELECT name FROM setting WHERE name = 'none'", ()),
            ("SELECT 1 AS one UNION SELECT 2", ()),
        )
        assert [row["name"] for row in settings] == ["threshold_min"]
        assert none == []
        assert [row["one"] for row in numbers] == [1, 2]
        assert await reader.answers() == []


async def test_a_bad_question_among_others_is_told_and_the_reader_goes_on(hub: Replica) -> None:
    async with Reader(hub.store.path) as reader:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await reader.answers(("SELECT 1", ()), ("SELECT * FROM nowhere", ()), ("SELECT 2", ()))
        assert [tuple(row) for row in await reader.rows("SELECT 3")] == [(3,)]


async def test_a_long_question_holds_up_no_short_one(hub: Replica) -> None:
    long = (
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000000)"
        " SELECT max(n) FROM n"
    )
    ended: list[str] = []

    async def ask(reader: Reader, name: str, sql: str) -> None:
        await reader.rows(sql)
        ended.append(name)

    async with Reader(hub.store.path, connections=2) as reader:
        short = [ask(reader, "short", "SELECT 1") for _ in range(3)]
        await asyncio.gather(ask(reader, "long", long), *short)
    assert ended == ["short", "short", "short", "long"]
