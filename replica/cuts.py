"""Cuts: a hub's word of how far a revoked key's logs count.

A hub writes one in every stream where it holds something of the key, as of when it learnt that the
key is shut out; other hubs do the same for what they held, and the furthest counts. Holds no
judgement of who is shut out. Invariant: a cut lies at an entry that this hub held, at the end of a
log or of one of its branches.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from core.dispatch.acts import SITE_STREAM, Act, Change
from core.dispatch.fields import CUT, REVOKED, Role
from core.log.stream import AFTER_REVOCATION, LogState, StreamState

if TYPE_CHECKING:
    from replica.replica import Replica

BRANCHES_CUT_MAX: Final = 32
"""Ends of one key's logs that are cut in a stream: each takes an entry, and the stream a new fold.

A restored copy and its clones make some few. Of a key that forked without end the rest waits to be
admitted, as what it wrote later does.
"""


def revoke_and_cut(replica: Replica, author: bytes, *, actor: bytes = b"") -> None:
    """Shut `author` out as of what is held here now, in one transaction and one act."""
    revoked = Change(SITE_STREAM, (REVOKED, author), True)
    with replica.store.transaction():
        _write(replica, [revoked, *_cuts_of(replica, author, needed_only=False)], actor)
        replica.newly_revoked.discard(author)


def write_cuts(replica: Replica, authors: Iterable[bytes], *, actor: bytes = b"") -> int:
    """Let stand all that is held of revoked keys and does not yet; how many cuts it took.

    A replica that is no hub in standing writes none: they would not count.
    """
    own = replica.standing(replica.author)
    if own.role != Role.HUB or own.revoked:
        return 0
    count = 0
    with replica.store.transaction():
        for author in sorted(authors):
            cuts = _cuts_of(replica, author, needed_only=True)
            _write(replica, cuts, actor)
            count += len(cuts)
    return count


def _write(replica: Replica, changes: Act, actor: bytes) -> None:
    """One act, and one more for each second cut of a stream: an entry changes a path once."""
    first = {(change.stream, change.path): change for change in reversed(changes)}
    with replica.store.transaction():
        if first:
            replica.write(list(first.values()), actor=actor)
        for change in changes:
            if first[change.stream, change.path] is not change:
                replica.write([change], actor=actor)


def _cuts_of(replica: Replica, author: bytes, *, needed_only: bool) -> Act:
    """A cut at each end of the author's logs; of those needed, where something does not stand."""
    held = "SELECT DISTINCT stream FROM log WHERE author = ? ORDER BY stream"
    found: Act = []
    for (stream,) in replica.store.db.execute(held, (author,)).fetchall():
        state = replica.state(stream)
        own = [log for log in state.logs.values() if log.key[0] == author and log.placed]
        # The log that branched from none first, then where the most was written.
        own.sort(key=lambda log: (log.key[1] != b"", -log.height, log.key))
        ends = [
            Change(stream, (CUT, author), [log.height, log.head])
            for log in own
            if not log.drift and (not needed_only or _has_fallen(state, log))
        ]
        found += ends[:BRANCHES_CUT_MAX]
    return found


def _has_fallen(state: StreamState, log: LogState) -> bool:
    """Whether an entry of a log, or of what it branched from, is inert by the revocation."""
    height = log.height
    while True:
        for placed in log.placed:
            if placed.inert == AFTER_REVOCATION and placed.stored.seq <= height:
                return True
        if log.parent is None:
            return False
        height, log = log.base, state.logs[log.parent]
