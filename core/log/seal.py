"""Seals: one signature of an author over the heads that a message moves.

A seal lists leaves, each the hash of (stream, height, chain hash), and `number`, how many entries
the author had made in all, which shows a hub what is missing and decides no state. Does not store
anything. Invariant: a head is authentic if its leaf is in a seal whose signature holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.log.chain import HASH_BYTES
from core.log.errors import Malformed, OverLimit, Unauthentic
from core.log.limits import SEAL_LEAVES_MAX


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature of `author` over `leaves` (32 bytes each, in the order signed)."""

    author: bytes
    number: int
    leaves: tuple[bytes, ...]
    signature: bytes


def _signed_bytes(site: bytes, author: bytes, number: int, leaves: tuple[bytes, ...]) -> bytes:
    data = site + author + number.to_bytes(8, "big") + b"".join(leaves)
    return blake2b(data, digest_size=HASH_BYTES, person=b"fieldlog.seal").digest()


def make_seal(
    site: bytes, author: bytes, key: Ed25519PrivateKey, number: int, leaves: tuple[bytes, ...]
) -> Seal:
    """Sign `leaves` as `author`, whose private key is `key`.

    Raises:
        OverLimit: more leaves than one seal may have, or none.
    """
    if not 1 <= len(leaves) <= SEAL_LEAVES_MAX:
        raise OverLimit(f"a seal covers 1 to {SEAL_LEAVES_MAX} heads, not {len(leaves)}")
    signature = key.sign(_signed_bytes(site, author, number, leaves))
    return Seal(author, number, leaves, signature)


def check_seal(site: bytes, seal: Seal) -> None:
    """See that the signature holds.

    Raises:
        Malformed, OverLimit: the seal has no sound shape.
        Unauthentic: the signature is not the author's over these leaves.
    """
    if not 1 <= len(seal.leaves) <= SEAL_LEAVES_MAX:
        raise OverLimit(f"a seal covers 1 to {SEAL_LEAVES_MAX} heads")
    if not 0 <= seal.number < 2**63 or any(len(leaf) != HASH_BYTES for leaf in seal.leaves):
        raise Malformed("a seal has a number and leaves of 32 bytes")
    signed = _signed_bytes(site, seal.author, seal.number, seal.leaves)
    try:
        Ed25519PublicKey.from_public_bytes(seal.author).verify(seal.signature, signed)
    except (InvalidSignature, ValueError) as error:
        raise Unauthentic("a seal's signature does not hold") from error
