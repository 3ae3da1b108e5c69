"""Another minimum on the same fixes: what it would log otherwise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.autolog import JobPlace, Places, Settings
from core.dispatch.what_if import Difference, LoggedVisit, differences, visits_under
from tests.core.dispatch.scene import JOB_A, JOB_B, go, job, stay
from tests.traces import generate

A, B = job(JOB_A), job(JOB_B, x_m=2_000)
# Ten minutes at one job, four at the next, and on.
DAY = [
    *stay(0, 400, x_m=-4_000),
    *go(405, -4_000, 0),
    *stay(745, 1_345),
    *go(1_350, 0, 2_000),
    *stay(1_530, 1_800, x_m=2_000),
    *go(1_805, 2_000, 6_000),
    *stay(2_200, 2_800, x_m=6_000),
]


def under(minimum: int) -> tuple[LoggedVisit, ...]:
    return visits_under(DAY, Places([A, B]), Settings(threshold_min=minimum))


def test_a_shorter_stay_goes_under_a_higher_minimum_and_comes_back_under_a_lower_one() -> None:
    low, high = under(3), under(8)
    assert [visit.job for visit in low] == [JOB_A, JOB_B]
    assert [visit.job for visit in high] == [JOB_A]
    (gone,) = differences(low, high)
    assert (gone.job, gone.before, gone.after) == (JOB_B, low[1], None)
    (new,) = differences(high, low)
    assert (new.job, new.before, new.after) == (JOB_B, None, low[1])
    assert 9 <= low[0].minutes <= 12


def test_a_visit_that_goes_on_at_the_end_ends_as_far_as_it_was_seen() -> None:
    seen = [fix for fix in DAY if fix.time_ms < DAY[0].time_ms + 1_100_000]
    (visit,) = visits_under(seen, Places([A]), Settings())
    assert (visit.job, visit.certain, visit.stop_ms) == (JOB_A, False, seen[-1].time_ms)


def test_a_visit_with_other_times_is_one_difference_and_not_two() -> None:
    before = LoggedVisit(JOB_A, 0, 600_000, True)
    after = LoggedVisit(JOB_A, 300_000, 600_000, True)
    assert differences([before], [after]) == (Difference(JOB_A, before, after),)
    assert differences([before], [before]) == ()
    other = LoggedVisit(JOB_B, 0, 600_000, True)
    assert len(differences([before], [other])) == 2


@given(st.integers(0, 50), st.integers(0, 60))
def test_with_equal_settings_there_is_no_difference(seed: int, minimum: int) -> None:
    made = generate(seed, 1)
    places = Places([JobPlace(bytes([n]) * 12, *at) for n, at in enumerate(made.places)])
    visits = visits_under(made.fixes, places, Settings(threshold_min=minimum))
    assert differences(visits, visits) == ()
    again = visits_under(list(reversed(made.fixes)), places, Settings(threshold_min=minimum))
    assert again == visits, "whatever order the fixes come in"
