"""What differs between two records, as values: settings, findings, figures, latencies, counts.

Holds no drawing. Invariant: what stands in either record is here or the same in both; nothing is
judged better or worse but by the goals that the records themselves name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.report.amounts import NOTHING, amount, difference, number, ratio
from simulator.report.contents import flat, mark, several, without_numbers
from simulator.report.record import Figure, Finding, Latency, Record


@dataclass(frozen=True, slots=True)
class Differing:
    """A setting that is not the same in both: where, and what it is in each."""

    name: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A number in both runs, in words; `one` and `other` are dashes where a run has none.

    `marks` say whether each reached its goal ('reached', 'missed' or '').
    """

    name: str
    one: str
    other: str
    difference: str
    ratio: str
    marks: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Found:
    """A finding and whether it is 'new', 'gone' or 'in both'; `before` are A's words if others."""

    finding: Finding
    standing: str
    before: str = ""


def settings(one: Record, other: Record) -> dict[str, tuple[Differing, ...]]:
    """What differs in what was run and where, by 'scenario', 'machine', 'versions' and 'run'."""
    runs = [{"kind": each.kind, "target": each.target} for each in (one, other)]
    found = {
        "run": _differing(runs[0], runs[1]),
        "scenario": _differing(one.scenario, other.scenario),
        "machine": _differing(one.machine, other.machine),
        "versions": _differing(one.versions, other.versions),
    }
    return {part: rows for part, rows in found.items() if rows}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Differing, ...]:
    words, others = dict(flat(one)), dict(flat(other))
    return tuple(
        Differing(name, words.get(name) or NOTHING, others.get(name) or NOTHING)
        for name in dict.fromkeys((*words, *others))
        if words.get(name) != others.get(name)
    )


def findings(one: Record, other: Record) -> tuple[Found, ...]:
    """The findings of both: new ones first, then those that stayed, then those that are gone.

    A sentence that differs in its numbers alone is the same finding.
    """
    before: dict[tuple[str, str], list[Finding]] = {}
    for each in one.findings:
        before.setdefault(_same(each), []).append(each)
    new, stayed = [], []
    for each in other.findings:
        if known := before.get(_same(each)):
            was = known.pop(0).words
            stayed.append(Found(each, "in both", was if was != each.words else ""))
        else:
            new.append(Found(each, "new"))
    gone = [Found(each, "gone") for known in before.values() for each in known]
    return (*new, *stayed, *gone)


def _same(finding: Finding) -> tuple[str, str]:
    return finding.level, without_numbers(finding.words)


def figures(one: Record, other: Record) -> tuple[Changed, ...]:
    """All figures of both by name and unit, in the order of the second run."""
    before = {(each.name, each.unit): each for each in one.figures}
    after = {(each.name, each.unit): each for each in other.figures}
    keys = dict.fromkeys((*after, *before))
    return tuple(_figure(name, unit, before, after) for name, unit in keys)


def _figure(
    name: str,
    unit: str,
    before: Mapping[tuple[str, str], Figure],
    after: Mapping[tuple[str, str], Figure],
) -> Changed:
    pair = before.get((name, unit)), after.get((name, unit))
    marks = [mark(each) if each else "" for each in pair]
    values = [each.value if each else math.nan for each in pair]
    return _changed(name, values[0], values[1], unit, (marks[0], marks[1]))


def latencies(one: Record, other: Record) -> tuple[Changed, ...]:
    """The percentiles of all latencies of both; a row each."""
    before = {each.name: each for each in one.latencies}
    after = {each.name: each for each in other.latencies}
    none = Latency("", 0, math.nan, math.nan, math.nan, math.nan)
    rows = []
    for name in dict.fromkeys((*after, *before)):
        was, now = before.get(name, none), after.get(name, none)
        for percentile in ("p50", "p90", "p99", "worst"):
            pair = getattr(was, percentile), getattr(now, percentile)
            rows.append(_changed(f"{name}, {percentile}", *pair, "ms"))
    return tuple(rows)


def counts(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[Changed, ...]:
    """Numbers by name that are in either; one that a run does not name has a dash there."""
    return tuple(
        _changed(name, one.get(name, math.nan), other.get(name, math.nan), "")
        for name in dict.fromkeys((*other, *one))
    )


def _changed(
    name: str, one: float, other: float, unit: str, marks: tuple[str, str] = ("", "")
) -> Changed:
    known = math.isfinite(one) and math.isfinite(other)
    shown = [amount(each, unit) if math.isfinite(each) else NOTHING for each in (one, other)]
    step = difference(_rounded(other - one), unit) if known else NOTHING
    return Changed(name, shown[0], shown[1], step, ratio(one, other), marks)


def _rounded(value: float) -> float:
    """Without the noise of a subtraction: 0.3 less 0.1 is 0.2."""
    return float(f"{value:.10g}")


def seeds(one: Record, other: Record) -> tuple[Differing, ...]:
    """Seeds that both ran and that came to something else in each, those that fail in one first."""
    before = {each.seed: each for each in one.seeds}
    rows = []
    for now in other.seeds:
        was = before.get(now.seed)
        if was is None or (was.state, was.wrong) == (now.state, now.wrong):
            continue
        words = [
            f"failed: {each.checker or 'checker'}, {each.wrong}"
            if each.wrong
            else f"passed, state {each.state}"
            for each in (was, now)
        ]
        rows.append((bool(was.wrong) == bool(now.wrong), Differing(str(now.seed), *words)))
    return tuple(row for _, row in sorted(rows, key=lambda pair: pair[0]))


def seeds_in_words(one: Record, other: Record) -> str:
    """How many seeds both ran, and came to what; '' where either run has no seeds."""
    if not one.seeds or not other.seeds:
        return ""
    both = len({each.seed for each in one.seeds} & {each.seed for each in other.seeds})
    if not both:
        return "No seed was run in both."
    differ = len(seeds(one, other))
    came = f"{number(differ)} came to something else" if differ else "all came to the same"
    return f"{several(both, 'seed')} run in both: {came}."
