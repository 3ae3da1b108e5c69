"""The tables of the log: streams, logs, entries, seals, staged entries.

Plain SQL for one stream at a time, inside the caller's transaction. Knows no peers and no meaning.
An entry's hash follows from its chain, so a row keeps the whole of it at every 16th entry alone,
and of the others what an entry is named by; the hash that a chain starts from is worked out. Logs
are read from the view `log`, which names authors by their keys. Invariant: a log's row always says
what its entries say: height, head and seal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core.log.canonical import unpack
from core.log.chain import HASH_BYTES, SHORT_BYTES, chain_next, chain_start
from core.log.registers import LogKey
from core.log.seal import Seal
from core.log.stream import Stored, StreamState


class LogRow(NamedTuple):
    """One row of `log`.

    `kept_base` is the hash at its base, None where it begins with its author's chain, whose start
    follows from `site` (as it is kept), stream and author.
    """

    log: int
    stream: bytes
    author: bytes
    branch: bytes
    base: int
    kept_base: bytes | None
    height: int
    head: bytes
    seal: int | None
    changed: int
    site: bytes = b""

    @property
    def base_hash(self) -> bytes:
        """The chain hash before its first entry."""
        if self.kept_base is not None:
            return self.kept_base
        return chain_start(unpack(self.site), self.stream, self.author)


# A row keeps its whole hash at heights that this divides: what an entry's hash costs to work out is
# bounded, and what lies beyond damage can be proven from there.
WHOLE_HASH_EVERY = 16

_LOGS = (
    "SELECT log, stream, author, branch, base, base_hash, height, head, seal, changed, "
    "(SELECT value FROM meta WHERE name = 'site') FROM log WHERE "
)


def stored_entries(db: sqlite3.Connection, stream: bytes) -> list[Stored]:
    """All entries of a stream that are held, in no order that matters."""
    found: list[Stored] = []
    for row in log_rows(db, stream):
        rows = db.execute("SELECT hash, body FROM entry WHERE log = ? ORDER BY seq", (row.log,))
        found += chain_of(row.author, row.base, row.base_hash, row.height, row.head, rows)
    return found


def chain_of(
    author: bytes,
    base: int,
    previous: bytes,
    height: int,
    head: bytes,
    rows: Iterable[tuple[bytes, bytes]],
) -> list[Stored]:
    """Entries after `base`, where the hash is `previous`, from their rows (hash, body) in order.

    `height` and `head` are the log's. A damaged row harms no hash beyond the next that is whole.
    """
    found: list[Stored] = []
    for seq, (kept, body) in enumerate(rows, base + 1):
        if seq == height:
            kept = head
        elif len(kept) != HASH_BYTES:
            kept = chain_next(previous, body)
        found.append(Stored(author, seq, previous, kept, body))
        previous = kept
    return found


def hash_at(db: sqlite3.Connection, row: LogRow, seq: int) -> bytes:
    """The chain hash of a log at `seq`, which it holds, or at its base."""
    if seq == row.height:
        return row.head
    start = max(row.base, seq - seq % WHOLE_HASH_EVERY)
    between = "SELECT hash, body FROM entry WHERE log = ? AND seq >= ? AND seq <= ? ORDER BY seq"
    entry_hash = row.base_hash
    for kept, body in db.execute(between, (row.log, start, seq)):
        entry_hash = kept if len(kept) == HASH_BYTES else chain_next(entry_hash, body)
    return entry_hash


def held_hashes(db: sqlite3.Connection, author: bytes | None = None) -> set[bytes]:
    """The chain hashes of all entries that are held, or of one author's."""
    found: set[bytes] = set()
    for (stream,) in db.execute("SELECT DISTINCT stream FROM log").fetchall():
        for stored in stored_entries(db, stream):
            if author is None or stored.author == author:
                found.add(stored.hash)
    return found


def _logs(db: sqlite3.Connection, where: str, *values: bytes | int) -> list[LogRow]:
    """The logs for which a condition holds."""
    return [LogRow(*row) for row in db.execute(_LOGS + where, values)]


