"""Frontiers: what is held of each log of a stream, and what another replica lacks of it.

A head is a log's height and chain hash. The leaf of a stream is the hash of its sorted heads, and
the digest of a set of streams the sum of their leaves; sums mod 2^256 of hashes can't be steered
the way that XOR can. Holds no entries. Invariant: equal leaves mean equal sets of entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from core.log.chain import SHORT_BYTES
from core.log.errors import Malformed
from core.log.limits import SEEN_MAX
from core.sentence import say

DIGEST_BYTES = 16
_MODULUS = 2**256


class Head(NamedTuple):
    """The last entry held of one log: author (32 B), branch, height, chain hash (32 B)."""

    author: bytes
    branch: bytes
    height: int
    hash: bytes


def leaf_of(stream: bytes, heads: Sequence[Head]) -> bytes:
    """The 32-byte leaf of a stream with these heads (sorted here); seals play no part."""
    state = blake2b(stream, digest_size=32, person=b"fieldlog.heads")
    for head in sorted(heads):
        state.update(head.author + head.branch.ljust(32, b"\0"))
        state.update(head.height.to_bytes(8, "big") + head.hash)
    return state.digest()


def digest_of(leaves: Iterable[bytes]) -> bytes:
    """The 16-byte digest of a set of streams' leaves, whatever their order."""
    return shorten(sum(int.from_bytes(leaf, "big") for leaf in leaves))


def shorten(total: int) -> bytes:
    """The digest of a sum of leaves: its first 16 bytes mod 2^256."""
    return (total % _MODULUS).to_bytes(32, "big")[:DIGEST_BYTES]


def frontier_token(tips: Iterable[bytes]) -> str:
    """Heads (eight bytes each) as a text that a page can carry and post back."""
    return b"".join(sorted(tips)).hex()


def read_token(token: str) -> tuple[bytes, ...]:
    """The heads of a token, sorted.

    Raises:
        Malformed: not a token that a page of this program was given.
    """
    try:
        data = bytes.fromhex(token)
    except ValueError as error:
        raise Malformed(say("the page's frontier was damaged; load it again")) from error
    if len(data) % SHORT_BYTES or len(data) > SEEN_MAX * SHORT_BYTES:
        raise Malformed(say("the page's frontier was damaged; load it again"))
    return tuple(sorted({data[at : at + SHORT_BYTES] for at in range(0, len(data), SHORT_BYTES)}))
