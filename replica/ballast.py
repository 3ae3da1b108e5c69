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

# What a full WAL may demand of the file (`AUTOCHECKPOINT_PAGES`, some 4 MB), and room for days of a
# worker's acts; nothing to a phone.
BALLAST_BYTES: Final = 6 << 20
BALLAST_FILE: Final = "ballast"

# Opening a store takes some room itself, and a store that can't be opened saves nothing.
OPENING_BYTES: Final = 256 << 10
# Below this what peers bring waits, so that the rest is left to people.
PEOPLES_BYTES: Final = 2 << 20


class Ballast:
    """The ballast of one folder.

    Args:
        folder: where the replica keeps everything.
        files: the disk that it lies on.
    """

    def __init__(self, folder: Path, files: Files = MACHINE_FILES) -> None:
        self.lies = False
        self._folder = folder
        self._path = folder / BALLAST_FILE
        self._files = files

    def begin(self) -> None:
        """Before the store is opened: lay it, or give it up where there is no room to open one."""
        # Should none lie there, there is nothing to give up.
        self.lies = True
        if self._files.free_bytes(self._folder) < OPENING_BYTES:
            self.give_up()
        else:
            self.lay()

    @property
    def is_for_people_alone(self) -> bool:
        """Whether it was given up, and what is left has to be kept for what people do."""
        return not self.lies and self._files.free_bytes(self._folder) < PEOPLES_BYTES

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
