"""Witnesses: what a hub signs of the heads that it held of streams, and when.

One signature stands over the root of a tree whose leaves each fix one stream's heads, so that it
serves all streams that changed since the last one, and a stream is shown to be under it by a path
of some hashes. No entry: nothing of it is folded, and no state depends on it. The bytes stand in
docs/formats/bundle.md. Holds no store. Invariant: a leaf fixes the set of entries of its stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.log.chain import HASH_BYTES
from core.log.errors import Malformed, Unauthentic


class Tip(NamedTuple):
    """A head that nothing followed: its author (32 B), its place in the log, its chain hash."""

    author: bytes
    seq: int
    hash: bytes


def tips_leaf(stream: bytes, tips: Iterable[Tip]) -> bytes:
    """The 32-byte leaf of a stream with these tips (sorted here).

    Unlike a digest's leaf it names no branches: how those are called changes when a fork comes in
    later, and a witness must go on holding.
    """
    rows = sorted(tip.author + tip.seq.to_bytes(8, "big") + tip.hash for tip in tips)
    return blake2b(
        stream + b"".join(rows), digest_size=HASH_BYTES, person=b"fieldlog.tips"
    ).digest()


def _node(one: bytes, other: bytes) -> bytes:
    data = min(one, other) + max(one, other)
    return blake2b(data, digest_size=HASH_BYTES, person=b"fieldlog.node").digest()


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    paired = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return [*paired, level[-1]] if len(level) % 2 else paired


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of a tree over `leaves` (sorted here, at least one)."""
    level = sorted(leaves)
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def path_to(leaves: Iterable[bytes], leaf: bytes) -> bytes:
    """The hashes, one after another, that lead from `leaf` up to the root of `leaves`.

    Raises:
        Malformed: the leaf is none of them.
    """
    level = sorted(leaves)
    if leaf not in level:
        raise Malformed("the witness has no such leaf")
    at, path = level.index(leaf), b""
    while len(level) > 1:
        beside = at ^ 1
        # The last of an odd row moves up alone.
        if beside < len(level):
            path += level[beside]
        level, at = _level_above(level), at // 2
    return path


def root_from(leaf: bytes, path: bytes) -> bytes:
    """The root that a leaf and its path give."""
    found = leaf
    for at in range(0, len(path), HASH_BYTES):
        found = _node(found, path[at : at + HASH_BYTES])
    return found


def signed_bytes(site: bytes, hub: bytes, at_ms: int, root: bytes) -> bytes:
    """What a hub signs: that at `at_ms` of its clock it held what is under `root`."""
    data = site + hub + at_ms.to_bytes(8, "big") + root
    return blake2b(data, digest_size=HASH_BYTES, person=b"fieldlog.witness").digest()


def check_witness(site: bytes, hub: bytes, at_ms: int, root: bytes, signature: bytes) -> None:
    """See that the signature is the hub's.

    Raises:
        Unauthentic: it is not.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(hub)
        key.verify(signature, signed_bytes(site, hub, at_ms, root))
    except (InvalidSignature, ValueError) as error:
        raise Unauthentic("a witness is not what the hub signed") from error
