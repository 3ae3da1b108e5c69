"""Lies about carried files and time: what a hostile phone gives to carry, and what it asks.

It gives noise, noise that says it is for the hub, and files that there are none of; it keeps what
nobody gave it. Holds no file. Invariant: the same draws tell the same lies.
"""

from __future__ import annotations

from random import Random

from core.log.carried import MAGIC
from core.log.certificate import Certificate
from core.log.limits import RELAYED_BYTES_MAX
from core.log.relay import Given, relay_name


class LyingRelayShelf:
    """A `core.log.relay.RelayShelf` without a true word; `chance` draws the lies."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._data_by_name: dict[bytes, bytes] = {}

    def to_give(self, peer: Certificate) -> list[Given] | None:
        """Noise, some of it sealed to the peer by its head; now and then of another size."""
        found = []
        for _ in range(self._chance.choice((0, 1, 3))):
            size = self._chance.choice((1, 90, 5_000, 70_000))
            head = MAGIC + peer.author if self._chance.random() < 0.5 else b""
            data = head + self._chance.randbytes(size)
            name = relay_name(data) if self._chance.random() < 0.8 else self._chance.randbytes(32)
            self._data_by_name[name] = data
            told = len(data) if self._chance.random() < 0.8 else RELAYED_BYTES_MAX
            found.append(Given(name, told))
        return found if self._chance.random() < 0.9 else None

    def part(self, name: bytes, at: int, size: int) -> bytes:
        """What it has of it, which may be less than it said."""
        return self._data_by_name.get(name, b"")[at : at + size]

    def given(self, peer: Certificate, name: bytes) -> None:
        """It forgets what it gave."""

    def refused(self, peer: Certificate, name: bytes, why: str) -> None:
        """It does not listen."""

    def why_not(self, peer: Certificate, name: bytes, size: int) -> str:
        """Now so, now so."""
        return self._chance.choice(("", "no room", "x" * 2_000))

    def take(self, peer: Certificate, name: bytes, data: bytes) -> str:
        """It says that it keeps it, and does not."""
        return self._chance.choice(("", "no room"))


class LyingTimeShelf:
    """A `core.log.time_told.TimeShelf` of a clock that says anything."""

    is_hub = False

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def is_due(self) -> bool:
        """It asks again and again."""
        return self._chance.random() < 0.5

    def uptime_ms(self) -> int:
        """Any time."""
        return self._chance.choice((0, 1, 2**62))

    def now_ms(self) -> int:
        """Any time."""
        return self._chance.choice((0, 2**62))

    def compared(self, asked_ms: int, told_ms: int) -> None:
        """It does not care."""
