"""Timings that are fair to both sides, and the rows of the table.

Ours and what it is measured against take turns in one run, so that a busy minute of the machine
falls on both; the median of the rounds counts. Holds no workload.
Invariant: a ratio is made of two medians of the same run and never of a kept number.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """So many things done, in seconds of the wall's clock and of the processor."""

    count: int
    wall_s: float
    processor_s: float

    @property
    def rate(self) -> float:
        """Things a second."""
        return self.count / self.wall_s

    @property
    def processor_us(self) -> float:
        """Microseconds of processor for one."""
        return self.processor_s / self.count * 1e6


class Watch:
    """Two clocks that run while a block does."""

    wall_s = 0.0
    processor_s = 0.0

    def of(self, count: int) -> Timing:
        """The timing of so many things done in the block."""
        return Timing(count, self.wall_s, self.processor_s)


@contextmanager
def watched() -> Iterator[Watch]:
    """Time the block."""
    watch = Watch()
    wall_s, processor_s = time.perf_counter(), time.process_time()
    yield watch
    watch.wall_s = time.perf_counter() - wall_s
    watch.processor_s = time.process_time() - processor_s


def in_turns(
    works: Mapping[str, Callable[[], Timing]], rounds: int = ROUNDS
) -> dict[str, list[Timing]]:
    """Every work once a round, in order, `rounds` times."""
    found: dict[str, list[Timing]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(work())
    return found


def median_rate(timings: Iterable[Timing]) -> float:
    """The median of things a second."""
    return statistics.median(timing.rate for timing in timings)


def median_us(timings: Iterable[Timing]) -> float:
    """The median of microseconds of processor for one."""
    return statistics.median(timing.processor_us for timing in timings)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: ours, and beside it a peer or a floor of the same run.

    `ratio` is ours to the other's, of the unit given; `goal` says in words what is to be reached
    and `reached` whether it is (None: the row is for comparison alone).
    """

    name: str
    value: float
    unit: str
    against: str = ""
    other: float | None = None
    goal: str = ""
    reached: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the other's."""
        return None if not self.other else self.value / self.other

    def cells(self) -> list[str]:
        """What the table shows."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        other = "" if self.other is None else plain(self.other)
        mark = {None: "", True: "yes", False: "no"}[self.reached]
        return [
            self.name, plain(self.value), self.unit, self.against, other, ratio, self.goal, mark,
        ]  # fmt: skip


def figures(rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    """Name, value and unit as `make figures` prints them: each value once, and each ratio."""
    told = set()
    for row in rows:
        name = _one_word(row.name)
        if name not in told:
            told.add(name)
            yield name, plain(row.value), row.unit
        if row.ratio is not None:
            against = _one_word(row.against.partition(" (")[0])
            yield f"{name}_to_{against}", f"{row.ratio:.3g}", "ratio"


def _one_word(words: str) -> str:
    """A name without spaces or marks, so that a line of a figure can be split at spaces."""
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


HEADS = ("figure", "ours", "unit", "beside", "it", "ratio", "goal", "reached")


def plain(value: float) -> str:
    """A number without places that mean nothing."""
    if value == int(value):
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def table(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = ["| " + " | ".join(HEADS) + " |", "|---|---:|---|---|---:|---:|---|---|"]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    return "\n".join(lines)
