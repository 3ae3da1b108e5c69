"""Two records side by side as one file of HTML: what differs first, then what came of it.

A is the first run and B the second. Holds which section stands where; the differences are found in
`comparing`. Invariant: as in `page`, no text of a record becomes markup.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from simulator.report import comparing, contents
from simulator.report.charts import Plot, lines, percentiles
from simulator.report.page import environment, style
from simulator.report.record import Record

_SETTINGS: Final = {
    "run": "The way of running",
    "scenario": "Scenario",
    "machine": "Machine",
    "versions": "Versions",
}


def compare(one: Record, other: Record) -> str:
    """Two records as a whole HTML document, `one` as A and `other` as B."""
    seeds = comparing.seeds(one, other)
    differing = comparing.settings(one, other)
    runs = tuple(
        (letter, contents.head(each), *contents.verdict(each))
        for letter, each in (("A", one), ("B", other))
    )
    template = environment().get_template("comparison.html")
    return template.render(
        runs=runs,
        notices=_notices(one, other),
        differing=tuple((_SETTINGS[part], rows) for part, rows in differing.items()),
        findings=comparing.findings(one, other),
        first_tables=_filled(
            ("Figures", comparing.figures(one, other)),
            ("Latencies", comparing.latencies(one, other)),
        ),
        latencies=_latencies(one, other),
        last_tables=_filled(
            ("What happened", comparing.counts(one.counts, other.counts)),
            ("Conflicts by kind", comparing.counts(one.conflicts, other.conflicts)),
            ("Automatic logs beside the truth", comparing.counts(one.truth, other.truth)),
        ),
        plots=_plots(one, other),
        seeds=seeds[: contents.SEEDS_MAX],
        more_seeds=max(0, len(seeds) - contents.SEEDS_MAX),
        seeds_words=comparing.seeds_in_words(one, other),
        style=style(),
    )


def _notices(one: Record, other: Record) -> tuple[str, ...]:
    """What to know before the numbers are read."""
    said = []
    if one.kind != other.kind:
        said.append(
            "One run is live and the other seeded: a seeded run's times are those of its virtual "
            "clock, so compare what happened and no speed."
        )
    if one.machine != other.machine:
        said.append(
            "The machines differ: what differs in speed, memory and latencies may come from the "
            "machine and not from the program."
        )
    if one.scenario != other.scenario:
        said.append("The scenarios differ: what differs below may come from what was asked for.")
    return tuple(said)


def _filled(
    *tables: tuple[str, tuple[comparing.Changed, ...]],
) -> tuple[tuple[str, tuple[comparing.Changed, ...]], ...]:
    return tuple((title, rows) for title, rows in tables if rows)


def _latencies(one: Record, other: Record) -> Plot | None:
    """The percentiles of what both measured, A and B below each other; None where there is none."""
    before = {each.name: each for each in one.latencies}
    both = [
        replace(each, name=f"{letter}: {each.name}")
        for now in other.latencies
        if now.name in before
        for letter, each in (("A", before[now.name]), ("B", now))
    ]
    return percentiles("percentiles", "Percentiles", both) if both else None


def _plots(one: Record, other: Record) -> tuple[Plot, ...]:
    """A plot for each series of either run, A's line and B's over each other."""
    pairs = [
        {(each.name, each.unit): each for each in contents.drawn_series(record)}
        for record in (one, other)
    ]
    plots = []
    for at, (name, unit) in enumerate(dict.fromkeys((*pairs[1], *pairs[0]))):
        drawn = [
            (look, replace(found, name=letter))
            for look, (letter, by_name) in enumerate(zip("AB", pairs, strict=True))
            if (found := by_name.get((name, unit)))
        ]
        title = f"{name[:1].upper()}{name[1:]}"
        if len(drawn) == 1:
            title += f" (in {drawn[0][1].name} alone)"
        series, looks = [each for _, each in drawn], [look for look, _ in drawn]
        plots.append(lines(f"both-{at}", title, unit, series, (), looks))
    return tuple(plots)
