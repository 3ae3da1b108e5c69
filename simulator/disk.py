"""Folders of simulated devices: programs killed at any moment, copies taken, copies put back.

The cheap tier of the simulation: real SQLite on real files in memory. A kill takes the bytes as
they stand at that moment, an open transaction and an unfinished checkpoint included, and gives them
to the next life in a folder of its own; the dead program may still hold its connections, but what
it writes goes nowhere. Torn and lost writes are another matter, see `faulty_disk`. Invariant: a
life's folder holds what the disk held when the life before ended, and nothing else.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final

MEMORY: Final = Path("/dev/shm")
"""Where Linux keeps files in memory; elsewhere the system's folder for temporary files serves."""
SHARED_MEMORY_SUFFIX: Final = "-shm"
PAGES_MAX: Final = 1_073_741_823
"""SQLite's own default of `max_page_count`."""


class DeviceDisk:
    """The disk of one device: `folder` is where its living program keeps everything.

    Made by `Disks.device`.
    """

    def __init__(self, root: Path) -> None:
        self.lives = 1
        self._root = root
        self._copies: dict[str, Path] = {}
        self.folder = root / "life 1"
        self.folder.mkdir(parents=True)

    def kill(self) -> Path:
        """End the program's life here and now; the folder of the next one.

        Whoever ran in the old folder can be closed afterwards, in any way: it changes nothing.
        """
        return self._live_on_from(self.folder)

    def copy(self, name: str) -> None:
        """Take a copy under a name, as a backup or a phone maker's cloud does; replaces an older.

        The program may be running.
        """
        target = self._root / f"copy {name}"
        shutil.rmtree(target, ignore_errors=True)
        _copy(self.folder, target)
        self._copies[name] = target

    def copies(self) -> tuple[str, ...]:
        """The names of the copies, oldest first."""
        return tuple(self._copies)

    def restore(self, name: str) -> Path:
        """Go on from a copy; the folder of the new life. Raises KeyError without such a copy."""
        return self._live_on_from(self._copies[name])

    def clone_from(self, other: DeviceDisk) -> Path:
        """Become a copy of what another device holds now; the folder of the new life."""
        return self._live_on_from(other.folder)

    def wipe(self) -> Path:
        """Begin anew with nothing: a phone lost and replaced; copies stay."""
        self.lives += 1
        self.folder = self._root / f"life {self.lives}"
        self.folder.mkdir()
        return self.folder

    def bury(self) -> None:
        """Delete the folders of former lives, whose programs must have been closed."""
        for number in range(1, self.lives):
            shutil.rmtree(self._root / f"life {number}", ignore_errors=True)

    def _live_on_from(self, source: Path) -> Path:
        self.lives += 1
        target = self._root / f"life {self.lives}"
        _copy(source, target)
        self.folder = target
        return target


class Disks:
    """All disks of one world, in memory, gone at the end: `with Disks() as disks`."""

    def __init__(self) -> None:
        place = MEMORY if MEMORY.is_dir() else None
        self._root = Path(tempfile.mkdtemp(prefix="fieldlog-world-", dir=place))
        self._disks: dict[str, DeviceDisk] = {}

    def __enter__(self) -> Disks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def device(self, name: str) -> DeviceDisk:
        """The disk of a device, made when it is first asked for."""
        if name not in self._disks:
            self._disks[name] = DeviceDisk(self._root / f"{len(self._disks) + 1} {name}")
        return self._disks[name]


def fill_up(store: sqlite3.Connection, *, free_pages: int = 0) -> None:
    """Let the disk be full but for some pages: writes that need more fail with SQLITE_FULL."""
    (pages,) = store.execute("PRAGMA page_count").fetchone()
    store.execute(f"PRAGMA max_page_count = {pages + free_pages}")


def make_room(store: sqlite3.Connection) -> None:
    """Undo `fill_up`."""
    store.execute(f"PRAGMA max_page_count = {PAGES_MAX}")


def _copy(source: Path, target: Path) -> None:
    """The files as a kill leaves them; shared memory dies with the last program that had it."""
    shutil.copytree(
        source, target, ignore=shutil.ignore_patterns(f"*{SHARED_MEMORY_SUFFIX}"), symlinks=True
    )
