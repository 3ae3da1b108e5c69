"""Files carried by hand: for whom one can be made here, and what one that came has brought.

What stands in a file is `core.log.carried`'s matter, how it travels the people's. Holds no files
and no command. Invariant: a file is made for a key that the site certified and has not revoked.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from core.dispatch.fields import Role
from core.log.carried import CarriedIn, CarriedOut, carry_in, carry_out
from core.log.certificate import Certificate, read_certificate
from core.sentence import say, say_n
from replica.hubs import hubs_by_letter
from replica.replica import Replica
from replica.shelf import ReplicaShelf

# What a file's name ends with, so that people and browsers know it again.
SUFFIX = ".carried"

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
    """All replicas with which this one may share something: hubs; and on a hub, phones."""
    hubs = [
        Receiver(f"hub {letter}", certificates[0])
        for letter, certificates in hubs_by_letter(replica).items()
    ]
    if replica.identity.own.role != Role.HUB:
        return hubs
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
        by_author[certificate.author] = Receiver(name or "a phone", certificate)
    return [*hubs, *by_author.values()]


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
        found = [each for each in known if each.name in own] or known
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


def file_for(replica: Replica, receiver: Receiver) -> CarriedOut:
    """A file with all that the receiver is not known to hold; see `core.log.carried`."""
    return carry_out(ReplicaShelf(replica), receiver.certificate, replica.entropy(48))


def take_file(replica: Replica, data: bytes) -> CarriedIn:
    """Take in a file that somebody carried here; see `core.log.carried`."""
    return carry_in(ReplicaShelf(replica), replica.identity.key, data)


def name_of_file(receiver: Receiver, at_ms: int) -> str:
    """What a file is called: for whom, and the day (UTC) on which it was made."""
    day = datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
    letters = "".join(letter if letter.isalnum() else "-" for letter in receiver.name)
    return f"for-{letters}-{day}{SUFFIX}"


def take_in_words(replica: Replica, data: bytes) -> str:
    """Take in a file, and say what it brought."""
    brought = take_file(replica, data)
    sender, count = sender_of(replica, brought), count_words(brought.entries)
    if not brought.refused:
        return say(
            "The file of {sender} brought {count}; all is saved here", sender=sender, count=count
        )
    kinds = ", ".join(sorted({name for _, name, _ in brought.refused}))
    return say(
        "The file of {sender} brought {count}, of which a part was refused ({kinds})",
        sender=sender,
        count=count,
        kinds=kinds,
    )


def count_words(entries: int) -> str:
    """So many entries, in words."""
    return say_n("{n:,} entry", "{n:,} entries", entries)


def sender_of(replica: Replica, brought: CarriedIn) -> str:
    """Whose file it was, in words."""
    named = {each.certificate.author: each.name for each in receivers(replica)}
    return named.get(brought.peer.author, say("another phone"))
