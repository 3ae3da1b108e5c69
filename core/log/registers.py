"""Registers: the one conflict-free type of the log, a dotted version vector set per path.

A register keeps the writes that no other write has seen, and for each log the height up to which
its writes are covered. Merging is commutative, associative and idempotent. Knows nothing of what a
value means; which write is shown first is a matter of `core.dispatch`.
Invariant: no write stands that the cover of a write of its own or a newer format reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from core.log.entry import Path

# An author's public key, and the hash of a fork's first entry (empty for the log itself).
LogKey = tuple[bytes, bytes]
Context = Mapping[LogKey, int]


_NOTHING: Context = MappingProxyType({})


class Write(NamedTuple):
    """One write that stands in a register, with what decides how it is shown."""

    log: LogKey
    seq: int
    value: Any
    corrected_ms: int
    actor: bytes
    role: int
    by_rule: bool
    version: int
    context: Context = _NOTHING

    def saw(self, other: Write) -> bool:
        """Whether the author of this write had seen the other one, of any register."""
        return self.context.get(other.log, 0) >= other.seq


@dataclass(slots=True)
class Register:
    """`heights`: log and format of the covering write → height; `writes`: those that stand.

    `newest` is the newest format of which a write covers anything.
    """

    heights: dict[tuple[LogKey, int], int] = field(default_factory=dict)
    writes: dict[tuple[LogKey, int], Write] = field(default_factory=dict)
    newest: int = 0

    def add(self, write: Write) -> None:
        """Fold in `write`, whose author had seen its context when it wrote."""
        heights, version = self.heights, write.version
        if not self._covers(write.log, write.seq, version):
            self.writes[(write.log, write.seq)] = write
        for log, height in write.context.items():
            key = (log, version)
            if height > heights.get(key, 0):
                heights[key] = height
                self.newest = max(self.newest, version)
        covered = [
            position
            for position, other in self.writes.items()
            if self._covers(other.log, other.seq, other.version)
        ]
        for position in covered:
            del self.writes[position]

    def _covers(self, log: LogKey, seq: int, version: int) -> bool:
        """A write covers none of a format newer than its own: it can't have understood it."""
        height = self.heights.get((log, version))
        if height is not None and height >= seq:
            return True
        if version >= self.newest:
            return False
        return any(
            by_version > version and reached >= seq and covered == log
            for (covered, by_version), reached in self.heights.items()
        )

    def plain(self) -> list[Any]:
        """A canonical list of everything the register holds, for hashing and comparing."""
        heights = sorted(
            [log[0], log[1], version, height]
            for (log, version), height in self.heights.items()
            if height
        )
        writes = [
            [w.log[0], w.log[1], w.seq, w.value, w.corrected_ms, w.actor, w.role, w.by_rule]
            for w in sorted(self.writes.values(), key=lambda w: (w.log, w.seq))
        ]
        return [heights, writes]


Registers = dict[Path, Register]
