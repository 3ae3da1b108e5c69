"""A store whose making was cut off, and then gone on with, loses nothing later on."""

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


def opened(disk: FaultyDisk, vfs: FaultyVfs) -> Store | None:
    """The store; None where the power went."""
    try:
        return Store(PATH, FaultyFiles(vfs))
    except StoreError:
        assert not disk.has_power
        return None


def lost(seed: int, cut_at: int) -> bool:
    """Whether a value that was saved after a first cut is gone after a second one."""
    disk = FaultyDisk(chance_for(seed, cut_at), unordered_directory=True)
    disk.cut_at = cut_at
    with FaultyVfs(disk) as vfs:
        first = opened(disk, vfs)
        if first is not None:
            first.close()
        disk.power_cut()
        store = opened(disk, vfs)
        assert store is not None
        with store.transaction():
            store.put("said to be saved", 1)
        disk.cut_at = disk.operations + 1
        with suppress(StoreError, sqlite3.Error), store.transaction():
            store.put("never saved", 1)
        with suppress(sqlite3.Error):
            store.close()
        disk.power_cut()
        again = opened(disk, vfs)
        assert again is not None
        kept = again.get("said to be saved")
        again.close()
        return kept != 1


@pytest.mark.parametrize("seed", range(4))
def test_a_creation_that_was_cut_off_anywhere_and_gone_on_with_loses_nothing_later(
    seed: int,
) -> None:
    assert [cut_at for cut_at in range(1, 40) if lost(seed, cut_at)] == []
