"""What waits to be admitted on a hub, and admitting it: one act of a dispatcher.

The rules stand in `core.dispatch.admission`. Holds no pages. Invariant: to admit twice, here or on
two hubs at once, comes to the same.
"""

from __future__ import annotations

from core.dispatch.admission import Waiting, admissions, waiting_in
from core.log.frontier import frontier_token
from replica.replica import Replica

# Streams that a page lists; whoever has more than that admits the newest first.
STREAMS_MAX = 200


def waiting(replica: Replica) -> list[Waiting]:
    """All that was written beyond a cut and is not admitted yet, the newest streams first."""
    rows = replica.store.db.execute(
        "SELECT stream FROM stream WHERE inert > 0 ORDER BY changed DESC, stream LIMIT ?",
        (STREAMS_MAX,),
    )
    return [each for (stream,) in rows.fetchall() for each in waiting_in(replica.state(stream))]


def admit(replica: Replica, stream: bytes, author: bytes, *, actor: bytes = b"") -> int:
    """Let what waits of an author in a stream count; how many entries that were.

    Raises:
        StoreError: the disk refused; nothing was written.
    """
    state = replica.state(stream)
    found = [each for each in waiting_in(state) if each.author == author]
    if not found:
        return 0
    with replica.store.transaction():
        for admission in admissions(state, found[0]):
            basis = {stream: frontier_token(admission.basis)}
            replica.write(admission.changes, actor=actor, basis=basis)
    return len(found[0].placed)
