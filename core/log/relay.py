"""Carried files in a session: given to whom they are for, or to a colleague who will carry them.

A phone that is away from every hub gives a colleague's phone a carried file for its hub, sealed to
that hub's key (`core.log.carried`); the colleague keeps it unopened and gives it to the hub when it
meets it. One part is on its way at a time, so that entries overtake it. What came in part is
forgotten with the session. Holds no files (`RelayShelf` does) and opens none. Invariant: a file
counts as given only when the other side has said that it is durable there.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple, Protocol

from core.log.certificate import Certificate
from core.log.chain import HASH_BYTES
from core.log.errors import Malformed
from core.log.limits import RELAY_PART_BYTES_MAX
from core.log.relay_messages import Relay, Relayed, RelayMessage

# Letters of a reason that travel.
_WHY_LETTERS_MAX = 300


class Given(NamedTuple):
    """A carried file that may go to a peer: its name, and how many bytes it has."""

    name: bytes
    size: int


class RelayShelf(Protocol):
    """What an exchange of carried files asks of its replica."""

    def to_give(self, peer: Certificate) -> list[Given] | None:
        """Files that the peer should have now, the oldest first; None: ask again later."""

    def part(self, name: bytes, at: int, size: int) -> bytes:
        """So many bytes of such a file from `at` on; empty where it is not here any more."""

    def given(self, peer: Certificate, name: bytes) -> None:
        """The peer keeps a file durably, or, where it is for the peer, has taken it in."""

    def refused(self, peer: Certificate, name: bytes, why: str) -> None:
        """The peer did not take a file; `why` in its words."""

    def why_not(self, peer: Certificate, name: bytes, size: int) -> str:
        """Why a file of a peer can't come in, before any of it does; empty where it may."""

    def take(self, peer: Certificate, name: bytes, data: bytes) -> str:
        """Keep a file, or open it where it is for this replica; why it was not taken, or empty.

        Durable on return.
        """


def relay_name(data: bytes) -> bytes:
    """The 32-byte name of a carried file: the hash of its bytes."""
    return blake2b(data, digest_size=HASH_BYTES, person=b"fieldlog.relay").digest()


class RelayExchange:
    """One side of the exchange of carried files with one peer that has protocol 3."""

    def __init__(self, shelf: RelayShelf, peer: Certificate) -> None:
        self._shelf = shelf
        self._peer = peer
        self._is_due = True
        self._queue: list[Given] = []
        self._seen: set[bytes] = set()
        self._giving: Given | None = None
        # Where the next part begins; None while one is on its way.
        self._next_at: int | None = None
        self._coming: Given | None = None
        self._came = bytearray()

    def look(self) -> None:
        """Note that there may be something new to give."""
        self._is_due = True

    def receive(self, message: RelayMessage) -> list[RelayMessage]:
        """What is answered at once.

        Raises:
            Malformed: a part that does not go on from the last one, or an answer to none.
        """
        if isinstance(message, Relay):
            return [self._on_part(message)]
        self._on_answer(message)
        return []

    def go_on(self) -> list[RelayMessage]:
        """The next part to send, now that no entry waits."""
        while self._giving is None:
            if not self._queue and not self._look_again():
                return []
            self._giving, self._next_at = self._queue.pop(0), 0
            self._seen.add(self._giving.name)
        if self._next_at is None:
            return []
        name, size = self._giving
        data = self._shelf.part(name, self._next_at, RELAY_PART_BYTES_MAX)
        if not data:
            # It was given to another, or put away, meanwhile.
            self._giving = self._next_at = None
            return self.go_on()
        at, self._next_at = self._next_at, None
        return [Relay(name, size, at, data)]

    def _look_again(self) -> bool:
        if not self._is_due:
            return False
        found = self._shelf.to_give(self._peer)
        self._is_due = found is None
        self._queue = [each for each in found or () if each.name not in self._seen]
        return bool(self._queue)

    def _on_answer(self, answer: Relayed) -> None:
        giving = self._giving
        if giving is None or self._next_at is not None or answer.name != giving.name:
            raise Malformed("an answer to a carried file that is not on its way")
        if answer.why or answer.upto >= giving.size:
            self._giving = None
            if answer.why:
                self._shelf.refused(self._peer, giving.name, answer.why)
            else:
                self._shelf.given(self._peer, giving.name)
        else:
            self._next_at = answer.upto

    def _on_part(self, part: Relay) -> Relayed:
        if part.at == 0:
            self._coming, self._came = None, bytearray()
            why = self._shelf.why_not(self._peer, part.name, part.size)
            if why:
                return Relayed(part.name, 0, why[:_WHY_LETTERS_MAX])
            self._coming = Given(part.name, part.size)
        if self._coming != (part.name, part.size) or part.at != len(self._came):
            raise Malformed("a part of a carried file does not go on from the last one")
        self._came += part.data
        if len(self._came) < part.size:
            return Relayed(part.name, len(self._came))
        data = bytes(self._came)
        self._coming, self._came = None, bytearray()
        if relay_name(data) != part.name:
            raise Malformed("a carried file is not the one that it was called")
        why = self._shelf.take(self._peer, part.name, data)
        return Relayed(part.name, part.size, why[:_WHY_LETTERS_MAX])
