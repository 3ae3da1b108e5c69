"""What two replicas exchange beside entries: files, carried files, and what time it is.

Which of it a peer takes is said by the versions that it named; to one that named the first alone
none of this is sent. Holds no rules of any of them. Invariant: nothing is sent here while an entry
waits, since the session asks only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from core.log import messages
from core.log.certificate import Certificate
from core.log.errors import Malformed
from core.log.exchange import FileExchange, FileShelf
from core.log.file_messages import FileMessage
from core.log.messages import Message
from core.log.relay import RelayExchange, RelayShelf
from core.log.relay_messages import RelayMessage, TimeMessage
from core.log.time_told import TimeExchange, TimeShelf


class BesideShelf(Protocol):
    """What is asked of a replica beside its entries."""

    @property
    def files(self) -> FileShelf:
        """What the replica holds of files."""

    @property
    def relay(self) -> RelayShelf:
        """The carried files that it keeps for others, and what it gives to colleagues."""

    @property
    def clocks(self) -> TimeShelf:
        """Its clocks."""


class Beside:
    """One side of all that goes beside entries, with one peer."""

    def __init__(self, shelf: BesideShelf, peer: Certificate, versions: Sequence[int]) -> None:
        takes_files = messages.FILES_PROTOCOL in versions
        relays = messages.RELAY_PROTOCOL in versions
        self._files = FileExchange(shelf.files, peer) if takes_files else None
        self._relay = RelayExchange(shelf.relay, peer) if relays else None
        self._clocks = TimeExchange(shelf.clocks, peer) if relays else None

    def look_at(self, streams: Iterable[bytes]) -> None:
        """Note that these streams, or what they name, have changed."""
        if self._files is not None:
            self._files.look_at(streams)
        if self._relay is not None:
            self._relay.look()

    def receive(self, message: Message) -> Sequence[Message]:
        """What is answered at once.

        Raises:
            LogError: it breaks a rule of its exchange, or is of one that this peer has not named.
        """
        if self._files is not None and isinstance(message, FileMessage):
            return self._files.receive(message)
        if self._relay is not None and isinstance(message, RelayMessage):
            return self._relay.receive(message)
        if self._clocks is not None and isinstance(message, TimeMessage):
            return self._clocks.receive(message)
        raise Malformed(f"{type(message).__name__} at a time, or of a peer, that has none")

    def go_on(self, shared: frozenset[bytes]) -> list[Message]:
        """What to send now that no entry waits; carried files go before files, as they are entries.

        `shared` are the streams of both.
        """
        found: list[Message] = []
        if self._clocks is not None:
            found += self._clocks.go_on()
        if self._relay is not None:
            found += self._relay.go_on()
        if self._files is not None:
            found += self._files.go_on(shared)
        return found
