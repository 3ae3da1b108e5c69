"""The record of a seeded run: what each seed came to, and what all of them came to together.

Holds no files and no clock; who runs the seeds tells it what came and when. Invariant: every seed
that failed is in the record, however many there were, and so are all that it counts.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from simulator.planted import PLANTED
from simulator.report.record import Figure, Finding, Record, SeedOutcome, Series
from simulator.scenario.keys import as_tables
from simulator.scenario.scenario import Scenario
from simulator.world.campaign import Failure, Tally
from simulator.world.run import Report
from simulator.world.wanted import Wanted

PASSED_KEPT_MAX: Final = 20_000
"""Of more seeds than these that passed, a record has the first ones; what they had is counted."""
SAMPLES_MAX: Final = 500
SEEDS_NAMED_MAX: Final = 10
_LIBRARIES: Final = ("fieldlog", "aiohttp", "cryptography", "msgpack")


@dataclass(slots=True)
class SeedsLog:
    """What a run's seeds came to, in the order in which they came.

    `seeds` is how many were asked for.
    """

    wanted: Wanted
    seeds: int
    tally: Tally = field(default_factory=Tally)
    _outcomes: list[SeedOutcome] = field(default_factory=list)
    _at_s: list[float] = field(default_factory=list)
    _done: list[float] = field(default_factory=list)

    def add(self, outcome: Report | Failure, at_s: float) -> None:
        """Write down a seed that came `at_s` seconds after the beginning."""
        self.tally.add(outcome)
        if isinstance(outcome, Failure):
            self._outcomes.append(
                SeedOutcome(
                    outcome.seed,
                    "",
                    0,
                    0,
                    outcome.faults,
                    outcome.checker,
                    outcome.words,
                    f"fieldlog simulate replay {outcome.seed}{self.wanted.words()}",
                )
            )
        elif self.tally.passed <= PASSED_KEPT_MAX:
            self._outcomes.append(
                SeedOutcome(
                    outcome.seed,
                    outcome.state,
                    outcome.entries,
                    outcome.device_days,
                    outcome.options.faults(),
                )
            )
        done = self.tally.passed + len(self.tally.failures)
        if done % max(1, self.seeds // SAMPLES_MAX) == 0:
            self._at_s.append(round(at_s, 3))
            self._done.append(float(done))

    def record(
        self,
        *,
        began: str,
        took_s: float,
        command: str,
        workers: int,
        missed: Sequence[str],
        ended_by: str = "",
    ) -> Record:
        """The run's record; `missed` are the points that its seeds did not come by.

        `ended_by` says why it was broken off, '' where it was not; one that was has failed: what it
        did not come to is not known.
        """
        tally = self.tally
        return Record(
            kind="seeded",
            scenario=_told(self.wanted),
            began=began,
            took_s=round(took_s, 3),
            command=command,
            machine={
                "system": f"{platform.system()} {platform.release()} {platform.machine()}",
                "processors": os.cpu_count() or 1,
                "processes": workers,
            },
            versions=_versions(),
            findings=tuple(self._findings(missed, ended_by)),
            figures=tuple(self._figures(took_s)),
            series=(Series("seeds done", "seeds", tuple(self._at_s), tuple(self._done)),),
            counts=_counts(tally),
            seeds=tuple(sorted(self._outcomes, key=lambda each: each.seed)),
        )

    def _findings(self, missed: Sequence[str], ended_by: str) -> list[Finding]:
        by_checker: dict[str, list[Failure]] = defaultdict(list)
        for failure in self.tally.failures:
            by_checker[failure.checker].append(failure)
        found = []
        for checker, failures in sorted(by_checker.items()):
            seeds = sorted(failure.seed for failure in failures)
            named = ", ".join(map(str, seeds[:SEEDS_NAMED_MAX]))
            named += ", …" if len(seeds) > SEEDS_NAMED_MAX else ""
            first = min(failures, key=lambda failure: failure.seed)
            words = (
                f"{checker} objected to seed{'s' if len(seeds) > 1 else ''} {named}: {first.words}"
            )
            shrink = f"fieldlog simulate shrink {first.seed}{self.wanted.words()}"
            found.append(Finding("failed", words, f"See what it needs: {shrink}"))
        done = self.tally.passed + len(self.tally.failures)
        if ended_by:
            words = f"the run was broken off: {done:,} of {self.seeds:,} seeds were run"
            found.append(Finding("failed", words, ended_by))
        elif done < self.seeds:
            words = f"the run ended early: {done:,} of {self.seeds:,} seeds were run"
            cause = "It ends at the first seed that fails, unless it is told to --keep-going."
            found.append(Finding("warned", words, cause))
        if self.wanted.plant and not self.tally.failures:
            found.append(Finding("warned", *unseen(self.wanted)))
        for point in missed:
            words = f"never reached: {point}; these seeds prove nothing of that"
            cause = "Run more seeds, or make what leads there stronger in the scenario."
            found.append(Finding("warned", words, cause))
        return found

    def _figures(self, took_s: float) -> list[Figure]:
        tally, minutes = self.tally, max(took_s, 0.001) / 60
        failed, all_passed = len(tally.failures), tally.passed == self.seeds
        return [
            Figure("seeds passed", tally.passed, "seeds", f"all {self.seeds:,}", all_passed),
            Figure("seeds failed", failed, "seeds", "none", failed == 0),
            Figure("entries", tally.entries, "entries"),
            Figure("device-days", tally.device_days, "device-days"),
            Figure("entries a minute", round(tally.entries / minutes, 1), "entries/min"),
            Figure(
                "device-days a minute", round(tally.device_days / minutes, 1), "device-days/min"
            ),
        ]


def unseen(wanted: Wanted) -> tuple[str, str]:
    """That no seed showed the planted bug, and what to do."""
    faults = ",".join(PLANTED[wanted.plant].faults)
    cause = "Run more seeds" + (f", with what it needs: --with {faults}." if faults else ".")
    return f"no checker saw the planted bug {wanted.plant}", cause


def _told(wanted: Wanted) -> dict[str, Any]:
    """The scenario as its file would say it, in the size in which it was run."""
    usual = Scenario(
        "drawn by seeds", "Each seed draws which faults its world has, and how strong."
    )
    scenario, size = wanted.scenario or usual, wanted.size
    site = replace(
        scenario.site,
        phones=size.phones,
        hostile=size.hostile,
        hubs=size.hubs,
        dispatchers=size.dispatchers_per_hub,
        jobs_per_phone=size.jobs_per_phone,
    )
    seeded = replace(
        scenario.seeded,
        days=size.days,
        entries_per_phone=size.entries_per_phone,
        upgrades=size.upgrades,
        drawn=scenario.seeded.drawn or wanted.scenario is None,
    )
    told = as_tables(replace(scenario, site=site, seeded=seeded))
    for name, faults in (("without", wanted.without), ("with", wanted.having)):
        if faults:
            told[name] = list(faults)
    if wanted.plant:
        told["planted bug"] = wanted.plant
    return told


def _counts(tally: Tally) -> dict[str, int]:
    """Points, events and faults by name; what never happened is left out."""
    counts: Counter[str] = Counter()
    counts.update(tally.points)
    counts.update({f"event: {kind}": count for kind, count in tally.events.items()})
    counts.update({f"seeds with {fault}": count for fault, count in tally.faults.items()})
    return {name: count for name, count in sorted(counts.items()) if count}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            # A program that runs from its sources is installed nowhere.
            found[name] = "not installed"
    return found
