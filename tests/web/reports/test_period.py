"""Periods: which instants and which days they hold, also where clocks are put forward or back."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from web.reports.period import Period, month_of, presets, read_period, week_of

TODAY = dt.date(2026, 11, 23)
PRAGUE = ZoneInfo("Europe/Prague")
HOUR_MS = 3_600_000
THIS_WEEK = week_of(TODAY)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-23", 24)]
)
def test_a_local_day_has_as_many_hours_as_its_clocks_show(day: str, hours: int) -> None:
    date = dt.date.fromisoformat(day)
    start_ms, end_ms = Period(date, date).bounds_ms(PRAGUE)
    assert end_ms - start_ms == hours * HOUR_MS


def test_a_month_with_a_change_of_clocks_has_two_offsets_and_no_gap() -> None:
    october = month_of(dt.date(2026, 10, 1))
    summer, winter = october.offsets(PRAGUE)
    start_ms, end_ms = october.bounds_ms(PRAGUE)
    # On 25 October 2026 at 01:00 UTC.
    assert summer == (start_ms, 1_792_890_000_000, 2 * HOUR_MS)
    assert winter == (1_792_890_000_000, end_ms, HOUR_MS)
    assert len(month_of(TODAY).offsets(PRAGUE)) == 1


def test_the_period_beside_a_month_is_a_month_and_beside_days_as_many_days() -> None:
    november = month_of(TODAY)
    assert november.step(-1) == month_of(dt.date(2026, 10, 1))
    assert november.step(1) == month_of(dt.date(2026, 12, 1))
    assert THIS_WEEK.step(1) == Period(dt.date(2026, 11, 30), dt.date(2026, 12, 6))


def test_a_period_is_told_in_words() -> None:
    assert month_of(TODAY).words == "November 2026"
    assert Period(TODAY, TODAY).words == "23 Nov 2026"
    assert THIS_WEEK.words == "23 Nov 2026 – 29 Nov 2026"
    assert dict(presets(TODAY))["Last month"] == month_of(dt.date(2026, 10, 5))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from": "2026-11-23", "to": "x"}, "both days"),
        ({"from": "2026-11-23", "to": "2026-11-22"}, "before it begins"),
        ({"from": "2025-01-01", "to": "2026-11-22"}, "a year at most"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "between the years 2000 and 2100"),
    ],
)
def test_a_period_that_cannot_be_shows_the_usual_one_and_says_why(
    query: dict[str, str], words: str
) -> None:
    period, error = read_period(query, THIS_WEEK, "This week")
    assert words in error
    assert "This week is shown instead." in error
    assert period == THIS_WEEK


def test_a_year_is_a_period() -> None:
    period, error = read_period({"from": "2026-01-01", "to": "2026-12-31"}, THIS_WEEK, "This week")
    assert not error
    assert period.first == dt.date(2026, 1, 1)
