"""The trace of a simulated run: every step in one running hash, the last events in words.

Holds a BLAKE2b hash of all that was noted and the newest lines of it, no more; it decides nothing
and reads no clock. Invariant: two runs with equal digests noted the same events at the same virtual
times in the same order, and memory does not grow with the run.
"""

from __future__ import annotations

from collections import Counter, deque
from hashlib import blake2b
from typing import Final

KEPT_MAX: Final = 2_000
"""Lines that are kept for people: a few hundred kilobytes, some minutes of a busy fleet."""
WORDS_MAX: Final = 400
"""Letters of a line that are kept; all of them are hashed."""
DIGEST_BYTES: Final = 16


class Trace:
    """What happened, in order.

    Args:
        kept_max: how many of the newest lines stay readable.
    """

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self.count = 0
        self.count_by_kind: Counter[str] = Counter()
        self._hash = blake2b(digest_size=DIGEST_BYTES)
        self._kept: deque[tuple[float, str, str]] = deque(maxlen=kept_max)

    def step(self, at_s: float, label: str) -> None:
        """Hash one step of the event loop; it is counted and not kept in words."""
        self.count += 1
        self._hash.update(f"{at_s!r} {label}\n".encode())

    def note(self, at_s: float, kind: str, words: str = "") -> None:
        """Note an event of the simulated world: `kind` is one word, `words` says the rest."""
        self.step(at_s, f"{kind}: {words}")
        self.count_by_kind[kind] += 1
        self._kept.append((at_s, kind, words[:WORDS_MAX]))

    def digest(self) -> str:
        """The hash of everything so far, 32 hex digits."""
        return self._hash.hexdigest()

    def tail(self, lines_max: int = 40) -> list[str]:
        """The newest events, oldest first, each `day 1 13:05:02.250 kind words`."""
        kept = list(self._kept)[max(0, len(self._kept) - lines_max) :]
        return [f"{in_words(at_s)} {kind} {words}".rstrip() for at_s, kind, words in kept]


def in_words(at_s: float) -> str:
    """A virtual time as people read it: `day 1 00:00:00.000` is the beginning."""
    total_ms = round(at_s * 1_000)
    days, rest_ms = divmod(total_ms, 86_400_000)
    minutes, second_ms = divmod(rest_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds, millis = divmod(second_ms, 1_000)
    return f"day {days + 1} {hours:02}:{minutes:02}:{seconds:02}.{millis:03}"
