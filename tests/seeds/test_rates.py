"""The figures of seeded sites are counted from real seeds, in both tiers."""

from __future__ import annotations

import pytest

from simulator.world.run import Size
from tests.seeds.rates import rates, twice

TINY = Size(phones=2, days=1, entries_per_phone=12, hubs=1)


@pytest.mark.parametrize("tier", ["fast", "full"])
def test_a_tier_says_what_a_minute_of_it_simulates(tier: str) -> None:
    told = [line.split() for line in rates(tier, [1_000], TINY)]
    found = {name: float(value) for name, value, _ in told}
    assert found[f"seeds_{tier}_passed"] == 1
    assert found[f"seeds_{tier}_entries"] > 0
    assert found[f"seeds_{tier}_entries_of_a_device_day"] >= 12


def test_a_seed_comes_to_the_same_twice() -> None:
    assert list(twice([1_000], TINY)) == ["seeds_twice 1 seeds", "seeds_twice_equal 1 seeds"]
