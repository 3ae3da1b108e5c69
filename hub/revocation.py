"""Shutting a key out: the revocation, and cuts in every stream where the hub holds its log.

A revocation alone would make everything inert that the key ever wrote; the cuts say up to where
it counts. Holds no pages. Invariant: what the hub held of the key when it was revoked goes on
counting.
"""

from __future__ import annotations

from core.dispatch.acts import SITE_STREAM, Act, Change
from core.dispatch.fields import CUT, REVOKED
from replica import logs
from replica.replica import Replica


def shut_out(replica: Replica, author: bytes, *, actor: bytes = b"") -> None:
    """Revoke `author` as of what this hub holds now, in one transaction.

    Where its log was forked (a clone), each branch has a cut of its own: both count.
    """
    changes = [Change(SITE_STREAM, (REVOKED, author), True)]
    others: Act = []
    db = replica.store.db
    streams = db.execute("SELECT DISTINCT stream FROM log WHERE author = ?", (author,)).fetchall()
    for (stream,) in sorted(streams):
        cuts = [
            Change(stream, (CUT, author), [row.height, row.head])
            for row in _ends(logs.log_rows(db, stream), author)
        ]
        changes += cuts[:1]
        others += cuts[1:]
    with replica.store.transaction():
        replica.write(changes, actor=actor)
        for change in others:
            # An entry changes a path once, and each cut of a stream is at the same path.
            replica.write([change], actor=actor)


def _ends(rows: list[logs.LogRow], author: bytes) -> list[logs.LogRow]:
    """Where the author's logs of one stream end; a fork's trunk ends in its branches."""
    own = [row for row in rows if row.author == author]
    trunks = {row.base_hash for row in own if row.branch}
    return [row for row in own if row.height > row.base and row.head not in trunks]
