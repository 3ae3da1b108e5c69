"""The disk of a simulated machine: a store whose statements can be made to fail, and its copies.

The files are real and so is SQLite; a struck statement raises what a full or dying disk raises.
Torn sectors and lying syncs are another simulation's matter.
Invariant: an image is what the files held at that moment, open transactions without their commit.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from replica.store import AUTOCHECKPOINT_PAGES, Store

STORE_FILE = "store.sqlite"
_WRITES = ("INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT")


class StrikingConnection(sqlite3.Connection):
    """A connection of which a statement may fail."""


class SimulatedStore(Store):
    """A store whose statements a world can strike.

    Args:
        path: the file; made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.db.close()
        self.db = sqlite3.connect(
            path,
            isolation_level=None,
            check_same_thread=False,
            factory=StrikingConnection,
            cached_statements=512,
        )
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute("PRAGMA trusted_schema = OFF")
        self.db.execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}")
        # What waits for a flash chip on a phone costs nothing on a disk of memory.
        self.db.execute("PRAGMA synchronous = OFF")

    def strike(self, after: int, words: str, *, times: int, struck: Callable[[], None]) -> None:
        """Let writing statements fail with `words`, the first `after` so many, `times` in a row.

        `struck` is called at the first, before anything of the statement happened. A commit that is
        struck was sometimes carried out: an error from COMMIT means unknown, never no.
        """
        plain = sqlite3.Connection.execute
        left = [after, times]

        def execute(sql: str, *parameters: Any) -> sqlite3.Cursor:
            if not sql.lstrip().startswith(_WRITES):
                return plain(self.db, sql, *parameters)
            if left[0] > 0:
                left[0] -= 1
                return plain(self.db, sql, *parameters)
            if left[1] == times:
                struck()
            left[1] -= 1
            if left[1] <= 0:
                self.spare()
            if sql.startswith("COMMIT") and after % 2:
                plain(self.db, sql)
            raise sqlite3.OperationalError(words)

        self.db.execute = execute  # type: ignore[method-assign]

    def spare(self) -> None:
        """Strike no more."""
        self.db.__dict__.pop("execute", None)


def copy_files(source: Path, target: Path) -> None:
    """Copy a store's files as they are now, without the index that SQLite makes anew."""
    for ending in ("", "-wal"):
        old, new = source / (STORE_FILE + ending), target / (STORE_FILE + ending)
        new.unlink(missing_ok=True)
        if old.exists():
            shutil.copyfile(old, new)
    (target / (STORE_FILE + "-shm")).unlink(missing_ok=True)
