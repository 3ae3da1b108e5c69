"""Checking a store: entries against their hashes and seals, rows against the fold.

Answers with findings in words and changes nothing. Invariant: a store without findings holds
authentic entries, and every row of it follows from them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.dispatch.acts import ActError
from core.log.canonical import unpack
from core.log.certificate import Certificate
from core.log.chain import chain_next, chain_start, seal_leaf
from core.log.errors import LogError
from core.log.seal import check_seal
from core.log.stream import StreamState
from replica import logs, witnesses
from replica.clock import Clock
from replica.identity import Identity, public_bytes
from replica.projection import project_stream, projected_tables
from replica.projection.job import dump_text
from replica.purging import held_of
from replica.replica import Replica
from replica.set_aside import set_aside_in
from replica.store import Store, StoreError

# What reading a damaged file may raise: SQLite hands out whatever bytes stand there.
UNREADABLE = (
    sqlite3.Error,
    StoreError,
    LogError,
    ActError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)

Entropy = Callable[[int], bytes]


class _TakeBack(Exception):
    """Ends the transaction in which projections were rebuilt for comparison."""


def replica_to_check(
    path: Path, certificates: Sequence[Certificate] | None, clock: Clock, entropy: Entropy
) -> Replica:
    """The replica whose store is `path`, opened without its key: it can write and prove nothing.

    `certificates` are its own, first, and its issuers', None where it has none at the moment.

    Raises:
        StoreError: the file can't be used, or belongs to no site yet.
        UNREADABLE: what stands in it makes no sense.
    """
    store = Store(path)
    try:
        site = store.get("site")
        if site is None or (certificates and certificates[0].site != site):
            whose = "no site yet" if site is None else "another site than the certificate beside it"
            raise StoreError(f"{path} belongs to {whose}")
        key = Ed25519PrivateKey.from_private_bytes(entropy(32))
        author = certificates[0].author if certificates else public_bytes(key)
        identity = Identity(key, author, site, tuple(certificates or ()))
        return Replica(store, identity, clock, entropy)
    except BaseException:
        store.close()
        raise


def check_store(replica: Replica, *, sealed: bool = False) -> list[str]:
    """What is wrong with a replica's store, as sentences; empty where all is well.

    `sealed`: the own logs are sealed as far as they reach, as those of a backup are.
    """
    findings = check_file(replica)
    db = replica.store.db
    proven: set[int] = set()
    try:
        for (stream,) in db.execute("SELECT stream FROM stream ORDER BY stream").fetchall():
            findings += _check_stream(replica, stream, proven, own_too=sealed)
        for stream in sorted(held_of(db, replica.erased)):
            findings.append(
                f"stream {stream.hex()} was erased and is still here; a start purges it"
            )
        findings += _check_strays(replica)
        findings += _check_values(replica)
        findings += _check_waiting(replica)
        findings += witnesses.faults(replica)
        findings += _check_projections(replica)
    except UNREADABLE as error:
        findings.append(_unreadable(error))
    return findings


def check_file(replica: Replica) -> list[str]:
    """What SQLite finds wrong with the file and its indexes."""
    try:
        # Not the quick one: a flipped bit in an index would let an entry that is held be missed.
        (integrity,) = replica.store.db.execute("PRAGMA integrity_check(1)").fetchone()
    except UNREADABLE as error:
        return [_unreadable(error)]
    return [] if integrity == "ok" else [f"SQLite finds the file damaged: {integrity}"]


def check_stream(replica: Replica, stream: bytes) -> list[str]:
    """What is wrong with one stream: hashes, seals, and the fold in use."""
    try:
        return list(_check_stream(replica, stream, set(), own_too=False))
    except UNREADABLE as error:
        return [f"stream {stream.hex()}: {_unreadable(error)}"]


def _unreadable(error: Exception) -> str:
    return f"the file can't be read whole: {type(error).__name__}: {error}"


def _check_strays(replica: Replica) -> Iterator[str]:
    """Rows whose log or stream has none: all else goes from the streams to them."""
    for what, lacks in (
        ("entries belong to no log", "entry WHERE log NOT IN (SELECT log FROM log_row)"),
        ("logs belong to no stream", "log_row WHERE stream NOT IN (SELECT stream FROM stream)"),
    ):
        (count,) = replica.store.db.execute(f"SELECT count(*) FROM {lacks}").fetchone()
        if count:
            yield f"{count:,} {what}"


def _check_values(replica: Replica) -> Iterator[str]:
    """What the store says of itself by names."""
    for name, value in replica.store.db.execute("SELECT name, value FROM meta ORDER BY name"):
        try:
            unpack(value)
        except LogError:
            yield f"what the store keeps as {name!r} can't be read"


def _check_waiting(replica: Replica) -> Iterator[str]:
    for run in set_aside_in(replica.store):
        count, missing = len(run.entries), run.entries[0][0] - 1
        yield (
            f"stream {run.stream.hex()}: {count} entries of {run.author.hex()[:8]} wait for entry "
            f"{missing}, which was lost; it comes back from whoever holds it"
        )


def _check_stream(
    replica: Replica, stream: bytes, proven: set[int], *, own_too: bool
) -> Iterator[str]:
    """Findings of a stream; `proven` are the seals whose signatures were found to hold."""
    db, name = replica.store.db, stream.hex()
    for row in logs.log_rows(db, stream):
        previous = row.base_hash
        if row.base == 0 and previous != chain_start(replica.site, stream, row.author):
            yield f"stream {name}: a log does not begin where its chain does"
        seq = row.base
        rows = db.execute("SELECT hash, body FROM entry WHERE log = ? ORDER BY seq", (row.log,))
        for kept, body in rows.fetchall():
            seq += 1
            previous = chain_next(previous, body)
            if not previous.startswith(kept) or len(kept) != logs.kept_bytes(seq):
                yield f"stream {name}: entry {seq} of {row.author.hex()[:8]} is not what was signed"
                break
        if (seq, previous) != (row.height, row.head):
            yield f"stream {name}: the log of {row.author.hex()[:8]} is not as long as it says"
        if row.seal is not None and (own_too or row.author != replica.author):
            yield from _check_seal(replica, row, proven)
    entries = logs.stored_entries(db, stream)
    standings = {author: replica.standing(author) for author in {e.author for e in entries}}
    reading = replica.reading
    fresh = StreamState.build(
        replica.site, stream, entries, standings, reading.permits, reading.formats
    )
    if fresh.fingerprint() != replica.state(stream).fingerprint():
        yield f"stream {name}: the state in use is not the fold of the entries"
    leaf, left_at = db.execute(
        "SELECT leaf, left_at FROM stream WHERE stream = ?", (stream,)
    ).fetchone()
    if left_at is None and leaf != fresh.leaf():
        yield f"stream {name}: the digest's leaf is not that of the heads held"


def _check_seal(replica: Replica, row: logs.LogRow, proven: set[int]) -> Iterator[str]:
    assert row.seal is not None
    seal = logs.seal_at(replica.store.db, row.seal)
    name = f"stream {row.stream.hex()}: the log of {row.author.hex()[:8]}"
    if seal_leaf(row.stream, row.height, row.head) not in seal.leaves:
        yield f"{name} ends at a head that its seal does not cover"
    if row.seal in proven:
        return
    try:
        check_seal(replica.site, seal)
        proven.add(row.seal)
    except LogError as error:
        yield f"{name}: {error}"


def dump_projections(db: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every projection row by table, in an order that the rows alone decide."""
    found = {
        table: sorted((tuple(row) for row in db.execute(f"SELECT * FROM {table}")), key=repr)
        for table in projected_tables()
        if table not in ("job", "job_text", "phase_time")
    }
    # Local numbers follow from nothing.
    phases = (
        "SELECT lower(hex(job)), author.author, phase, at FROM phase_time "
        "JOIN author ON author.number = phase_time.author"
    )
    found["phase_time"] = sorted(db.execute(phases), key=repr)
    found["job"] = sorted((row[1:] for row in db.execute("SELECT * FROM job")), key=repr)
    found["job_text"] = sorted(dump_text(db), key=repr)
    return found


def _check_projections(replica: Replica) -> list[str]:
    """Rebuild every row in a transaction that is taken back, and compare."""
    db = replica.store.db
    before = dump_projections(db)
    after: dict[str, list[tuple[object, ...]]] = {}
    try:
        with replica.store.transaction():
            # What the index of text keeps beside its words is asked by who writes alone.
            next_job = "SELECT coalesce(max(local), 0) + 1, 'tried' FROM job"
            db.execute(f"INSERT INTO job_text (rowid, text) {next_job}")
            streams = [
                row[0] for row in db.execute("SELECT stream FROM stream WHERE left_at IS NULL")
            ]
            project_stream(replica, streams, fresh=True)
            after = dump_projections(db)
            raise _TakeBack
    except _TakeBack:
        pass
    return [
        f"table {table}: {len(set(before[table]) ^ set(after[table]))} rows differ from the log"
        for table in before
        if before[table] != after[table]
    ]
