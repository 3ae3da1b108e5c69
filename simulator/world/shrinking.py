"""Makes a failing world smaller: fewer faults, days, phones, entries, as long as it fails alike.

Takes away faults by halves and then one by one, since most do not matter; then each measure of the
size, by halves too; then faults once more, since a smaller world needs fewer. Reads no clock and
prints nothing. Invariant: what it gives was run, and the same checker objected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulator.world.campaign import Failure
from simulator.world.sized import PHONES_MIN
from simulator.world.wanted import Wanted

# Of a size: which measure, and how small it may be; days first, since they cost most.
MEASURES: Final = (
    ("days", 1),
    ("hostile", 0),
    ("phones", PHONES_MIN),
    ("entries_per_phone", 0),
    ("jobs_per_phone", 0),
    ("dispatchers_per_hub", 0),
)

Fails = Callable[[Wanted], Failure | None]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest world that was found to fail, how, and how many were tried for it.

    `in_time` is False where the time was over before everything was tried.
    """

    wanted: Wanted
    failure: Failure
    tries: int
    in_time: bool


def shrink(wanted: Wanted, failure: Failure, fails: Fails, time_left: Callable[[], bool]) -> Shrunk:
    """Make a world smaller that failed.

    Args:
        failure: how it failed.
        fails: runs a world; how it failed, or None.
        time_left: whether another world may be tried.
    """
    search = _Search(wanted, failure, fails, time_left)
    search.without_faults()
    search.of_smallest_size()
    search.without_faults()
    return Shrunk(search.wanted, search.failure, search.tries, search.in_time)


class _Search:
    """The smallest so far, and trying smaller ones."""

    def __init__(
        self, wanted: Wanted, failure: Failure, fails: Fails, time_left: Callable[[], bool]
    ) -> None:
        self.wanted = wanted
        self.failure = failure
        self.tries = 0
        self.in_time = True
        self._alike = _kind(failure)
        self._fails = fails
        self._time_left = time_left

    def without_faults(self) -> None:
        """Take faults away: all, halves, quarters, and at last each by itself."""
        at_once = len(self.failure.faults)
        while at_once:
            faults = self.failure.faults
            for start in range(0, len(faults), at_once):
                self._try(self.wanted.lacking(*faults[start : start + at_once]))
            at_once //= 2

    def of_smallest_size(self) -> None:
        """Make each measure of the size as small as it goes."""
        for measure, least in MEASURES:
            self._smallest(measure, least)
        if self.wanted.size.upgrades:
            self._try(self.wanted.sized(upgrades=False))
        if self.wanted.size.hubs > 1:
            self._try(self.wanted.sized(hubs=1))

    def _smallest(self, measure: str, least: int) -> None:
        """As small as halving the way to it finds; worlds in between may fail or not."""
        now = getattr(self.wanted.size, measure)
        if now <= least or self._try(self.wanted.sized(**{measure: least})):
            return
        passes, fails = least, now
        while fails - passes > 1 and self.in_time:
            between = (passes + fails) // 2
            if self._try(self.wanted.sized(**{measure: between})):
                fails = between
            else:
                passes = between

    def _try(self, smaller: Wanted) -> bool:
        """Run a smaller world; it is kept if it fails as the first did."""
        if smaller.contradiction():
            return False
        if not self._time_left():
            self.in_time = False
            return False
        self.tries += 1
        failure = self._fails(smaller)
        if failure is None or _kind(failure) != self._alike:
            return False
        self.wanted, self.failure = smaller, failure
        return True


def _kind(failure: Failure) -> tuple[str, str]:
    """What makes two failures one: the checker, and of crashes the error too."""
    if failure.checker != "crash":
        return failure.checker, ""
    # `phone 3: ValueError: what it says`, or without the machine.
    error = next((part for part in failure.words.split(": ") if part.isidentifier()), "")
    return failure.checker, error
