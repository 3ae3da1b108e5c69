"""One program at a time on a replica's folder.

Two writers under one key would fork its logs, each from what it remembers; so whoever opens a
folder to write holds its lock file. The system lets go of it when the process ends, however it
ends. Holds no store. Invariant: while `occupied` is held no other process holds it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from core.sentence import say

LOCK_FILE = "in-use"


class FolderInUse(Exception):
    """Another process runs on this folder; the sentence says what to do."""


@contextlib.contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Hold `folder`, which is made where it is not there.

    Raises:
        FolderInUse: another process holds it.
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("ab") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderInUse(
                    say(
                        "{folder} is in use by another hub or device; stop that one first, or give "
                        "another folder with --data",
                        folder=folder,
                    )
                ) from error
        yield
