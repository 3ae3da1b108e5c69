"""Sites whose programs are replaced by later ones, one machine after the other, over some days.

Until then a machine keeps inert what the later programs write. That no entry is lost, and that all
hold and show the same once all are replaced, is what the seeded world's checkers look for.
Invariant: a seed always gives the same site.
"""

from __future__ import annotations

from simulator.world.campaign import Failure, attempt
from simulator.world.run import Size

SMALL = Size(phones=4, days=1, entries_per_phone=30, upgrades=True)


def mixed_fleets(count: int, seed: int, size: Size = SMALL) -> list[str]:
    """Run `count` sites from a seed on; what any checker found, in plain sentences."""
    found = []
    for number in range(seed, seed + count):
        outcome = attempt(number, size)
        if isinstance(outcome, Failure):
            found.append(f"seed {number}: {outcome.checker}: {outcome.words}")
        elif outcome.points["a program was replaced by a later one"] != size.phones + 2:
            found.append(f"seed {number}: not every program was replaced")
    return found
