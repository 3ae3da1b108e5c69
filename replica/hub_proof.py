"""Who asks a hub over HTTP: a phone proves itself there by its key, as it does in a session.

The hub gives a word to sign; the phone answers with its certificates and a signature over that
word, the site and the fingerprint of the hub that it talks to. Both halves stand here, so that they
can't differ. Holds no HTTP and judges no certificate: that is the shelf's, as for a session.
Invariant: a proof that was shown to one machine is none to another, and none once its word is old.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.log.canonical import pack, unpack
from core.log.certificate import read_certificate
from core.log.errors import LogError

SCHEME: Final = "Fieldlog"
WORD_BYTES: Final = 24
WORD_LASTS_MS: Final = 10 * 60_000
PROOF_LETTERS_MAX: Final = 4_096
"""Two certificates and a signature are some 700 bytes, a third more as text."""
CERTIFICATES_MAX: Final = 4
SECRET_BYTES: Final = 32

_CONTEXT: Final = b"fieldlog: a phone asks its hub\0"


class NoProof(Exception):
    """What was shown proves nothing, or no more; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a phone shows: its certificate and those of its issuers, a hub's word, a signature."""

    certificates: tuple[bytes, ...]
    word: bytes
    signature: bytes

    def to_header(self) -> str:
        """The value of an `Authorization` header."""
        data = pack([list(self.certificates), self.word, self.signature])
        return f"{SCHEME} {base64.urlsafe_b64encode(data).decode('ascii')}"


def make_word(secret: bytes, uptime_ms: int) -> bytes:
    """A word to sign; `secret` is the hub's own, `uptime_ms` its monotonic clock."""
    at = uptime_ms.to_bytes(8, "big")
    return at + _mac(secret, at)


def is_fresh(secret: bytes, word: bytes, uptime_ms: int) -> bool:
    """Whether a word was given by the hub of `secret` less than `WORD_LASTS_MS` ago."""
    if len(word) != WORD_BYTES or word[8:] != _mac(secret, word[:8]):
        return False
    return 0 <= uptime_ms - int.from_bytes(word[:8], "big") < WORD_LASTS_MS


def _mac(secret: bytes, at: bytes) -> bytes:
    return blake2b(at, key=secret, digest_size=WORD_BYTES - 8).digest()


def to_sign(site: bytes, fingerprint: bytes, word: bytes) -> bytes:
    """What a phone of `site` signs for the hub whose TLS certificate has `fingerprint`."""
    return _CONTEXT + site + fingerprint + word


def read_proof(header: str) -> Proof:
    """The proof in an `Authorization` header. Raises NoProof."""
    scheme, _, text = header.partition(" ")
    if scheme != SCHEME or len(text) > PROOF_LETTERS_MAX:
        raise NoProof("there is no proof")
    try:
        parts = unpack(base64.urlsafe_b64decode(text.encode("ascii")))
    except (LogError, binascii.Error, UnicodeError, ValueError) as error:
        raise NoProof("the proof is none") from error
    if not isinstance(parts, list) or len(parts) != 3:
        raise NoProof("the proof is none")
    certificates, word, signature = parts
    sound = isinstance(certificates, list) and 0 < len(certificates) <= CERTIFICATES_MAX
    if not sound or not all(isinstance(each, bytes) for each in [*certificates, word, signature]):
        raise NoProof("the proof is none")
    return Proof(tuple(certificates), word, signature)


def check_signature(proof: Proof, site: bytes, fingerprint: bytes) -> None:
    """Check that who holds the first certificate's key signed the word. Raises NoProof."""
    try:
        author = read_certificate(proof.certificates[0]).author
        key = Ed25519PublicKey.from_public_bytes(author)
        key.verify(proof.signature, to_sign(site, fingerprint, proof.word))
    except (LogError, InvalidSignature, ValueError) as error:
        raise NoProof("the proof is not of this key, or for another hub") from error
