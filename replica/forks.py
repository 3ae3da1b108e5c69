"""Keys that wrote in two places at once: found in the store, and proven from what it keeps.

Every branch of a fork counts and is kept with its newest seal, so the proof needs no table of its
own. Holds no judgement of proofs. Invariant: a proof that is given out holds.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from core.log.certificate import read_certificate
from core.log.chain import seal_leaf
from core.log.fork_proof import Branch, ForkProof, check_fork
from core.log.seal import Seal, make_seal
from replica import logs
from replica.identity import Identity


@dataclass(frozen=True, slots=True)
class ForkedKey:
    """A key of which logs were forked: in how many streams, and the first of them."""

    author: bytes
    streams: int
    first: bytes


def forked_keys(db: sqlite3.Connection) -> list[ForkedKey]:
    """The keys of which the store holds forked logs, by key."""
    rows = db.execute(
        "SELECT author, count(DISTINCT stream), min(stream) FROM log WHERE branch <> x'' "
        "GROUP BY author ORDER BY author"
    )
    return [ForkedKey(*row) for row in rows]


def proof_of_fork(db: sqlite3.Connection, identity: Identity, author: bytes) -> ForkProof | None:
    """The proof of the first fork of a key for which both branches are sealed, None without one."""
    streams = db.execute(
        "SELECT DISTINCT stream FROM log WHERE author = ? AND branch <> x'' ORDER BY stream",
        (author,),
    ).fetchall()
    for (stream,) in streams:
        rows = [row for row in logs.log_rows(db, stream) if row.author == author]
        places: dict[bytes, list[logs.LogRow]] = {}
        for row in rows:
            if row.branch:
                places.setdefault(row.base_hash, []).append(row)
        for previous, forked in places.items():
            found = [_branch(db, identity, rows, row) for row in forked]
            sealed = [each for each in found if each is not None]
            if len(sealed) >= 2:
                certificates = tuple(map(read_certificate, _certificates(db, author)))
                place = (identity.site, stream, author, forked[0].base + 1, previous)
                proof = ForkProof(*place, (sealed[0], sealed[1]), certificates)
                check_fork(proof, identity.site)
                return proof
    return None


def _branch(
    db: sqlite3.Connection, identity: Identity, rows: list[logs.LogRow], row: logs.LogRow
) -> Branch | None:
    """The entries of a branch to its sealed end, which may lie in a branch of this one."""
    bodies: tuple[bytes, ...] = ()
    at: logs.LogRow | None = row
    while at is not None:
        bodies += tuple(body for _, body in logs.entries_after(db, at, at.base))
        seal = _seal(db, identity, at)
        if seal is not None:
            return Branch(bodies, seal)
        head = at.head
        at = next((each for each in rows if each.branch and each.base_hash == head), None)
    return None


def _seal(db: sqlite3.Connection, identity: Identity, row: logs.LogRow) -> Seal | None:
    """The seal that covers a log's head; of an own log one is made, as for sending it."""
    leaf = seal_leaf(row.stream, row.height, row.head)
    if row.author == identity.author:
        return make_seal(identity.site, identity.author, identity.key, 0, (leaf,))
    kept = logs.seal_at(db, row.seal) if row.seal is not None else None
    return kept if kept is not None and leaf in kept.leaves else None


def _certificates(db: sqlite3.Connection, author: bytes) -> list[bytes]:
    """The certificates of a key, and of those who issued them."""
    own = "SELECT certificate FROM certificate WHERE author = ? ORDER BY certificate"
    found = [row[0] for row in db.execute(own, (author,))]
    issuers = sorted({read_certificate(data).issuer for data in found} - {author})
    return found + [row[0] for issuer in issuers for row in db.execute(own, (issuer,))]
