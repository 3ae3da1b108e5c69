"""The disk of a simulated machine: files whose statements can be made to fail, and their copies.

The files are real and so is SQLite; a struck statement raises what a full or dying disk raises.
Torn sectors are `torn_disk`'s matter, which is a disk of the same shape.
Invariant: an image is what the files held at that moment, open transactions without their commit.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

from replica.ballast import Ballast
from replica.file_store import FILES_FILE
from replica.files import STATEMENTS_KEPT, MachineFiles
from replica.store import STORE_FILE, Store

# Statements of a transaction, at most, before a power cut strikes; a write has some thirty.
STRIKE_STATEMENTS_MAX: Final = 60
# What is kept of the files when the power fails within a transaction.
_STRUCK: Final = "struck"
_WRITES = ("INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT")


class Disk(Protocol):
    """What a machine and its fate ask of a disk. `image` names what was kept of it."""

    def open(self) -> Store:
        """Open the store of the life that begins, or goes on, here."""

    def ballast(self) -> Ballast | None:
        """The ballast that the program of this machine lays, if it lays any."""

    def keep(self, image: str) -> None:
        """Keep all files as they are at this moment."""

    def end_life(self) -> None:
        """The program is dead: what it still does reaches nothing that the next life finds."""

    def begin_life(self, image: str, *, power_cut: bool) -> None:
        """Bring the files to the next life, or, unless it is '', those that were kept as `image`.

        After a power cut they are what it left of them.
        """

    def cut_power(self, chance: Random, struck: Callable[[], None]) -> None:
        """Let the power fail within a transaction to come; `struck` is called when it does."""

    def fill(self, chance: Random) -> float:
        """Be full; for how many seconds, 0 where it ends by itself. `spare` makes room."""

    def spare(self) -> None:
        """Strike no more."""

    def stored_bytes(self) -> bytes:
        """All bytes of all files."""

    def close(self) -> None:
        """No file of it is opened any more."""


class StrikingConnection(sqlite3.Connection):
    """A connection of which a statement may fail."""


class StrikingFiles(MachineFiles):
    """The machine's own files, reached by connections that can be struck together."""

    def __init__(self) -> None:
        self._connections: list[StrikingConnection] = []
        self._execute: Callable[..., sqlite3.Cursor] | None = None

    def connect(self, path: Path) -> sqlite3.Connection:
        """As `Files` says."""
        connection = sqlite3.connect(
            path,
            isolation_level=None,
            check_same_thread=False,
            factory=StrikingConnection,
            cached_statements=STATEMENTS_KEPT,
        )
        self._connections.append(connection)
        self._arm(connection)
        return connection

    def forget(self) -> None:
        """The connections of a life that is over are no concern any more."""
        self._connections.clear()

    def strike(self, after: int, words: str, *, times: int, struck: Callable[[], None]) -> None:
        """Let writing statements fail with `words`, the first `after` so many, `times` in a row.

        `struck` is called at the first, before anything of the statement happened. A commit that is
        struck was sometimes carried out: an error from COMMIT means unknown, never no.
        """
        plain = sqlite3.Connection.execute
        left = [after, times]

        def execute(db: sqlite3.Connection, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if not sql.lstrip().startswith(_WRITES):
                return plain(db, sql, *parameters)
            if left[0] > 0:
                left[0] -= 1
                return plain(db, sql, *parameters)
            if left[1] == times:
                struck()
            left[1] -= 1
            if left[1] <= 0:
                self.spare()
            if sql.startswith("COMMIT") and after % 2:
                plain(db, sql)
            raise sqlite3.OperationalError(words)

        self._execute = execute
        for connection in self._connections:
            self._arm(connection)

    def _arm(self, connection: StrikingConnection) -> None:
        execute = self._execute
        if execute is not None:
            connection.__dict__["execute"] = lambda *call: execute(connection, *call)

    def spare(self) -> None:
        """Strike no more."""
        self._execute = None
        for connection in self._connections:
            connection.__dict__.pop("execute", None)


class PlainDisk:
    """A folder for each life of a machine, on a disk that tears nothing.

    Args:
        folder: where its lives keep their files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lives = 0
        self._struck = False
        self._files = StrikingFiles()
        self._home.mkdir(parents=True)

    @property
    def _home(self) -> Path:
        return self._folder / f"life-{self._lives}"

    def open(self) -> Store:
        """As `Disk` says."""
        store = Store(self._home / STORE_FILE, self._files)
        # What waits for a flash chip on a phone costs nothing on a disk of memory.
        store.db.execute("PRAGMA synchronous = OFF")
        return store

    def ballast(self) -> Ballast | None:
        """As `Disk` says: this one's room has no measure, so there is nothing to keep back."""
        return None

    def keep(self, image: str) -> None:
        """As `Disk` says."""
        target = self._folder / image
        target.mkdir(parents=True, exist_ok=True)
        copy_files(self._home, target)

    def end_life(self) -> None:
        """As `Disk` says: it goes on in files that nobody opens again."""
        before = self._home
        following = self._folder / f"life-{self._lives + 1}"
        following.mkdir(parents=True)
        copy_files(before, following)
        self._files.spare()

    def begin_life(self, image: str, *, power_cut: bool) -> None:
        """As `Disk` says."""
        before = self._home
        self._lives += 1
        if power_cut and self._struck:
            image = _STRUCK
        if image:
            copy_files(self._folder / image, self._home)
        self._struck = False
        self._files.forget()
        shutil.rmtree(before)

    def cut_power(self, chance: Random, struck: Callable[[], None]) -> None:
        """As `Disk` says."""

        def strike() -> None:
            self.keep(_STRUCK)
            self._struck = True
            struck()

        after = chance.randrange(STRIKE_STATEMENTS_MAX)
        self._files.strike(after, "disk I/O error", times=1_000_000, struck=strike)

    def fill(self, chance: Random) -> float:
        """As `Disk` says: some writing statements fail; then somebody has made room."""
        self._files.strike(
            chance.randrange(STRIKE_STATEMENTS_MAX),
            "database or disk is full",
            times=chance.randint(1, 12),
            struck=lambda: None,
        )
        return 0.0

    def spare(self) -> None:
        """As `Disk` says."""
        self._files.spare()

    def stored_bytes(self) -> bytes:
        """As `Disk` says."""
        return b"".join(path.read_bytes() for path in sorted(self._home.iterdir()))

    def close(self) -> None:
        """As `Disk` says; the folder is its owner's to take away."""


def copy_files(source: Path, target: Path) -> None:
    """Copy a machine's files as they are now, without the indexes that SQLite makes anew."""
    for name in (STORE_FILE, FILES_FILE):
        for ending in ("", "-wal"):
            old, new = source / (name + ending), target / (name + ending)
            new.unlink(missing_ok=True)
            if old.exists():
                shutil.copyfile(old, new)
        (target / f"{name}-shm").unlink(missing_ok=True)
