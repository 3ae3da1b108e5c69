"""Purging: taking what the site has erased out of a store, down to the bytes of its file.

A purge is part of the transaction that learns of the erasure; the bytes that SQLite leaves behind
are scrubbed after it, when the file is at rest. What a phone alone had written in such a stream is
shown to its worker for a while, in words. Decides nothing: `core.dispatch.erasure` says what is
erased. Invariant: after a scrub no byte of a purged stream stands in the store's files.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection
from typing import TYPE_CHECKING

from core.dispatch.erasure import Erased
from core.dispatch.fields import Kind, Role
from core.log.canonical import unpack
from core.log.chain import stream_id, stream_time_s
from replica import logs
from replica.file_going import forget_files, note_erased
from replica.history import history_of
from replica.projection import clear_projections, day
from replica.projection.rows import forget_words
from replica.store import SET_ASIDE, Store, StoreError

if TYPE_CHECKING:
    from replica.replica import Replica

LOGGER = logging.getLogger(__name__)

# Under this name the store keeps that bytes of what was purged may still stand in its files.
SCRUB_DUE = "scrub due"

# The law gives a month to erase what a person asks to be erased; until then a worker can read,
# and write down elsewhere, what only the own phone knew.
ONLY_HERE_MS = 30 * 86_400_000

_DAY_S = 86_400

# Tables that begin with the stream in their key; what peers hold and heard begins with the peer.
_BY_STREAM = ("staged", "refused", "witnessed", "stream")


def held_of(db: sqlite3.Connection, erased: Erased) -> set[bytes]:
    """The erased streams of which anything is held, or waits for what was lost before it."""
    if not erased:
        return set()
    rows = db.execute("SELECT stream FROM stream UNION SELECT stream FROM staged").fetchall()
    waiting = db.execute("SELECT value FROM meta WHERE name = ?", (SET_ASIDE,)).fetchone()
    rows += [] if waiting is None else [(run[0],) for run in unpack(waiting[0])]
    return {row[0] for row in rows if erased.covers(row[0])}


def purge(replica: Replica, streams: Collection[bytes]) -> None:
    """Take streams out of every table, within the caller's transaction."""
    db, store = replica.store.db, replica.store
    note_erased(replica, streams)
    if replica.identity.certificates and replica.identity.own.role != Role.HUB:
        for stream in sorted(streams):
            _keep_words(replica, stream)
    for stream in streams:
        for row in logs.log_rows(db, stream):
            for table in ("entry", "confirmed", "log_row"):
                db.execute(f"DELETE FROM {table} WHERE log = ?", (row.log,))
        for table in _BY_STREAM:
            db.execute(f"DELETE FROM {table} WHERE stream = ?", (stream,))
    for peers, table in (
        ("SELECT peer FROM peer UNION SELECT author FROM certificate", "dropped"),
        ("SELECT number FROM author", "peer_held"),
    ):
        pairs = [(peer, each) for (peer,) in db.execute(peers).fetchall() for each in streams]
        db.executemany(f"DELETE FROM {table} WHERE peer = ? AND stream = ?", pairs)
    db.execute("DELETE FROM seal WHERE seal NOT IN (SELECT seal FROM log WHERE seal NOTNULL)")
    waiting = store.get(SET_ASIDE, [])
    if any(run[0] in streams for run in waiting):
        store.put(SET_ASIDE, [run for run in waiting if run[0] not in streams])
    clear_projections(db, streams)
    day.project(replica, _beside(db, streams))
    forget_words(db)
    store.put(SCRUB_DUE, True)


def _beside(db: sqlite3.Connection, streams: Collection[bytes]) -> set[bytes]:
    """Days that are held beside some that are not any more: their rows may be other."""
    beside = {
        stream_id(Kind.DAY, stream_time_s(stream) + seconds, stream[5:])
        for stream in streams
        if stream[4] == Kind.DAY
        for seconds in (-_DAY_S, _DAY_S)
    }
    held = "SELECT 1 FROM stream WHERE stream = ? AND left_at IS NULL"
    return {each for each in beside if db.execute(held, (each,)).fetchone() is not None}


