"""Stores that lie in memory alone, for phones and hubs that live for thousands of days.

Holds no tables: a new store is copied from one that is blank. Files beside a store, such as photos,
lie where they always do. Invariant: what such a store holds is gone when it is closed.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from replica.files import STATEMENTS_KEPT, MachineFiles
from replica.store import STORE_FILE, Store


@cache
def blank_store() -> bytes:
    """The file of a store that holds nothing yet; to make its tables takes longer than to copy."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / STORE_FILE
        Store(path).close()
        return path.read_bytes()


def connect(image: bytes | None = None) -> sqlite3.Connection:
    """A connection to a database in memory, empty or as the bytes of a file have it."""
    database = sqlite3.connect(
        ":memory:",
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_KEPT,
    )
    if image is not None:
        # What lies in memory has no WAL; the header says so in two bytes.
        database.deserialize(image[:18] + b"\x01\x01" + image[20:])
    return database


@cache
def _blank() -> sqlite3.Connection:
    return connect(blank_store())


class StoresInMemory(MachineFiles):
    """The machine's files, but for stores themselves."""

    def make(self, path: Path) -> bool:
        """As `Files` says; a store is never empty."""
        return path.name != STORE_FILE and super().make(path)

    def connect(self, path: Path) -> sqlite3.Connection:
        """As `Files` says; a store is a blank one each time."""
        if path.name != STORE_FILE:
            return super().connect(path)
        store = connect()
        _blank().backup(store)
        return store


STORES_IN_MEMORY = StoresInMemory()
