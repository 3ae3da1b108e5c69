"""For whom a carried file can be made here, and how people name them.

Invariant: a file is made for a key that the site certified and has not revoked.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass

from core.dispatch.fields import Role
from core.log.certificate import Certificate, read_certificate
from core.sentence import say
from replica.hubs import hubs_by_letter
from replica.replica import Replica

# So many digits of a key tell two phones of one worker apart.
_KEY_DIGITS = 8


class NobodyToCarryTo(Exception):
    """No file can be made for whom was named; the sentence says who there is."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody for whom a file can be made; `name` is 'hub A' or a worker's."""

    name: str
    certificate: Certificate

    @property
    def digits(self) -> str:
        """The first digits of its key."""
        return self.certificate.author.hex()[:_KEY_DIGITS]


def receivers(replica: Replica) -> list[Receiver]:
    """All replicas with which this one may share something: hubs, and phones of (other) workers."""
    return [*hubs_of(replica), *phones_of(replica)]


def hubs_of(replica: Replica) -> list[Receiver]:
    """The other hubs of the site, by letter."""
    return [
        Receiver(f"hub {letter}", certificates[0])
        for letter, certificates in hubs_by_letter(replica).items()
    ]


def phones_of(replica: Replica) -> list[Receiver]:
    """The phones of the site, by the names of their workers; on a phone those of colleagues.

    A phone knows the name of its own worker alone.
    """
    own = replica.identity.own
    rows = replica.store.db.execute(
        "SELECT certificate.certificate, worker.name FROM certificate LEFT JOIN worker "
        "ON worker.worker = lower(hex(certificate.subject)) "
        "WHERE certificate.author NOT IN (SELECT author FROM revoked) AND role = ? "
        "ORDER BY worker.name, certificate.author, session_until",
        (int(Role.WORKER),),
    )
    # Of a key that was certified several times the one that opens sessions the longest.
    by_author: dict[bytes, Receiver] = {}
    for data, name in rows:
        certificate = read_certificate(data)
        if own.role == Role.HUB or certificate.subject != own.subject:
            by_author[certificate.author] = Receiver(name or "a phone", certificate)
    return [*by_author.values()]


def receiver_named(replica: Replica, who: str) -> Receiver:
    """The one that `who` names: a hub or its letter, a worker, or the first digits of a key.

    Without a name a phone's own hub, or the only one that there is.

    Raises:
        NobodyToCarryTo: nobody is called so, or several are.
    """
    known = receivers(replica)
    if not known:
        raise NobodyToCarryTo(say("there is nobody to carry to yet; no hub or phone is known here"))
    if who:
        found = [each for each in known if _is_named(each, who.strip().casefold())]
    else:
        own = {f"hub {each.subject.decode('utf-8', 'replace')}" for each in _issuers(replica)}
        hubs = hubs_of(replica)
        found = [each for each in hubs if each.name in own] or hubs or known
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{each.name} ({each.digits})" for each in (found or known)[:20])
    if found:
        raise NobodyToCarryTo(
            say("say for whom, by name or by the digits of the key: {names}", names=names)
        )
    raise NobodyToCarryTo(
        say("nobody here is called {who!r}; there are: {names}", who=who, names=names)
    )


def _issuers(replica: Replica) -> Iterator[Certificate]:
    """The hub that certified this phone, by its letter: its key may be another one by now."""
    for certificate in replica.identity.certificates[1:]:
        if certificate.author == replica.identity.own.issuer:
            yield certificate


def _is_named(receiver: Receiver, who: str) -> bool:
    names = {receiver.name.casefold(), receiver.name.casefold().removeprefix("hub ")}
    digits = set(who) <= set(string.hexdigits) and len(who) >= _KEY_DIGITS
    return who in names or (digits and receiver.certificate.author.hex().startswith(who))
