"""Axes have ticks that people like, whatever is drawn; amounts read as people say them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.amounts import amount, difference, family, length, moment, number, ratio
from simulator.report.scales import Axis, decades, even, fitting, over_time

SIZES = [10.0**power * by for power in range(-3, 8) for by in (1.0, 3.7, 9.9)]
MOMENTS = st.floats(0, 1e8)
VALUES = st.floats(allow_nan=True, allow_infinity=True)


def words(axis: Axis) -> list[str]:
    return [tick.words.replace("\u00a0", " ") for tick in axis.ticks]


def assert_sane(axis: Axis) -> None:
    assert axis.most > axis.least
    marks = [tick.value for tick in axis.ticks]
    assert marks == sorted(set(marks))
    assert all(0 <= axis.part(mark) <= 1 for mark in marks)


@pytest.mark.parametrize("most", SIZES)
def test_an_even_axis_has_a_few_different_ticks_by_one_two_or_five(most: float) -> None:
    axis = even([most / 3, most])
    assert_sane(axis)
    assert 3 <= len(axis.ticks) <= 8
    assert len(set(words(axis))) == len(axis.ticks)
    assert max(map(len, words(axis))) <= 7
    assert axis.least == 0
    assert axis.most >= most
    step = axis.ticks[1].value
    assert f"{step:.0e}"[0] in "125"


@pytest.mark.parametrize("most", SIZES)
@pytest.mark.parametrize("span", [1.5, 40.0, 1e4, 1e9])
def test_a_scale_of_decades_has_a_few_ticks_that_grow_alike(most: float, span: float) -> None:
    axis = decades([most / span, most], "ms")
    assert_sane(axis)
    assert 2 <= len(axis.ticks) <= 8
    assert axis.least <= most / span
    assert axis.most >= most * 0.999


@pytest.mark.parametrize("last_s", [0.2, 1, 7, 45, 119, 632, 3_600, 40_000, 86_400, 1e6, 1e8])
def test_time_is_divided_as_clocks_divide_it(last_s: float) -> None:
    axis = over_time([0, last_s])
    assert_sane(axis)
    assert 2 <= len(axis.ticks) <= 8
    assert words(axis)[0] == "0"
    assert axis.most == last_s


def test_ticks_say_their_unit_where_it_changes() -> None:
    assert words(even([45.0])) == ["0", "10", "20", "30", "40", "50"]
    assert words(even([3_200_000], "B")) == ["0", "1", "2", "3", "4"]
    assert even([3_200_000], "B").unit == "MB"
    assert even([1_500], "s").unit == "min"
    assert words(even([1_500], "s")) == ["0", "5", "10", "15", "20", "25"]
    assert words(decades([3, 40_000], "ms")) == ["10 ms", "100 ms", "1 s", "10 s"]
    assert words(over_time([632])) == ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]
    assert words(over_time([7 * 3_600])) == ["0", "2 h", "4 h", "6 h"]


@pytest.mark.parametrize("values", [[], [0.0], [5.0, 5.0], [-3.0], [math.nan], [math.inf, 2.0]])
def test_nothing_and_always_the_same_have_an_axis_too(values: list[float]) -> None:
    for axis in (even(values), fitting(values, "ms"), over_time(values)):
        assert_sane(axis)
        assert len(axis.ticks) >= 2


@given(st.lists(VALUES, max_size=5), st.sampled_from(("", "ms", "s", "B")))
def test_any_values_have_an_axis(values: list[float], unit: str) -> None:
    assert_sane(even(values, unit))
    assert_sane(fitting(values, unit))
    assert_sane(over_time(values))


def test_decades_come_where_the_range_asks_for_them() -> None:
    assert fitting([2.0, 900.0]).log
    assert not fitting([200.0, 900.0]).log
    assert not fitting([0.0, 900.0]).log
    with pytest.raises(ValueError, match="positive"):
        decades([0.0, -1.0])


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0, "sessions", "0 sessions"),
        (1_234_567, "entries", "1,234,567 entries"),
        (1_423_123, "B", "1.423 MB"),
        (18_412, "B/phone", "18.41 kB/phone"),
        (999, "ms", "999 ms"),
        (12_400, "ms", "12.4 s"),
        (0.001, "", "0.001"),
        (-2.5, "%", "−2.5 %"),
        (math.nan, "ms", "– ms"),
        (math.inf, "", "∞"),
    ],
)
def test_amounts_read_in_the_unit_in_which_they_are_short(
    value: float, unit: str, said: str
) -> None:
    assert amount(value, unit).replace("\u00a0", " ") == said


def test_numbers_times_and_moments_read_as_people_say_them() -> None:
    assert [number(each) for each in (12.3456, 999.96, 0.00001234)] == ["12.35", "1,000", "1.2e-05"]
    lengths = [length(each).replace("\u00a0", " ") for each in (0.84, 632, 7_500, 90_061)]
    assert lengths == ["0.8 s", "10 min 32 s", "2 h 5 min", "1 d 1 h"]
    assert moment("2026-11-30T09:12:53+00:00") == "30 November 2026, 09:12:53 UTC"
    assert moment("2026-11-30T09:12:53+05:30") == "30 November 2026, 09:12:53 UTC+05:30"
    assert moment("yesterday") == "yesterday"
    assert [ratio(4, 5), ratio(0, 5), ratio(-1, 5)] == ["×\u00a01.25", "–", "–"]
    assert [difference(3, ""), difference(-3, ""), difference(0, "")] == ["+3", "−3", "±0"]


@pytest.mark.parametrize(
    ("unit", "measures"),
    [
        ("ms", "time"), ("s", "time"), ("B", "bytes"), ("MB", "bytes"), ("B/phone", "bytes"),
        ("B a phone", "bytes"), ("B/s", "rate"), ("entries/s", "rate"), ("entries/min", "rate"),
        ("entries per second", "rate"), ("phones", "number"), ("", "number"), ("%", "number"),
    ],
)  # fmt: skip
def test_a_unit_says_what_it_measures(unit: str, measures: str) -> None:
    assert family(unit) == measures
