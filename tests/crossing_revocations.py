"""Site streams in which hubs revoke, cut, certify and close each other, taken in in any order.

Each world is a set of entries of three hubs and their phones, in the site stream and in a job. It
is brought to fresh replicas in orders and portions that the seed draws, and what each then makes of
it is compared with what the reference says of the set. Holds no expectations of its own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory

from core.dispatch import fields
from core.dispatch.acts import SITE_STREAM
from core.dispatch.permits import permits
from core.log.authority import Closing
from core.log.certificate import Certificate, Standing, issue, standing_of
from core.log.entry import FORMAT
from core.log.stream import Stored, StreamState
from replica.identity import Identity
from replica.replica import Replica, Touched
from replica.store import Store
from tests.build import Entropy, SettableClock
from tests.core.log.authors import AT_MS, STREAM, Log, author_of, key_of
from tests.core.log.reference import Reference
from tests.core.log.test_merge_cases import inert, visible

SITE = author_of("site")
HUBS = ("north", "south", "west")
PHONES = ("cem", "ida")
ORDERS = 3


@dataclass
class World:
    """The entries of one world, and what the certificates and closings among them are."""

    chance: random.Random
    entries: list[tuple[bytes, Stored]] = field(default_factory=list)
    logs: dict[bytes, list[Log]] = field(default_factory=lambda: {SITE_STREAM: [], STREAM: []})
    carriers: dict[Certificate, set[bytes]] = field(default_factory=dict)
    closed: dict[bytes, set[bytes]] = field(default_factory=dict)

    def of(self, stream: bytes) -> list[Stored]:
        """The entries of one stream."""
        return [stored for each, stored in self.entries if each == stream]

    def write(self, name: str, stream: bytes) -> None:
        """One more entry by somebody, of a kind that chance draws."""
        own = [log for log in self.logs[stream] if log.name == name]
        log = self.chance.choice(own) if own else Log(name, stream, SITE)
        if own and self.chance.random() < 0.1:
            log = log.fork(self.chance.randrange(len(log.entries)))
        if not any(log is each for each in self.logs[stream]):
            self.logs[stream].append(log)
        certificate = None
        if stream == SITE_STREAM and name in HUBS:
            path, value, certificate = self._hubs_word(name)
        elif stream == STREAM and name in HUBS and self.chance.random() < 0.6:
            path, value = self._cut(STREAM)
        elif stream == SITE_STREAM:
            path, value = (fields.REVOKED, author_of("north")), True
        else:
            path, value = (fields.NOTE, self.chance.choice([b"1", b"2"])), "words"
        stored = log.write([(path, value)], wall_ms=AT_MS + 10 * len(self.entries))
        self.entries.append((stream, stored))
        if certificate is not None:
            self.carriers.setdefault(certificate, set()).add(stored.hash)

    def _hubs_word(
        self, name: str
    ) -> tuple[tuple[int, *tuple[bytes, ...]], object, Certificate | None]:
        everybody = [*HUBS, *PHONES]
        match self.chance.choice(["revoke", "revoke", "cut", "certify", "certify", "close"]):
            case "revoke":
                return (fields.REVOKED, author_of(self.chance.choice(everybody))), True, None
            case "cut":
                return *self._cut(SITE_STREAM), None
            case "close":
                return *self._closing(), None
            case _:
                certificate = certificate_of(self.chance.choice(PHONES), name)
                data = certificate.to_bytes()
                return (fields.CERTIFICATE, certificate.author, data[-8:]), data, certificate

    def _cut(self, stream: bytes) -> tuple[tuple[int, bytes], object]:
        whom = [stored for each, stored in self.entries if each == stream]
        if not whom:
            return (fields.CUT, author_of("cem")), [1, bytes(32)]
        last = self.chance.choice(whom)
        return (fields.CUT, last.author), [last.seq, last.hash]

    def _closing(self) -> tuple[tuple[int, bytes], object]:
        author = author_of(self.chance.choice(HUBS))
        own = [stored.hash for stored in self.of(SITE_STREAM) if stored.author == author]
        closing = Closing(SITE, author, self.chance.choice([*own, bytes(32)]))
        self.closed.setdefault(author, set()).add(closing.hash)
        return (fields.CLOSED, author), closing.value(key_of("site"))


def certificate_of(name: str, issuer: str) -> Certificate:
    """A hub's certificate by the site key, or a phone's by a hub."""
    role = 3 if name in HUBS or name == "observer" else 1
    subject = name[:1].upper().encode() if role == 3 else b"\0" * 4 + b"\3" + name.encode() * 2
    until = AT_MS + 1_000
    author = author_of(name)
    unsigned = Certificate(SITE, author, subject, role, (), until, b"", author_of(issuer))
    return issue(unsigned, key_of(issuer))


def a_world(chance: random.Random) -> World:
    """Hubs that bring their certificates, and some ten entries more."""
    world = World(chance)
    for name in HUBS:
        log = Log(name, SITE_STREAM, SITE)
        data = certificate_of(name, "site").to_bytes()
        log.write([((fields.CERTIFICATE, author_of(name), data[-8:]), data)])
        world.logs[SITE_STREAM].append(log)
        world.entries.append((SITE_STREAM, log.entries[0]))
    for _ in range(chance.randrange(4, 12)):
        stream = SITE_STREAM if chance.random() < 0.6 else STREAM
        world.write(chance.choice([*HUBS, *HUBS, *PHONES]), stream)
    unique = {stored.hash: (stream, stored) for stream, stored in world.entries}
    world.entries = list(unique.values())
    return world


def standings_in(world: World) -> dict[bytes, Standing]:
    """What the set of entries makes of everybody, by the reference."""
    hubs = {author_of(name): standing_of([certificate_of(name, "site")], False) for name in HUBS}
    workers = {author_of(name): Standing(b"", 1) for name in PHONES}
    site = world.of(SITE_STREAM)
    formats = frozenset({FORMAT})
    first = Reference(SITE_STREAM, site, {**workers, **hubs}, permits, formats)
    revoked = first.shut_out(world.closed)
    standings = {
        author: Standing(one.subject, one.role, one.rights, author in revoked)
        for author, one in hubs.items()
    }
    second = Reference(SITE_STREAM, site, standings, permits, formats)
    fallen = second.inert()
    by_author: dict[bytes, list[Certificate]] = {}
    for certificate, carriers in world.carriers.items():
        closed = world.closed.get(certificate.issuer, ())
        stands = any(
            hashed not in fallen and all(hashed in second.up_to(last) for last in closed)
            for hashed in carriers
        )
        if stands or certificate.issuer not in revoked:
            by_author.setdefault(certificate.author, []).append(certificate)
    for author, certificates in by_author.items():
        standings[author] = standing_of(certificates, author in revoked)
    return standings


def crossing_revocations(count: int, seed: int) -> list[str]:
    """Violations in `count` worlds, each brought to replicas in several orders; empty if none."""
    chance = random.Random(seed)
    violations: list[str] = []
    with TemporaryDirectory() as folder:
        for number in range(count):
            world = a_world(chance)
            expected = standings_in(world)
            for order in range(ORDERS):
                name = f"world {number}, order {order}"
                replica = _fresh(FilePath(folder) / f"{number}-{order}")
                _bring(replica, world, chance)
                violations += [
                    f"{name}: {words}" for words in _differences(replica, world, expected)
                ]
                replica.close()
    return violations


def _fresh(folder: FilePath) -> Replica:
    folder.mkdir()
    key, own = key_of("observer"), certificate_of("observer", "site")
    identity = Identity(key, own.author, SITE, (own,))
    return Replica(Store(folder / "store.sqlite"), identity, SettableClock(), Entropy("observer"))


def _bring(replica: Replica, world: World, chance: random.Random) -> None:
    """Take in all entries, each after the one before it, in portions of any size."""
    waiting = list(world.entries)
    chance.shuffle(waiting)
    held: set[bytes] = set()
    while waiting:
        touched = Touched()
        with replica.store.transaction():
            for _ in range(chance.randrange(1, 5)):
                ready = [each for each in waiting if each[1].seq == 1 or each[1].previous in held]
                if not ready:
                    break
                stream, stored = ready[0]
                waiting.remove(ready[0])
                held.add(stored.hash)
                replica.add(stream, stored)
                touched.streams.add(stream)
            replica.finish(touched)


def _differences(replica: Replica, world: World, expected: dict[bytes, Standing]) -> list[str]:
    found = []
    for name in (*HUBS, *PHONES):
        author = author_of(name)
        told, meant = replica.standing(author), expected.get(author, Standing(b"", 0))
        if told != meant:
            found.append(f"{name} is {told}, and {meant} by the reference")
    for stream in (SITE_STREAM, STREAM):
        entries = world.of(stream)
        reference = Reference(stream, entries, expected, permits, frozenset({FORMAT}))
        state = replica.state(stream)
        if (inert(state), visible(state)) != (reference.inert(), reference.visible()):
            found.append(f"the stream {stream.hex()} stands otherwise than by the reference")
        again = StreamState.build(SITE, stream, entries, expected, permits)
        if state.fingerprint() != again.fingerprint():
            found.append(f"the stream {stream.hex()} is not the fold of its entries")
    return found


if __name__ == "__main__":
    import sys

    found = crossing_revocations(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write("\n".join([*found, f"{len(found)} violations"]) + "\n")
    sys.exit(bool(found))
