"""Projections: the tables that screens ask, made from the folds of streams.

One module a kind of stream; each rewrites the rows of one stream from its state. They hold nothing
that the log does not. Invariant: equal sets of entries give equal rows, whatever the order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.dispatch.acts import OFFICE_STREAM, SITE_STREAM
from core.dispatch.fields import Kind
from replica.projection import day, job, office, people, recurrence, site, summary
from replica.projection.rows import stored_in
from replica.scope import days_of

if TYPE_CHECKING:
    from replica.replica import Replica

# What the streams of some kinds are shown by, written whole at every change: (table, column that
# names the stream). Of jobs and days only what changed is written.
_WHOLE: dict[int, tuple[tuple[str, str], ...]] = {
    Kind.SITE: (("setting", ""), ("team", ""), ("vehicle", ""), ("skill", ""), ("erased", "")),
    Kind.OFFICE: (("account", ""), ("saved_view", "")),
    Kind.CUSTOMER: (
        ("customer", "customer"),
        ("customer_place", "customer"),
        ("contact", "customer"),
    ),
    Kind.WORKER: (("worker", "worker"), ("absence", "worker"), ("vehicle_day", "worker")),
    Kind.RECURRENCE: (("recurrence", "recurrence"),),
}


def projected_tables() -> list[str]:
    """The names of all tables that are made from the log."""
    tables = [table for rows in _WHOLE.values() for table, _ in rows]
    return [*tables, *job.TABLES, *day.TABLES, *summary.TABLES]


def clear_projections(db: sqlite3.Connection, streams: Iterable[bytes]) -> None:
    """Take out the rows of these streams."""
    for stream in streams:
        _clear_whole(db, stream)
        name = stream.hex()
        if stream[4] == Kind.JOB:
            job.clear(db, stream)
        elif stream[4] == Kind.DAY:
            day.clear(db, stream)
        db.execute("DELETE FROM conflict WHERE stream = ?", (name,))


def _clear_whole(db: sqlite3.Connection, stream: bytes) -> None:
    """Take out the rows of the kinds that are written whole: they are few and rarely change."""
    for table, column in _WHOLE.get(stream[4], ()):
        if column:
            db.execute(f"DELETE FROM {table} WHERE {column} = ?", (stream.hex(),))
        elif stream in (SITE_STREAM, OFFICE_STREAM):
            # Others of these kinds mean nothing, whoever wrote to them.
            db.execute(f"DELETE FROM {table}")


def project_stream(replica: Replica, streams: Iterable[bytes], *, fresh: bool = False) -> None:
    """Bring the rows of these streams up to their states; `fresh`: after dropping every row.

    Within the caller's transaction.
    """
    db = replica.store.db
    touched = sorted(set(streams))
    if fresh:
        for table in set(projected_tables()) - {"job", "job_text"}:
            db.execute(f"DELETE FROM {stored_in(table)}")
        db.execute("DELETE FROM word")
        job.clear_all(db)
    days: set[bytes] = set()
    for stream in touched:
        state = replica.state(stream)
        _clear_whole(db, stream)
        match stream[4]:
            case Kind.SITE if stream == SITE_STREAM:
                site.project(db, state)
            case Kind.OFFICE if stream == OFFICE_STREAM:
                office.project(db, state)
            case Kind.CUSTOMER:
                people.project_customer(db, state)
            case Kind.WORKER:
                people.project_worker(db, state)
                days |= {each for each in days_of(db, stream) if each[4] == Kind.DAY}
            case Kind.JOB:
                job.project(db, state, fresh=fresh)
            case Kind.DAY:
                days.add(stream)
            case Kind.SUMMARY:
                summary.project(db, state)
            case Kind.RECURRENCE:
                recurrence.project(db, state)
    day.project(replica, days, fresh=fresh)
