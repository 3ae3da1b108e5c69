"""What a report has to say, put in order: values for templates, made of a record.

Holds no markup of its own. Invariant: what a record says nothing of is not here, so that no section
of a report is empty.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.report import places
from simulator.report.amounts import amount, exact, family, length, moment, number
from simulator.report.charts import Plot, Span, distribution, lines, percentiles
from simulator.report.record import Figure, Finding, Record, SeedOutcome, Series

PHASES: Final = ("ramp up", "hold", "ramp down")
LINES_MAX: Final = 5
"""Lines of one plot; more could not be told apart."""
APART_FROM: Final = 50.0
"""Where one series is so many times as large as another, each has a plot of its own."""
SEEDS_MAX: Final = 500
"""Seeds in a table; whoever looks for one more looks in `report.json`."""
SEEDS_IN_FULL: Final = 20
"""Seeds that failed and are told with all that is known of them; the others are a table."""
FIGURES_FIRST: Final = 6
"""Figures on the first screen where none has a goal."""
_LEVELS: Final = ("failed", "warned", "noted")


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure as the first screen shows it; `mark` is 'reached', 'missed' or ''."""

    name: str
    words: str
    goal: str
    mark: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A name with its count, and how long its bar is, from 0 to 1."""

    name: str
    words: str
    share: float


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A fault, in how many seeds it was, and how many of these failed."""

    name: str
    seeds: int
    failed: int


