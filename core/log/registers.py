"""Registers: the one conflict-free type of the log, a dotted version vector set per path.

A register keeps the writes that no other write has seen, and for each log the height up to which
its writes are covered. Merging is commutative, associative and idempotent. Knows nothing of what a
value means; which write is shown first is a matter of `core.dispatch`.
Invariant: no write stands that the cover of a write of its own or a newer format reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.log.entry import Path

# An author's public key, and the hash of a fork's first entry (empty for the log itself).
LogKey = tuple[bytes, bytes]
Context = Mapping[LogKey, int]


@dataclass(frozen=True, slots=True)
class Write:
    """One write that stands in a register, with what decides how it is shown."""

    log: LogKey
    seq: int
    value: Any
    corrected_ms: int
    actor: bytes
    role: int
    by_rule: bool
    version: int
    context: Context = field(default_factory=dict, compare=False, repr=False)

    def saw(self, other: Write) -> bool:
        """Whether the author of this write had seen the other one, of any register."""
        return self.context.get(other.log, 0) >= other.seq


@dataclass(slots=True)
class Register:
    """`heights`: log and format of the covering write → height; `writes`: those that stand."""

    heights: dict[tuple[LogKey, int], int] = field(default_factory=dict)
    writes: dict[tuple[LogKey, int], Write] = field(default_factory=dict)

    def add(self, write: Write) -> None:
        """Fold in `write`, whose author had seen its context when it wrote."""
        if not self._covers(write.log, write.seq, write.version):
            self.writes[(write.log, write.seq)] = write
        for log, height in write.context.items():
            key = (log, write.version)
            if height > self.heights.get(key, 0):
                self.heights[key] = height
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
        # Only where newer formats have written too; a loop, since this runs for every write.
        for (covered, by_version), reached in self.heights.items():
            if by_version > version and reached >= seq and covered == log:
                return True
        return False

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
