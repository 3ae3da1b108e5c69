"""Carried files between phones and hubs: the `core.log.relay.RelayShelf` of this package.

Away from every hub a phone gives each colleague it meets a carried file with what it has not sent,
sealed to its hub; what colleagues gave it goes to their hub when it meets that one. A hub opens
what is for it, as if it had been brought by hand. A colleague's word that it keeps a file is no
reach: unsent stays unsent until a hub has confirmed it. Holds no bytes (`kept_files`). Invariant:
what a phone gives a colleague only the hub can read.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Role
from core.log.carried import MAGIC, carry_in, carry_out
from core.log.certificate import Certificate
from core.log.chain import AUTHOR_BYTES
from core.log.errors import LogError, OverLimit
from core.log.limits import RELAYED_BYTES_MAX
from core.log.relay import Given, relay_name
from core.sentence import say
from replica.generation import former_authors
from replica.kept_files import CarryingRefused, KeptFile
from replica.reach import unsent_entries
from replica.receivers import NobodyToCarryTo, receiver_named
from replica.replica import Replica

if TYPE_CHECKING:
    from replica.shelf import ReplicaShelf

LOGGER = logging.getLogger(__name__)

# A file for a colleague is made anew no sooner than this: to make one reads all own logs.
MADE_AGAIN_MS: Final = 60_000

# Under this name the store keeps to whom it gave what.
_GIVEN: Final = "given to colleagues"
GIVEN_MAX: Final = 64

# Letters of what a peer said that are kept.
WHY_LETTERS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class GivenAway:
    """A phone of the worker `colleague` (hex) carries `entries` of this phone since `at_ms`."""

    colleague: str
    entries: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class CarriedHere:
    """A sealed file that this phone carries: `file` names it, `hub` says for whom it is.

    `giver` is the worker (hex) whose phone gave it, '' where somebody brought it by hand; `why`
    says what the hub said if it did not take it.
    """

    file: str
    hub: str
    giver: str
    size_bytes: int
    since_ms: int
    why: str


class ReplicaRelayShelf:
    """A replica's carried files as one session sees them."""

    def __init__(self, shelf: ReplicaShelf, replica: Replica) -> None:
        self._shelf = shelf
        self._replica = replica
        self._made: tuple[Given, bytes, bytes, int] | None = None
        self._looked_ms: int | None = None

    def to_give(self, peer: Certificate) -> list[Given] | None:
        """As `RelayShelf` says: to a hub what is kept for it, to a colleague what is not sent."""
        replica = self._replica
        if peer.role == Role.HUB:
            kept = replica.kept.all() if not self._shelf.is_hub else ()
            return [Given(each.name, each.size) for each in kept if each.receiver == peer.author]
        if peer.role != Role.WORKER or self._shelf.is_hub:
            return []
        uptime_ms = replica.clock.uptime_ms()
        if self._looked_ms is not None and 0 <= uptime_ms - self._looked_ms < MADE_AGAIN_MS:
            return None
        self._looked_ms = uptime_ms
        return self._own_for(peer)

    def _own_for(self, peer: Certificate) -> list[Given]:
        replica = self._replica
        unsent = unsent_entries(replica.store.db, replica.author, former_authors(replica.store))
        if not unsent:
            return []
        names = b"".join(sorted(each.stream + each.short for each in unsent))
        mark = blake2b(names, digest_size=8).digest()
        if any(row[0] == peer.author and row[1] == mark for row in given_rows(replica)):
            return []
        try:
            hub = receiver_named(replica, "")
            made = carry_out(
                self._shelf, hub.certificate, replica.entropy(48), bytes_max=RELAYED_BYTES_MAX
            )
        except (NobodyToCarryTo, LogError) as error:
            LOGGER.warning("nothing was given to a colleague to carry: %s", error)
            return []
        given = Given(relay_name(made.data), len(made.data))
        self._made = (given, made.data, mark, made.entries)
        return [given]

    def part(self, name: bytes, at: int, size: int) -> bytes:
        """As `RelayShelf` says."""
        own = self._made is not None and self._made[0].name == name
        data = self._made[1] if own and self._made is not None else self._replica.kept.data(name)
        return data[at : at + size]

    def given(self, peer: Certificate, name: bytes) -> None:
        """As `RelayShelf` says: its hub has it, or a colleague carries it from here on."""
        replica = self._replica
        if self._made is not None and self._made[0].name == name:
            _, _, mark, entries = self._made
            others = [row for row in given_rows(replica) if row[0] != peer.author]
            row = [peer.author, mark, entries, replica.clock.now_ms()]
            with replica.store.transaction():
                replica.store.put(_GIVEN, [*others, row][-GIVEN_MAX:])
            self._made = None
        else:
            replica.kept.drop(name)

    def refused(self, peer: Certificate, name: bytes, why: str) -> None:
        """As `RelayShelf` says: what a hub says of a colleague's file is kept for people."""
        # It is a peer's word, which may be anything.
        why = "".join(each if each.isprintable() else " " for each in why)[:WHY_LETTERS_MAX]
        LOGGER.warning("a carried file was not taken: %s", why)
        if self._made is None or self._made[0].name != name:
            self._replica.kept.note_refused(name, why)

    def why_not(self, peer: Certificate, name: bytes, size: int) -> str:
        """As `RelayShelf` says."""
        if self._shelf.is_hub:
            # Noise is charged to who brings it, as all else that a peer sends.
            replica, uptime_ms = self._replica, self._replica.clock.uptime_ms()
            try:
                replica.quotas.peers.see(peer.author, 1, size, uptime_ms)
            except OverLimit as error:
                return str(error)
            replica.quotas.peers.charge(peer.author, 1, size, uptime_ms)
            return ""
        if peer.role != Role.WORKER:
            return say("a phone carries files to hubs, and none from there")
        # For whom it is stands in its head, which has not come yet; the room is what can be seen.
        return self._replica.kept.why_not(b"", peer.author, size)

    def take(self, peer: Certificate, name: bytes, data: bytes) -> str:
        """As `RelayShelf` says: a hub opens it, a phone keeps it as it is."""
        try:
            if self._shelf.is_hub:
                taken = carry_in(self._shelf, self._replica.identity.key, data)
                if taken.refused:
                    LOGGER.warning("a part of a carried file was refused: %s", taken.refused[:3])
            else:
                keep_for_hub(self._replica, data, peer.author)
        except LogError as error:
            return str(error)
        return ""


