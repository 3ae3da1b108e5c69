"""Who is shut out, and whose certificates count, as the entries of the site stream say.

What a later step reads an earlier one has settled, so that there is one answer for a set of
entries: (1) the site key's certificates say who is a hub; (2) a hub's revocation counts, whoever
has revoked that hub, save where the site key has closed its log before it; (3) cuts say which
entries of revoked hubs stand; (4) a certificate by a revoked hub counts only in an entry that
stands. Holds no store. Invariant: no answer depends on the order in which entries came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.log.canonical import pack
from core.log.certificate import HUB_ROLE, SIGNATURE_BYTES, Certificate, read_certificate
from core.log.chain import HASH_BYTES
from core.log.errors import LogError
from core.log.stream import AFTER_REVOCATION, Placed, StreamState

# Paths in the site stream: (CERTIFICATE, author, its last eight bytes), (REVOKED, author) and
# (CLOSED, author).
CERTIFICATE, REVOKED, CLOSED = 2, 3, 18


@dataclass(frozen=True, slots=True)
class Closing:
    """The site key's word that of what `author` wrote to the site stream nothing counts beyond.

    `hash` (32 bytes) is that of its last entry there that has a say, all zeros for none.
    """

    site: bytes
    author: bytes
    hash: bytes

    def signed_bytes(self) -> bytes:
        """What the site key signs."""
        parts = pack([1, self.site, self.author, self.hash])
        return blake2b(parts, digest_size=32, person=b"fieldlog.closed").digest()

    def value(self, site_key: Ed25519PrivateKey) -> list[bytes]:
        """What stands at (CLOSED, author): the hash and the site key's signature."""
        return [self.hash, site_key.sign(self.signed_bytes())]


def revoked_in(state: StreamState) -> frozenset[bytes]:
    """The keys that the site stream shuts out.

    Of the standings that `state` was built with only the roles matter here, not who was taken for
    revoked; so the answer is the same before and after it is acted upon.
    """
    closings = _closings(state)
    revoked = {author for author, _ in closings}
    for placed, by_hub in _readable(state):
        assert placed.entry is not None
        if not by_hub or _is_closed(state, placed, closings):
            continue
        for path, value in placed.entry.changes:
            if path[0] == REVOKED and value is True and isinstance(path[1], bytes):
                revoked.add(path[1])
    return frozenset(revoked)


def certificates_in(state: StreamState) -> dict[Certificate, bool]:
    """The certificates in the site stream; whether an entry of a hub that holds one stands.

    Those by the site key are taken from whoever brings them: only they say who is a hub. Whether
    any holds is for `check_certificate`, whether it counts for `counts`. `state` must be built with
    all who are revoked.
    """
    closings = _closings(state)
    found: dict[Certificate, bool] = {}
    for placed, by_hub in _readable(state):
        assert placed.entry is not None
        for path, value in placed.entry.changes:
            if path[0] != CERTIFICATE or not isinstance(value, bytes):
                continue
            try:
                certificate = read_certificate(value)
            except LogError:
                continue
            if by_hub or certificate.issuer == state.site:
                stands = by_hub and not placed.inert and not _is_closed(state, placed, closings)
                found[certificate] = found.get(certificate, False) or stands
    return found


def counts(certificate: Certificate, revoked: frozenset[bytes], *, stands: bool) -> bool:
    """Whether a certificate that holds counts: by a revoked hub only where it `stands`.

    Else whoever stole a hub could certify phones and dispatchers for ever.
    """
    by_site = certificate.issuer == certificate.site
    return stands or by_site or certificate.issuer not in revoked


def _readable(state: StreamState) -> Iterator[tuple[Placed, bool]]:
    """All entries that can be read; whether a hub wrote it and may, beyond a cut or not."""
    for log in state.logs.values():
        for placed in log.placed:
            if placed.entry is not None:
                permitted = placed.inert in ("", AFTER_REVOCATION)
                yield placed, permitted and placed.standing.role == HUB_ROLE


def _closings(state: StreamState) -> set[tuple[bytes, bytes]]:
    """(author, hash) of all that the site key has closed, whoever brought its word."""
    found: set[tuple[bytes, bytes]] = set()
    for placed, _ in _readable(state):
        assert placed.entry is not None
        for path, value in placed.entry.changes:
            if path[0] == CLOSED and len(path) == 2 and _holds(state.site, path[1], value):
                found.add((path[1], value[0]))
    return found


def _holds(site: bytes, author: object, value: object) -> bool:
    if not isinstance(author, bytes) or not isinstance(value, list) or len(value) != 2:
        return False
    last, signature = value
    if not isinstance(last, bytes) or len(last) != HASH_BYTES:
        return False
    if not isinstance(signature, bytes) or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(site)
        key.verify(signature, Closing(site, author, last).signed_bytes())
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_closed(state: StreamState, placed: Placed, closings: set[tuple[bytes, bytes]]) -> bool:
    """Whether the site key let less of the author count; of several closings the strictest."""
    author = placed.stored.author
    return any(not state.is_before(placed, last) for closed, last in closings if closed == author)
