"""A worker's stops one after the other: waiting, working, being late, and what one more adds."""

from __future__ import annotations

import pytest

from core.dispatch.itinerary import MINUTE_MS, Stop, itinerary, lateness_added, length_ms


def legs(start: int | None, end: int | None) -> int:
    """Ten minutes for each step between two places of a street."""
    return 0 if start is None or end is None else abs(start - end) * 10 * MINUTE_MS


def stop(job: str, place: int | None, *window: int | None, minutes: int = 30) -> Stop:
    start, end = (None if at is None else at * MINUTE_MS for at in window or (None, None))
    return Stop(job, place, minutes * MINUTE_MS, start, end)


def minutes(ms: int) -> int:
    return ms // MINUTE_MS


def test_who_comes_early_waits_and_who_comes_late_is_late() -> None:
    early, late = itinerary(0, 0, [stop("a", 1, 60, 90), stop("b", 3, 0, 100)], legs)
    assert (minutes(early.arrive_ms), minutes(early.begin_ms), early.late_ms) == (10, 60, 0)
    assert minutes(late.arrive_ms) == 90 + 20
    assert minutes(late.late_ms) == 10


def test_a_stop_without_a_position_takes_its_time_and_moves_nobody() -> None:
    found = itinerary(0, 2, [stop("a", None), stop("b", 3)], legs)
    assert [minutes(one.arrive_ms) for one in found] == [0, 40]


def test_what_one_more_job_makes_late_is_told_with_how_much_of_it_is_new() -> None:
    plan = [stop("a", 1, 0, 15), stop("b", 2, 0, 45)]
    before = itinerary(0, 0, plan, legs)
    after = itinerary(0, 0, [stop("new", 0), *plan], legs)
    found = [(one.job, minutes(one.late_ms), minutes(one.more_ms)) for one in
             lateness_added(before, after)]  # fmt: skip
    assert found == [("b", 35, 30), ("a", 25, 25)]
    assert lateness_added(before, before) == []


@pytest.mark.parametrize(
    ("planned", "window", "expected"),
    [
        (45, (0, 600), 45),
        (None, (0, 90), 90),
        (None, (0, 15), 15),
        (None, (0, 10), 60),
        (None, (0, 600), 60),
        (None, (None, None), 60),
    ],
)
def test_a_job_that_nobody_planned_takes_its_short_window_or_an_hour(
    planned: int | None, window: tuple[int | None, int | None], expected: int
) -> None:
    start, end = (None if at is None else at * MINUTE_MS for at in window)
    assert minutes(length_ms(planned, start, end)) == expected