def _keep_words(replica: Replica, stream: bytes) -> None:
    """Keep in words what this phone's worker wrote in a stream that no hub has confirmed."""
    db = replica.store.db
    unsent: set[str] = set()
    for row in logs.log_rows(db, stream):
        if replica.standing(row.author).subject != replica.subject:
            continue
        (reached,) = db.execute(
            "SELECT coalesce(max(height), 0) FROM reach WHERE stream = ? AND author = ? AND "
            "branch = ? AND peer IN (SELECT author FROM certificate WHERE role = ?)",
            (stream, row.author, row.branch, int(Role.HUB)),
        ).fetchone()
        beyond = logs.entries_after(db, row, max(row.base, reached))
        unsent.update(entry_hash[:8].hex() for entry_hash, _ in beyond)
    until_ms = replica.clock.now_ms() + ONLY_HERE_MS
    db.executemany(
        "INSERT OR REPLACE INTO only_here VALUES (?, ?, ?, ?, ?, ?)",
        [
            (stream.hex(), number, row.at, row.field, row.value, until_ms)
            for number, row in enumerate(history_of(replica.state(stream)))
            if row.entry in unsent
        ],
    )


def forget_only_here(replica: Replica, *, all_of_it: bool = False) -> int:
    """Take out what was shown long enough, or all of it at the worker's word; how many changes.

    Raises:
        StoreError: the disk refused.
    """
    before_ms = 1 << 62 if all_of_it else replica.clock.now_ms()
    with replica.store.transaction() as db:
        count = db.execute("DELETE FROM only_here WHERE until <= ?", (before_ms,)).rowcount
        if count:
            replica.store.put(SCRUB_DUE, True)
            replica.has_purged = True
    return count


def forget_erased(replica: Replica) -> None:
    """At a start, and now and again: purge what is erased and still held, and scrub if it is due.

    Raises:
        StoreError: the disk refused.
    """
    forget_only_here(replica)
    replica.purge_erased()
    scrub_if_due(replica)


def scrub_if_due(replica: Replica) -> bool:
    """Scrub if bytes of what was purged may still stand in the files; whether none do now.

    A disk without room for it, or somebody who reads for long, puts it off until the next time.
    """
    store = replica.store
    done = _let_files_go(replica)
    try:
        if store.get(SCRUB_DUE, False):
            if not scrub(store):
                return False
            with store.transaction():
                store.put(SCRUB_DUE, False)
    except (sqlite3.Error, StoreError, OSError) as error:
        LOGGER.warning("what was erased still stands in free parts of the file: %s", error)
        return False
    return done


def _let_files_go(replica: Replica) -> bool:
    """Delete the files that may go; where that fails, it keeps no words on the disk, too."""
    try:
        return forget_files(replica)
    except StoreError as error:
        LOGGER.warning("files that were erased still stand on the disk: %s", error)
        return False


def scrub(store: Store) -> bool:
    """Write the whole file anew without what was deleted; False where a reader stood in the way.

    `PRAGMA secure_delete` alone is not enough: where SQLite moved a row to another page, a copy
    stays in the old one. VACUUM writes each page from what is held, and the search index, which
    marks words as deleted, is merged first. Needs room for another copy of the store.

    Raises:
        sqlite3.Error, OSError: the disk refused; the store is as it was.
    """
    db = store.db
    for copy in store.path.parent.glob(f"{store.path.stem}.before-*"):
        LOGGER.warning("%s was made before an upgrade and holds what is erased: it goes", copy)
        copy.unlink(missing_ok=True)
    db.execute("PRAGMA secure_delete = ON")
    try:
        db.execute("INSERT INTO job_text (job_text) VALUES ('optimize')")
        db.execute("VACUUM")
    finally:
        db.execute("PRAGMA secure_delete = OFF")
    busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
