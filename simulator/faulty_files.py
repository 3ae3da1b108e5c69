"""A store's files on a faulty disk: what `replica.files.Files` asks for, by way of the apsw VFS.

Needs apsw, as `faulty_vfs` does. Invariant: a store on these files touches no file of the machine.
"""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from typing import cast

from replica.files import BESIDE
from simulator.faulty_disk import DiskFails, DiskIsFull, PowerIsCut
from simulator.faulty_vfs import FaultyConnection, FaultyVfs


class FaultyFiles:
    """The files that a VFS lets SQLite use."""

    def __init__(self, vfs: FaultyVfs) -> None:
        self._vfs = vfs

    def make(self, path: Path) -> bool:
        """As `Files` says."""
        return not self._vfs.disk.open(str(path)).now

    def connect(self, path: Path) -> sqlite3.Connection:
        """As `Files` says."""
        return cast("sqlite3.Connection", FaultyConnection(self._vfs, str(path)))

    def free_bytes(self, folder: Path) -> int:
        """As `Files` says; there is one disk."""
        room = self._vfs.disk.capacity_bytes
        return 1 << 40 if room is None else room - self._vfs.disk.used_bytes()

    def reserve(self, path: Path, size: int) -> None:
        """As `Files` says."""
        disk = self._vfs.disk
        file = disk.open(str(path))
        if len(file.now) == size:
            return
        try:
            if self.free_bytes(path.parent) < 2 * size:
                raise DiskIsFull
            disk.write(file, 0, bytes(size))
        except (PowerIsCut, DiskFails, DiskIsFull) as error:
            disk.files.pop(str(path), None)
            raise OSError(errno.ENOSPC, "No space left on device", str(path)) from error

    def delete(self, path: Path) -> None:
        """As `Files` says."""
        for suffix in BESIDE:
            name = str(path) + suffix
            if name in self._vfs.disk.files:
                try:
                    self._vfs.disk.delete(name, sync_directory=False)
                except (PowerIsCut, DiskFails) as error:
                    raise OSError(errno.EIO, "Input/output error", name) from error
