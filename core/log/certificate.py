"""Certificates: who may write and open sessions, signed by the site key or by a hub.

The site key certifies hubs; a hub certifies phones and dispatchers. A certificate is self-contained
bytes, so it can be checked wherever it turns up. `session_until` is judged only by the peer that
opens a session, never against an entry. Invariant: an author's role is the lowest that any of its
certificates names, and where the site key certified it, no hub has a say in that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.log.canonical import pack, unpack
from core.log.chain import AUTHOR_BYTES
from core.log.errors import Malformed, OverLimit, Unauthentic, Uncertified, WrongSite
from core.log.limits import CERTIFICATE_BYTES_MAX, WALL_MS_MAX

SIGNATURE_BYTES = 64

# The one role that the log itself knows: it may certify others and cut their logs.
HUB_ROLE = 3


@dataclass(frozen=True, slots=True)
class Certificate:
    """`issuer` says that `author` acts for `subject` in `role` at `site`.

    `site` is the site's public key (32 bytes); `subject` a worker's stream id, a dispatcher's
    account id or a hub's letter; `rights` short words; `session_until` ms; `tls` the fingerprint
    of the replica's transport certificate, or empty.
    """

    site: bytes
    author: bytes
    subject: bytes
    role: int
    rights: tuple[str, ...]
    session_until: int
    tls: bytes
    issuer: bytes
    signature: bytes = b""

    def to_bytes(self) -> bytes:
        """The canonical bytes, signature included."""
        return pack([*self._fields(), self.signature])

    def _fields(self) -> list[object]:
        return [
            1,
            self.site,
            self.author,
            self.subject,
            self.role,
            list(self.rights),
            self.session_until,
            self.tls,
            self.issuer,
        ]

    def signed_bytes(self) -> bytes:
        """What the issuer signs."""
        return blake2b(pack(self._fields()), digest_size=32, person=b"fieldlog.cert").digest()


def issue(unsigned: Certificate, key: Ed25519PrivateKey) -> Certificate:
    """The certificate with the issuer's signature; `key` is the issuer's private key."""
    return Certificate(
        unsigned.site,
        unsigned.author,
        unsigned.subject,
        unsigned.role,
        unsigned.rights,
        unsigned.session_until,
        unsigned.tls,
        unsigned.issuer,
        key.sign(unsigned.signed_bytes()),
    )


def read_certificate(data: bytes) -> Certificate:
    """Read a certificate's bytes; whether it holds is for `check_certificate`.

    Raises:
        Malformed, OverLimit: not a certificate.
    """
    if len(data) > CERTIFICATE_BYTES_MAX:
        raise OverLimit(f"a certificate has at most {CERTIFICATE_BYTES_MAX} bytes")
    parts = unpack(data)
    # A truth value equals 1, and would be a second spelling of what the issuer signed.
    if not isinstance(parts, list) or len(parts) != 10 or parts[0] is True or parts[0] != 1:
        raise Malformed("not a certificate of format 1")
    _, site, author, subject, role, rights, until, tls, issuer, signature = parts
    keys = (site, author, issuer)
    if (
        any(not isinstance(key, bytes) or len(key) != AUTHOR_BYTES for key in keys)
        or not isinstance(subject, bytes)
        or len(subject) > AUTHOR_BYTES
        or type(role) is not int
        or not 0 <= role < 256
        or not isinstance(rights, list)
        or any(not isinstance(right, str) for right in rights)
        or type(until) is not int
        or not 0 <= until <= WALL_MS_MAX
        or not isinstance(tls, bytes)
        or len(tls) > AUTHOR_BYTES
        or not isinstance(signature, bytes)
        or len(signature) != SIGNATURE_BYTES
    ):
        raise Malformed("a certificate's fields have other types or lengths")
    return Certificate(site, author, subject, role, tuple(rights), until, tls, issuer, signature)


def _check_signature(certificate: Certificate) -> None:
    signed = certificate.signed_bytes()
    if not _holds(certificate.issuer, certificate.signature, signed):
        raise Unauthentic("a certificate's signature does not hold")


@lru_cache(maxsize=1_024)
def _holds(issuer: bytes, signature: bytes, signed: bytes) -> bool:
    """Whether a signature holds; the same few certificates are shown at each session."""
    try:
        Ed25519PublicKey.from_public_bytes(issuer).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_certificate(
    certificate: Certificate, site: bytes, hub_certificates: Iterable[Certificate]
) -> None:
    """See that `certificate` holds at `site`, given the certificates of hubs that are known.

    Raises:
        WrongSite: it names another site.
        Unauthentic: a signature does not hold.
        Uncertified: its issuer is neither the site key nor a hub certified by it.
    """
    if certificate.site != site:
        raise WrongSite("the certificate is of another site; enrol at this one")
    _check_signature(certificate)
    if certificate.issuer == site:
        return
    if certificate.role >= HUB_ROLE:
        raise Uncertified("only the site key certifies a hub")
    for hub in hub_certificates:
        if hub.author != certificate.issuer or hub.role != HUB_ROLE:
            continue
        if hub.issuer == site and hub.site == site:
            _check_signature(hub)
            return
    raise Uncertified("the certificate's issuer is no hub of this site")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the certificates of one key make of it: the input of every judgement of its entries."""

    subject: bytes
    role: int
    rights: frozenset[str] = frozenset()
    revoked: bool = False


def standing_of(certificates: Iterable[Certificate], revoked: bool) -> Standing:
    """The standing of one author from all its certificates; the lowest role counts.

    Where the site key certified the author, only its certificates count: else one hub could make
    another a worker, and nothing would stand that this one ever wrote.

    Raises:
        Uncertified: there are none.
    """
    ordered = sorted(certificates, key=lambda c: (c.role, c.subject, c.to_bytes()))
    ordered = [c for c in ordered if c.issuer == c.site] or ordered
    if not ordered:
        raise Uncertified("the author has no certificate; enrol it again")
    lowest = ordered[0]
    same = [c for c in ordered if c.role == lowest.role and c.subject == lowest.subject]
    rights = frozenset(right for c in same for right in c.rights)
    return Standing(lowest.subject, lowest.role, rights, revoked)
