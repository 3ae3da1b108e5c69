"""How large the world of a scenario is, and whether a seeded run can have it.

Holds no faults (see `drawn`). Invariant: a size that is given can be run.
"""

from __future__ import annotations

from typing import Final

from simulator.scenario.scenario import Scenario
from simulator.world.run import Size

PHONES_MIN, PHONES_MAX = 2, 200
DAYS_MAX: Final = 60
NUMBER_MAX: Final = 100_000


def size_of(scenario: Scenario) -> Size:
    """The size of a scenario's seeded world."""
    site, seeded = scenario.site, scenario.seeded
    return Size(
        site.phones,
        seeded.days,
        seeded.entries_per_phone,
        dispatchers_per_hub=site.dispatchers,
        hostile=site.hostile,
        upgrades=seeded.upgrades,
        hubs=site.hubs,
        jobs_per_phone=site.jobs_per_phone,
    )


def why_not(size: Size) -> str:
    """Why a seeded run can't have this size, as a sentence; '' where it can."""
    if not PHONES_MIN <= size.phones <= PHONES_MAX:
        words = f"a seeded site has {PHONES_MIN} to {PHONES_MAX} phones, not {size.phones:,}"
        return f"{words}: say --phones"
    if not 1 <= size.days <= DAYS_MAX:
        return f"a seeded site lives for 1 to {DAYS_MAX} days, not {size.days:,}: say --days"
    if not 0 <= size.hostile <= PHONES_MAX:
        return f"a seeded site has 0 to {PHONES_MAX} hostile phones, not {size.hostile:,}"
    if size.hubs not in (1, 2):
        return f"a seeded site has 1 or 2 hubs, not {size.hubs:,}"
    for words, number in (
        ("entries of a phone", size.entries_per_phone),
        ("dispatchers at each hub", size.dispatchers_per_hub),
        ("jobs of each worker at the beginning", size.jobs_per_phone),
    ):
        if not 0 <= number <= NUMBER_MAX:
            return f"{words} are 0 to {NUMBER_MAX:,}, not {number:,}"
    return ""
