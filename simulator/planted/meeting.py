"""Planted bugs of sync: who gets what, and what is said of it.

Each is a context manager. Holds no judgement of who catches it. Invariant: outside their blocks
nothing is changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from core.dispatch.fields import Role
from core.log.messages import Leave
from core.log.parcel import Parcel
from core.log.session import Session
from replica import shelf as shelf_module
from replica.shelf import ReplicaShelf
from simulator.planted.patching import replaced


def no_scope() -> AbstractContextManager[None]:
    """Every phone may hold everything."""

    def wrong(_: object) -> Any:
        def scope_of(db: Any, peer: Any, now_ms: int) -> frozenset[bytes]:
            return frozenset(row[0] for row in db.execute("SELECT stream FROM stream"))

        return scope_of

    return replaced(shelf_module, "scope_of", wrong)


def all_to_colleagues() -> AbstractContextManager[None]:
    """A phone gives a colleague's all that it holds."""

    def wrong(plain: Any) -> Any:
        def shared(self: Any, peer: Any) -> frozenset[bytes]:
            if self.is_hub or peer.role == Role.HUB:
                scope: frozenset[bytes] = plain(self, peer)
                return scope
            return frozenset(row[0] for row in self._db.execute("SELECT stream FROM stream"))

        return shared

    return replaced(shelf_module.ReplicaShelf, "shared", wrong)


def reach_at_sending() -> AbstractContextManager[None]:
    """What was sent counts as held, before any ack."""

    def wrong(right: Any) -> Any:
        def send_parcel(self: Session, parcel: Parcel) -> Any:
            effect = right(self, parcel)
            assert self.peer is not None
            self._shelf.confirmed(self.peer, parcel.reached)
            return effect

        return send_parcel

    return replaced(Session, "_send_parcel", wrong)


@contextlib.contextmanager
def drops_before_sending() -> Iterator[None]:
    """A stream that must leave is dropped at once, and what the hub lacks of it never offered."""

    def at_once(right: Any) -> Any:
        def on_sync(self: Session, message: Any, peer: Any) -> Any:
            if isinstance(message, Leave):
                self._shelf.drop(message.streams)
            return right(self, message, peer)

        return on_sync

    def forgetful(right: Any) -> Any:
        def unconfirmed(self: ReplicaShelf, peer: Any, streams: Any, since: int) -> Any:
            return [log for log in right(self, peer, streams, since) if log[0] in streams]

        return unconfirmed

    with replaced(Session, "_on_sync", at_once), replaced(ReplicaShelf, "unconfirmed", forgetful):
        yield


def mark_too_far() -> AbstractContextManager[None]:
    """A mark is kept although runs of the frame were refused, and no digest is ever compared."""

    def wrong(_: object) -> Any:
        def digest(self: ReplicaShelf, streams: Any) -> tuple[bytes, int]:
            return bytes(16), 0

        return digest

    return replaced(ReplicaShelf, "digest", wrong)
