"""Making a bundle of what a store holds, beside the program that may be running on it.

Reads the store through a connection that cannot write, in one transaction, and signs with the
replica's key: its own ends under a new seal, and the whole. Chooses streams by what people call
them. Holds no file of its own. Invariant: what it gives has been checked as its reader will.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from core.dispatch.acts import ActError, day_stream
from core.dispatch.fields import Kind
from core.log.bundle import Bundle, LogPart, StreamPart, WitnessPart, lay_out, write
from core.log.canonical import unpack
from core.log.certificate import read_certificate
from core.log.chain import seal_leaf, stream_id, stream_time_s
from core.log.errors import LogError, OverLimit
from core.log.limits import SEAL_LEAVES_MAX
from core.log.proof import Proven, prove
from core.log.seal import Seal, make_seal
from core.log.stream import Stored
from core.log.witness import Tip, path_to, tips_leaf
from replica import logs
from replica.identity import Identity
from replica.store import APPLICATION_ID, newest_schema, read_only
from replica.witnesses import TIP_BYTES, Kept, witnesses_of


class ProvingError(Exception):
    """No bundle can be made; the sentence says why and what to do."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A store's file as it is at this moment; nothing is written, and nobody has to stop for it.

    Raises:
        ProvingError: it is no store of this version.
        sqlite3.Error: it cannot be read.
    """
    with contextlib.closing(read_only(path)) as db:
        (mark,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        newest = newest_schema()
        if mark != APPLICATION_ID:
            raise ProvingError(f"{path} is no store of Fieldlog; give a hub's or phone's folder")
        if version < newest:
            raise ProvingError(f"{path} is of an older version; start its hub or phone once")
        if version > newest:
            raise ProvingError(f"{path} is of a newer version; use that one")
        db.execute("BEGIN")
        yield db


# --- what people call a stream


def find_job(db: sqlite3.Connection, name: str) -> bytes:
    """The stream of a job, by its number (`A-17`, `~ab12cd`) or its id of 24 hex digits.

    Raises:
        ProvingError: there is none, or several are called so.
    """
    rows = db.execute(
        "SELECT job FROM job WHERE job = lower(?1) OR number = ?1 COLLATE NOCASE ORDER BY job",
        (name,),
    ).fetchall()
    if not rows:
        raise ProvingError(f"there is no job {name!r} here; give its number or its id")
    if len(rows) > 1:
        ids = ", ".join(job for (job,) in rows)
        raise ProvingError(f"several jobs are called {name!r}; give one of these ids: {ids}")
    return bytes.fromhex(rows[0][0])


def find_worker(db: sqlite3.Connection, name: str) -> bytes:
    """The stream of a worker, by name or by id of 24 hex digits.

    Raises:
        ProvingError: there is none, or several are called so.
    """
    # SQLite folds the case of ASCII letters only, and workers are called Žofie.
    folded = name.strip().casefold()
    found = [
        worker
        for worker, called in db.execute("SELECT worker, name FROM worker ORDER BY worker")
        if folded in (worker, called.casefold())
    ]
    if not found:
        raise ProvingError(f"there is no worker {name!r} here; give the name or the id")
    if len(found) > 1:
        raise ProvingError(
            f"several workers are called {name!r}; give one of these ids: {', '.join(found)}"
        )
    return bytes.fromhex(found[0])


def find_day(db: sqlite3.Connection, worker: bytes, day: str) -> bytes:
    """The stream of a worker's day, given as 'YYYY-MM-DD'.

    Raises:
        ProvingError: no such date, or nothing is held of that day.
    """
    try:
        stream = day_stream(worker, day)
    except ActError as error:
        raise ProvingError(str(error)) from error
    if not db.execute("SELECT 1 FROM log WHERE stream = ?", (stream,)).fetchone():
        raise ProvingError(f"nothing is held of that worker's {day}")
    return stream


def tracks_beside(db: sqlite3.Connection, days: Iterable[bytes]) -> list[bytes]:
    """The tracks of these worker-days that are held."""
    tracks = [stream_id(Kind.TRACK, stream_time_s(day), day[5:]) for day in days]
    held = "SELECT 1 FROM log WHERE stream = ?"
    return [each for each in tracks if db.execute(held, (each,)).fetchone()]


def days_with(db: sqlite3.Connection, job: bytes) -> list[bytes]:
    """The workers' days in which time was logged on a job."""
    rows = db.execute(
        "SELECT DISTINCT worker, day FROM time_log WHERE job = ? ORDER BY worker, day", (job.hex(),)
    )
    return [day_stream(bytes.fromhex(worker), day) for worker, day in rows]


def workers_in(db: sqlite3.Connection, streams: Iterable[bytes]) -> list[bytes]:
    """The streams of the workers who wrote in these streams or were assigned there."""
    found: set[bytes] = set()
    for stream in streams:
        found |= {
            subject
            for (subject,) in db.execute(
                "SELECT subject FROM certificate JOIN log USING (author) "
                "WHERE log.stream = ? AND role = 1",
                (stream,),
            )
        }
        assigned = "SELECT worker FROM assignment WHERE job = ?"
        found |= {bytes.fromhex(worker) for (worker,) in db.execute(assigned, (stream.hex(),))}
    held = "SELECT 1 FROM log WHERE stream = ?"
    return sorted(worker for worker in found if db.execute(held, (worker,)).fetchone())


# --- making one


