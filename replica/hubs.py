"""The hubs of the site, as its own stream knows them: letter, key, fingerprint, addresses.

So a phone finds another depot's hub when its own is out of reach, and hubs find each other. Holds
no connection. Invariant: a hub is named only by a certificate that holds and is not revoked.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import HUB_ADDRESSES, Role
from core.dispatch.show import value_at
from replica.replica import Replica
from replica.transport_security import FINGERPRINT_BYTES

# A hub with a name, some networks and a loopback has some five; the rest is no hub's.
ADDRESSES_MAX = 8
ADDRESS_LETTERS_MAX = 260


@dataclass(frozen=True, slots=True)
class KnownHub:
    """A hub and where it said it listens: `host:port`, the best first."""

    letter: str
    author: bytes
    fingerprint: bytes
    addresses: tuple[str, ...]


def other_hubs(replica: Replica) -> list[KnownHub]:
    """All other hubs of the site that said where they are, by letter."""
    registers = replica.state(SITE_STREAM).registers
    revoked = {row[0] for row in replica.store.db.execute("SELECT author FROM revoked")}
    found: dict[bytes, KnownHub] = {}
    for certificate in replica.certificates_of(Role.HUB):
        author = certificate.author
        addresses = value_at(registers, (HUB_ADDRESSES, author)) or ()
        usable = tuple(each for each in addresses if len(each) <= ADDRESS_LETTERS_MAX)
        if len(certificate.tls) != FINGERPRINT_BYTES:
            continue
        if author == replica.author or author in revoked or not usable:
            continue
        letter = certificate.subject.decode("utf-8", "replace")
        found[author] = KnownHub(letter, author, certificate.tls, usable[:ADDRESSES_MAX])
    return sorted(found.values(), key=lambda hub: (hub.letter, hub.author))
