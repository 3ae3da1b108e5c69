"""Projections: the tables that screens ask, made from the folds of streams.

One module a kind of stream; each rewrites the rows of one stream from its state. They hold nothing
that the log does not. Invariant: equal sets of entries give equal rows, whatever the order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.dispatch.fields import Kind
from replica.projection import day, history, job, office, people, site, summary, track
from replica.scope import days_of

if TYPE_CHECKING:
    from replica.replica import Replica

# What the streams of some kinds are shown by, written whole at every change: (table, column that
# names the stream). Of jobs, days and history only what changed is written.
_WHOLE: dict[int, tuple[tuple[str, str], ...]] = {
    Kind.SITE: (("setting", ""), ("team", ""), ("vehicle", ""), ("skill", ""), ("erased", "")),
    Kind.OFFICE: (("account", ""),),
    Kind.CUSTOMER: (
        ("customer", "customer"),
        ("customer_place", "customer"),
        ("contact", "customer"),
    ),
    Kind.WORKER: (("worker", "worker"),),
}


def projected_tables() -> list[str]:
    """The names of all tables that are made from the log."""
    tables = [table for rows in _WHOLE.values() for table, _ in rows]
    return [*tables, *job.TABLES, "history", *day.TABLES, *track.TABLES, *summary.TABLES]


def clear_projections(db: sqlite3.Connection, streams: Iterable[bytes]) -> None:
    """Take out the rows of these streams."""
    for stream in streams:
        _clear_whole(db, stream)
        name = stream.hex()
        if stream[4] == Kind.JOB:
            job.clear(db, name)
        elif stream[4] in (Kind.DAY, Kind.TRACK):
            _clear_dated(db, stream)
        db.execute("DELETE FROM conflict WHERE stream = ?", (name,))
        db.execute("DELETE FROM history WHERE stream = ?", (name,))


def _clear_dated(db: sqlite3.Connection, stream: bytes) -> None:
    if stream[4] == Kind.DAY:
        day.clear(db, stream)
    track.clear(db, stream)


def _clear_whole(db: sqlite3.Connection, stream: bytes) -> None:
    """Take out the rows of the kinds that are written whole: they are few and rarely change."""
    for table, column in _WHOLE.get(stream[4], ()):
        if column:
            db.execute(f"DELETE FROM {table} WHERE {column} = ?", (stream.hex(),))
        else:
            db.execute(f"DELETE FROM {table}")


def project_stream(replica: Replica, streams: Iterable[bytes], *, fresh: bool = False) -> None:
    """Bring the rows of these streams up to their states; `fresh`: after dropping every row.

    Within the caller's transaction.
    """
    db = replica.store.db
    touched = sorted(set(streams))
    if fresh:
        for table in projected_tables():
            db.execute(f"DELETE FROM {table}")
    dated: set[bytes] = set()
    for stream in touched:
        state = replica.state(stream)
        _clear_whole(db, stream)
        match stream[4]:
            case Kind.SITE:
                site.project(db, state)
            case Kind.OFFICE:
                office.project(db, state)
            case Kind.CUSTOMER:
                people.project_customer(db, state)
            case Kind.WORKER:
                people.project_worker(db, state)
                dated |= set(days_of(db, stream))
            case Kind.JOB:
                job.project(db, state)
            case Kind.DAY | Kind.TRACK:
                dated.add(stream)
            case Kind.SUMMARY:
                summary.project(db, state)
        history.project(db, state)
    project_dated(replica, dated)


def project_dated(replica: Replica, streams: Iterable[bytes]) -> None:
    """Bring the rows of worker-days and tracks up to date."""
    found = {stream: day.worker_of(replica, stream) for stream in streams}
    known = [(stream, worker) for stream, worker in found.items() if worker is not None]
    for stream in [stream for stream, worker in found.items() if worker is None]:
        # Of a worker that nobody knows nothing can be shown.
        _clear_dated(replica.store.db, stream)
    day.project(replica, {stream: worker for stream, worker in known if stream[4] == Kind.DAY})
    track.project(replica, known)
