"""A shelf that lies: what a hostile replica answers when the real `Session` asks.

It shows its true certificates, since nothing opens without them, and then says what it likes of
digests, marks, scopes, acks and streams that it dropped. Holds no I/O. Invariant: each session's
lies are drawn once, so that they fit each other and lead far in.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from core.log.certificate import Certificate, read_certificate
from core.log.chain import chain_next, chain_start
from core.log.errors import Gap, Unauthentic, Uncertified
from core.log.frontier import digest_of
from core.log.limits import FRAME_ENTRIES_MAX
from core.log.messages import Runs, StreamHeads
from core.log.parcel import Reached, Slice
from core.log.seal import Seal, make_seal
from simulator.hostile.forging import Forger
from simulator.hostile.lying_files import LyingFileShelf
from simulator.hostile.lying_relay import LyingRelayShelf, LyingTimeShelf

Log = tuple[bytes, bytes, bytes]


class LyingShelf:
    """What a session with a hostile phone stands on.

    Args:
        forger: who makes the entries.
        chance: draws the lies.
    """

    is_hub = False

    def __init__(self, forger: Forger, chance: Random) -> None:
        self._forger = forger
        self._chance = chance
        self.generation = chance.randbytes(8) if chance.random() < 0.5 else b"hostile!"
        self._true_digest = chance.random() < 0.4
        self._remembers = chance.random() < 0.5
        self._refuses = chance.random() < 0.3
        self._claims_dropped = chance.random() < 0.3
        self._claims_more = chance.random() < 0.5
        self._peer_generation = b""
        self.files = LyingFileShelf(Random(chance.random()))
        self.relay = LyingRelayShelf(Random(chance.random()))
        self.clocks = LyingTimeShelf(Random(chance.random()))

    @property
    def site(self) -> bytes:
        """The site's public key."""
        return self._forger.identity.site

    @property
    def author(self) -> bytes:
        """Its own public key."""
        return self._forger.author

    def position(self) -> int:
        """Any number, and not always one that grows."""
        return self._chance.choice((0, 1, 2**40, self._chance.randrange(10_000)))

    def own_certificates(self) -> tuple[bytes, ...]:
        """The true ones."""
        return tuple(each.to_bytes() for each in self._forger.identity.certificates)

    def sign(self, data: bytes) -> bytes:
        """A true signature."""
        return self._forger.identity.key.sign(data)

    def seal(self, leaves: tuple[bytes, ...]) -> Seal:
        """A true seal that lies about how many entries there are."""
        identity = self._forger.identity
        number = self._chance.choice((0, 1, 2**50))
        return make_seal(identity.site, identity.author, identity.key, number, leaves)

    def admit(self, certificates: tuple[bytes, ...], *, by_hand: bool = False) -> Certificate:
        """Talk with whoever is there."""
        return read_certificate(certificates[0])

    def shared(self, peer: Certificate) -> frozenset[bytes]:
        """Whatever it ever heard of is its business."""
        return frozenset(self._forger.heard)

    def compared(self, peer: Certificate, shared: frozenset[bytes]) -> frozenset[bytes]:
        """All of it."""
        return shared

    def digest(self, streams: Iterable[bytes]) -> tuple[bytes, int]:
        """One that fits what it says it holds, or none that anything fits."""
        if self._true_digest:
            leaves = [leaf for _, leaf in self.leaves(streams)]
            return digest_of(leaves), len(leaves)
        return self._chance.randbytes(16), self._chance.randrange(2**31)

    def meet(self, peer: Certificate, generation: bytes) -> tuple[bytes, int]:
        """A mark in the peer's store beyond all that it has, or before it."""
        self._peer_generation = generation or self._peer_generation
        mark = self._chance.choice((0, 5, 2**40))
        return (self._peer_generation if self._remembers else b""), mark

    def unconfirmed(
        self, peer: Certificate, streams: frozenset[bytes], since: int
    ) -> list[tuple[bytes, bytes, bytes]]:
        """Its forged logs; the last bytes tell branches from each other."""
        return [
            (log.stream, self.author, number.to_bytes(2, "big"))
            for number, log in enumerate(self._forger.logs)
            if log.entries
        ]

    def vouches(self, stream: bytes) -> bool:
        """Everything vouches, now and then."""
        return self._chance.random() < 0.5

    def slice(self, peer: Certificate, log: Log, sent: int) -> Slice | None:
        """A forged log from where it was sent, or from the beginning."""
        number = int.from_bytes(log[2], "big")
        forged = self._forger.logs[number]
        entries = [(each.hash, each.body) for each in forged.entries[sent:]][:FRAME_ENTRIES_MAX]
        if not entries:
            return None
        previous = forged.entries[sent].previous[:8] if sent else b""
        return Slice(log[0], self.author, log[2], sent + 1, tuple(entries), None, previous)

    def take(self, peer: Certificate, runs: Runs) -> tuple[tuple[int, str, str], ...]:
        """Keep hashes for later lies; refuse what is fine, for reasons that call for more."""
        authors = (peer.author, *runs.authors)
        for run in runs.runs:
            head = chain_start(self.site, run.stream, authors[run.author])
            for body in run.bodies:
                head = chain_next(head, body)
            self._forger.hear(run.stream, head)
        if not self._refuses:
            return ()
        name = self._chance.choice((Gap.name, Uncertified.name, Unauthentic.name, "x"))
        return tuple((index, name, "no") for index in range(len(runs.runs)))

    def confirmed(self, peer: Certificate, reached: Iterable[Reached]) -> None:
        """Forget it."""

    def leaves(self, streams: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Leaves of nothing."""
        chance = self._chance
        # In order: a set has another one at every run of the program.
        held = sorted(streams)
        return [(stream, chance.randbytes(32)) for stream in held if chance.random() < 0.7]

    def heads_of(self, streams: Iterable[bytes]) -> list[StreamHeads]:
        """Heads higher than anybody's, of anybody's logs."""
        hub = self._forger.identity.certificates[-1].author
        return [
            StreamHeads(stream, ((author, b"", 2**40, self._chance.randbytes(8)),))
            for stream in sorted(streams)
            for author in (self.author, hub)[: 1 + self._claims_more]
        ]

    def holds_all(self, peer: Certificate, streams: frozenset[bytes], position: int) -> None:
        """Forget it."""

    def peer_lacks(self, peer: Certificate, streams: Iterable[bytes]) -> None:
        """Forget it."""

    def peer_held(self, peer: Certificate, heads: Iterable[StreamHeads]) -> None:
        """Forget it."""

    def peer_holds(self, peer: Certificate, heads: Iterable[StreamHeads]) -> None:
        """Learn which streams the peer has."""
        for held in heads:
            self._forger.heard[held.stream] = None

    def leaving(self, peer: Certificate) -> tuple[bytes, ...]:
        """Nothing leaves a hub by a phone's word; `volley` tries it all the same."""
        return ()

    def has_left(self, peer: Certificate, streams: tuple[bytes, ...]) -> None:
        """Forget it."""

    def dropped(self, peer: Certificate) -> tuple[bytes, ...]:
        """It says that it dropped what it never had."""
        return tuple(sorted(self._forger.heard))[:500] if self._claims_dropped else ()

    def has_heard(self, peer: Certificate, streams: tuple[bytes, ...]) -> None:
        """Forget it."""

    def drop(self, streams: tuple[bytes, ...]) -> None:
        """It keeps what it was told to drop."""
