"""What a list of logs is worth beside the truth of a day; the same for every detector.

Definitions, which `docs/truth.md` repeats:

- A *true visit* is a stay at a job's door of five minutes or more, from the door in to the door
  out. It is *unseen* if no usable fix, and none that is not made up, was measured within it.
- It is *found* if one log of that job covers at least half of it.
- Of a found visit, start and end are those of the first and the last log of that job that overlap
  it, and its minutes the sum of these logs. Errors are absolute.
- A log is *false* if it overlaps no true stay, however short, at that job; so one that rests on
  made-up fixes is false, since the worker was elsewhere.

Holds no detector. Invariant: logs are judged by job and time alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.motion import TrueVisit
from tests.truth.days import MINUTE_MS, WorkDay


class Log(NamedTuple):
    """Time on site at a job that a detector would write by itself, in ms."""

    job: str
    start_ms: int
    stop_ms: int


@dataclass(slots=True)
class Score:
    """Counts over worker-days, and errors in minutes, one for each found visit."""

    days: int = 0
    visits: int = 0
    unseen: int = 0
    found: int = 0
    logs: int = 0
    false: int = 0
    start_min: list[float] = field(default_factory=list)
    end_min: list[float] = field(default_factory=list)
    minutes_min: list[float] = field(default_factory=list)

    def __add__(self, other: Score) -> Score:
        return Score(
            self.days + other.days,
            self.visits + other.visits,
            self.unseen + other.unseen,
            self.found + other.found,
            self.logs + other.logs,
            self.false + other.false,
            self.start_min + other.start_min,
            self.end_min + other.end_min,
            self.minutes_min + other.minutes_min,
        )

    @property
    def found_percent(self) -> float:
        """Of the visits that had a usable fix."""
        return 100.0 * self.found / self.visits if self.visits else 100.0

    @property
    def false_per_200_days(self) -> float:
        """False logs in two hundred worker-days."""
        return 200.0 * self.false / self.days if self.days else 0.0

    @property
    def f1_percent(self) -> float:
        """Visits found and logs that are true, weighed alike (the harmonic mean of both shares)."""
        wrong = self.visits - self.found + self.false
        return 100.0 * 2 * self.found / (2 * self.found + wrong) if self.found else 0.0


class Verdict(NamedTuple):
    """One thing to look at: a visit that was missed, a false log, or minutes that are off."""

    scenario: str
    seed: int
    what: str
    job: str
    start_ms: int
    stop_ms: int
    error_min: float = 0.0


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which a share lies (the nearest rank); 0 of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def judge(day: WorkDay, logs: Sequence[Log]) -> tuple[Score, list[Verdict]]:
    """The score of one day's logs, and what there is to look at."""
    score, verdicts = Score(days=1, logs=len(logs)), []
    for log in logs:
        stays = (visit for visit in day.day.visits if visit.key == log.job)
        if not any(_shared_ms(log, stay) > 0 for stay in stays):
            score.false += 1
            verdicts.append(Verdict(day.scenario, day.seed, "false", *log))
    for visit in day.visits:
        where = (visit.key, visit.arrive_ms, visit.leave_ms)
        own = [log for log in logs if log.job == visit.key and _shared_ms(log, visit) > 0]
        is_found = any(
            2 * _shared_ms(log, visit) >= visit.leave_ms - visit.arrive_ms for log in own
        )
        if not day.was_seen(visit):
            score.unseen += 1
            continue
        score.visits += 1
        if not is_found:
            verdicts.append(Verdict(day.scenario, day.seed, "missed", *where))
            continue
        score.found += 1
        start_ms, end_ms = min(log.start_ms for log in own), max(log.stop_ms for log in own)
        sum_ms = sum(log.stop_ms - log.start_ms for log in own)
        error_ms = sum_ms - (visit.leave_ms - visit.arrive_ms)
        score.start_min.append(abs(start_ms - visit.arrive_ms) / MINUTE_MS)
        score.end_min.append(abs(end_ms - visit.leave_ms) / MINUTE_MS)
        score.minutes_min.append(abs(error_ms) / MINUTE_MS)
        verdicts.append(Verdict(day.scenario, day.seed, "found", *where, error_ms / MINUTE_MS))
    return score, verdicts


def _shared_ms(log: Log, visit: TrueVisit) -> int:
    return min(log.stop_ms, visit.leave_ms) - max(log.start_ms, visit.arrive_ms)
