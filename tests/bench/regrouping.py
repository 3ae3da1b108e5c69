"""What a first sync would take if runs under one seal travelled together.

A seal of a phone lists leaves of several logs; each leaf whose run is in another frame travels as a
hash of 32 bytes, and so does the signature again. Streams are sent by kind and id, which parts what
one seal covers. Here the same slices are packed by seal instead, with the packing that sessions
use, to know what that order would be worth. Invariant: the frames carry the same entries.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.log import messages
from core.log.parcel import Slice, fill
from replica import logs
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from tests.bench.stores import Built


def frames_by_seal(built: Built) -> list[bytes]:
    """The frames of a first sync: the hub's own logs first, then the others' by their seals."""
    with built.replica("hub-A") as hub:
        shelf = ReplicaShelf(hub)
        parcels = fill(_slices(hub), hub.author)
        return [
            messages.write(parcel.finish(number, None, shelf.seal))
            for number, parcel in enumerate(parcels, 1)
        ]


def _slices(hub: Replica) -> Iterator[Slice]:
    db = hub.store.db
    order = "SELECT stream, author FROM log WHERE {} ORDER BY {}"
    own = db.execute(order.format("author = ?", "substr(stream, 5, 1), stream"), (hub.author,))
    others = db.execute(order.format("author <> ?", "seal, stream"), (hub.author,))
    for stream, author in [*own.fetchall(), *others.fetchall()]:
        row = logs.log_row(db, stream, (author, b""))
        assert row is not None
        seal = None if row.seal is None or author == hub.author else logs.seal_at(db, row.seal)
        yield Slice(stream, author, b"", 1, logs.entries_after(db, row, 0), seal)
