"""No failing disk makes an upgrade lose anything, and the tests can see a loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from replica.files import Files
from replica.store import Store, schema_files
from tests.proof.families import FAMILIES
from tests.versions.killed_migrations import (
    FULL,
    POWER,
    Point,
    every_point,
    extent,
    killed_migrations,
    wrong_after,
)

# All of them, some 7,400 for the schema as it is, are for `make proof`.
POINTS = 24


def test_an_upgrade_on_a_failing_disk_loses_nothing_and_is_done_at_the_next_start() -> None:
    assert killed_migrations(POINTS, 1).violations == []


def test_every_operation_of_every_upgrade_is_a_point() -> None:
    points = list(every_point())
    assert len(set(points)) == len(points)
    operations, pages = extent("v1", "hub")
    # A copy of each page, then the new tables, then the rows.
    assert operations > pages > 57
    found = {point.at for point in points if (point.version, point.side) == ("v1", "hub")}
    assert found == set(range(operations + 1))
    (family,) = (each for each in FAMILIES if each.name == "killed_migrations")
    assert family.count >= len(points), "`make proof` tries them all"


def test_a_disk_that_is_full_while_the_copy_is_made_keeps_no_part_of_it() -> None:
    assert list(wrong_after(Point("v1", "hub", FULL, 20), 1)) == []


def test_an_upgrade_that_is_not_one_transaction_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def torn_upgrade(store: Store) -> None:
        (version,) = store.db.execute("PRAGMA user_version").fetchone()
        for number, _, text in schema_files():
            if number > version:
                for statement in filter(str.strip, text.split(";")):
                    store.db.execute(statement)
                store.db.execute(f"PRAGMA user_version = {number}")

    monkeypatch.setattr(Store, "_upgrade", torn_upgrade)
    assert any(_found_by_cuts("v1", 12))


def test_a_copy_that_a_power_cut_takes_back_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless_copy(store: Store, version: int) -> None:
        files: Files = store.disk
        copy = Path(store.path).with_suffix(f".before-{version + 1}")
        target = files.connect(copy)
        store.db.backup(target)
        target.close()

    monkeypatch.setattr(Store, "_copy_before_upgrade", careless_copy)
    assert "it was upgraded, and the copy from before is not what was there" in set(
        _found_by_cuts("v1", 489)
    )


def _found_by_cuts(version: str, first: int) -> Iterator[str]:
    """What is found wrong after power cuts from an operation on."""
    for at in range(first, first + 8):
        yield from wrong_after(Point(version, "hub", POWER, at), 1)
