"""Scope: the streams that a peer may hold, computed in one function.

A hub's scope is everything. A worker's phone: the site stream, its own worker stream, the jobs
where the fold gives it an assignment (open ones, and those closed within the retention), their
customers, its own days. The sending side enforces it. Invariant: no stream outside it is ever sent
to a peer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Kind, Role
from core.log.certificate import Certificate
from core.log.chain import derived_unique

RETENTION_DAYS = 30
# Of more streams at once it is sooner to let every session look.
AUDIENCE_STREAMS_MAX = 64
_OF_CUSTOMER = """
    SELECT DISTINCT assignment.worker FROM job JOIN assignment USING (job) WHERE job.customer = ?
"""
_DAY_MS = 86_400_000
_NEVER_MS = 1 << 62


def scope_of(db: sqlite3.Connection, peer: Certificate, now_ms: int) -> frozenset[bytes]:
    """The streams that `peer` may hold, as this store's projections say.

    `now_ms` decides only how long closed jobs stay on a phone.
    """
    if peer.role == Role.HUB:
        return frozenset(row[0] for row in db.execute("SELECT stream FROM stream"))
    jobs = _jobs_of(db, peer.subject, now_ms - _retention_days(db) * _DAY_MS)
    found = {SITE_STREAM, peer.subject, *_with_customers(jobs)}
    found.update(days_of(db, peer.subject))
    return frozenset(found)


def common_of(db: sqlite3.Connection, one: Certificate, other: Certificate) -> frozenset[bytes]:
    """The streams that two phones should hold alike: of open jobs of both workers, and the site.

    Two phones that hold the same of these jobs say the same, whatever their clocks say: how long a
    closed job stays hangs on a clock. A customer of other jobs is left out: whether a colleague has
    such a job, too, neither may know.
    """
    both = set(_jobs_of(db, one.subject)).intersection(_jobs_of(db, other.subject))
    return frozenset({SITE_STREAM, *_with_customers(both)})


def may_come(stream: bytes, worker: bytes) -> bool:
    """Whether a stream may be for a worker's phone, as far as its id tells; of a job it does not.

    What a colleague's phone sends is looked at by this: a hub's scope needs no look, as its word is
    what a phone lives by.
    """
    match stream[4]:
        case Kind.SITE:
            return stream == SITE_STREAM
        case Kind.JOB | Kind.CUSTOMER:
            return True
        case Kind.WORKER:
            return stream == worker
        case Kind.DAY | Kind.TRACK:
            return stream[5:] == derived_unique(worker)
    return False


def audience_of(db: sqlite3.Connection, streams: Collection[bytes]) -> frozenset[bytes] | None:
    """Whose phones a commit to these streams may matter to, besides those that hold one of them.

    Workers' ids, and for days and tracks the ends of their streams' ids (`derived_unique` of the
    worker). None: it may matter to anybody's. Who is asked for nothing needs no turn at the writer.
    """
    if len(streams) > AUDIENCE_STREAMS_MAX:
        return None
    found: set[bytes] = set()
    for stream in streams:
        match stream[4]:
            case Kind.JOB:
                found.update(_workers(db, "SELECT worker FROM assignment WHERE job = ?", stream))
            case Kind.CUSTOMER:
                found.update(_workers(db, _OF_CUSTOMER, stream))
            case Kind.WORKER:
                found.add(stream)
            case Kind.DAY | Kind.TRACK:
                found.add(stream[5:])
            case Kind.OFFICE | Kind.SUMMARY | Kind.RECURRENCE:
                pass
            case _:
                return None
    return frozenset(found)


def _workers(db: sqlite3.Connection, question: str, stream: bytes) -> Iterator[bytes]:
    return (bytes.fromhex(row[0]) for row in db.execute(question, (stream.hex(),)))


def _jobs_of(
    db: sqlite3.Connection, worker: bytes, since: int = _NEVER_MS
) -> list[tuple[bytes, bytes]]:
    """A worker's jobs, open or closed after `since`, each with its customer (empty: none)."""
    rows = db.execute(
        "SELECT job.job, job.customer FROM assignment JOIN job USING (job) "
        "WHERE assignment.worker = ? AND assignment.phase NOT IN ('withdrawn', 'released') "
        "AND (job.status IN ('open', 'in progress') OR job.updated_at > ?)",
        (worker.hex(), since),
    )
    return [(bytes.fromhex(job), bytes.fromhex(customer)) for job, customer in rows]


def _with_customers(jobs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """The jobs and their customers.

    What a job names as its customer may be any id: a worker writes it in a job of its own. The
    office's stream, or a colleague's day, goes out to nobody by that.
    """
    for job, customer in jobs:
        yield job
        if customer and customer[4] == Kind.CUSTOMER:
            yield customer


def _retention_days(db: sqlite3.Connection) -> int:
    """How long closed jobs stay on a phone: the site's setting."""
    row = db.execute("SELECT value FROM setting WHERE name = 'retention_days'").fetchone()
    days = None if row is None else json.loads(row[0])
    # A setting comes from any dispatcher's program, of any version: nonsense is as none.
    return days if type(days) is int and 0 <= days <= 36_500 else RETENTION_DAYS


def days_of(db: sqlite3.Connection, worker: bytes) -> list[bytes]:
    """The streams of a worker's days, and of their tracks, that are held."""
    tail = bytes(derived_unique(worker))
    # Each kind by itself, as each has an index of its own.
    return [
        row[0]
        for kind in (Kind.DAY, Kind.TRACK)
        for row in db.execute(
            f"SELECT stream FROM stream WHERE kind = {int(kind)} AND substr(stream, 6) = ?", (tail,)
        )
    ]
