"""Many worker-days lived in several ways, over all processors, and added up.

Holds what is counted of them, as figures and as a table. Invariant: the sums do not depend on how
many processes share the work.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.battery.lived import EVERY_SECOND, WAYS, Lived, Way, lived
from tests.truth.days import make_day
from tests.truth.mix import TUNING_SEEDS, Scenario, days_of
from tests.truth.scoring import Score, quantile

FIRST_SEED = 30_000
"""Of the tuning seeds, where no rule was tuned by a look."""

Task = tuple[Way, Scenario, int]


@dataclass(slots=True)
class Sums:
    """The days of one way, added up."""

    days: int = 0
    number_by_name: Counter[str] = field(default_factory=Counter)
    seconds_by_name: dict[str, float] = field(default_factory=dict)
    woken: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    score: Score = field(default_factory=Score)

    def add(self, day: Lived) -> None:
        """Add a day."""
        self.days += 1
        self.woken += day.woken
        self.sent += day.sent_by_kind
        self.score += day.score
        for name in ("exact", "coarse", "posted", "track_fixes", "bytes_out", "bytes_in",
                     "radio_times", "of_place_off_duty"):  # fmt: skip
            self.number_by_name[name] += getattr(day, name)
        for name in ("awake_s", "radio_s"):
            self.seconds_by_name[name] = self.seconds_by_name.get(name, 0.0) + getattr(day, name)

    def a_day(self, name: str) -> float:
        """The mean of a count, or of minutes, for one day."""
        if name in self.seconds_by_name:
            return self.seconds_by_name[name] / 60 / self.days
        return self.number_by_name[name] / self.days

    @property
    def found_percent(self) -> float:
        """Of all visits of five minutes or more, also those without a fix."""
        every = self.score.visits + self.score.unseen
        return 100.0 * self.score.found / every if every else 100.0

    def figures(self) -> list[tuple[str, str, str]]:
        """Name, value and unit of each number."""
        whole = [
            ("fixes_exact", self.a_day("exact"), "fixes/day"),
            ("fixes_coarse", self.a_day("coarse"), "fixes/day"),
            ("fixes_posted", self.a_day("posted"), "fixes/day"),
            ("fixes_in_tracks", self.a_day("track_fixes"), "fixes/day"),
            ("bytes_sent", self.a_day("bytes_out"), "bytes/day"),
            ("bytes_sent_log", self.sent["log"] / self.days, "bytes/day"),
            ("bytes_sent_presence", self.sent["presence"] / self.days, "bytes/day"),
            ("bytes_received", self.a_day("bytes_in"), "bytes/day"),
            ("wake_ups", self.woken.total() / self.days, "wake-ups/day"),
            *((f"wake_ups_by_{why}", self.woken[why] / self.days, "wake-ups/day")
              for why in ("fix", "timer", "frame")),
            ("awake", self.a_day("awake_s"), "min/day"),
            ("radio_ups", self.a_day("radio_times"), "times/day"),
            ("radio", self.a_day("radio_s"), "min/day"),
            ("places_sent_off_duty", self.a_day("of_place_off_duty"), "frames/day"),
        ]  # fmt: skip
        truth = [
            ("found", f"{self.found_percent:.1f}", "%"),
            ("false", f"{self.score.false_per_200_days:.1f}", "logs/200 days"),
            ("minutes_median", f"{quantile(self.score.minutes_min, 0.5):.2f}", "min"),
            ("minutes_p95", f"{quantile(self.score.minutes_min, 0.95):.2f}", "min"),
        ]
        return [*((name, f"{value:.0f}", unit) for name, value, unit in whole), *truth]


def measured(count: int, every_second: int) -> dict[str, Sums]:
    """`count` days of the mix lived in each way, so many of them also with a fix each second."""
    days = days_of(range(FIRST_SEED, TUNING_SEEDS.stop), count)
    tasks = [(way, *day) for way in WAYS for day in days]
    # The longest first, so that no processor is left with one of them at the end.
    tasks = [(EVERY_SECOND, *day) for day in days[:every_second]] + tasks
    context = multiprocessing.get_context("spawn")
    sums = {way.name: Sums() for way in (*WAYS, EVERY_SECOND)}
    with ProcessPoolExecutor(os.cpu_count() or 1, context) as pool:
        for (way, *_), day in zip(tasks, pool.map(_lived, tasks), strict=True):
            sums[way.name].add(day)
    return {name: each for name, each in sums.items() if each.days}


def _lived(task: Task) -> Lived:
    way, scenario, seed = task
    return lived(make_day(scenario, seed), way)


def figures(sums: dict[str, Sums]) -> Iterable[tuple[str, str, str]]:
    """All numbers, as name, value and unit."""
    for name, each in sums.items():
        key = name.replace(",", "").replace(" ", "_")
        for what, value, unit in each.figures():
            yield f"battery_{key}_{what}", value, unit


_COLUMNS = (
    ("exact", "fixes_exact"), ("coarse", "fixes_coarse"), ("posted", "fixes_posted"),
    ("kept", "fixes_in_tracks"), ("sent", "bytes_sent"), ("log", "bytes_sent_log"),
    ("place", "bytes_sent_presence"), ("wakes", "wake_ups"), ("by fix", "wake_ups_by_fix"),
    ("timer", "wake_ups_by_timer"), ("awake", "awake"), ("radio", "radio_ups"), ("up", "radio"),
    ("found%", "found"), ("false", "false"), ("min p95", "minutes_p95"),
)  # fmt: skip


def table(sums: dict[str, Sums]) -> list[str]:
    """A line for each way; counts are means of a day of 24 hours, `awake` and `up` minutes."""
    lines = [f"{'':16} days" + "".join(f"{head:>8}" for head, _ in _COLUMNS)]
    for name, each in sums.items():
        value_by_name = {what: value for what, value, _ in each.figures()}
        cells = "".join(f"{value_by_name[what]:>8}" for _, what in _COLUMNS)
        lines.append(f"{name:16} {each.days:4}{cells}")
    return lines