def log_rows(db: sqlite3.Connection, stream: bytes) -> list[LogRow]:
    """The logs of a stream, parents before their branches."""
    return _logs(db, "stream = ? ORDER BY base, branch", stream)


def log_row(db: sqlite3.Connection, stream: bytes, key: LogKey) -> LogRow | None:
    """One log of a stream, None if nothing is held of it."""
    return next(iter(_logs(db, "stream = ? AND author = ? AND branch = ?", stream, *key)), None)


def place_of(
    db: sqlite3.Connection, stream: bytes, author: bytes, seq: int, short: bytes
) -> list[tuple[LogRow, bytes]]:
    """Logs and hashes of the author's entries `seq`; with `short` only those that begin so."""
    where = "stream = ? AND author = ? AND base < ? AND height >= ?"
    rows = _logs(db, where, stream, author, seq, seq)
    places = [(row, hash_at(db, row, seq)) for row in rows]
    return [(row, entry_hash) for row, entry_hash in places if entry_hash.startswith(short)]


def holds(
    db: sqlite3.Connection, stream: bytes, author: bytes, seq: int, entry_hash: bytes
) -> bool:
    """Whether the author's entry `seq` with this hash is held."""
    return bool(place_of(db, stream, author, seq, entry_hash))


def entries_after(
    db: sqlite3.Connection, row: LogRow, height: int
) -> tuple[tuple[bytes, bytes], ...]:
    """(hash, body) of a log's entries beyond `height`, which is no less than its base."""
    if height >= row.height:
        return ()
    beyond = "SELECT hash, body FROM entry WHERE log = ? AND seq > ? ORDER BY seq"
    rows = db.execute(beyond, (row.log, height)).fetchall()
    previous = hash_at(db, row, height)
    chain = chain_of(row.author, height, previous, row.height, row.head, rows)
    return tuple((stored.hash, stored.body) for stored in chain)


def append_chain(
    db: sqlite3.Connection,
    site: bytes,
    stream: bytes,
    chain: Sequence[Stored],
    arrived_ms: int | None,
    position: int,
    row: LogRow | None = None,
) -> list[Stored]:
    """Add entries that follow each other in one chain; those that were not held already.

    Where they fork a log, the log is split at the fork first. `arrived_ms` is kept with entries of
    the replica's own alone. `row` is the log that they grow, where `log_to_grow` has said so.
    """
    first, last = chain[0], chain[-1]
    row = row or log_to_grow(db, stream, first, position)
    if row is None:
        return [s for s in chain if _append_one(db, site, stream, s, arrived_ms, position)]
    # They grow the only log that ends where they begin, so none of them can be held.
    _insert(db, row.log, chain, arrived_ms)
    _grow(db, row.log, last, position)
    return list(chain)


def log_to_grow(
    db: sqlite3.Connection, stream: bytes, first: Stored, position: int
) -> LogRow | None:
    """The log that `first` simply grows, made where it is its author's first entry in the stream.

    None where that author has a log that it may fork.
    """
    rows = _logs(db, "stream = ? AND author = ?", stream, first.author)
    if not rows and first.seq == 1:
        return _make(db, stream, (first.author, b""), 0, first.previous, None, position)
    row = rows[0] if len(rows) == 1 else None
    return row if row is not None and row.head == first.previous else None


def _append_one(
    db: sqlite3.Connection,
    site: bytes,
    stream: bytes,
    stored: Stored,
    arrived_ms: int | None,
    position: int,
) -> bool:
    """Add one entry wherever it belongs; False where it was held already."""
    if holds(db, stream, stored.author, stored.seq, stored.hash):
        return False
    row = _log_for(db, site, stream, stored, position)
    _insert(db, row.log, [stored], arrived_ms)
    _grow(db, row.log, stored, position)
    return True


def _insert(
    db: sqlite3.Connection, log: int, entries: Sequence[Stored], arrived_ms: int | None
) -> None:
    db.executemany(
        "INSERT INTO entry VALUES (?, ?, ?, ?, ?)",
        [
            (log, stored.seq, stored.hash[: kept_bytes(stored.seq)], stored.body, arrived_ms)
            for stored in entries
        ],
    )


