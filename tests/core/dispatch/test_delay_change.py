"""When delays can be others: never later than the bound, whatever the job's course."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.delay import Course, delays
from core.dispatch.delay_change import next_change_ms
from core.dispatch.fields import Phase

MIN = 60_000
MOMENTS = st.integers(0, 300).map(lambda half_minutes: half_minutes * MIN // 2)
NEAR = st.one_of(MOMENTS, MOMENTS.map(lambda at: at + 1), st.integers(0, 150 * MIN))
COURSES = st.builds(
    Course,
    window_start_ms=st.none() | MOMENTS,
    window_end_ms=st.none() | MOMENTS,
    planned_min=st.none() | st.integers(0, 90),
    phase=st.none() | st.sampled_from(list(Phase)),
    sent_ms=st.none() | NEAR,
    received_ms=st.none() | NEAR,
    travelling_ms=st.none() | NEAR,
    arrived_ms=st.none() | NEAR,
    finished_ms=st.none() | NEAR,
    on_site_ms=st.none() | NEAR,
    eta_s=st.none() | st.integers(0, 7_200),
    position_ms=st.none() | NEAR,
    on_duty=st.booleans(),
    over=st.booleans(),
)


@given(COURSES, NEAR, st.booleans(), st.lists(st.floats(0, 1), max_size=8))
def test_until_it_says_a_jobs_delays_stay_what_they_are(
    course: Course, now_ms: int, works: bool, shares: list[float]
) -> None:
    works = works and course.on_site_ms is not None
    until_ms = next_change_ms(course, now_ms, is_working=works)
    end_ms = now_ms + 400 * MIN if until_ms is None else until_ms
    assert end_ms > now_ms
    known = delays(course, now_ms)
    for at_ms in (end_ms - 1, *(now_ms + int(share * (end_ms - 1 - now_ms)) for share in shares)):
        then = course
        if works and course.on_site_ms is not None:
            then = replace(course, on_site_ms=course.on_site_ms + at_ms - now_ms)
        assert delays(then, at_ms) == known


def test_a_job_that_is_over_or_has_no_date_is_never_looked_at_again() -> None:
    assert next_change_ms(Course(), 5 * MIN) is None
    done = Course(window_end_ms=MIN, arrived_ms=0, finished_ms=2 * MIN, planned_min=1, over=True)
    assert next_change_ms(done, 5 * MIN) is None
