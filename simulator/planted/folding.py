"""Planted bugs of the fold: states that depend on more, or on less, than the set of entries.

Each is a context manager. Holds no judgement of who catches it. Invariant: outside their blocks
nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from core.log import stream as stream_module
from core.log.frontier import Head
from core.log.registers import Register, Write
from core.log.stream import Placed, StreamState
from simulator.planted.patching import replaced


def last_arrival_wins() -> AbstractContextManager[None]:
    """Of all writes to a field the one that arrived last stands alone."""

    def wrong(_: object) -> Any:
        def add(self: Register, write: Write) -> None:
            self.writes.clear()
            self.writes[(write.log, write.seq)] = write

        return add

    return replaced(Register, "add", wrong)


def clock_decides() -> AbstractContextManager[None]:
    """A write covers every one with an older clock, seen or not."""

    def wrong(right: Any) -> Any:
        def add(self: Register, write: Write) -> None:
            right(self, write)
            newest = max((w.corrected_ms for w in self.writes.values()), default=0)
            for position, other in list(self.writes.items()):
                if other.corrected_ms < newest:
                    del self.writes[position]

        return add

    return replaced(Register, "add", wrong)


def late_seen_ignored() -> AbstractContextManager[None]:
    """An entry that others had named before it came does not make the stream fold anew."""

    return replaced(StreamState, "_was_named", lambda _: lambda self, stored: False)


def nothing_seen() -> AbstractContextManager[None]:
    """An author does not say what it had seen of others."""
    return replaced(StreamState, "unseen_by", lambda _: lambda self, key: [])


def order_of_arrival() -> AbstractContextManager[None]:
    """The entries of a stream are told in the order in which they arrived."""

    def wrong(_: object) -> Any:
        def entries(self: StreamState) -> Iterable[Placed]:
            placed = {p.stored.hash: p for log in self.logs.values() for p in log.placed}
            return [placed[entry_hash] for entry_hash in self._place_by_hash]

        return entries

    return replaced(StreamState, "entries", wrong)


def leaf_misses_a_log() -> AbstractContextManager[None]:
    """The leaf of a stream leaves out the last of several logs."""

    def wrong(right: Any) -> Any:
        def leaf_of(stream: bytes, heads: Sequence[Head]) -> bytes:
            return bytes(right(stream, sorted(heads)[: max(1, len(heads) - 1)]))

        return leaf_of

    return replaced(stream_module, "leaf_of", wrong)
