"""Files between two replicas in session: what is offered, asked for, sent and held, without I/O.

Who lacks a file pulls it, two chunks at a time, so that no more is on its way than it asked for and
an entry overtakes the rest of a file. Nothing goes out here while entries wait: the session calls
`go_on` only then. A hub pulls what it is offered and its log names, a phone what somebody there
wants. Holds no files (`FileShelf` does) and no entries. Invariant: what is kept was proven by the
address that an entry names, and a peer is told that a file is held only after it was committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from core.log.certificate import HUB_ROLE, Certificate
from core.log.chunk_list import ChunkList, read_list
from core.log.errors import Malformed, OverLimit, Unauthentic
from core.log.file_messages import (
    Chunk,
    Fetch,
    FileList,
    FileMessage,
    Held,
    NoFile,
    Offer,
)
from core.log.limits import (
    FILE_CHUNKS_IN_FLIGHT_MAX,
    FILE_PIECES_ASKED_MAX,
    FILES_NAMED_MAX,
)

# Files that the peer asked for in vain, and is told of when they come.
_MISSED_MAX = 1_024

Streams = frozenset[bytes]


class FileShelf(Protocol):
    """What an exchange asks of its replica. What changes anything is durable on return.

    A disk that refuses, or a file that is damaged, counts as nothing held: entries go on.
    """

    def to_offer(self, peer: Certificate, streams: Streams) -> list[bytes]:
        """Files held whole and named by `streams` that the peer is not known to hold.

        To a hub also those that no hub held yet when their stream left this replica.
        """

    def wanted(self, streams: Streams) -> list[bytes]:
        """Files named by `streams` that somebody here wants and that are not held whole."""

    def holds(self, address: bytes) -> bool:
        """Whether the file is held whole."""

    def takes(self, address: bytes) -> bool:
        """Whether a file that is offered is taken: this is a hub, and some stream names it."""

    def serves(self, peer: Certificate, address: bytes, streams: Streams) -> bool:
        """Whether the peer may have a file: one of `streams`, which it shares, names it."""

    def piece(self, address: bytes, number: int) -> bytes | None:
        """The list (0) or a chunk of a file that is held whole, proven again; None: not here."""

    def list_of(self, address: bytes) -> ChunkList | None:
        """The list of a file of which anything is held."""

    def lacking(self, address: bytes) -> list[int]:
        """The chunks that are missing of a file whose list is held, in order."""

    def begin(self, address: bytes, chunks: ChunkList, peer: Certificate) -> bool:
        """Keep a list that proved true; False where the file is not taken now, which is told."""

    def take_chunk(self, address: bytes, number: int, data: bytes, peer: Certificate) -> bool:
        """Keep a chunk that proved true; False where the file is not taken any more."""

    def peer_holds(self, peer: Certificate, addresses: Iterable[bytes]) -> None:
        """Keep what the peer says it holds, of files that are named here."""

    def peer_lacks(self, peer: Certificate, address: bytes) -> None:
        """The peer asks for a file or has none, so it does not hold it."""


class FileExchange:
    """One side of the exchange with one peer that has protocol 2."""

    def __init__(self, shelf: FileShelf, peer: Certificate) -> None:
        self._shelf = shelf
        self._peer = peer
        # Streams that changed since they were looked at for files; None: all of them.
        self._changed: set[bytes] | None = None
        self._offered: set[bytes] = set()
        self._missed: dict[bytes, None] = {}
        self._to_serve: list[tuple[bytes, int]] = []
        self._to_pull: dict[bytes, None] = {}
        self._pulling = b""
        self._asked: dict[tuple[bytes, int], None] = {}

    def look_at(self, streams: Iterable[bytes]) -> None:
        """Note that these streams, or files that they name, have changed."""
        if self._changed is not None:
            self._changed.update(streams)

    def receive(self, message: FileMessage) -> list[FileMessage]:
        """What is answered at once to a message of the peer.

        Raises:
            Unauthentic: a list or chunk is not what it says; nothing was kept of it.
            Malformed, OverLimit: nobody asked for it, or it asks for more than anybody may.
        """
        match message:
            case Offer():
                return self._on_offer(message)
            case Held():
                self._shelf.peer_holds(self._peer, message.addresses)
                # Of what is not here a peer may name as much as it likes: none of it is remembered.
                self._offered.update(filter(self._shelf.holds, message.addresses))
            case Fetch():
                self._on_fetch(message)
            case FileList():
                self._on_list(message)
            case Chunk():
                return self._on_chunk(message)
            case NoFile():
                self._on_no_file(message.address)
        return []

    def go_on(self, shared: Streams) -> list[FileMessage]:
        """What to send now that no entry waits; `shared` are the streams of both."""
        sent = [self._answer(*piece, shared) for piece in self._to_serve]
        self._to_serve.clear()
        if self._changed is None or self._changed:
            looked = shared if self._changed is None else shared.intersection(self._changed)
            self._changed = set()
            sent += self._offers(looked)
            for address in self._shelf.wanted(looked):
                self._to_pull.setdefault(address)
        return [*sent, *self._pull()]

    # --- giving

    def _offers(self, streams: Streams) -> Iterator[Offer]:
        found = [each for each in self._missed if self._shelf.holds(each)]
        for address in found:
            del self._missed[address]
        if self._peer.role == HUB_ROLE:
            found += self._shelf.to_offer(self._peer, streams)
        new = [each for each in dict.fromkeys(found) if each not in self._offered]
        self._offered.update(new)
        for at in range(0, len(new), FILES_NAMED_MAX):
            yield Offer(tuple(new[at : at + FILES_NAMED_MAX]))

    def _on_fetch(self, fetch: Fetch) -> None:
        if len(self._to_serve) + fetch.count > FILE_PIECES_ASKED_MAX:
            raise OverLimit(f"more than {FILE_PIECES_ASKED_MAX} pieces of files asked for at once")
        self._shelf.peer_lacks(self._peer, fetch.address)
        self._to_serve += [
            (fetch.address, number) for number in range(fetch.first, fetch.first + fetch.count)
        ]

    def _answer(self, address: bytes, number: int, shared: Streams) -> FileMessage:
        # One answer for what is not here and for what is not for the peer: it learns nothing.
        if not self._shelf.serves(self._peer, address, shared):
            return NoFile(address)
        data = self._shelf.piece(address, number)
        if data is None:
            # What is here and damaged is not offered later: it would be asked for in vain again.
            if len(self._missed) < _MISSED_MAX and not self._shelf.holds(address):
                self._offered.discard(address)
                self._missed[address] = None
            return NoFile(address)
        return FileList(address, data) if number == 0 else Chunk(address, number, data)

    # --- taking

    def _on_offer(self, offer: Offer) -> list[FileMessage]:
        held = tuple(address for address in offer.addresses if self._shelf.holds(address))
        for address in offer.addresses:
            if address not in held and self._shelf.takes(address):
                self._to_pull.setdefault(address)
        return [Held(held)] if held else []

    def _on_list(self, message: FileList) -> None:
        self._was_asked(message.address, 0)
        chunks = read_list(message.address, message.data)
        if not self._shelf.begin(message.address, chunks, self._peer):
            self._give_up(message.address)

    def _on_chunk(self, message: Chunk) -> list[FileMessage]:
        address = message.address
        self._was_asked(address, message.number)
        chunks = self._shelf.list_of(address)
        if chunks is None:
            # It was erased here while the chunk was on its way.
            self._give_up(address)
            return []
        if not chunks.holds(message.number, message.data):
            raise Unauthentic("a chunk of a file is not the one that its list names")
        if not self._shelf.take_chunk(address, message.number, message.data, self._peer):
            self._give_up(address)
        return [Held((address,))] if self._shelf.holds(address) else []

    def _on_no_file(self, address: bytes) -> None:
        asked = next((piece for piece in self._asked if piece[0] == address), None)
        if asked is None:
            raise Malformed("a file that nobody asked for is said not to be there")
        # Pieces are answered in the order in which they were asked for.
        del self._asked[asked]
        self._give_up(address)

    def _was_asked(self, address: bytes, number: int) -> None:
        if (address, number) not in self._asked:
            raise Malformed("a piece of a file came that nobody asked for")
        del self._asked[(address, number)]

    def _give_up(self, address: bytes) -> None:
        """Leave a file for this session, unless it is offered again."""
        self._to_pull.pop(address, None)
        # Those still on their way are awaited, and then passed over.
        if address == self._pulling:
            self._pulling = b""

    def _pull(self) -> Iterator[Fetch]:
        """Ask for as much as may be on its way, of the first file that lacks anything."""
        while len(self._asked) < FILE_CHUNKS_IN_FLIGHT_MAX:
            if not self._pulling:
                if not self._to_pull:
                    return
                self._pulling = next(iter(self._to_pull))
            numbers = self._lacking(self._pulling)
            asking = next((n for n in numbers if (self._pulling, n) not in self._asked), None)
            if asking is not None:
                self._asked[(self._pulling, asking)] = None
                yield Fetch(self._pulling, asking, 1)
            elif numbers:
                return
            else:
                self._give_up(self._pulling)

    def _lacking(self, address: bytes) -> list[int]:
        """The pieces that are missing of a file: its list, or what that names."""
        if self._shelf.holds(address):
            return []
        return [0] if self._shelf.list_of(address) is None else self._shelf.lacking(address)
