"""Where phones are: what a hub knows after each word of theirs, whatever is lost between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.presence import PLACE_KEPT_MS, Presence, newest

PLACED = Presence(
    at_ms=1_000_000, lat_e7=601_000_000, lon_e7=249_000_000, accuracy_m=8, bearing_deg=90,
    speed_mps=20.0, battery_percent=70, duty=True, app="jobs on", heard_ms=1_000_500,
    author="aa", said_ms=1_000_000,
)  # fmt: skip
NOWHERE = replace(
    PLACED, at_ms=1_060_000, said_ms=1_060_000, lat_e7=None, lon_e7=None, accuracy_m=None,
    bearing_deg=None, speed_mps=None, battery_percent=None, heard_ms=1_060_100,
)  # fmt: skip


def test_a_phone_without_a_fix_stands_where_it_was_seen_last() -> None:
    found = newest(PLACED, NOWHERE)
    assert found is not None
    assert (found.lat_e7, found.lon_e7, found.at_ms) == (601_000_000, 249_000_000, 1_000_000)
    assert (found.speed_mps, found.bearing_deg) == (None, None), "nobody knows that it moves"
    assert (found.battery_percent, found.heard_ms) == (70, 1_060_100)


@pytest.mark.parametrize(
    "told",
    [
        replace(NOWHERE, said_ms=1_000_000 + PLACE_KEPT_MS + 1),
        replace(NOWHERE, author="bb"),
        replace(NOWHERE, lat_e7=602_000_000, lon_e7=250_000_000),
    ],
    ids=["long after", "another phone", "another place"],
)
def test_no_place_is_taken_over_that_may_not_be_its_own_any_more(told: Presence) -> None:
    assert newest(PLACED, told) == told


@pytest.mark.parametrize("said_ms", [900_000, 1_000_000, 1_060_000])
def test_off_duty_takes_the_place_back_whatever_the_clocks_say(said_ms: int) -> None:
    off = replace(NOWHERE, duty=False, at_ms=said_ms, said_ms=said_ms)
    assert newest(PLACED, off) == off
    back_on = newest(off, replace(NOWHERE, said_ms=1_100_000))
    assert back_on is not None
    assert back_on.lat_e7 is None, "a place of the duty before is none of this one"


def test_what_was_said_before_changes_nothing_even_where_the_place_is_older() -> None:
    kept = newest(PLACED, NOWHERE)
    assert kept is not None
    assert newest(kept, replace(PLACED, at_ms=1_030_000, said_ms=1_030_000)) is None
