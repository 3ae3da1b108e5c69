"""A hub's witnesses: signed records of the heads that it held of its streams, and when.

`witness_changes` signs once for all streams whose heads changed since it last did. Of each stream
so many are kept; where there are more, the one goes whose successor came soonest after it, so that
what is left tells most about when things were known. Holds no timer and makes no bundle.
Invariant: what is kept was held by this store at that moment, and there is a witness of the newest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from core.log.chain import HASH_BYTES
from core.log.errors import LogError
from core.log.witness import Tip, check_witness, root_of, signed_bytes, tips_leaf
from replica import logs
from replica.replica import Replica

# Streams under one signature: so many leaves take 128 kB, in a row that is read for any of them.
WITNESS_STREAMS_MAX = 4_096

# Witnesses kept of one stream. A job changes some twenty times; a worker-day that is witnessed
# every ten minutes has some sixty, of which every second one is left.
KEPT_MAX = 32

# Of a head's hash so many bytes are kept: enough that no two entries can be made to share them.
TIP_BYTES = 16


class Kept(NamedTuple):
    """One witness of one stream as it is kept."""

    at_ms: int
    hub: bytes
    leaves: tuple[bytes, ...]
    signature: bytes
    tips: tuple[bytes, ...]


def witness_changes(replica: Replica) -> int:
    """Sign the heads of all streams that changed since the last time; returns how many they were.

    For a hub, within its writer. A stream that was folded anew and has the same heads is left out.

    Raises:
        StoreError: the disk refused; nothing was kept, and the next time does it.
    """
    store = replica.store
    with store.transaction() as db:
        since, position = store.get("witnessed", 0), replica.position()
        if since == position:
            return 0
        found = [
            (stream, tips)
            for stream, tips in _changed(db, since)
            if _joined(tips) != _last_tips(db, stream)
        ]
        for start in range(0, len(found), WITNESS_STREAMS_MAX):
            _sign(replica, found[start : start + WITNESS_STREAMS_MAX])
        store.put("witnessed", position)
    return len(found)


def _changed(db: sqlite3.Connection, since: int) -> Iterator[tuple[bytes, list[Tip]]]:
    rows = db.execute(
        "SELECT stream FROM stream WHERE changed > ? AND left_at IS NULL ORDER BY stream", (since,)
    ).fetchall()
    for (stream,) in rows:
        tips = tips_of(logs.log_rows(db, stream))
        if tips:
            yield stream, tips


def tips_of(rows: list[logs.LogRow]) -> list[Tip]:
    """The heads of a stream's logs that nothing follows."""
    held = [row for row in rows if row.height > row.base]
    followed = {(row.author, row.base_hash) for row in held}
    return [
        Tip(row.author, row.height, row.head)
        for row in held
        if (row.author, row.head) not in followed
    ]


def _joined(tips: list[Tip]) -> bytes:
    return b"".join(sorted(tip.hash[:TIP_BYTES] for tip in tips))


def _last_tips(db: sqlite3.Connection, stream: bytes) -> bytes:
    newest = "SELECT tips FROM witnessed WHERE stream = ? ORDER BY witness DESC LIMIT 1"
    row = db.execute(newest, (stream,)).fetchone()
    return b"" if row is None else bytes(row[0])


def _sign(replica: Replica, found: list[tuple[bytes, list[Tip]]]) -> None:
    db, identity, at_ms = replica.store.db, replica.identity, replica.clock.now_ms()
    leaves = sorted(tips_leaf(stream, tips) for stream, tips in found)
    signed = signed_bytes(identity.site, identity.author, at_ms, root_of(leaves))
    cursor = db.execute(
        "INSERT INTO witness VALUES (NULL, ?, ?, ?, ?)",
        (at_ms, identity.author, b"".join(leaves), identity.key.sign(signed)),
    )
    for stream, tips in found:
        row = (stream, cursor.lastrowid, _joined(tips))
        db.execute("INSERT INTO witnessed VALUES (?, ?, ?)", row)
        _thin_out(db, stream)


def _thin_out(db: sqlite3.Connection, stream: bytes) -> None:
    rows = db.execute(
        "SELECT witness, at FROM witnessed JOIN witness USING (witness) WHERE stream = ? "
        "ORDER BY witness",
        (stream,),
    ).fetchall()
    if len(rows) <= KEPT_MAX:
        return
    # Without a witness its entries count as known at the next one: the least is lost where that
    # came soonest. The first and the newest stay.
    least = min(range(1, len(rows) - 1), key=lambda at: abs(rows[at + 1][1] - rows[at][1]))
    witness = (rows[least][0],)
    db.execute("DELETE FROM witnessed WHERE stream = ? AND witness = ?", (stream, *witness))
    db.execute(
        "DELETE FROM witness WHERE witness = ? AND witness NOT IN (SELECT witness FROM witnessed)",
        witness,
    )


def faults(replica: Replica) -> Iterator[str]:
    """What is wrong with the witnesses that a store keeps, as sentences."""
    db = replica.store.db
    for number, at_ms, hub, leaves, signature in db.execute("SELECT * FROM witness").fetchall():
        if not is_signed(replica.site, at_ms, hub, leaves, signature):
            yield f"witness {number} is not what its hub signed"
    kept = db.execute("SELECT stream, tips FROM witnessed ORDER BY stream, witness").fetchall()
    for stream, tips in kept:
        held = {stored.hash[:TIP_BYTES] for stored in logs.stored_entries(db, stream)}
        if not held.issuperset(_split(tips, TIP_BYTES)):
            yield f"stream {stream.hex()}: an entry that was witnessed is not held"


def is_signed(site: bytes, at_ms: int, hub: bytes, leaves: bytes, signature: bytes) -> bool:
    """Whether a row of `witness` is what the hub signed."""
    try:
        check_witness(site, hub, at_ms, root_of(_split(leaves, HASH_BYTES)), signature)
    except (LogError, IndexError, OverflowError):
        return False
    return True


def witnesses_of(db: sqlite3.Connection, stream: bytes) -> list[Kept]:
    """What is kept of a stream, in order of signing."""
    rows = db.execute(
        "SELECT at, hub, leaves, signature, tips FROM witnessed JOIN witness USING (witness) "
        "WHERE stream = ? ORDER BY witness",
        (stream,),
    )
    return [
        Kept(at_ms, hub, _split(leaves, HASH_BYTES), signature, _split(tips, TIP_BYTES))
        for at_ms, hub, leaves, signature, tips in rows
    ]


def _split(data: bytes, length: int) -> tuple[bytes, ...]:
    return tuple(data[at : at + length] for at in range(0, len(data), length))
