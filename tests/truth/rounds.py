"""Many worker-days through all detectors, over all processors.

Holds how days are shared out and scores are added up. Invariant: the result does not depend on how
many processes share the work.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from tests.truth import detectors, stay_points
from tests.truth.days import WorkDay, make_day
from tests.truth.detectors import Rule, by_radius, ours
from tests.truth.mix import Scenario
from tests.truth.reasons import reason
from tests.truth.scoring import Score, Verdict, judge
from tests.truth.stay_points import StayRule, logs_of, stays_by_rule

OURS: Final = "ours"
DAYS_PER_TASK: Final = 20

AnyRule = Rule | StayRule
Days = Sequence[tuple[Scenario, int]]


@dataclass(slots=True)
class Result:
    """By detector and scenario: the score. What is to be looked at is ours alone."""

    scores: dict[tuple[str, str], Score] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    version: str = ""

    def add(self, detector: str, scenario: str, score: Score) -> None:
        """Add one day's score."""
        key = (detector, scenario)
        self.scores[key] = self.scores.get(key, Score()) + score

    def merge(self, other: Result) -> None:
        """Add another part of the days."""
        for (detector, scenario), score in other.scores.items():
            self.add(detector, scenario, score)
        self.verdicts += other.verdicts
        self.version = self.version or other.version

    def whole(self, detector: str) -> Score:
        """A detector's score over all scenarios."""
        parts = [score for (name, _), score in self.scores.items() if name == detector]
        return sum(parts, Score())


def run(days: Days, rules: dict[str, AnyRule], *, with_ours: bool = True) -> Result:
    """Score ours and the named rules over worker-days. Raises PeerError."""
    tasks = [
        (days[at : at + DAYS_PER_TASK], rules, with_ours)
        for at in range(0, len(days), DAYS_PER_TASK)
    ]
    result = Result()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, context) as pool:
        for part in pool.map(_score_part, tasks):
            result.merge(part)
    return result


def run_here(days: Days, rules: dict[str, AnyRule], *, with_ours: bool = True) -> Result:
    """The same in this process."""
    return _score_part((days, rules, with_ours))


def _score_part(task: tuple[Days, dict[str, AnyRule], bool]) -> Result:
    days, rules, with_ours = task
    made = [make_day(scenario, seed) for scenario, seed in days]
    result = Result()
    if with_ours:
        for day in made:
            score, verdicts = judge(day, ours(day.fixes, day.jobs))
            result.add(OURS, day.scenario, score)
            result.verdicts += verdicts
    for name, rule in rules.items():
        if isinstance(rule, Rule):
            for day in made:
                logs = by_radius(day.fixes, day.jobs, rule)
                result.add(name, day.scenario, judge(day, logs)[0])
    _add_stay_points(result, made, {k: v for k, v in rules.items() if isinstance(v, StayRule)})
    return result


def _add_stay_points(result: Result, days: Sequence[WorkDay], rules: dict[str, StayRule]) -> None:
    for sieve in dict.fromkeys(rule.sieve for rule in rules.values()):
        alike = {name: rule for name, rule in rules.items() if rule.sieve == sieve}
        result.version, found = stays_by_rule([day.fixes for day in days], list(alike.values()))
        for name, stays_by_day in zip(alike, found, strict=True):
            for day, stays in zip(days, stays_by_day, strict=True):
                result.add(name, day.scenario, judge(day, logs_of(stays, day.jobs))[0])


USUAL: Final[dict[str, AnyRule]] = {
    "bare radius": detectors.BARE,
    "radius with dwell": detectors.DWELL,
    "stay points": stay_points.USUAL,
}
"""The baselines with the numbers of their own documentation."""

SWEEPS: Final[dict[str, tuple[AnyRule, ...]]] = {
    "bare radius": detectors.BARE_SWEEP,
    "radius with dwell": detectors.DWELL_SWEEP,
    "stay points": stay_points.SWEEP,
}
"""All the numbers that are tried for each."""


def reasons_of(days: Days, result: Result) -> list[str]:
    """For each visit that ours missed, why."""
    scenario_by_seed = {seed: scenario for scenario, seed in days}
    missed = [verdict for verdict in result.verdicts if verdict.what == "missed"]
    return [
        reason(make_day(scenario_by_seed[verdict.seed], verdict.seed), verdict)
        for verdict in missed
    ]
