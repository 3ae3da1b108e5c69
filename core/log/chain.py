"""Hashes: the chain of a log, the leaf of a seal, minted ids, ids of streams.

Everything is BLAKE2b with a personal tag, so that no hash of one kind can pass for another.
Holds no state. Invariant: a chain hash fixes site, stream, author and every entry before it.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

HASH_BYTES = 32
SHORT_BYTES = 8
STREAM_BYTES = 12
AUTHOR_BYTES = 32

# 2020-01-01 00:00 UTC: stream times are seconds since then, so that 32 bits last until 2156.
EPOCH_S = 1_577_836_800


def chain_start(site: bytes, stream: bytes, author: bytes) -> bytes:
    """The 32-byte hash before the first entry of an author's log in a stream."""
    data = site + stream + author
    return blake2b(data, digest_size=HASH_BYTES, person=b"fieldlog.start").digest()


def chain_next(previous: bytes, body: bytes) -> bytes:
    """The 32-byte hash of the entry `body` that follows the one with hash `previous`."""
    return blake2b(previous + body, digest_size=HASH_BYTES, person=b"fieldlog.entry").digest()


def seal_leaf(stream: bytes, height: int, head: bytes) -> bytes:
    """The 32-byte leaf that stands for one head in a seal."""
    data = stream + height.to_bytes(8, "big") + head
    return blake2b(data, digest_size=HASH_BYTES, person=b"fieldlog.leaf").digest()


def minted_id(entry_hash: bytes, index: int) -> bytes:
    """The 8-byte id that an entry mints for itself; `index` counts those of one entry from 0."""
    data = entry_hash + index.to_bytes(2, "big")
    return blake2b(data, digest_size=SHORT_BYTES, person=b"fieldlog.id").digest()


def stream_id(kind: int, at_s: int, unique: bytes) -> bytes:
    """The 12-byte id of a stream: seconds since 2020, kind, seven bytes that make it unique."""
    if len(unique) != 7:
        raise ValueError("a stream's unique part has seven bytes")
    moment = min(max(at_s - EPOCH_S, 0), 2**32 - 1)
    return moment.to_bytes(4, "big") + bytes([kind]) + unique


def stream_time_s(stream: bytes) -> int:
    """The time that a stream's id begins with, in seconds since 1970."""
    return int.from_bytes(stream[:4], "big") + EPOCH_S


def named_id(kind: str, *parts: bytes) -> bytes:
    """The 8-byte id of something that every replica must name alike."""
    data = b"\0".join([kind.encode(), *parts])
    return blake2b(data, digest_size=SHORT_BYTES, person=b"fieldlog.name").digest()


@lru_cache(maxsize=4096)
def derived_unique(*parts: bytes) -> bytes:
    """Seven bytes for the id of a stream that two replicas must make alike."""
    return blake2b(b"\0".join(parts), digest_size=7, person=b"fieldlog.derive").digest()
