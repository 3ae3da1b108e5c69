"""Frames that belong nowhere: floods, false seals, another site's entries, words out of turn.

Each is a frame by itself, thrown into a running session between what the session sends. Holds no
conversation. Invariant: a frame is within the limits of one frame, unless going over them is its
point.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random

from core.log import messages
from core.log.canonical import pack
from core.log.chain import STREAM_BYTES, chain_start, seal_leaf
from core.log.errors import Gap
from core.log.limits import ENTRY_BYTES_MAX, FRAME_BYTES_MAX, SEAL_LEAVES_MAX
from core.log.messages import (
    Ack,
    Agreed,
    Check,
    Compare,
    Hello,
    Leave,
    Left,
    Presence,
    Proof,
    Run,
    Runs,
    State,
    StreamHeads,
    WireSeal,
)
from core.log.packing import IN_COLUMNS, MARK, packed
from core.log.seal import make_seal
from simulator.hostile.forging import Forger

# Entries that no seal will ever cover, in one frame; what waits for seals is bounded in bytes.
UNSEALED_ENTRIES = 12
# Thrown frames of entries are numbered from here, so that their acks can be told from others.
FIRST_NUMBER = 2**20


class Volley:
    """Makes frames to throw.

    Args:
        forger: whose key and what was overheard.
        other_site: the public key of a site to which the hub does not belong.
    """

    def __init__(self, forger: Forger, chance: Random, other_site: bytes) -> None:
        self._forger = forger
        self._chance = chance
        self._other_site = other_site

    def frame(self, *, polite: bool) -> bytes:
        """One frame; a polite one breaks no rule for which a session ends at once."""
        kinds: tuple[Callable[[], bytes], ...] = (
            self._unsealed, self._falsely_sealed, self._of_other_site, self._endless_gap,
            self._long_entry,
        )  # fmt: skip
        if not polite:
            kinds += (
                self._noise, self._bomb, self._words_out_of_turn, self._claims, self._compares
            )  # fmt: skip
        return self._chance.choice(kinds)()

    def _noise(self) -> bytes:
        return self._chance.randbytes(self._chance.choice((0, 1, 40, 5_000)))

    def _bomb(self) -> bytes:
        """A packed frame that becomes far larger than any frame may be: in columns, or whole."""
        raw = zlib.compressobj(9, zlib.DEFLATED, -15)
        form = self._chance.choice((MARK, MARK + bytes([IN_COLUMNS])))
        return form + raw.compress(bytes(16 * FRAME_BYTES_MAX)) + raw.flush()

    def _runs(self, runs: list[Run], seals: list[WireSeal], authors: list[bytes]) -> bytes:
        position = self._chance.choice((None, 2**40))
        number = self._chance.randrange(FIRST_NUMBER, 2**31)
        return packed(
            messages.write(Runs(number, position, tuple(authors), tuple(seals), tuple(runs)))
        )

    def _bodies(self, count: int) -> tuple[bytes, ...]:
        return tuple(pack([index, [94], self._chance.randbytes(900)]) for index in range(count))

    def _unsealed(self) -> bytes:
        """Entries of others that wait for seals which never come."""
        return self._runs(
            [Run(self._stream(), 1, 1, self._bodies(UNSEALED_ENTRIES))],
            [],
            [self._chance.choice([self._forger.author, self._chance.randbytes(32)])],
        )

    def _falsely_sealed(self) -> bytes:
        """As many false signatures as fit, each over as many leaves as may be."""
        leaves = tuple(self._chance.randbytes(32) for _ in range(SEAL_LEAVES_MAX - 1))
        hub = self._forger.identity.certificates[-1].author
        seals = [WireSeal(1, 1, (0, *leaves), self._chance.randbytes(64)) for _ in range(8)]
        return self._runs([Run(self._stream(), 1, 1, self._bodies(1))], seals, [hub])

    def _of_other_site(self) -> bytes:
        """A sound run under a sound seal of the same key, made for another site."""
        identity, stream = self._forger.identity, self._stream()
        start = chain_start(self._other_site, stream, identity.author)
        leaf = seal_leaf(stream, 1, start)
        seal = make_seal(self._other_site, identity.author, identity.key, 1, (leaf,))
        wire = WireSeal(1, 1, (0,), seal.signature)
        return self._runs([Run(stream, 1, 1, self._bodies(1))], [wire], [identity.author])

    def _endless_gap(self) -> bytes:
        run = Run(self._stream(), 0, 2**40, self._bodies(1), self._chance.randbytes(8))
        return self._runs([run], [WireSeal(0, 1, (), self._chance.randbytes(64))], [])

    def _long_entry(self) -> bytes:
        body = pack([1, [97, b"12345678"], "x" * (ENTRY_BYTES_MAX + 1)])
        return self._runs([Run(self._stream(), 0, 1, (body,))], [], [])

    def _words_out_of_turn(self) -> bytes:
        chance, identity = self._chance, self._forger.identity
        certificates = tuple(each.to_bytes() for each in identity.certificates)
        return messages.write(
            chance.choice(
                (
                    Hello((1,), identity.site, chance.randbytes(16), certificates),
                    Hello((1,), self._other_site, chance.randbytes(16), certificates),
                    Proof(chance.randbytes(64)),
                    State(chance.randbytes(8), b"", 2**40, chance.randbytes(16), 7),
                    Leave((self._stream(),)),
                    Agreed(),
                    Agreed(same=False),
                )
            )
        )

    def _claims(self) -> bytes:
        chance = self._chance
        many = {key: chance.randrange(2**31) for key in range(16)}
        return messages.write(
            chance.choice(
                (
                    Ack(chance.randrange(1, 40)),
                    Ack(chance.randrange(1, 40), ((2**31, Gap.name, "no"),)),
                    Check(chance.randbytes(16), chance.randrange(2**31)),
                    Left(tuple(sorted({self._stream() for _ in range(100)}))),
                    Presence(many),
                )
            )
        )

    def _compares(self) -> bytes:
        chance = self._chance
        streams = tuple(
            StreamHeads(stream, ((self._forger.author, b"", 2**40, chance.randbytes(8)),))
            for stream in sorted({self._stream() for _ in range(50)})
        )
        step = chance.choice((0, 0, 1, 2**31))
        covered = ("",) if chance.random() < 0.5 else ()
        return packed(
            messages.write(
                Compare(step, last=chance.random() < 0.8, covered=covered, streams=streams)
            )
        )

    def _stream(self) -> bytes:
        heard = list(self._forger.heard)
        if self._chance.random() < 0.7:
            return self._chance.choice(heard)
        return self._chance.randbytes(STREAM_BYTES)
