"""Local clocks: what is typed means what was shown, through every change of the clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replica.screens import local_time
from replica.screens.local_time import TimeMistyped, zone_of

ZONES = st.sampled_from(
    ["Europe/Prague", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
).map(lambda name: zone_of(f'"{name}"'))
MOMENTS = st.integers(1_577_836_800_000, 1_893_456_000_000)


@given(MOMENTS, ZONES)
def test_a_time_that_was_shown_can_be_typed_again(at_ms: int, zone: local_time.Zone) -> None:
    minute_ms = at_ms // 60_000 * 60_000
    assert minute_ms in local_time.instants(local_time.field_text(at_ms, zone), zone)


@given(MOMENTS, ZONES)
def test_a_day_begins_on_its_own_day(at_ms: int, zone: local_time.Zone) -> None:
    day = local_time.day_of(at_ms, zone)
    start = local_time.day_start_ms(local_time.read_day(day), zone)
    assert start <= at_ms
    assert local_time.day_of(start, zone) == day


def test_an_hour_that_comes_twice_has_two_meanings_an_hour_apart() -> None:
    first, second = local_time.instants("2026-10-25T02:30", zone_of('"Europe/Prague"'))
    assert second - first == 3_600_000


def test_an_hour_that_is_left_out_is_refused_in_words() -> None:
    with pytest.raises(TimeMistyped, match="clock was put forward"):
        local_time.instants("2026-03-29T02:30", zone_of('"Europe/Prague"'))


@pytest.mark.parametrize("at_ms", [-(10**15), 0, 10**18])
def test_an_absurd_clock_breaks_no_page(at_ms: int) -> None:
    zone = zone_of('"Europe/Prague"')
    assert local_time.moment_words(at_ms, zone, 1_772_434_800_000)
    assert local_time.window_words(at_ms, at_ms, zone, 1_772_434_800_000)


@pytest.mark.parametrize("setting", [None, "", "7", '"Nowhere/Land"', '"../etc/passwd"', "{"])
def test_a_zone_that_is_not_known_falls_back_to_the_phones_own(setting: str | None) -> None:
    assert zone_of(setting) is None
    assert local_time.clock_words(0, None)


def test_windows_read_as_people_say_them() -> None:
    zone = zone_of('"Europe/Prague"')
    now = 1_772_434_800_000
    assert local_time.window_words(None, None, zone, now) == "Any time"
    assert local_time.window_words(now, now + 5_400_000, zone, now) == "08:00–09:30"
    tomorrow = now + 86_400_000
    assert local_time.window_words(tomorrow, tomorrow, zone, now) == "Tomorrow 08:00–08:00"
    assert local_time.window_words(None, tomorrow, zone, now) == "By tomorrow 08:00"
    week = now + 7 * 86_400_000
    assert local_time.window_words(week, week + 90_000_000, zone, now) == (
        "Mon 9 Mar 08:00–Tue 10 Mar 09:00"
    )
