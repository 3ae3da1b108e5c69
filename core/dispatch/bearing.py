"""Bearing: which logs have a say in what counts of a worker's day.

What counts of a day follows from its logs and those of the days beside it, which mostly lie apart
from it: then they change nothing, and nothing of it need be counted again when they change. Holds
no rules of counting. Invariant: what `timelog.counted` says of a day's own logs is the same of what
bears on them as of all logs of the three days.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from core.dispatch.duty import DutyMark
from core.dispatch.timelog import LOGS_MAX, OPEN_MS_MAX, TimeLog, base_of, merged, moments_by_boot


class DayLogs:
    """The logs and duties of one day, with what tells where they reach. Equal only to itself.

    `once` has each log once, as `merged` gives them. `known_ms` is up to when they know anything,
    None without logs.
    """

    def __init__(self, logs: Sequence[TimeLog], duties: Sequence[DutyMark]) -> None:
        self.logs: Final = tuple(logs)
        self.duties: Final = tuple(duties)
        once = merged(logs)
        self.once: Final = once
        self.open: Final = any(log.stop is None for log in once)
        moments = [m for log in logs for m in (log.start, log.stop) if m is not None]
        self.known_ms: Final = max((moment.corrected_ms for moment in moments), default=None)
        self._ids = {log.log_id for log in once}
        self._targets = {log.supersedes for log in once if log.supersedes is not None}
        self._by_boot = moments_by_boot(once)
        # Per boot, None where none was told, the first and the last that any log may reach.
        self._ends: dict[int | None, tuple[int, int]] = {}
        for log in once:
            for moment in (log.start, log.stop):
                if moment is None:
                    continue
                by_boot = moment.boot is not None and moment.uptime_ms is not None
                at_ms = moment.uptime_ms if by_boot else moment.corrected_ms
                boot = moment.boot if by_boot else None
                assert at_ms is not None
                last_ms = at_ms + (OPEN_MS_MAX if log.stop is None else 0)
                first, last = self._ends.get(boot, (at_ms, last_ms))
                self._ends[boot] = (min(first, at_ms), max(last, last_ms))

    def shares_ids(self, other: DayLogs) -> bool:
        """Whether a log stands in both days."""
        return not self._ids.isdisjoint(other._ids)

    def names(self, other: DayLogs) -> bool:
        """Whether a log of one day replaces one of the other."""
        return not (self._targets.isdisjoint(other._ids) and other._targets.isdisjoint(self._ids))

    def moments_of(self, boot: int) -> Sequence[int]:
        """Where its moments say that the monotonic clock of a boot stood at 0."""
        return self._by_boot.get(boot, ())

    def span(self, base_by_boot: dict[int, int]) -> tuple[int, int] | None:
        """From when to when its logs may reach, by these bases of boots; None without logs."""
        if not self._ends:
            return None
        bases = [0 if boot is None else base_by_boot[boot] for boot in self._ends]
        pairs = list(zip(bases, self._ends.values(), strict=True))
        return min(base + ends[0] for base, ends in pairs), max(b + ends[1] for b, ends in pairs)

    def boots(self) -> list[int]:
        """The boots of its moments, in order."""
        return sorted(self._by_boot)


class Bearing(NamedTuple):
    """All that what counts of a day follows from: two that are equal count alike.

    `base_by_boot` is None where it is to be worked out from the logs. Of what is known, and of
    duty, only open logs make anything.
    """

    days: tuple[DayLogs, ...]
    base_by_boot: dict[int, int] | None
    known_ms: int
    duties: tuple[DutyMark, ...]

    @property
    def logs(self) -> list[TimeLog]:
        """The logs to count, each once."""
        if len(self.days) == 1:
            return self.days[0].once
        return merged(log for day in self.days for log in day.logs)


def bearing(own: DayLogs, beside: Sequence[DayLogs]) -> Bearing:
    """What bears on the logs of a day, of it and the days beside it.

    Another day's logs have no say if none of them has the id of a log of this day, replaces one or
    is replaced by one, and none may reach into the time of one: standing goes by ids alone, time
    that several claim by where they meet, and the bases of boots are those of all logs.
    """
    days = [own, *beside]
    known_ms = max((day.known_ms for day in days if day.known_ms is not None), default=0)
    duties = tuple(mark for day in days for mark in day.duties)
    every = [(a, b) for at, a in enumerate(days) for b in days[at + 1 :]]
    many = sum(len(day.logs) for day in days) > LOGS_MAX
    if many or any(a.shares_ids(b) for a, b in every):
        return Bearing(tuple(days), None, known_ms, duties)
    bases = {
        boot: base_of([each for day in days for each in day.moments_of(boot)])
        for boot in {boot for day in days for boot in day.boots()}
    }
    spans = {day: day.span(bases) for day in days}
    told, waiting = [own], list(beside)
    while meeting := [day for day in waiting if any(_meet(day, each, spans) for each in told)]:
        told += meeting
        waiting = [day for day in waiting if day not in meeting]
    own_boots = {boot for day in told for boot in day.boots()}
    bases = {boot: base for boot, base in bases.items() if boot in own_boots}
    if any(day.open for day in told):
        return Bearing(tuple(told), bases, known_ms, duties)
    return Bearing(tuple(told), bases, 0, ())


def _meet(a: DayLogs, b: DayLogs, spans: dict[DayLogs, tuple[int, int] | None]) -> bool:
    """Whether two days have a say in each other."""
    span, other = spans[a], spans[b]
    if a.names(b) or span is None or other is None:
        return a.names(b)
    return span[0] < other[1] and other[0] < span[1]
