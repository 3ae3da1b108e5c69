"""Who is shut out follows from the set of entries, whatever order they came in."""

from __future__ import annotations

from tests.crossing_revocations import crossing_revocations

WORLDS = 12
SEED = 20_261_128


def test_revocations_that_cross_stand_alike_in_any_order_of_arrival() -> None:
    assert crossing_revocations(WORLDS, SEED) == []
