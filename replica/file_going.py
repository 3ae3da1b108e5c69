"""Files whose bytes may go: what was erased, what left a phone, and what was never named.

A note of it is part of the transaction that takes the naming entries out (or, for a file that is
being saved, of one before any byte is kept), and is carried out once that is durable. Invariant: no
file goes that a stream held here names, and none that left a phone before a hub holds it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from core.dispatch.fields import FILE, Kind, Role
from core.log.chunk_list import is_address
from replica.store import SET_ASIDE

if TYPE_CHECKING:
    from replica.replica import Replica

# 32 bytes as an entry's own bytes have them, behind their head; each may begin within another.
_IN_A_BODY: Final = re.compile(rb"(?=\xc4\x20(.{32}))", re.DOTALL)


def note_erased(replica: Replica, streams: Iterable[bytes]) -> None:
    """Streams are purged: their files go. Within the caller's transaction, before the purge."""
    _note(replica, streams, "REPLACE", until_held=0)


def note_left(replica: Replica, streams: Iterable[bytes]) -> None:
    """Streams are dropped: what a hub holds of their files goes, the rest once one does.

    Within the caller's transaction, before they are.
    """
    _note(replica, streams, "IGNORE", until_held=1)


def _note(replica: Replica, streams: Iterable[bytes], how: str, *, until_held: int) -> None:
    if not replica.files.are_any:
        return
    for stream in streams:
        if stream[4] == Kind.JOB:
            replica.store.db.executemany(
                f"INSERT OR {how} INTO file_going VALUES (?, ?)",
                [(address, until_held) for address in sorted(_named_in(replica, stream))],
            )


def _named_in(replica: Replica, stream: bytes) -> set[bytes]:
    """Every address that any entry of a stream names, also one that does not stand, or waits."""
    named = {
        value
        for placed in replica.state(stream).entries()
        if placed.entry is not None
        for path, value in placed.entry.changes
        if path[0] == FILE and is_address(value)
    }
    # Not read as entries, so any 32 bytes count; those that are no file's do no harm.
    bodies = (body for each, body in _set_aside(replica) if each == stream)
    return named.union(*map(_IN_A_BODY.findall, bodies))


def _set_aside(replica: Replica) -> Iterator[tuple[bytes, bytes]]:
    """The streams and bodies of entries that wait for what was lost before them."""
    for stream, _, entries, _ in replica.store.get(SET_ASIDE, []):
        yield from ((stream, body) for _, _, body in entries)


def forget_files(replica: Replica) -> bool:
    """Delete the bytes that may go; whether none of them stand on the disk any more.

    Not within a transaction. May be repeated after a power cut.

    Raises:
        StoreError: the disk refused.
    """
    db = replica.store.db
    settled, gone = [], []
    for address, until_held in db.execute("SELECT address, until_held FROM file_going").fetchall():
        if is_named(db, address):
            # Another stream names it, or its own came back.
            settled.append(address)
        elif not until_held or is_on_hub(db, address) or not replica.files.holds(address):
            gone.append(address)
    if not settled and not gone:
        return True
    held, left = _in_entries(replica, gone)
    settled += sorted(held)
    # Of one job it may go, yet another that left says that a hub has to hold it first.
    waiting = [
        each
        for each in sorted(left - held)
        if not is_on_hub(db, each) and replica.files.holds(each)
    ]
    gone = [each for each in gone if each not in held and each not in waiting]
    if gone and not replica.files.delete(gone):
        return False
    with replica.store.transaction():
        again = "UPDATE file_going SET until_held = 1 WHERE address = ?"
        db.executemany(again, [(each,) for each in waiting])
        ended = [(address,) for address in (*settled, *gone)]
        db.executemany("DELETE FROM file_going WHERE address = ?", ended)
        db.executemany("DELETE FROM file_held WHERE address = ?", [(each,) for each in gone])
    return True


def _in_entries(replica: Replica, addresses: Iterable[bytes]) -> tuple[set[bytes], set[bytes]]:
    """Which of these files entries name that are held: in jobs that are here, and that left.

    Rows say only what is shown. An entry that does not stand, or was written over, names its file
    too: the office may let it stand again. Reads all bodies that have as many bytes anywhere.
    """
    wanted, held, left = set(addresses), set[bytes](), set[bytes]()
    if not wanted:
        return held, left
    for _, body in _set_aside(replica):
        held.update(wanted.intersection(_IN_A_BODY.findall(body)))
    rows = replica.store.db.execute(
        "SELECT left_at ISNULL, body FROM stream JOIN log_row USING (stream) "
        "JOIN entry USING (log) WHERE kind = ? AND instr(body, x'c420')",
        (int(Kind.JOB),),
    )
    for is_here, body in rows:
        (held if is_here else left).update(wanted.intersection(_IN_A_BODY.findall(body)))
    return held, left


def is_named(db: sqlite3.Connection, address: bytes) -> bool:
    """Whether a stream that is held here names a file."""
    asked = "SELECT 1 FROM file_ref WHERE address = ?"
    return db.execute(asked, (address,)).fetchone() is not None


def is_going(db: sqlite3.Connection, address: bytes) -> bool:
    """Whether a file may go once a hub holds it."""
    asked = "SELECT 1 FROM file_going WHERE address = ? AND until_held"
    return db.execute(asked, (address,)).fetchone() is not None


def is_on_hub(db: sqlite3.Connection, address: bytes) -> bool:
    """Whether a hub has said that it holds a file."""
    row = db.execute(
        "SELECT 1 FROM file_held JOIN author ON number = peer JOIN certificate USING (author) "
        "WHERE address = ? AND role = ?",
        (address, int(Role.HUB)),
    ).fetchone()
    return row is not None