def kept_bytes(seq: int) -> int:
    """How many bytes of its hash the row of entry `seq` keeps."""
    return SHORT_BYTES if seq % WHOLE_HASH_EVERY else HASH_BYTES


def _grow(db: sqlite3.Connection, log: int, last: Stored, position: int) -> None:
    db.execute(
        "UPDATE log_row SET height = ?, head = ?, changed = ? WHERE log = ?",
        (last.seq, last.hash, position, log),
    )


def _log_for(
    db: sqlite3.Connection, site: bytes, stream: bytes, stored: Stored, position: int
) -> LogRow:
    """The row whose head is the entry's previous hash; made, or split off, where there is none."""
    if stored.seq == 1:
        root = log_row(db, stream, (stored.author, b""))
        if root is None:
            return _make(db, stream, (stored.author, b""), 0, stored.previous, None, position)
        parent = root
        fork_hash = chain_start(site, stream, stored.author)
    else:
        places = place_of(db, stream, stored.author, stored.seq - 1, stored.previous)
        parent = next(row for row, _ in places)
        if parent.head == stored.previous and not _has_branches(db, parent):
            return parent
        fork_hash = stored.previous
    _split(db, parent, stored.seq - 1, fork_hash, position)
    return _make(
        db, stream, (stored.author, stored.hash), stored.seq - 1, stored.previous, None, position
    )


def _has_branches(db: sqlite3.Connection, row: LogRow) -> bool:
    found = db.execute(
        "SELECT 1 FROM log WHERE stream = ? AND author = ? AND base = ? AND base_hash = ? "
        "AND log <> ?",
        (row.stream, row.author, row.height, row.head, row.log),
    ).fetchone()
    return found is not None


def _make(
    db: sqlite3.Connection,
    stream: bytes,
    key: LogKey,
    base: int,
    base_hash: bytes,
    seal: int | None,
    position: int,
) -> LogRow:
    kept = base_hash if key[1] else None
    cursor = db.execute(
        "INSERT INTO log_row VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (stream, author_number(db, key[0]), key[1], base, kept, base, base_hash, seal, position),
    )
    assert cursor.lastrowid is not None
    return LogRow(
        cursor.lastrowid, stream, key[0], key[1], base, base_hash, base, base_hash, seal, position
    )


def _split(db: sqlite3.Connection, parent: LogRow, at: int, at_hash: bytes, position: int) -> None:
    """Give what a log holds beyond `at` to a branch of its own, named by its first entry."""
    if parent.height <= at:
        return
    first = hash_at(db, parent, at + 1)
    tail = _make(db, parent.stream, (parent.author, first), at, at_hash, parent.seal, position)
    db.execute("UPDATE entry SET log = ? WHERE log = ? AND seq > ?", (tail.log, parent.log, at))
    db.execute(
        "UPDATE log_row SET height = ?, head = ? WHERE log = ?",
        (parent.height, parent.head, tail.log),
    )
    db.execute(
        "UPDATE log_row SET height = ?, head = ?, seal = NULL, changed = ? WHERE log = ?",
        (at, at_hash, position, parent.log),
    )


def keep_stream(db: sqlite3.Connection, state: StreamState, position: int, own: bytes) -> bool:
    """Bring a stream's row up to what its state says; whether the stream is in scope here.

    One that left is back as soon as entries of others than `own` come in: of a stream that leaves
    only the own ones are kept.
    """
    back = any(author != own for author, _ in state.logs)
    row = (state.stream, state.stream[4], state.leaf(), position, state.size, state.inert_count())
    ((left_at,),) = db.execute(
        "INSERT INTO stream VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (stream) DO UPDATE SET "
        "leaf = excluded.leaf, changed = excluded.changed, entries = excluded.entries, "
        "inert = excluded.inert, left_at = CASE WHEN ? THEN NULL ELSE stream.left_at END "
        "RETURNING left_at",
        (*row, back),
    ).fetchall()
    return left_at is None


def count_inert(db: sqlite3.Connection, state: StreamState) -> None:
    """Bring a stream's count of inert entries up to a state that holds the same entries."""
    row = (state.inert_count(), state.stream)
    db.execute("UPDATE stream SET inert = ? WHERE stream = ?", row)


