"""What a phone still owes its hub: entries and files that no hub has confirmed.

Questions to the store alone; nothing is sent here. Invariant: what is not proven to be on a hub
counts as owed, whichever of this phone's keys wrote it and whether its job is still here or left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.dispatch.fields import Role
from core.sentence import listed, say_n
from replica.generation import former_authors
from replica.reach import unsent_in_all
from replica.replica import Replica

# Files that this phone's keys named, or that a job took along as it left, and that no hub has said
# to hold.
_FILES = """
    SELECT DISTINCT address FROM (
        SELECT address FROM file_ref WHERE author IN ({own})
        UNION SELECT address FROM file_going WHERE until_held)
    WHERE address NOT IN (
        SELECT address FROM file_held JOIN author ON number = peer JOIN certificate USING (author)
        WHERE role = ?)
"""


@dataclass(frozen=True, slots=True)
class Owed:
    """So many entries and files wait for a hub; `oldest_ms` is when the oldest entry was written.

    `file_bytes` is what the files take. A file that is not here whole is not counted: nobody could
    send it from here. `carried` are files of others that wait for their hub here.
    """

    entries: int
    files: int
    file_bytes: int
    carried: int
    oldest_ms: int | None

    def __bool__(self) -> bool:
        return bool(self.entries or self.files or self.carried)

    @property
    def words(self) -> str:
        """How much it is, as '6 changes and 2 photos or files'; '' where nothing waits."""
        parts = []
        if self.entries:
            parts.append(say_n("{n:,} change", "{n:,} changes", self.entries))
        if self.files:
            parts.append(say_n("{n:,} photo or file", "{n:,} photos or files", self.files))
        if self.carried:
            words = say_n("{n:,} file of others", "{n:,} files of others", self.carried)
            parts.append(words)
        return listed(parts)


NOTHING_OWED: Final = Owed(0, 0, 0, 0, None)


def owed(replica: Replica) -> Owed:
    """All that this phone wrote, or keeps for a job that left, and no hub has confirmed.

    Raises:
        StoreError: the file of photos can't be read.
    """
    db, former = replica.store.db, former_authors(replica.store)
    waiting = unsent_in_all(db, replica.author, former)
    own = [replica.author, *former]
    question = _FILES.format(own=", ".join("?" * len(own)))
    asked = db.execute(question, (*own, int(Role.HUB))).fetchall()
    sizes = [
        chunks.size
        for (address,) in asked
        if replica.files.holds(address) and (chunks := replica.files.list_of(address)) is not None
    ]
    oldest_ms = waiting.oldest[0].arrived_ms if waiting.oldest else None
    return Owed(waiting.count, len(sizes), sum(sizes), len(replica.kept.all()), oldest_ms)
