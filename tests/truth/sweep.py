"""The best numbers that each baseline can be given, chosen on the tuning seeds.

A rule of others is tried with every combination of its numbers; the one with the best F1 of visits
counts (visits found and logs that are true, weighed alike), of equals the one whose 95th percentile
of the error of minutes is least. So no baseline is set up to lose. The result is kept in `chosen`
below, printed anew by `make truth TRUTH=--sweep`. Invariant: no scoring seed is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.truth.mix import TUNING_SEEDS, days_of
from tests.truth.rounds import SWEEPS, AnyRule, run
from tests.truth.scoring import Score, quantile

SWEEP_DAYS: Final = 200


def order_of(score: Score) -> tuple[float, float]:
    """Better comes first."""
    return -round(score.f1_percent, 1), quantile(score.minutes_min, 0.95)


def swept(days: int = SWEEP_DAYS) -> Iterator[tuple[str, AnyRule, Score]]:
    """For each baseline all its rules, the best first. Raises PeerError."""
    for name, rules in SWEEPS.items():
        rule_by_words = {str(rule): rule for rule in rules}
        result = run(days_of(TUNING_SEEDS, days), dict(rule_by_words), with_ours=False)
        ranked = sorted(rule_by_words, key=lambda words: order_of(result.whole(words)))
        for words in ranked:
            yield name, rule_by_words[words], result.whole(words)
