"""Duty: spans, proposals from the shift, and what may leave the phone."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.duty import (
    DUTY_MS_MAX,
    DutyError,
    DutyMark,
    Outgoing,
    Shift,
    may_leave,
    on_duty,
    proposed,
    sendable,
    shift_end_ms,
    spans,
)
from tests.core.dispatch.scene import ms, stay

HOUR = 3_600_000
STOCKHOLM = ZoneInfo("Europe/Stockholm")

marks = st.builds(
    DutyMark,
    st.sampled_from([b"a", b"b", b"c"]),
    st.integers(0, 100 * HOUR),
    st.none() | st.integers(0, 100 * HOUR),
)


def test_a_duty_goes_on_until_it_is_ended_and_no_longer_than_sixteen_hours() -> None:
    going = [DutyMark(b"a", ms(0))]
    assert spans(going, ms(60)) == [(ms(0), None)]
    assert spans(going, ms(0) + 20 * HOUR) == [(ms(0), ms(0) + DUTY_MS_MAX)]
    assert on_duty(going, ms(0))
    assert not on_duty(going, ms(0) + DUTY_MS_MAX)


def test_a_second_start_or_stop_changes_nothing() -> None:
    once = [DutyMark(b"a", ms(0), ms(600))]
    assert spans([*once, DutyMark(b"a", ms(30), ms(900))], ms(5000)) == [(ms(0), ms(600))]
    assert not on_duty(once, ms(600))
    assert spans([DutyMark(b"a", ms(600), ms(0))], ms(5000)) == []


@given(st.lists(marks, max_size=6), st.integers(0, 200 * HOUR))
def test_spans_are_disjoint_and_in_order(duties: list[DutyMark], now_ms: int) -> None:
    found = spans(duties, now_ms)
    assert spans([*reversed(duties), *duties], now_ms) == found
    for (start, stop), (following, _) in zip(found, found[1:], strict=False):
        assert stop is not None
        assert start < stop < following


@given(st.lists(marks, max_size=6), st.integers(0, 200 * HOUR))
def test_no_place_leaves_the_phone_off_duty_and_no_work_is_held_back(
    duties: list[DutyMark], at_ms: int
) -> None:
    assert may_leave(Outgoing.PLACE, at_ms, duties) == on_duty(duties, at_ms)
    assert may_leave(Outgoing.RECORD, at_ms, duties)
    assert may_leave(Outgoing.PRESENCE, at_ms, duties)


def test_of_a_track_only_what_was_taken_on_duty_is_sent() -> None:
    track = stay(0, 3600, every_s=60)
    duties = [DutyMark(b"a", ms(600), ms(1200)), DutyMark(b"b", ms(3000))]
    sent = sendable(list(reversed(track)), duties)
    assert [fix for fix in track if on_duty(duties, fix.time_ms)] == sent
    assert len(sent) == 10 + 11
    assert sendable([], duties) == []
    assert sendable(track, []) == []


def test_a_shift_is_told_by_the_hands_on_the_wall() -> None:
    day = Shift(7 * 60, 15 * 60 + 30)
    start_ms, end_ms = proposed(day, date(2026, 5, 29), STOCKHOLM)
    assert (start_ms, end_ms - start_ms) == (1_780_030_800_000, 8 * HOUR + HOUR // 2)
    night = Shift(22 * 60, 30 * 60)
    spring = proposed(night, date(2026, 3, 28), STOCKHOLM)
    autumn = proposed(night, date(2026, 10, 24), STOCKHOLM)
    assert [(end - start) / HOUR for start, end in (spring, autumn)] == [7, 9]


def test_the_shift_that_goes_on_may_have_begun_yesterday() -> None:
    night = Shift(22 * 60, 30 * 60)
    start_ms, end_ms = proposed(night, date(2026, 5, 29), STOCKHOLM)
    assert shift_end_ms(night, STOCKHOLM, start_ms + 4 * HOUR) == end_ms
    assert shift_end_ms(night, STOCKHOLM, start_ms + 9 * HOUR) is None
    day = Shift(7 * 60, 15 * 60)
    start_ms, end_ms = proposed(day, date(2026, 5, 29), STOCKHOLM)
    assert shift_end_ms(day, STOCKHOLM, start_ms + HOUR) == end_ms
    assert shift_end_ms(day, STOCKHOLM, end_ms + HOUR) == end_ms
    assert shift_end_ms(day, STOCKHOLM, start_ms - HOUR) is None


@pytest.mark.parametrize("minutes", [(-1, 60), (600, 600), (600, 500), (0, 2881), (1440, 1500)])
def test_a_shift_that_is_none_is_refused(minutes: tuple[int, int]) -> None:
    with pytest.raises(DutyError, match="shift"):
        Shift(*minutes)
