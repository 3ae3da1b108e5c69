"""Delays: each cause with its minutes and since when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.delay import Cause, Course, Delay, delays, is_delayed
from core.dispatch.fields import Phase

MIN = 60_000
OPENS, CLOSES = 60 * MIN, 180 * MIN
PLANNED = Course(
    window_start_ms=OPENS, window_end_ms=CLOSES, planned_min=60, phase=Phase.ACCEPTED,
    sent_ms=0, received_ms=MIN, position_ms=None,
)  # fmt: skip


def found(course: Course, now_min: float) -> dict[Cause, tuple[int, float]]:
    return {
        delay.cause: (delay.minutes, delay.since_ms / MIN)
        for delay in delays(course, round(now_min * MIN))
    }


def test_a_job_that_goes_as_planned_has_no_trouble() -> None:
    course = replace(PLANNED, position_ms=100 * MIN, eta_s=600)
    assert found(course, 101) == {}
    there = replace(course, phase=Phase.ON_SITE, travelling_ms=100 * MIN, arrived_ms=110 * MIN)
    assert found(there, 160) == {}
    assert found(replace(there, phase=Phase.FINISHED, finished_ms=170 * MIN, over=True), 900) == {}


def test_an_arrival_predicted_near_the_end_of_the_window_is_at_risk() -> None:
    course = replace(PLANNED, position_ms=150 * MIN, eta_s=40 * 60)
    # To be there ten minutes before the end, setting out was due at 130.
    assert found(course, 150) == {Cause.AT_RISK: (10, 130)}
    assert found(replace(course, eta_s=15 * 60), 150) == {}
    assert found(replace(course, eta_s=25 * 60), 150) == {Cause.AT_RISK: (0, 145)}
    # On the way the prediction is from the position, and does not slip as it gets older.
    moving = replace(course, travelling_ms=140 * MIN, eta_s=15 * 60)
    assert found(moving, 154) == {}
    assert not is_delayed(delays(course, 150 * MIN))


def test_without_a_travel_time_the_end_of_the_window_itself_comes_near() -> None:
    course = replace(PLANNED, position_ms=171 * MIN)
    assert found(replace(course, position_ms=165 * MIN), 170) == {}
    assert found(course, 175) == {Cause.AT_RISK: (0, 170)}


def test_a_window_that_is_over_is_a_no_show_without_and_a_late_start_with_travel() -> None:
    assert found(PLANNED, 195) == {Cause.NO_SHOW: (15, 180)}
    unassigned = replace(PLANNED, phase=None, sent_ms=None, received_ms=None)
    assert found(unassigned, 195) == {Cause.NO_SHOW: (15, 180)}
    moving = replace(PLANNED, phase=Phase.TRAVELLING, travelling_ms=170 * MIN)
    assert found(moving, 195) == {Cause.LATE_START: (15, 180)}
    arrived = replace(moving, phase=Phase.ON_SITE, arrived_ms=200 * MIN)
    assert found(arrived, 220) == {Cause.LATE_START: (20, 180)}
    assert is_delayed(delays(arrived, 220 * MIN))


def test_a_late_finish_is_measured_against_what_was_due() -> None:
    course = replace(PLANNED, phase=Phase.ON_SITE, travelling_ms=0, arrived_ms=170 * MIN)
    # Due at the window's end and the planned hour.
    assert found(course, 239) == {}
    assert found(course, 243)[Cause.LATE_FINISH] == (3, 240)
    sooner = replace(course, due_ms=200 * MIN, over=True, finished_ms=205 * MIN)
    # A correction made weeks later changes nothing: the time of finishing is what counts.
    assert found(sooner, 50_000) == {Cause.LATE_FINISH: (5, 200)}


def test_an_overrun_needs_a_quarter_and_ten_minutes_over_the_plan() -> None:
    there = replace(PLANNED, phase=Phase.ON_SITE, travelling_ms=0, arrived_ms=70 * MIN)
    assert found(there, 145) == {}
    assert found(there, 146)[Cause.OVERRUN] == (16, 145)
    short = replace(there, planned_min=10)
    assert found(short, 90) == {}
    assert found(short, 91)[Cause.OVERRUN] == (11, 90)
    # Breaks are cut out of what was worked.
    assert Cause.OVERRUN not in found(replace(there, on_site_ms=60 * MIN), 170)
    assert found(replace(there, on_site_ms=80 * MIN), 170)[Cause.OVERRUN] == (20, 165)


def test_a_phone_that_is_silent_inside_the_window_is_blind() -> None:
    silent = replace(PLANNED, position_ms=80 * MIN)
    assert found(silent, 110) == {}
    assert found(silent, 111) == {Cause.BLIND: (31, 110)}
    assert found(replace(silent, on_duty=False), 111) == {}
    assert found(PLANNED, 61)[Cause.BLIND] == (31, 60)
    assert found(replace(silent, position_ms=0), 59) == {}


def test_an_assignment_that_does_not_reach_its_phone_is_unacknowledged() -> None:
    sent = replace(PLANNED, phase=Phase.ASSIGNED, received_ms=None)
    assert found(sent, 15) == {}
    assert found(sent, 16) == {Cause.UNACKNOWLEDGED: (16, 15)}
    assert found(replace(sent, phase=Phase.RECEIVED), 16) == {}


maybe_ms = st.none() | st.integers(0, 400 * MIN)


@given(
    st.builds(
        Course, maybe_ms, maybe_ms, st.none() | st.integers(1, 300), maybe_ms,
        st.none() | st.sampled_from(Phase), maybe_ms, maybe_ms, maybe_ms, maybe_ms, maybe_ms,
        maybe_ms, st.none() | st.integers(0, 7200), maybe_ms, st.booleans(), st.booleans(),
    ),
    st.integers(0, 500 * MIN),
)  # fmt: skip
def test_every_trouble_has_minutes_and_began_in_the_past(course: Course, now_ms: int) -> None:
    troubles = delays(course, now_ms)
    assert [each.cause for each in troubles] == sorted(
        (each.cause for each in troubles), key=list(Cause).index
    )
    for trouble in troubles:
        assert isinstance(trouble, Delay)
        assert trouble.minutes >= (0 if trouble.cause is Cause.AT_RISK else 1)
        happened = (course.arrived_ms, course.finished_ms, now_ms)
        assert trouble.since_ms <= max(ms for ms in happened if ms is not None)


@pytest.mark.parametrize("phase", [Phase.REJECTED, None])
def test_a_job_that_is_over_without_work_has_no_trouble(phase: Phase | None) -> None:
    gone = replace(PLANNED, phase=phase, received_ms=None, over=True)
    assert found(gone, 500) == {}
