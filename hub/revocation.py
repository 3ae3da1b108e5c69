"""Shutting a key out: the revocation, and a cut in every stream where the hub holds its log.

A revocation alone would make everything inert that the key ever wrote; the cuts say up to where
it counts. Holds no pages. Invariant: what the hub held of the key when it was revoked goes on
counting.
"""

from __future__ import annotations

from core.dispatch.acts import SITE_STREAM, Act, Change
from core.dispatch.fields import CUT, REVOKED
from replica import logs
from replica.replica import Replica


def revocation(replica: Replica, author: bytes) -> Act:
    """The act that revokes `author` as of what this hub holds now."""
    changes = [Change(SITE_STREAM, (REVOKED, author), True)]
    db = replica.store.db
    streams = db.execute("SELECT DISTINCT stream FROM log WHERE author = ?", (author,)).fetchall()
    for (stream,) in sorted(streams):
        furthest = max(
            (row for row in logs.log_rows(db, stream) if row.author == author),
            key=lambda row: (row.height, row.head),
        )
        if furthest.height:
            cut = [furthest.height, furthest.head]
            changes.append(Change(stream, (CUT, author), cut))
    return changes
