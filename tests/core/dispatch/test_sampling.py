"""How often a phone asks where it is: by what it does."""

from __future__ import annotations

from core.dispatch.autolog import Places, Settings, State, replay
from core.dispatch.sampling import (
    DECIDING,
    DECIDING_SAVING,
    MOVING,
    MOVING_SAVING,
    STILL,
    STILL_SAVING,
    Sampling,
    sampling_for,
)
from tests.core.dispatch.scene import JOB_A, fix, go, job, stay

PLACES = Places([job(JOB_A)])


def asked_after(fixes: list, places: Places = PLACES, *, saving: bool = False) -> Sampling:
    """What is asked for after these fixes."""
    state, _ = replay(State(), fixes, places, Settings())
    return sampling_for(state, fixes[-1], places, saving=saving)


def test_a_phone_that_lies_still_far_from_any_place_is_left_in_peace() -> None:
    assert asked_after(stay(0, 1_200, x_m=-4_000)) == STILL
    assert asked_after(stay(0, 1_200, x_m=-4_000), saving=True) == STILL_SAVING
    assert sampling_for(State(), None, PLACES, saving=False) == STILL


def test_on_the_way_it_is_asked_often_and_near_a_place_most_often() -> None:
    way = [*stay(0, 400, x_m=-6_000), *go(405, -6_000, -2_000)]
    assert asked_after(way) == MOVING
    assert asked_after(way, saving=True) == MOVING_SAVING
    near = [*stay(0, 400, x_m=-6_000), *go(405, -6_000, -300)]
    assert asked_after(near) == DECIDING
    assert asked_after(near, saving=True) == DECIDING_SAVING
    assert asked_after(near, Places()) == MOVING, "a place of no job needs no decision"


def test_inside_a_place_it_is_asked_often_until_the_visit_is_sure_and_when_it_may_end() -> None:
    arrived = [*stay(0, 400, x_m=-4_000), *go(405, -4_000, 0)]
    came_s = arrived[-1].time_ms // 1_000 - fix(0, 0).time_ms // 1_000
    deciding = [*arrived, *stay(came_s + 5, came_s + 60)]
    assert asked_after(deciding) == DECIDING
    visiting = [*arrived, *stay(came_s + 5, came_s + 1_200)]
    assert asked_after(visiting) == STILL
    leaving = [*visiting, fix(came_s + 1_260, 300)]
    assert asked_after(leaving) == DECIDING


def test_whoever_lives_beside_a_job_of_tonight_does_not_decide_all_day() -> None:
    assert asked_after(stay(0, 3_600, x_m=-350)) == STILL
