"""Lies about files: what a hostile phone's exchange stands on.

It offers what nobody named, wants what it may not have, claims to hold what it has not, and sends
noise where a list or a chunk is asked for. Holds no file. Invariant: the same draws tell the same
lies.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from core.log.certificate import Certificate
from core.log.chunk_list import ADDRESS_BYTES, CHUNKS_MAX, ChunkList, list_of
from core.log.limits import FILE_CHUNK_BYTES


class LyingFileShelf:
    """A `core.log.exchange.FileShelf` without a true word; `chance` draws the lies."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def _addresses(self) -> list[bytes]:
        many = self._chance.choice((0, 1, 3, 40))
        return [self._chance.randbytes(ADDRESS_BYTES) for _ in range(many)]

    def to_offer(self, peer: Certificate, streams: frozenset[bytes]) -> list[bytes]:
        """Files that there are none of."""
        return self._addresses()

    def wanted(self, streams: frozenset[bytes]) -> list[bytes]:
        """Files that it cannot know."""
        return self._addresses()

    def holds(self, address: bytes) -> bool:
        """Now so, now so."""
        return self._chance.random() < 0.3

    def takes(self, address: bytes) -> bool:
        """Most of what is offered."""
        return self._chance.random() < 0.7

    def serves(self, peer: Certificate, address: bytes, streams: frozenset[bytes]) -> bool:
        """Whatever anybody asks for."""
        return True

    def piece(self, address: bytes, number: int) -> bytes | None:
        """Noise, or a sound list of another file."""
        if number == 0 and self._chance.random() < 0.5:
            return list_of(self._chance.randbytes(100)).to_bytes()
        return self._chance.randbytes(self._chance.choice((0, 1, 100, FILE_CHUNK_BYTES)))

    def list_of(self, address: bytes) -> ChunkList | None:
        """A list that was never sent, or none."""
        return self._chance.choice((None, ChunkList(1, (bytes(32),))))

    def lacking(self, address: bytes) -> list[int]:
        """Any chunks, also such as no file of one byte has."""
        return [self._chance.randrange(1, CHUNKS_MAX + 1)]

    def begin(self, address: bytes, chunks: ChunkList, peer: Certificate) -> bool:
        """It keeps nothing."""
        return self._chance.random() < 0.5

    def take_chunk(self, address: bytes, number: int, data: bytes, peer: Certificate) -> bool:
        """It keeps nothing."""
        return self._chance.random() < 0.5

    def peer_holds(self, peer: Certificate, addresses: Iterable[bytes]) -> None:
        """It remembers nothing."""

    def peer_lacks(self, peer: Certificate, address: bytes) -> None:
        """It remembers nothing."""
