"""Worlds in which most phones are hostile: the honest ones come to agree, and lose nothing.

One honest worker and a colleague among seven that forge, fork, flood and lie. Holds no checks of
its own: those are the seeded world's. Invariant: a seed gives the same world at every run.
"""

from __future__ import annotations

from simulator.world.campaign import Failure, attempt
from simulator.world.run import Size

AMONG_HOSTILE = Size(phones=2, days=2, entries_per_phone=40, hostile=7)


def failed_worlds(count: int, seed: int) -> list[str]:
    """Worlds `seed`, `seed` + 1 and so on, `count` of them; which failed, and by what."""
    found = []
    for number in range(seed, seed + count):
        outcome = attempt(number, AMONG_HOSTILE)
        if isinstance(outcome, Failure):
            found.append(f"world {number}: {outcome.checker}: {outcome.words}")
    return found