def keep_for_hub(replica: Replica, data: bytes, giver: bytes = b"") -> KeptFile:
    """Keep a carried file that is for a hub of this site, unopened; `giver` as in `KeptFile`.

    Raises:
        CarryingRefused: it is none, for nobody known here, or there is no room.
        StoreError: the disk refused.
    """
    if not is_for_hub(replica, data):
        raise CarryingRefused(say("this is no file for a hub of this site that still stands"))
    kept = replica.kept.keep(receiver_of(data), giver, data, replica.now_ms())
    # Whoever is in session with its hub looks what there is to give.
    replica.mark_changed([SITE_STREAM])
    return kept


def is_for_hub(replica: Replica, data: bytes) -> bool:
    """Whether a file says that it is for another replica that is a hub and not shut out."""
    receiver = receiver_of(data)
    hubs = {each.author for each in replica.certificates_of(Role.HUB)} - {replica.author}
    shut_out = replica.store.db.execute("SELECT 1 FROM revoked WHERE author = ?", (receiver,))
    return receiver in hubs and shut_out.fetchone() is None


def hub_called(replica: Replica, author: bytes) -> str:
    """The hub with a key, as people call it: 'hub A'."""
    letters = [
        each.subject.decode("utf-8", "replace")
        for each in replica.certificates_of(Role.HUB)
        if each.author == author
    ]
    return say("hub {letter}", letter=letters[0]) if letters else say("a hub")


def receiver_of(data: bytes) -> bytes:
    """Whose key a carried file is sealed to, as it says itself; empty where it is none."""
    if data[: len(MAGIC)] != MAGIC or len(data) < len(MAGIC) + 2 * AUTHOR_BYTES:
        return b""
    return data[len(MAGIC) : len(MAGIC) + AUTHOR_BYTES]


def carried_here(replica: Replica) -> tuple[CarriedHere, ...]:
    """What this phone carries for others, the oldest first, as its sync page shows it."""
    subjects = {each.author: each.subject for each in replica.certificates_of(Role.WORKER)}
    return tuple(
        CarriedHere(
            each.name.hex(),
            hub_called(replica, each.receiver),
            subjects.get(each.giver, b"").hex(),
            each.size,
            each.since_ms,
            each.why,
        )
        for each in replica.kept.all()
    )


def given_rows(replica: Replica) -> list[list[Any]]:
    """Whom this phone gave what: key, mark of what was unsent, entries, and when."""
    return [row for row in replica.store.get(_GIVEN, []) if len(row) == 4]


def given_away(replica: Replica) -> tuple[GivenAway, ...]:
    """Which colleagues carry what of this phone to its hub, the latest last.

    It says nothing of what has arrived: `unsent_entries` does.
    """
    subjects = {each.author: each.subject for each in replica.certificates_of(Role.WORKER)}
    return tuple(
        GivenAway(subjects.get(key, b"").hex(), entries, at)
        for key, _, entries, at in given_rows(replica)
    )