def make_bundle(
    db: sqlite3.Connection, identity: Identity, streams: Iterable[bytes], now_ms: int
) -> tuple[bytes, Proven]:
    """A bundle of these streams as `identity` holds them, and what its reader will find in it.

    Raises:
        ProvingError: what the store holds would not prove anything; nothing is given out.
    """
    runs_by_stream: dict[bytes, list[list[Stored]]] = {}
    for stream in sorted(set(streams)):
        runs = lay_out(logs.stored_entries(db, stream))
        if not runs:
            raise ProvingError(f"nothing is held of the stream {stream.hex()}")
        runs_by_stream[stream] = runs
    seals = _Seals(db, identity, runs_by_stream)
    parts = tuple(_part(db, stream, runs, seals) for stream, runs in runs_by_stream.items())
    authors = {identity.author}
    for part in parts:
        authors |= {log.author for log in part.logs} | {w.hub for w in part.witnesses}
    certificates, keys = _certificates(db, identity, authors)
    revoked = {row[0] for row in db.execute("SELECT author FROM revoked")}
    bundle = Bundle(
        identity.site,
        identity.author,
        now_ms,
        certificates,
        tuple(sorted(revoked & keys)),
        tuple(seals.used),
        parts,
    )
    try:
        data = write(bundle, identity.key.sign)
        return data, prove(data, identity.site)
    except OverLimit as error:
        raise ProvingError(str(error)) from error
    except LogError as error:
        raise ProvingError(
            f"{error}; what is stored is damaged, `fieldlog check` finds where"
        ) from error


class _Seals:
    """The seals of a bundle, in the order in which its logs need them."""

    def __init__(
        self,
        db: sqlite3.Connection,
        identity: Identity,
        runs_by_stream: dict[bytes, list[list[Stored]]],
    ) -> None:
        self.used: list[Seal] = []
        self._index: dict[Seal, int] = {}
        self._db = db
        self._own: dict[bytes, Seal] = {}
        row = db.execute("SELECT value FROM meta WHERE name = 'mine'").fetchone()
        number = unpack(row[0]) if row is not None else 0
        leaves = [
            seal_leaf(stream, run[-1].seq, run[-1].hash)
            for stream, runs in runs_by_stream.items()
            for run in _ends(runs)
            if run[-1].author == identity.author
        ]
        for start in range(0, len(leaves), SEAL_LEAVES_MAX):
            group = tuple(leaves[start : start + SEAL_LEAVES_MAX])
            seal = make_seal(identity.site, identity.author, identity.key, number, group)
            self._own |= dict.fromkeys(group, seal)

    def index_over(self, stream: bytes, last: Stored) -> int:
        """The index of the seal over an end."""
        seal = self._own.get(seal_leaf(stream, last.seq, last.hash)) or self._kept(stream, last)
        if seal not in self._index:
            self._index[seal] = len(self.used)
            self.used.append(seal)
        return self._index[seal]

    def _kept(self, stream: bytes, last: Stored) -> Seal:
        for row in logs.log_rows(self._db, stream):
            if row.head == last.hash and row.author == last.author and row.seal is not None:
                return logs.seal_at(self._db, row.seal)
        raise ProvingError(
            f"a log of stream {stream.hex()} has no seal at its end; `fieldlog check` says more"
        )


def _ends(runs: Sequence[Sequence[Stored]]) -> Iterator[Sequence[Stored]]:
    """The runs that no fork follows."""
    followed = {run[0].previous for run in runs}
    return (run for run in runs if run[-1].hash not in followed)


def _part(
    db: sqlite3.Connection, stream: bytes, runs: list[list[Stored]], seals: _Seals
) -> StreamPart:
    ends = {run[-1].hash for run in _ends(runs)}
    parts = []
    for run in runs:
        before = run[0].previous if run[0].seq > 1 else b""
        seal = seals.index_over(stream, run[-1]) if run[-1].hash in ends else None
        parts.append(LogPart(run[0].author, before, seal, tuple(stored.body for stored in run)))
    waiting = db.execute("SELECT count(*) FROM staged WHERE stream = ?", (stream,)).fetchone()[0]
    place_by_tip = {
        stored.hash[:TIP_BYTES]: (log, stored) for log, run in enumerate(runs) for stored in run
    }
    witnesses = [_witness(stream, kept, place_by_tip) for kept in witnesses_of(db, stream)]
    witnesses.sort(key=lambda witness: (witness.at_ms, witness.hub, witness.signature))
    return StreamPart(stream, waiting, tuple(parts), tuple(witnesses))


def _witness(
    stream: bytes, kept: Kept, place_by_tip: Mapping[bytes, tuple[int, Stored]]
) -> WitnessPart:
    try:
        found = [place_by_tip[tip] for tip in kept.tips]
        tips = [Tip(stored.author, stored.seq, stored.hash) for _, stored in found]
        path = path_to(kept.leaves, tips_leaf(stream, tips))
    except (KeyError, LogError) as error:
        raise ProvingError(
            f"what was witnessed of stream {stream.hex()} is not held; `fieldlog check` says more"
        ) from error
    places = sorted((log, stored.seq) for log, stored in found)
    return WitnessPart(kept.hub, kept.at_ms, tuple(places), path, kept.signature)


def _certificates(
    db: sqlite3.Connection, identity: Identity, authors: set[bytes]
) -> tuple[tuple[bytes, ...], set[bytes]]:
    """The certificates of these authors and of who issued them, and whose they are."""
    wanted, found = set(authors), set()
    while wanted:
        author = wanted.pop()
        rows = db.execute("SELECT certificate FROM certificate WHERE author = ?", (author,))
        datas = [row[0] for row in rows]
        if author == identity.author:
            datas += [identity.own.to_bytes()]
        for data in datas:
            if data not in found:
                found.add(data)
                wanted.add(read_certificate(data).issuer)
    keys = {read_certificate(data).author for data in found}
    return tuple(sorted(found)), keys