@dataclass(frozen=True, slots=True)
class Seeds:
    """The seeds: the first that failed in full, the others as tables, and the faults they had."""

    failed: tuple[SeedOutcome, ...]
    also_failed: tuple[SeedOutcome, ...]
    more_failed: int
    passed: tuple[SeedOutcome, ...]
    more: int
    faults: tuple[FaultRow, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What was simulated, when, where and for how long; `facts` are names with words."""

    kind: str
    name: str
    about: str
    facts: tuple[tuple[str, str], ...]
    command: str


def head(record: Record) -> Head:
    """The head of a report."""
    facts = [("Began", moment(record.began)), ("Took", length(record.took_s))]
    if record.target:
        facts.append(("Against", record.target))
    if record.seeds:
        numbers = [each.seed for each in record.seeds]
        first, last = min(numbers), max(numbers)
        facts.append(("Seeds", f"{number(len(record.seeds))} ({first} to {last})"))
    if spans := phases(record):
        said = [f"{span.name} {length(span.until_s - span.from_s)}" for span in spans]
        facts.append(("Phases", ", ".join(said)))
    if machine := flat(record.machine):
        facts.append(("Machine", ", ".join(f"{key} {value}" for key, value in machine[:4])))
    kind = {"live": "Live run", "seeded": "Seeded run"}.get(record.kind, f"Run ({record.kind})")
    return Head(kind, scenario_name(record), _text(record, "about"), tuple(facts), record.command)


def scenario_name(record: Record) -> str:
    """The name of the record's scenario."""
    return _text(record, "name") or "A scenario without a name"


def _text(record: Record, key: str) -> str:
    found = record.scenario.get(key)
    return found if isinstance(found, str) else ""


def verdict(record: Record) -> tuple[str, str]:
    """'passed' or 'failed', and what it rests on in a sentence."""
    found = Counter(each.level for each in record.findings)
    parts = [f"{several(found[level], 'finding')} {level}" for level in _LEVELS[:2] if found[level]]
    judged = [figure for figure in record.figures if figure.reached is not None]
    if judged:
        reached = sum(1 for figure in judged if figure.reached)
        parts.append(f"{number(reached)} of {several(len(judged), 'goal')} reached")
    if record.seeds:
        right = sum(1 for seed in record.seeds if not seed.wrong)
        parts.append(f"{number(right)} of {several(len(record.seeds), 'seed')} passed")
    words = "; ".join(parts) or "nothing was found, and nothing was asked for"
    return ("passed" if record.passed else "failed"), f"{words[0].upper()}{words[1:]}."


def several(count: int, noun: str) -> str:
    """How many of something, with its noun: `1 seed`, `3 seeds`."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def findings(record: Record) -> tuple[Finding, ...]:
    """The findings, those that failed first."""
    last = len(_LEVELS)
    order = {level: at for at, level in enumerate(_LEVELS)}
    return tuple(sorted(record.findings, key=lambda each: order.get(each.level, last)))


def goals(record: Record) -> tuple[Goal, ...]:
    """The figures that have goals, missed ones first; without any, the first few."""
    judged = [figure for figure in record.figures if figure.goal or figure.reached is not None]
    shown = judged or list(record.figures[:FIGURES_FIRST])
    return tuple(
        Goal(each.name, amount(each.value, each.unit), each.goal, mark(each))
        for each in sorted(shown, key=lambda each: each.reached is not False)
    )


def mark(figure: Figure) -> str:
    """Whether a figure reached its goal, in a word; '' where it has none."""
    return {True: "reached", False: "missed", None: ""}[figure.reached]


def phases(record: Record) -> tuple[Span, ...]:
    """When phones came on, worked and left: from series or counts of these names, or the scenario.

    A series called `ramp up` lasts from its first moment to its last; counts and the scenario's
    `live` say how long each phase was.
    """
    by_name = {_phase(each.name): each for each in record.series if _phase(each.name) in PHASES}
    if by_name:
        known = {
            name: [at for at in each.at_s if math.isfinite(at)] for name, each in by_name.items()
        }
        return tuple(
            _phase_span(name, min(known[name]), max(known[name]))
            for name in PHASES
            if known.get(name)
        )
    asked = record.scenario.get("live") if record.kind == "live" else None
    said = asked if isinstance(asked, Mapping) else {}
    spans, at_s = [], 0.0
    for name in PHASES:
        key = f"{name.replace(' ', '_')}_s"
        long_s = record.counts.get(key, said.get(key))
        if isinstance(long_s, bool) or not isinstance(long_s, int | float):
            continue
        if long_s > 0 and math.isfinite(long_s):
            spans.append(_phase_span(name, at_s, at_s + long_s))
            at_s += long_s
    return tuple(spans)


def _phase_span(name: str, from_s: float, until_s: float) -> Span:
    """A phase; what is not the hold is shaded, since its numbers are not to be judged."""
    return Span(name, from_s, until_s, shaded=name != "hold")


def _phase(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").lower()


def drawn_series(record: Record) -> tuple[Series, ...]:
    """The series that are lines: all but those that say when a phase was, and empty ones."""
    return tuple(each for each in record.series if each.at_s and _phase(each.name) not in PHASES)


def plots_over_time(record: Record) -> dict[str, tuple[Plot, ...]]:
    """The plots of series by what their units measure: 'number', 'rate', 'time', 'bytes'."""
    spans, plots = phases(record), dict[str, list[Plot]]()
    for at, group in enumerate(_groups(drawn_series(record))):
        unit = group[0].unit
        title = _capital(" · ".join(each.name for each in group))
        plot = lines(f"time-{at}", title, unit, group, spans)
        plots.setdefault(family(unit), []).append(plot)
    return {name: tuple(each) for name, each in plots.items()}


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _groups(series: Iterable[Series]) -> list[list[Series]]:
    """Series that go into one plot: of one unit, few, and of sizes that can be seen together."""
    groups: list[list[Series]] = []
    for each in series:
        for group in groups:
            near = group[0].unit == each.unit and all(_near(one, each) for one in group)
            if near and len(group) < LINES_MAX:
                group.append(each)
                break
        else:
            groups.append([each])
    return groups


def _near(one: Series, other: Series) -> bool:
    if family(one.unit) == "time":
        return True  # times that lie far apart have a scale of decades
    sizes = [max((abs(v) for v in each.values if math.isfinite(v)), default=0.0)
             for each in (one, other)]  # fmt: skip
    return min(sizes) == 0 or max(sizes) / min(sizes) < APART_FROM


def latency_plots(record: Record) -> tuple[Plot, ...]:
    """Percentiles side by side, then a distribution for each that has buckets."""
    if not record.latencies:
        return ()
    counted = [each for each in record.latencies if any(count for _, count in each.buckets)]
    return (
        percentiles("percentiles", "Percentiles", record.latencies),
        *(distribution(f"distribution-{at}", each) for at, each in enumerate(counted)),
    )


def cut_off_map(record: Record) -> Plot | None:
    """The map of losses; None where there were none."""
    return places.drawn("places", record.cut_off) if record.cut_off else None


def bars(count_by_name: Mapping[str, int]) -> tuple[Bar, ...]:
    """Counts by name, the largest first."""
    most = max(count_by_name.values(), default=0)
    ordered = sorted(count_by_name.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Bar(name, number(n), n / most if most > 0 else 0.0) for name, n in ordered)


def bytes_figures(record: Record) -> tuple[Bar, ...]:
    """The figures that are bytes, a bar each; bars compare what has one unit."""
    shown = [each for each in record.figures if family(each.unit) == "bytes"]
    most = dict[str, float]()
    for each in shown:
        if math.isfinite(each.value):
            most[each.unit] = max(most.get(each.unit, 0.0), each.value)
    return tuple(
        Bar(
            each.name,
            amount(each.value, each.unit),
            each.value / most[each.unit] if most.get(each.unit) else 0.0,
        )
        for each in shown
    )


def figure_rows(record: Record) -> tuple[tuple[str, str, str, str], ...]:
    """All figures in the units that they were recorded in: name, amount, goal and mark."""
    return tuple(
        (each.name, exact(each.value, each.unit), each.goal, mark(each)) for each in record.figures
    )


def seeds(record: Record) -> Seeds | None:
    """The seeds of a seeded run; None of any other."""
    if not record.seeds:
        return None
    failed = tuple(each for each in record.seeds if each.wrong)
    passed = [each for each in record.seeds if not each.wrong]
    had = Counter(fault for each in record.seeds for fault in each.faults)
    failed_with = Counter(fault for each in failed for fault in each.faults)
    rows = sorted(had, key=lambda name: (-failed_with[name], -had[name], name))
    return Seeds(
        failed[:SEEDS_IN_FULL],
        failed[SEEDS_IN_FULL : SEEDS_IN_FULL + SEEDS_MAX],
        max(0, len(failed) - SEEDS_IN_FULL - SEEDS_MAX),
        tuple(passed[:SEEDS_MAX]),
        max(0, len(passed) - SEEDS_MAX),
        tuple(FaultRow(name, had[name], failed_with[name]) for name in rows),
    )


def flat(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Values within values as names with dots, and words: `site.phones`, `1,000`."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += [(f"{name}.{inner}", words) for inner, words in flat(value)]
        else:
            found.append((name, _said(value)))
    return tuple(found)


def _said(value: Any) -> str:
    match value:
        case None:
            return "not asked for"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(value)
        case list() | tuple():
            return ", ".join(_said(each) for each in value) or "none"
        case Mapping():
            return ", ".join(f"{name} {words}" for name, words in flat(value))
    return str(value)


def parameters(record: Record) -> tuple[tuple[str, str], ...]:
    """The scenario's values but for its name and sentence, which stand at the top."""
    return flat(
        {key: each for key, each in record.scenario.items() if key not in ("name", "about")}
    )


def without_numbers(words: str) -> str:
    """A sentence in which numbers count for nothing, to find it again in another run."""
    return re.sub(r"\d[\d.,]*", "#", words)


def listed(pairs: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Values by name as words by name."""
    return tuple((name, number(value)) for name, value in pairs.items())
