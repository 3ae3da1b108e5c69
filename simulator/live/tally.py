"""What happens in a live run, counted where it happens: how often, how long, what failed.

Sums add up over processes. Holds no clock and no judging. Invariant: a tally that was drained
begins at nothing, so what is told each second is of that second alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

EDGES_MS: Final = tuple(round(2 ** (step / 4), 3) for step in range(-4, 81))
"""Upper edges of the buckets of latencies, four to a doubling: half a millisecond to minutes."""


@dataclass(slots=True)
class Tally:
    """Counts by name, latencies by name as counts of buckets, failures by their words."""

    counts: Counter[str] = field(default_factory=Counter)
    buckets: dict[str, Counter[int]] = field(default_factory=dict)
    worst_ms: dict[str, float] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)

    def count(self, name: str, by: int = 1) -> None:
        """Count something."""
        self.counts[name] += by

    def took(self, name: str, ms: float) -> None:
        """Note how long something took."""
        at = min(bisect_left(EDGES_MS, ms), len(EDGES_MS) - 1)
        self.buckets.setdefault(name, Counter())[at] += 1
        self.worst_ms[name] = max(self.worst_ms.get(name, 0.0), ms)

    def failed(self, words: str) -> None:
        """Note that something failed that should not have."""
        self.failures[words] += 1

    def add(self, told: Mapping[str, Any]) -> None:
        """Add what another tally told by `drained`."""
        self.counts.update(told["counts"])
        self.failures.update(told["failures"])
        for name, buckets in told["buckets"].items():
            kept = self.buckets.setdefault(name, Counter())
            kept.update({int(at): count for at, count in buckets.items()})
        for name, worst in told["worst_ms"].items():
            self.worst_ms[name] = max(self.worst_ms.get(name, 0.0), worst)

    def drained(self) -> dict[str, Any]:
        """Everything so far as values for JSON; from here on it counts anew."""
        told = {
            "counts": dict(self.counts),
            "failures": dict(self.failures),
            "buckets": {name: dict(each) for name, each in self.buckets.items()},
            "worst_ms": dict(self.worst_ms),
        }
        self.counts, self.failures, self.buckets, self.worst_ms = Counter(), Counter(), {}, {}
        return told


def percentile_ms(buckets: Mapping[int, int], share: float) -> float:
    """The upper edge under which this share of what was noted lies, ms; 0 where nothing was."""
    total = sum(buckets.values())
    left = share * total
    for at in sorted(buckets):
        left -= buckets[at]
        if left <= 1e-9:
            return EDGES_MS[at]
    return 0.0
