"""Stops of a track, found afterwards: long enough, in one place, whatever the order of fixes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.fix import Fix
from core.dispatch.stops import STOP_MS, Stop, stops_in

NOON_MS = 1_795_431_600_000
MINUTE_MS = 60_000
LAT_E7, LON_E7 = 500_995_000, 144_250_000
METRE_E7 = 90  # of latitude, nearly


def at(minute: int, metres: int, accuracy_m: int = 10) -> Fix:
    """A fix some minutes after noon, so far north of the place."""
    return Fix(NOON_MS + minute * MINUTE_MS, LAT_E7 + metres * METRE_E7, LON_E7, accuracy_m)


def test_ten_minutes_in_one_place_between_two_ways_are_a_stop() -> None:
    fixes = [at(0, -3000), at(1, -1500), at(2, 0), at(5, 60), at(12, 20), at(13, 900), at(14, 2500)]
    stop = Stop(NOON_MS + 2 * MINUTE_MS, NOON_MS + 12 * MINUTE_MS, LAT_E7, LON_E7)
    assert stops_in(fixes) == [stop]


def test_a_red_light_is_no_stop() -> None:
    assert stops_in([at(0, -2000), at(1, 0), at(4, 0), at(5, 2000)]) == []


def test_a_wild_fix_that_claims_no_accuracy_breaks_no_stop() -> None:
    wild = Fix(NOON_MS + 3 * MINUTE_MS, LAT_E7 + 90_000, LON_E7, None)
    assert len(stops_in([at(0, 0), wild, at(9, 10)])) == 1


FIXES = st.lists(st.builds(at, st.integers(0, 90), st.integers(-400, 400)), max_size=40)


@given(FIXES)
def test_stops_are_disjoint_long_and_the_same_in_any_order(fixes: list[Fix]) -> None:
    found = stops_in(fixes)
    assert stops_in(list(reversed(fixes))) == found
    assert all(stop.end_ms - stop.start_ms >= STOP_MS for stop in found)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(found))
