"""Reach: how far a replica's own entries, and the office's, have provably come.

Questions to the tables of peers; a level is told only where an ack or a peer's own entry proves it.
Writes nothing. Invariant: what is not proven counts as not reached.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.dispatch.fields import Role

# The own log of each stream with the furthest height that any hub has confirmed of it. Of what a
# former key wrote only what is in scope: the rest was confirmed before it left, or it had stayed.
_OWN = """
    SELECT log.log, log.stream, log.base, log.height, coalesce(max(confirmed.height), 0) AS reached
    FROM log LEFT JOIN confirmed ON confirmed.log = log.log AND confirmed.peer IN
        (SELECT number FROM author JOIN certificate USING (author) WHERE role = ?)
    JOIN stream ON stream.stream = log.stream
    WHERE log.author = ? OR (stream.left_at ISNULL AND log.author IN ({former})) GROUP BY log.log
"""


# The same entry by entry; whoever has been away for a month has thousands, and each page asks.
_UNSENT = f"FROM ({_OWN}) AS own JOIN entry ON entry.log = own.log AND seq > max(base, reached)"


@dataclass(frozen=True, slots=True)
class OwnUnsent:
    """One own entry that no hub has confirmed; `short` is what its hash begins with (8 bytes)."""

    stream: bytes
    short: bytes
    arrived_ms: int
    size_bytes: int


def is_with_colleague(db: sqlite3.Connection, job: bytes, author: bytes, colleague: bytes) -> bool:
    """Whether a phone of a colleague has confirmed all that `author` wrote in a job.

    So who hands a job on knows that it arrived. It says nothing of any hub.
    """
    row = db.execute(
        "SELECT 1 FROM log JOIN confirmed USING (log) JOIN author ON author.number = peer "
        "JOIN certificate ON certificate.author = author.author "
        "WHERE log.stream = ? AND log.author = ? AND subject = ? AND role = ? "
        "AND confirmed.height >= log.height",
        (job, author, colleague, int(Role.WORKER)),
    )
    return row.fetchone() is not None


@dataclass(frozen=True, slots=True)
class UnsentInAll:
    """All own entries that no hub has confirmed: how many, their bytes, how many by stream.

    `oldest` lists the first of them in the order in which they were written.
    """

    count: int
    size_bytes: int
    count_by_stream: Mapping[bytes, int]
    oldest: tuple[OwnUnsent, ...]


def unsent_in_all(
    db: sqlite3.Connection, author: bytes, former: Sequence[bytes] = (), *, listed: int = 1
) -> UnsentInAll:
    """What waits, summed up, with so many of the oldest; `former` keys' count as own."""
    entries = _UNSENT.format(former=", ".join("?" * len(former)))
    asked = (int(Role.HUB), author, *former)
    by_stream = db.execute(
        f"SELECT stream, count(*), sum(length(body)) {entries} GROUP BY stream", asked
    ).fetchall()
    if not by_stream:
        return UnsentInAll(0, 0, {}, ())
    oldest = db.execute(
        "SELECT stream, substr(hash, 1, 8) AS short, coalesce(arrived, 0) AS at, length(body) "
        f"{entries} ORDER BY at, short LIMIT ?",
        (*asked, listed),
    )
    return UnsentInAll(
        sum(row[1] for row in by_stream),
        sum(row[2] for row in by_stream),
        {row[0]: row[1] for row in by_stream},
        tuple(OwnUnsent(*row) for row in oldest),
    )


def unsent_entries(
    db: sqlite3.Connection, author: bytes, former: Sequence[bytes] = ()
) -> list[OwnUnsent]:
    """Own entries that no hub has confirmed, the oldest first; `former` keys' count as own."""
    found = []
    question = _OWN.format(former=", ".join("?" * len(former)))
    logs = db.execute(question, (int(Role.HUB), author, *former)).fetchall()
    for log, stream, base, height, reached in logs:
        if max(base, reached) >= height:
            continue
        rows = db.execute(
            "SELECT substr(hash, 1, 8), coalesce(arrived, 0), length(body) FROM entry "
            "WHERE log = ? AND seq > ?",
            (log, max(base, reached)),
        )
        found += [OwnUnsent(stream, *row) for row in rows]
    return sorted(found, key=lambda entry: (entry.arrived_ms, entry.short))
