"""Reach: how far a replica's own entries, and the office's, have provably come.

Questions to the tables of peers; a level is told only where an ack or a peer's own entry proves it.
Writes nothing. Invariant: what is not proven counts as not reached.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.dispatch.fields import Role

# The own logs that no hub has confirmed to their head, with the furthest height that any has. Of
# what a former key wrote only what is in scope: the rest was confirmed before it left, or it had
# stayed. Years of days lie confirmed to their head, so that is asked of each log first.
_OWN = """
    WITH hub AS MATERIALIZED
        (SELECT number FROM author JOIN certificate USING (author) WHERE role = ?),
    own AS MATERIALIZED
        (SELECT number, author = ? AS is_now FROM author WHERE author IN (?{former}))
    SELECT log.log, log.stream, log.base, log.height, coalesce(
        (SELECT max(height) FROM confirmed WHERE confirmed.log = log.log
         AND peer IN (SELECT number FROM hub)), 0) AS reached
    FROM log_row AS log JOIN own ON own.number = log.author
    WHERE log.height > log.base
      AND NOT EXISTS (SELECT 1 FROM confirmed WHERE confirmed.log = log.log
                      AND peer IN (SELECT number FROM hub) AND confirmed.height >= log.height)
      AND (own.is_now OR EXISTS
           (SELECT 1 FROM stream WHERE stream.stream = log.stream AND left_at ISNULL))
"""


# The same entry by entry; whoever has been away for a month has thousands, and each page asks.
# From the few logs to their entries: a planner that guesses may read all that the phone holds.
_UNSENT = f"""FROM ({_OWN}) AS ahead
    CROSS JOIN entry ON entry.log = ahead.log AND seq > max(base, reached)"""

Question = tuple[str, Sequence[object]]
"""SQL and its parameters."""


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


def unsent_questions(
    author: bytes, former: Sequence[bytes] = (), *, listed: int = 1
) -> tuple[Question, Question]:
    """What `summed` takes the answers to: what waits by stream, and so many of the oldest.

    `former` keys' count as own. For those who ask on a connection of their own.
    """
    entries, asked = _UNSENT.format(former=", ?" * len(former)), _asked(author, former)
    by_stream = f"SELECT stream, count(*), sum(length(body)) {entries} GROUP BY stream"
    oldest = f"""
        SELECT stream, substr(hash, 1, 8) AS short, coalesce(arrived, 0) AS at, length(body)
        {entries} ORDER BY at, short LIMIT ?"""
    return (by_stream, asked), (oldest, (*asked, listed))


def _asked(author: bytes, former: Sequence[bytes]) -> tuple[object, ...]:
    return (int(Role.HUB), author, author, *former)


def summed(by_stream: Sequence[Any], oldest: Sequence[Any]) -> UnsentInAll:
    """The answers to `unsent_questions`, summed up."""
    return UnsentInAll(
        sum(row[1] for row in by_stream),
        sum(row[2] for row in by_stream),
        {row[0]: row[1] for row in by_stream},
        tuple(OwnUnsent(*row) for row in oldest),
    )


def unsent_in_all(
    db: sqlite3.Connection, author: bytes, former: Sequence[bytes] = (), *, listed: int = 1
) -> UnsentInAll:
    """What waits, summed up, with so many of the oldest; `former` keys' count as own."""
    return summed(
        *(
            db.execute(sql, asked).fetchall()
            for sql, asked in unsent_questions(author, former, listed=listed)
        )
    )


def unsent_entries(
    db: sqlite3.Connection, author: bytes, former: Sequence[bytes] = ()
) -> list[OwnUnsent]:
    """Own entries that no hub has confirmed, the oldest first; `former` keys' count as own."""
    found = []
    question = _OWN.format(former=", ?" * len(former))
    logs = db.execute(question, _asked(author, former)).fetchall()
    for log, stream, base, _, reached in logs:
        rows = db.execute(
            "SELECT substr(hash, 1, 8), coalesce(arrived, 0), length(body) FROM entry "
            "WHERE log = ? AND seq > ?",
            (log, max(base, reached)),
        )
        found += [OwnUnsent(stream, *row) for row in rows]
    return sorted(found, key=lambda entry: (entry.arrived_ms, entry.short))
