"""How much a minute of seeded sites simulates, in two tiers, and whether a seed is the same twice.

The fast tier has whole frames and disks in memory, the full one disks that tear what was not synced
and the product's own WebSockets of aiohttp inside the loop; other faults are drawn as always.
Holds no printing: what is found is told in lines, figures as `name value unit`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Final

from simulator.world.campaign import Failure, Tally, attempts
from simulator.world.run import Size

TIER_FAULTS: Final = ("torn_writes", "websockets")
"""What the full tier has in every world and the fast one in none."""


def rates(tier: str, seeds: Sequence[int], size: Size) -> Iterator[str]:
    """What `seeds` come to a minute; of a failed one only that it failed."""
    is_full = tier == "full"
    without, having = ((), TIER_FAULTS) if is_full else (TIER_FAULTS, ())
    tally, began_s = Tally(), time.monotonic()
    for outcome in attempts(seeds, size, os.cpu_count() or 1, "", without, having):
        tally.add(outcome)
        if isinstance(outcome, Failure):
            yield f"# {tier}: seed {outcome.seed}: {outcome.checker}: {outcome.words}"
    minutes = (time.monotonic() - began_s) / 60
    yield f"seeds_{tier}_passed {tally.passed} seeds"
    yield f"seeds_{tier}_failed {len(tally.failures)} seeds"
    yield f"seeds_{tier}_entries {tally.entries / minutes:.0f} entries/min"
    yield f"seeds_{tier}_device_days {tally.device_days / minutes:.1f} device-days/min"
    if tally.device_days:
        a_day = tally.entries / tally.device_days
        yield f"seeds_{tier}_entries_of_a_device_day {a_day:.1f} entries/device-day"


def twice(seeds: Sequence[int], size: Size) -> Iterator[str]:
    """How many seeds note the same events and end in the same states in two processes."""
    came_to: list[dict[int, tuple[str, str]]] = []
    for _ in range(2):
        found = {}
        for outcome in attempts(seeds, size, os.cpu_count() or 1):
            if isinstance(outcome, Failure):
                yield f"# twice: seed {outcome.seed}: {outcome.checker}: {outcome.words}"
            else:
                found[outcome.seed] = (outcome.digest, outcome.state)
        came_to.append(found)
    one, other = came_to
    differing = [seed for seed in seeds if seed not in one or one[seed] != other.get(seed)]
    for seed in differing:
        yield f"# twice: seed {seed} was another the second time"
    yield f"seeds_twice {len(seeds)} seeds"
    yield f"seeds_twice_equal {len(seeds) - len(differing)} seeds"