# --- keys


def author_number(db: sqlite3.Connection, author: bytes) -> int:
    """The local number of a key, given to it where it has none."""
    asked = "SELECT number FROM author WHERE author = ?"
    row = db.execute(asked, (author,)).fetchone()
    if row is None:
        row = (db.execute("INSERT INTO author VALUES (NULL, ?)", (author,)).lastrowid,)
    return int(row[0])


# --- seals


def keep_seal(db: sqlite3.Connection, seal: Seal) -> int:
    """The row of a seal, made where it is new; reads all rows, so not for many."""
    row = db.execute(
        "SELECT seal FROM seal WHERE author = ? AND signature = ? AND leaves = ?",
        (seal.author, seal.signature, b"".join(seal.leaves)),
    ).fetchone()
    return add_seal(db, seal) if row is None else int(row[0])


def add_seal(db: sqlite3.Connection, seal: Seal) -> int:
    """A new row for a seal."""
    cursor = db.execute(
        "INSERT INTO seal VALUES (NULL, ?, ?, ?, ?)",
        (seal.author, seal.number, b"".join(seal.leaves), seal.signature),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def has_seal(db: sqlite3.Connection, number: int, seal: Seal) -> bool:
    """Whether a row still holds this seal: it goes when no log needs it, and numbers come again."""
    row = db.execute(
        "SELECT 1 FROM seal WHERE seal = ? AND author = ? AND signature = ? AND leaves = ?",
        (number, seal.author, seal.signature, b"".join(seal.leaves)),
    ).fetchone()
    return row is not None


def cover(db: sqlite3.Connection, row: LogRow, seal: int) -> None:
    """Let a seal cover a log's head; the one it had goes where no log needs it."""
    set_seal(db, row, seal)
    if row.seal is not None and row.seal != seal:
        drop_seals(db, [row.seal])


def set_seal(db: sqlite3.Connection, row: LogRow, seal: int) -> None:
    """Let a seal cover a log's head; the one that it had is the caller's to drop."""
    db.execute("UPDATE log_row SET seal = ? WHERE log = ?", (seal, row.log))


def drop_seals(db: sqlite3.Connection, seals: Iterable[int]) -> None:
    """Let those of these seals go that no log needs."""
    db.executemany(
        "DELETE FROM seal WHERE seal = ?1 AND NOT EXISTS (SELECT 1 FROM log WHERE log.seal = ?1)",
        [(seal,) for seal in seals],
    )


def seal_at(db: sqlite3.Connection, seal: int) -> Seal:
    """The seal of a row."""
    author, number, leaves, signature = db.execute(
        "SELECT author, number, leaves, signature FROM seal WHERE seal = ?", (seal,)
    ).fetchone()
    split = tuple(leaves[at : at + 32] for at in range(0, len(leaves), 32))
    return Seal(author, number, split, signature)


# --- staged entries


def any_staged(db: sqlite3.Connection) -> bool:
    """Whether any entry waits for its seal."""
    return db.execute("SELECT 1 FROM staged LIMIT 1").fetchone() is not None


def stage(db: sqlite3.Connection, stream: bytes, entries: Iterable[Stored]) -> None:
    """Keep entries that no seal covers yet."""
    db.executemany(
        "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?, ?, ?)",
        [(stream, s.author, s.seq, s.previous, s.hash, s.body) for s in entries],
    )


def staged_entry(
    db: sqlite3.Connection, stream: bytes, author: bytes, seq: int, begins: bytes
) -> list[Stored]:
    """Staged entries of an author at `seq` whose hash begins so."""
    rows = db.execute(
        "SELECT seq, previous, hash, body FROM staged WHERE stream = ? AND author = ? AND seq = ?",
        (stream, author, seq),
    )
    return [Stored(author, *row) for row in rows if row[2].startswith(begins)]


def unstage(db: sqlite3.Connection, stream: bytes, entries: Iterable[Stored]) -> None:
    """Take out entries that have been stored."""
    db.executemany(
        "DELETE FROM staged WHERE stream = ? AND author = ? AND seq = ? AND hash = ?",
        [(stream, s.author, s.seq, s.hash) for s in entries],
    )
