"""Transactions that share a sync: after it all are there; a cut before it takes the last ones."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from replica.store import Store, StoreError
from simulator.draw import chance_for
from simulator.faulty_disk import FaultyDisk
from simulator.faulty_files import FaultyFiles
from simulator.faulty_vfs import FaultyVfs

PATH = Path("store.sqlite")
TOGETHER = 4
ROUNDS = 3


class Cut(Exception):
    """The power went."""


def work(disk: FaultyDisk, said: list[int]) -> None:
    """Rounds of transactions that share a sync, until all are done or the power goes."""
    with FaultyVfs(disk) as vfs:
        store = None
        try:
            store = Store(PATH, FaultyFiles(vfs))
            for first in range(0, ROUNDS * TOGETHER, TOGETHER):
                numbers = range(first, first + TOGETHER)
                with store.durable_together():
                    for number in numbers:
                        with store.transaction():
                            store.put(f"value {number}", bytes(700))
                said.extend(numbers)
        except (StoreError, sqlite3.Error):
            assert not disk.has_power
        finally:
            if store is not None:
                with suppress(sqlite3.Error, StoreError):
                    store.close()


def kept(disk: FaultyDisk) -> list[int]:
    with FaultyVfs(disk) as vfs:
        store = Store(PATH, FaultyFiles(vfs))
        found = [n for n in range(ROUNDS * TOGETHER) if store.get(f"value {n}") is not None]
        store.close()
    return found


def operations() -> int:
    disk, said = FaultyDisk(chance_for(1)), list[int]()
    work(disk, said)
    assert said == list(range(ROUNDS * TOGETHER))
    return disk.operations


def operations_of_making() -> int:
    """What cuts do to a store that is being made is tested elsewhere."""
    disk = FaultyDisk(chance_for(1))
    with FaultyVfs(disk) as vfs:
        store = Store(PATH, FaultyFiles(vfs))
        made = disk.operations
        store.close()
    return made


@pytest.mark.parametrize("unordered", [False, True])
def test_what_was_said_after_the_shared_sync_outlives_every_cut(unordered: bool) -> None:
    lost = []
    for cut_at in range(operations_of_making(), operations() + 1):
        disk = FaultyDisk(chance_for(2, cut_at), unordered_directory=unordered)
        disk.cut_at = cut_at
        said: list[int] = []
        work(disk, said)
        disk.power_cut()
        found = kept(disk)
        # Never one of the middle, and never what was said.
        assert found == list(range(len(found)))
        lost += [(cut_at, number) for number in said if number not in found]
    assert lost == []


def test_transactions_that_share_a_sync_take_fewer_operations_of_the_disk() -> None:
    together = operations()
    disk = FaultyDisk(chance_for(1))
    with FaultyVfs(disk) as vfs:
        store = Store(PATH, FaultyFiles(vfs))
        for number in range(ROUNDS * TOGETHER):
            with store.transaction():
                store.put(f"value {number}", bytes(700))
        store.close()
    assert together < disk.operations


def test_what_a_block_raises_comes_through_and_what_it_committed_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")

    def work_and_fail() -> None:
        with store.durable_together():
            with store.transaction():
                store.put("before", 1)
            raise Cut

    with pytest.raises(Cut):
        work_and_fail()
    assert store.get("before") == 1
    assert store.db.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()
