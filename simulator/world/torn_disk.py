"""A machine's disk that tears and reorders what was not synced, and that has only so much room.

SQLite runs on `simulator.faulty_disk` by way of the apsw VFS, so a power cut leaves any part of
what was pending, in any order, torn at sectors. Needs apsw, which only tests install: a world
imports this where a seed has such disks. Invariant: what was synced outlives every power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

from replica.ballast import BALLAST_FILE, Ballast
from replica.file_store import FILES_FILE
from replica.store import STORE_FILE, Store
from simulator.faulty_disk import FaultyDisk, FaultyFile, PowerIsCut
from simulator.faulty_files import FaultyFiles
from simulator.faulty_vfs import FaultyVfs

# There is one disk and no folder on it.
_FOLDER: Final = Path()
# A transaction that writes makes some dozen operations, a checkpoint hundreds.
STRIKE_OPERATIONS_MAX: Final = 60
PAGE_BYTES: Final = 4_096
PAGES_LEFT_MAX: Final = 12
FULL_S_MAX: Final = 6 * 3_600.0


class WatchedDisk(FaultyDisk):
    """A faulty disk that says when the power fails."""

    struck: Callable[[], None] = staticmethod(lambda: None)

    def _step(self) -> None:
        had_power = self.has_power
        try:
            super()._step()
        except PowerIsCut:
            if had_power:
                self.struck()
            raise


class TornDisk:
    """A `simulator.world.disk.Disk` that keeps its promises and no more.

    Args:
        chance: where what survives a power cut is drawn from.
        unordered_directory: as `FaultyDisk` has it.
        fills: whether it will be full now and then, so that ballast is laid.
    """

    def __init__(self, chance: Random, *, unordered_directory: bool, fills: bool) -> None:
        self._disk = WatchedDisk(chance, unordered_directory=unordered_directory)
        self._vfs = FaultyVfs(self._disk)
        self._files = FaultyFiles(self._vfs)
        self._fills = fills
        self._images: dict[str, dict[str, bytes]] = {}

    def open(self) -> Store:
        """As `Disk` says."""
        return Store(_FOLDER / STORE_FILE, self._files)

    def ballast(self) -> Ballast | None:
        """As `Disk` says."""
        return Ballast(_FOLDER, self._files) if self._fills else None

    def keep(self, image: str) -> None:
        """As `Disk` says."""
        self._images[image] = {
            name: bytes(file.now)
            for name, file in self._disk.files.items()
            if name.startswith((STORE_FILE, FILES_FILE))
        }

    def end_life(self) -> None:
        """As `Disk` says: a disk without power takes nothing more."""
        self._disk.has_power = False

    def begin_life(self, image: str, *, power_cut: bool) -> None:
        """As `Disk` says."""
        disk = self._disk
        disk.struck = lambda: None
        disk.capacity_bytes = None
        if power_cut:
            disk.power_cut()
        else:
            disk.kill()
        if image:
            kept = self._images[image]
            disk.files = {
                name: FaultyFile(bytearray(data), bytearray(data), [], was_synced=True)
                for name, data in kept.items()
            }

    def cut_power(self, chance: Random, struck: Callable[[], None]) -> None:
        """As `Disk` says: at any operation of the disk."""
        self._disk.struck = struck
        self._disk.cut_at = self._disk.operations + chance.randrange(1, STRIKE_OPERATIONS_MAX)

    def fill(self, chance: Random) -> float:
        """As `Disk` says: some pages are left, for some hours."""
        disk = self._disk
        disk.capacity_bytes = disk.used_bytes() + chance.randrange(PAGES_LEFT_MAX) * PAGE_BYTES
        return chance.uniform(60.0, FULL_S_MAX)

    def spare(self) -> None:
        """As `Disk` says."""
        self._disk.cut_at = self._disk.capacity_bytes = None
        self._disk.struck = lambda: None

    def stored_bytes(self) -> bytes:
        """As `Disk` says, but for ballast, which says nothing."""
        files = self._disk.files
        return b"".join(bytes(files[name].now) for name in sorted(files) if name != BALLAST_FILE)

    def close(self) -> None:
        """No file of it is opened any more."""
        with suppress(sqlite3.Error):
            self._vfs.unregister()
