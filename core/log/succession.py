"""A key names the one that comes after it, which signs that the same replica holds it.

Holds the statement and its signature. Where it stands in the log is the business of those who know
what a log is for. Invariant: a statement that holds was made by whoever has the next key.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.log.canonical import pack


@dataclass(frozen=True, slots=True)
class NextKey:
    """At `site`, `author` comes after `former`; `tls` is its transport's fingerprint."""

    site: bytes
    former: bytes
    author: bytes
    tls: bytes

    def signed_bytes(self) -> bytes:
        """What the next key signs."""
        parts = pack([1, self.site, self.former, self.author, self.tls])
        return blake2b(parts, digest_size=32, person=b"fieldlog.nextkey").digest()

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """The next key's signature; `key` is its private key."""
        return key.sign(self.signed_bytes())

    def holds(self, signature: bytes) -> bool:
        """Whether the next key signed this, and is another than the former one."""
        try:
            key = Ed25519PublicKey.from_public_bytes(self.author)
            key.verify(signature, self.signed_bytes())
        except (InvalidSignature, ValueError):
            return False
        return self.author != self.former
