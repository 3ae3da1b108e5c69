"""The hubs of the site, as its own stream knows them: letter, keys, fingerprint, addresses.

So a phone finds another hub when its own is out of reach, and hubs find each other. A hub that was
restored or copied has a new key under its old letter, and is one hub all the same. Holds no
connection. Invariant: a hub is named only by a certificate that holds and is not revoked.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import HUB_ADDRESSES, Role
from core.dispatch.show import value_at
from core.log.certificate import Certificate
from replica.replica import Replica
from replica.transport_security import FINGERPRINT_BYTES

# A hub with a name, some networks and a loopback has some five; the rest is no hub's.
ADDRESSES_MAX = 8
ADDRESS_LETTERS_MAX = 260


@dataclass(frozen=True, slots=True)
class KnownHub:
    """A hub, all the keys it had, and where it said it listens: `host:port`, the best first."""

    letter: str
    authors: frozenset[bytes]
    fingerprint: bytes
    addresses: tuple[str, ...]


def hubs_by_letter(replica: Replica) -> dict[str, list[Certificate]]:
    """The certificates of all other hubs by letter, the one in use first: it was issued last."""
    revoked = {row[0] for row in replica.store.db.execute("SELECT author FROM revoked")}
    found: dict[str, list[Certificate]] = {}
    for certificate in sorted(
        replica.certificates_of(Role.HUB), key=lambda each: (-each.session_until, each.author)
    ):
        if certificate.author not in revoked:
            letter = certificate.subject.decode("utf-8", "replace")
            found.setdefault(letter, []).append(certificate)
    return {
        letter: found[letter]
        for letter in sorted(found)
        if all(each.author != replica.author for each in found[letter])
    }


def other_hubs(replica: Replica) -> list[KnownHub]:
    """All other hubs of the site that said where they are, by letter."""
    registers = replica.state(SITE_STREAM).registers
    hubs = []
    for letter, certificates in hubs_by_letter(replica).items():
        told = [value_at(registers, (HUB_ADDRESSES, each.author)) or () for each in certificates]
        addresses = dict.fromkeys(
            address for each in told for address in each if len(address) <= ADDRESS_LETTERS_MAX
        )
        fingerprint = certificates[0].tls
        if addresses and len(fingerprint) == FINGERPRINT_BYTES:
            authors = frozenset(each.author for each in certificates)
            hubs.append(KnownHub(letter, authors, fingerprint, tuple(addresses)[:ADDRESSES_MAX]))
    return hubs
