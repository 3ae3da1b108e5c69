"""Planted bugs of photos: said to be saved before they are, or let go too early.

Each is a context manager. Holds no judgement of who catches it. Invariant: outside their blocks
nothing is changed.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from core.log.chunk_list import ChunkList, list_of
from replica import file_going
from replica.file_store import FileStore
from simulator.planted.patching import replaced


def photo_saved_too_early() -> AbstractContextManager[None]:
    """A photo is said to be saved while its bytes still wait for the next one."""

    def wrong(right: Any) -> Any:
        def add(self: FileStore, data: bytes) -> ChunkList:
            waiting = self.__dict__.get("waiting")
            self.__dict__["waiting"] = data
            if waiting is not None:
                right(self, waiting)
            return list_of(data)

        return add

    return replaced(FileStore, "add", wrong)


def photo_let_go() -> AbstractContextManager[None]:
    """A photo goes with its job although no hub has it."""
    return replaced(file_going, "is_on_hub", lambda _: lambda db, address: True)
