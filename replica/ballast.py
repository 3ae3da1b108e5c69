"""Ballast: a file that only takes up room, given up when the disk is full.

A phone whose storage runs full in the middle of a day still saves what its worker does: the ballast
is deleted, the act is tried again, and the worker is told to make room. Holds no store. Invariant:
what stands in the file says nothing, so it may be deleted at any time.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final

from replica.files import MACHINE_FILES, Files

LOGGER = logging.getLogger(__name__)

# Room for a day or more of a worker's acts; nothing to a phone.
BALLAST_BYTES: Final = 1 << 20
BALLAST_FILE: Final = "ballast"


class Ballast:
    """The ballast of one folder.

    Args:
        folder: where the replica keeps everything.
        files: the disk that it lies on.
    """

    def __init__(self, folder: Path, files: Files = MACHINE_FILES) -> None:
        self.lies = False
        self._path = folder / BALLAST_FILE
        self._files = files

    def lay(self) -> bool:
        """See that it lies there; whether it does: an almost full disk has no room for it."""
        try:
            self._files.reserve(self._path, BALLAST_BYTES)
        except OSError as error:
            if self.lies:
                LOGGER.warning("no room is kept back for a full disk: %s", error)
            self.lies = False
        else:
            self.lies = True
        return self.lies

    def give_up(self) -> bool:
        """Give its room to whatever has to be saved now; whether there was any."""
        if not self.lies:
            return False
        self.lies = False
        try:
            self._files.delete(self._path)
        except (OSError, sqlite3.Error):
            return False
        LOGGER.error("the disk is full: the room that was kept back is in use now; make room")
        return True
