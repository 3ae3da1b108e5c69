"""Bugs that are planted in the product, each in a world that shows it: every one is caught.

Where a bug shows is looked for from a seed on that is known to show it, so that catching it takes
one world, and some more once the worlds have changed. Holds no bugs (see `simulator/planted`).
Invariant: what counts as caught was seen by a checker that the bug's list names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count, cycle, islice
from types import MappingProxyType
from typing import Final

from simulator.planted import PLANTED
from simulator.world.campaign import Failure, attempt
from simulator.world.drawn import options_of
from simulator.world.run import Size

SMALL: Final = Size(phones=4, days=1, entries_per_phone=30)

SHOWS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "early-ack": 1,
        "not-synced": 3,
        "ballast-kept": 3,
        "appends-twice": 1,
        "stale-rows": 1,
        "forgets-own-log": 1,
        "last-arrival-wins": 1,
        "clock-decides": 1,
        "late-seen-ignored": 4,
        "nothing-seen": 10,
        "order-of-arrival": 1,
        "erased-comes-back": 7,
        "erased-bytes-stay": 1,
        "revoked-counts": 3,
        "photo-saved-too-early": 1,
        "phantom-states": 3,
        "forgets-staged": 9,
        "seal-unverified": 78,
        "leaf-misses-a-log": 1,
        "no-scope": 1,
        "reach-at-sending": 2,
        "drops-before-sending": 24,
        "cuts-forgotten": 7,
        "photo-let-go": 3,
        "mark-too-far": 1,
        "each-hub-its-own": 21,
        "all-to-colleagues": 6,
        "small-messages": 25,
        "silence-refused": 19,
        "frames-cut-off": 19,
    }
)
"""From which seed on each planted bug shows in a small site."""
SEEDS_PER_BUG: Final = 6


def seeds_with(faults: tuple[str, ...], first: int) -> Iterator[int]:
    """The seeds from `first` on whose worlds have all of some faults."""
    return (seed for seed in count(first) if set(faults) <= set(options_of(seed).faults()))


def why_not_caught(name: str) -> str:
    """What the checkers said instead of seeing a planted bug; empty where one saw it."""
    plant = PLANTED[name]
    for seed in islice(seeds_with(plant.faults, SHOWS[name]), SEEDS_PER_BUG):
        outcome = attempt(seed, SMALL, name)
        if isinstance(outcome, Failure):
            if outcome.checker in plant.caught_by:
                return ""
            return f"{name} was seen by {outcome.checker} in seed {seed}: {outcome.words}"
    return f"no checker saw the planted bug {name}"


def uncaught(bugs: int, first: int) -> list[str]:
    """Of so many planted bugs those that are not caught; after the last of their list the first."""
    names = islice(cycle(PLANTED), first % len(PLANTED), first % len(PLANTED) + bugs)
    return [words for words in map(why_not_caught, names) if words]
