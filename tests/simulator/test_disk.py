"""Devices are killed, copied, restored and filled, over real SQLite files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from simulator.disk import DeviceDisk, Disks, fill_up, make_room


@pytest.fixture
def disks():
    with Disks() as all_of_them:
        yield all_of_them


def _open(folder: Path) -> sqlite3.Connection:
    store = sqlite3.connect(folder / "store.sqlite", isolation_level=None)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("PRAGMA synchronous = FULL")
    store.execute("CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, body BLOB)")
    return store


def _numbers(folder: Path) -> list[int]:
    store = _open(folder)
    assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = [number for (number,) in store.execute("SELECT number FROM entry ORDER BY number")]
    store.close()
    return found


def _write(store: sqlite3.Connection, *numbers: int) -> None:
    for number in numbers:
        store.execute("INSERT INTO entry VALUES (?, ?)", (number, bytes(5_000)))


def test_a_kill_keeps_what_was_committed_and_nothing_else(disks):
    disk: DeviceDisk = disks.device("phone")
    store = _open(disk.folder)
    _write(store, 1, 2)
    store.execute("BEGIN IMMEDIATE")
    # Far more than the page cache holds, so that the open transaction stands in the WAL already.
    store.execute("PRAGMA cache_size = 5")
    _write(store, *range(3, 60))
    assert (disk.folder / "store.sqlite-wal").stat().st_size > 100_000
    folder = disk.kill()
    store.execute("COMMIT")
    store.close()
    assert _numbers(folder) == [1, 2]


def test_the_dead_write_nowhere(disks):
    disk = disks.device("phone")
    store = _open(disk.folder)
    _write(store, 1)
    living = _open(disk.kill())
    _write(store, 2)
    _write(living, 3)
    store.close()
    living.close()
    disk.bury()
    assert disk.lives == 2
    assert _numbers(disk.folder) == [1, 3]


def test_a_copy_taken_while_the_program_runs_can_be_put_back(disks):
    disk = disks.device("hub")
    store = _open(disk.folder)
    _write(store, 1)
    disk.copy("monday")
    _write(store, 2)
    disk.copy("tuesday")
    _write(store, 3)
    store.close()
    assert disk.copies() == ("monday", "tuesday")
    assert _numbers(disk.restore("monday")) == [1]
    assert _numbers(disk.restore("tuesday")) == [1, 2]
    with pytest.raises(KeyError):
        disk.restore("never taken")


def test_a_cloned_phone_and_its_original_go_their_own_ways(disks):
    original, clone = disks.device("phone"), disks.device("new phone")
    store = _open(original.folder)
    _write(store, 1)
    twin = _open(clone.clone_from(original))
    _write(twin, 2)
    _write(store, 3)
    store.close()
    twin.close()
    assert _numbers(original.folder) == [1, 3]
    assert _numbers(clone.folder) == [1, 2]


def test_a_replaced_phone_begins_with_nothing(disks):
    disk = disks.device("phone")
    _open(disk.folder).close()
    assert list(disk.wipe().iterdir()) == []


def test_a_full_disk_refuses_writes_and_takes_them_again_after_there_is_room(disks):
    store = _open(disks.device("phone").folder)
    _write(store, 1)
    fill_up(store)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        _write(store, 2, 3, 4)
    make_room(store)
    _write(store, 5)
    assert store.execute("SELECT max(number) FROM entry").fetchone() == (5,)
    store.close()


def test_nothing_is_left_of_a_world_that_is_over():
    with Disks() as disks:
        folder = disks.device("phone").folder
        (folder / "mark").write_bytes(b"here")
    assert not folder.exists()
