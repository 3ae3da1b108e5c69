"""An itinerary: one worker's jobs one after the other, and when each of them is reached.

Pure arithmetic on plain values; the travel times between places are an input. Knows the order in
which a phone lists a day; holds no choice of another one (that is `proposing`) and no present but
the moment that it is given. Invariant: whole milliseconds, so that the same stops give the same
times on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

MINUTE_MS: Final = 60_000
MINUTES_DEFAULT: Final = 60
"""How long a job takes that nobody planned, where its window says nothing of it either."""
WINDOW_AS_LENGTH_MIN: Final = (15, 120)
"""A window of this many minutes, from the one to the other, is taken for the time that the job
needs. A shorter one is a promise to come then, and says nothing of how long it takes."""
_UNPLACED: Final = 1 << 31

Legs = Callable[[int | None, int | None], int]
"""Milliseconds of travel between two places, by their numbers; 0 where either is not known."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A job on the way. `place` is its number for `Legs`, None where its position is not known.

    `length_ms` is the time needed there. The window (UTC ms, None: undated) says when work may
    begin and by when it must have begun, as `delay` reads it.
    """

    job: str
    place: int | None
    length_ms: int
    window_start_ms: int | None = None
    window_end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """When a stop is reached, when work begins there and ends (UTC ms); `travel_ms` leads there."""

    stop: Stop
    travel_ms: int
    arrive_ms: int
    begin_ms: int
    end_ms: int

    @property
    def late_ms(self) -> int:
        """How long after the end of its window work begins; 0 in time or undated."""
        limit_ms = self.stop.window_end_ms
        return 0 if limit_ms is None else max(0, self.begin_ms - limit_ms)


def length_ms(planned_min: int | None, start_ms: int | None, end_ms: int | None) -> int:
    """How long a job takes: as planned, else its window where that is short, else an hour."""
    if planned_min:
        return planned_min * MINUTE_MS
    if start_ms is not None and end_ms is not None:
        window_ms = end_ms - start_ms
        shortest, longest = WINDOW_AS_LENGTH_MIN
        if shortest * MINUTE_MS <= window_ms <= longest * MINUTE_MS:
            return window_ms
    return MINUTES_DEFAULT * MINUTE_MS


class Listed(Protocol):
    """What a day's order goes by: the planned place (0: none), the window (UTC ms), the job."""

    @property
    def position(self) -> int:
        """The planned place in the worker's day, 0 without one."""

    @property
    def window_start(self) -> int | None:
        """Where the window begins, UTC ms."""

    @property
    def window_end(self) -> int | None:
        """Where the window ends, UTC ms."""

    @property
    def priority(self) -> int:
        """How urgent it is."""

    @property
    def number(self) -> str:
        """The job's number."""

    @property
    def job(self) -> str:
        """The job's id."""


def turn_of_day(listed: Listed) -> tuple[int, bool, int, int, str, str]:
    """The key by which phones and plans order a worker's day: planned place, time, urgency, number.

    What has no time comes behind what has one.
    """
    at_ms = listed.window_start if listed.window_start is not None else listed.window_end
    planned = listed.position if listed.position > 0 else _UNPLACED
    return (planned, at_ms is None, at_ms or 0, -listed.priority, listed.number, listed.job)


def itinerary(free_ms: int, start: int | None, stops: Sequence[Stop], legs: Legs) -> list[Timed]:
    """Walk the stops in their order, setting out from the place `start` at `free_ms`.

    Who comes before the window begins waits for it. A stop whose position is not known takes no
    travel and moves nobody.
    """
    found = []
    at_ms, here = free_ms, start
    for stop in stops:
        travel_ms = legs(here, stop.place)
        arrive_ms = at_ms + travel_ms
        begin_ms = max(arrive_ms, stop.window_start_ms or 0)
        end_ms = begin_ms + stop.length_ms
        found.append(Timed(stop, travel_ms, arrive_ms, begin_ms, end_ms))
        at_ms = end_ms
        here = here if stop.place is None else stop.place
    return found


@dataclass(frozen=True, slots=True)
class Added:
    """What one more job does to another of the plan: `late_ms` of it now, and how much is new."""

    job: str
    late_ms: int
    more_ms: int


def lateness_added(before: Sequence[Timed], after: Sequence[Timed]) -> list[Added]:
    """The jobs of the plan that come to be late, or later, by what was put into it; worst first."""
    late_before = {timed.stop.job: timed.late_ms for timed in before}
    found = []
    for timed in after:
        was_ms = late_before.get(timed.stop.job)
        if was_ms is not None and timed.late_ms > was_ms:
            found.append(Added(timed.stop.job, timed.late_ms, timed.late_ms - was_ms))
    return sorted(found, key=lambda added: (-added.more_ms, added.job))
