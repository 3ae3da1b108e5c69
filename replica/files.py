"""The files of a replica: the port through which its store meets the disk.

`MachineFiles` is the machine's own disk; the simulator has one that fails. Knows no tables.
Invariant: whoever opens a file here finds it readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Protocol

# What SQLite keeps beside a database's file.
BESIDE = ("", "-journal", "-wal", "-shm")


# Statements that a connection keeps ready: a job's row alone is updated in some hundred ways.
STATEMENTS_KEPT = 512


# To a parameter that is no number and no text Python's module puts two questions, each time, of
# how it would like to be stored. That these stay what they are is found at once.
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), lambda none: none)


class Files(Protocol):
    """What a store asks of a disk."""

    def make(self, path: Path) -> bool:
        """See that there is a file; whether it is empty."""

    def connect(self, path: Path) -> sqlite3.Connection:
        """A connection in autocommit to the database in a file. Raises sqlite3.Error."""

    def free_bytes(self, folder: Path) -> int:
        """How much room is left on the disk of a folder."""

    def reserve(self, path: Path, size: int) -> None:
        """See that a file takes up `size` bytes of the disk.

        Raises:
            OSError: there is no room for it, with as much again to spare.
        """

    def delete(self, path: Path) -> None:
        """Delete a database's file and what SQLite keeps beside it, where there are any.

        Raises sqlite3.Error or OSError.
        """


class MachineFiles:
    """The files of the machine itself."""

    def make(self, path: Path) -> bool:
        """As `Files` says; a folder that is not there is left to `connect` to say."""
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return not path.exists() or path.stat().st_size == 0

    def connect(self, path: Path) -> sqlite3.Connection:
        """As `Files` says."""
        return sqlite3.connect(
            path,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS_KEPT,
        )

    def free_bytes(self, folder: Path) -> int:
        """As `Files` says."""
        return shutil.disk_usage(folder).free

    def reserve(self, path: Path, size: int) -> None:
        """As `Files` says."""
        if path.exists() and path.stat().st_size == size:
            return
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        if self.free_bytes(path.parent) < 2 * size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        try:
            descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, size)
            finally:
                os.close(descriptor)
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise

    def delete(self, path: Path) -> None:
        """As `Files` says."""
        for suffix in BESIDE:
            path.with_name(path.name + suffix).unlink(missing_ok=True)


MACHINE_FILES = MachineFiles()
