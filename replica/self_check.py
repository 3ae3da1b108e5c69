"""Checking a store while it is in use: some streams each hour, all of them in a week of hours.

Bits rot where nobody reads, and what rotted on every replica is lost; found in time, it comes back
from another. Where the walk stands and what it found is kept in the store, since a phone is started
every day. Finds and changes nothing else. Invariant: what is said to be damaged was damaged in the
last round or in this one.
"""

from __future__ import annotations

import logging
import sqlite3
from typing import Final

from core.log.errors import LogError
from replica.checking import check_file, check_stream
from replica.file_checking import check_files_of
from replica.replica import Replica
from replica.writer import Writer

LOGGER = logging.getLogger(__name__)

ROUND_HOURS: Final = 7 * 24
FINDINGS_KEPT_MAX: Final = 20

# Under this name the store keeps the last stream that was checked, and what this round and the one
# before it found.
WALK: Final = "check"


class SelfCheck:
    """The walk through one replica's store; every call belongs to its writer."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._at, self._found, self._found_before = _kept(replica)

    @property
    def findings(self) -> list[str]:
        """What is damaged, in sentences."""
        return list(dict.fromkeys([*self._found_before, *self._found]))

    def streams_an_hour(self) -> int:
        """How many steps an hour takes a round that ends within a week."""
        try:
            (count,) = self._replica.store.db.execute("SELECT count(*) FROM stream").fetchone()
        except sqlite3.Error:
            count = 0
        return int(count) // ROUND_HOURS + 1

    def step(self) -> bool:
        """Check the next stream; at the end of a round the file. Whether the round goes on.

        Raises:
            StoreError: the disk refused to keep where the walk stands.
        """
        store = self._replica.store
        following = "SELECT stream FROM stream WHERE stream > ? ORDER BY stream LIMIT 1"
        try:
            row = store.db.execute(following, (self._at,)).fetchone()
        except sqlite3.Error:
            # What can't even be listed is told with the file.
            row = None
        if row is not None:
            self._note(check_stream(self._replica, row[0]))
            self._note(check_files_of(self._replica, row[0]))
            self._at = row[0]
        else:
            self._note(check_file(self._replica))
            self._at, self._found_before, self._found = b"", self._found, []
            self.keep()
        return row is not None

    def keep(self) -> None:
        """Keep where the walk stands and what it found.

        Raises:
            StoreError: the disk refused.
        """
        store = self._replica.store
        with store.transaction():
            store.put(WALK, [self._at, self._found, self._found_before])

    def _note(self, findings: list[str]) -> None:
        if not findings:
            return
        for words in findings:
            LOGGER.error("the store is damaged: %s", words)
        self._found = [*self._found, *findings][:FINDINGS_KEPT_MAX]
        self.keep()


def _kept(replica: Replica) -> tuple[bytes, list[str], list[str]]:
    """Where the walk stood; from its beginning where that rotted itself."""
    fresh: tuple[bytes, list[str], list[str]] = (b"", [], [])
    try:
        at, found, before = replica.store.get(WALK, fresh)
    except (LogError, ValueError, TypeError, sqlite3.Error):
        return fresh
    lists = isinstance(found, list) and isinstance(before, list)
    if not isinstance(at, bytes) or not lists:
        return fresh
    return (at, found, before) if all(type(each) is str for each in found + before) else fresh


async def check_for_an_hour(writer: Writer, walk: SelfCheck) -> None:
    """An hour's part of the walk, a stream at a time, so that nobody at the writer waits long.

    Raises:
        StoreError: the disk refused to keep where the walk stands.
    """
    for _ in range(await writer.run(walk.streams_an_hour)):
        if not await writer.run(walk.step):
            break
    await writer.run(walk.keep)
