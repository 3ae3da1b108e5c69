"""What a session asks of its replica, and gives to it: the seam between conversation and store.

Holds signatures alone; `replica.shelf` has the one implementation. Invariant: every call is one
transaction of the store, so that what a session says of it was committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from core.log.beside import BesideShelf
from core.log.certificate import Certificate
from core.log.messages import Runs, StreamHeads
from core.log.parcel import Reached, Slice
from core.log.seal import Seal


class Shelf(BesideShelf, Protocol):
    """What a session asks of its replica. Every call is one transaction of the store."""

    @property
    def site(self) -> bytes:
        """The site's public key."""

    @property
    def author(self) -> bytes:
        """The replica's own public key."""

    @property
    def is_hub(self) -> bool:
        """Whether the replica is a hub; it alone says leave, and is never told to."""

    @property
    def generation(self) -> bytes:
        """Eight bytes that change when the store is restored or made anew."""

    def position(self) -> int:
        """A number that grows with every entry that comes in."""

    def own_certificates(self) -> tuple[bytes, ...]:
        """The replica's certificate and those of its issuers."""

    def sign(self, data: bytes) -> bytes:
        """An Ed25519 signature by the replica's key."""

    def seal(self, leaves: tuple[bytes, ...]) -> Seal:
        """A seal by the replica's key over leaves of its own logs."""

    def admit(self, certificates: tuple[bytes, ...], *, by_hand: bool = False) -> Certificate:
        """Check a peer's certificates; raises a `LogError` where it may not open a session.

        `by_hand`: it brings a file and opens none, so that `session_until` says nothing.
        """

    def shared(self, peer: Certificate) -> frozenset[bytes]:
        """The streams that the peer may be sent, as far as this side can say."""

    def compared(self, peer: Certificate, shared: frozenset[bytes]) -> frozenset[bytes]:
        """Those of `shared` that both sides should hold alike, by which they see that they do."""

    def digest(self, streams: Iterable[bytes]) -> tuple[bytes, int]:
        """Digest and count of those of `streams` that are held here."""

    def meet(self, peer: Certificate, generation: bytes) -> tuple[bytes, int]:
        """The mark kept of a peer: its generation and position; void reach of another store."""

    def unconfirmed(
        self, peer: Certificate, streams: frozenset[bytes], since: int
    ) -> list[tuple[bytes, bytes, bytes]]:
        """Logs (stream, author, branch) changed after `since` that the peer has not confirmed.

        Streams that the peer is not known to hold count whole. In the order of sending.
        """

    def vouches(self, stream: bytes) -> bool:
        """Whether entries of this stream certify the authors of others."""

    def slice(self, peer: Certificate, log: tuple[bytes, bytes, bytes], sent: int) -> Slice | None:
        """What lies beyond the confirmed and the `sent` height of a log, None if nothing does."""

    def take(self, peer: Certificate, runs: Runs) -> tuple[tuple[int, str, str], ...]:
        """Store what a frame brings; returns refused runs as (index, error's name, words).

        Where nothing was refused and it names a position, all was received up to that of the peer.
        """

    def confirmed(self, peer: Certificate, reached: Iterable[Reached]) -> None:
        """Keep what an ack proves."""

    def leaves(self, streams: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Those of `streams` that are held here, with their leaves."""

    def heads_of(self, streams: Iterable[bytes]) -> list[StreamHeads]:
        """What is held of these streams."""

    def holds_all(self, peer: Certificate, streams: frozenset[bytes], position: int) -> None:
        """The digests agreed: the peer holds what was held here of `streams` at `position`."""

    def peer_lacks(self, peer: Certificate, streams: Iterable[bytes]) -> None:
        """Take back what was kept of streams that a peer does not hold after all."""

    def peer_held(self, peer: Certificate, heads: Iterable[StreamHeads]) -> None:
        """Keep what a peer held at some time, besides what it is known to hold since."""

    def peer_holds(self, peer: Certificate, heads: Iterable[StreamHeads]) -> None:
        """Keep what a peer says it holds, as far as it is known here."""

    def leaving(self, peer: Certificate) -> tuple[bytes, ...]:
        """Streams that the peer holds and that are out of its scope."""

    def has_left(self, peer: Certificate, streams: tuple[bytes, ...]) -> None:
        """The peer has dropped these streams."""

    def dropped(self, peer: Certificate) -> tuple[bytes, ...]:
        """Streams that this side dropped since the peer last heard of it."""

    def has_heard(self, peer: Certificate, streams: tuple[bytes, ...]) -> None:
        """The peer knows that these streams were dropped."""

    def drop(self, streams: tuple[bytes, ...]) -> None:
        """Drop streams that went out of scope; all of them are confirmed by the peer."""
