"""The lines of a plan: order, places, days of 23 and 25 hours, and what a move means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from replica.screens.joblist import Card, sections_of
from tests.web.office import NOON_MS
from web.board.days import day_bounds
from web.board.plan_lines import (
    SCALE,
    PlanStop,
    axis_of,
    in_order,
    lanes_of,
    place,
    shifts_of,
)
from web.board.plan_moves import ORDER, PUSH, TIME, Person, arrivals, faults, move
from web.formats import HOUR_MS, MINUTE_MS

PRAGUE = ZoneInfo("Europe/Prague")
DAY = dt.date(2026, 11, 23)
FIRST_MS = NOON_MS - 12 * HOUR_MS
HERE, THERE = (500_995_000, 144_250_000), (501_500_000, 144_250_000)


def at(hour: float) -> int:
    """An hour of the day, ms UTC."""
    return FIRST_MS + round(hour * HOUR_MS)


def stop(name: str, start: float | None, end: float | None = None, **more: Any) -> PlanStop:
    """A job of Ana's with a window in hours of the day, an hour long."""
    first = None if start is None else at(start)
    last = None if start is None else at(start + 1 if end is None else end)
    plain = PlanStop(name, name, f"Job {name}", "open", 1, first, last, None, *HERE, "ab")
    return plain._replace(worker="ana", turn="01", phase="assigned")._replace(**more)


def quarter_of_an_hour(start: object, end: object) -> int:
    """Every way takes a quarter of an hour."""
    return 0 if start is None or end is None else 900


def no_way(start: object, end: object) -> int:
    """Every way takes no time."""
    return 0


def names(stops: Iterable[PlanStop]) -> list[str]:
    """The numbers of stops."""
    return [one.number for one in stops]


# --- the order


def card(one: PlanStop) -> Card:
    """The job as it lies on the worker's phone."""
    return Card(one.job, one.turn, one.number, one.title, "", "", "", "", "", None, None, "", "",
                one.priority, one.window_start, one.window_end, None, one.phase, "", one.position,
                "", "", 0, None, 0, 0, "")  # fmt: skip


STOPS = st.lists(
    st.tuples(
        st.none() | st.integers(6, 20), st.sampled_from([0, 0, 0, 100, 200, 250]), st.integers(0, 3)
    ),
    min_size=1,
    max_size=7,
).map(
    lambda found: [
        stop(f"A-{index}", start, position=position, priority=priority)
        for index, (start, position, priority) in enumerate(found)
    ]
)


@given(STOPS)
def test_the_planner_lists_a_day_as_the_phone_does(stops: list[PlanStop]) -> None:
    sections = sections_of({one.job: card(one) for one in stops}, at(6), PRAGUE)
    on_phone = [*sections["Next"], *sections["Today"]]
    assert [one.number for one in on_phone] == names(in_order(stops))


@given(STOPS, st.integers(5 * 4, 21 * 4), st.sampled_from([ORDER, TIME, PUSH]))
def test_after_a_move_the_phone_lists_the_day_as_the_preview_said(
    stops: list[PlanStop], quarter: int, way: str
) -> None:
    moved, others = stops[0]._replace(position=0, turn=""), stops[1:]
    after = move(others, moved, at(quarter / 4), way, FIRST_MS, quarter_of_an_hour)
    assert names(in_order(after.order)) == names(after.order)
    assert [n for n in names(after.order) if n != moved.number] == names(in_order(others))
    for one in after.order:
        known = next(each for each in (moved, *others) if each.job == one.job)
        assert (one.position != known.position) <= (one.job in after.positions)
        assert (one.window != known.window) <= (one.job in after.windows)


def test_a_move_between_two_planned_jobs_writes_to_one() -> None:
    others = [stop("A", 8, position=100), stop("B", 9, position=200), stop("C", 10)]
    after = move(others, stop("X", 8, 16), at(8.75), ORDER, FIRST_MS, no_way)
    assert names(after.order) == ["A", "X", "B", "C"]
    assert after.positions == {"X": 150}


def test_a_move_that_the_windows_say_already_writes_no_order() -> None:
    others = [stop("A", 8), stop("C", 10)]
    after = move(others, stop("X", None), at(9), TIME, FIRST_MS, no_way)
    assert names(after.order) == ["A", "X", "C"]
    assert after.positions == {}
    assert after.windows == {"X": (at(9), at(10))}


def test_a_job_goes_behind_what_is_under_way_or_over() -> None:
    others = [stop("A", 8, phase="finished"), stop("B", 11, phase="on site"), stop("C", 12)]
    after = move(others, stop("X", 8, 18), at(8), ORDER, FIRST_MS, no_way)
    assert names(after.order) == ["A", "B", "X", "C"]
    assert after.positions == {}, "the phone lists it first of what is to do"


def test_pushing_moves_on_the_windows_that_cannot_hold_and_no_others() -> None:
    others = [stop("B", 9, 9.25, planned_min=60), stop("C", 10, 10, planned_min=30),
              stop("D", 11, 14)]  # fmt: skip
    moved = stop("X", None, planned_min=60)
    after = move(others, moved, at(8.75), PUSH, FIRST_MS, quarter_of_an_hour)
    assert after.windows == {
        "X": (at(8.75), at(9.75)),
        "B": (at(10), at(10.25)),
        "C": (at(11.25), at(11.25)),
    }
    assert names(after.order) == ["X", "B", "C", "D"]


# --- places on the scale


def test_a_job_lies_behind_the_one_before_it_within_its_window() -> None:
    placed = place(
        in_order([stop("A", 8), stop("B", 8.5, 12), stop("C", 9, 9.5)]),
        FIRST_MS,
        quarter_of_an_hour,
    )
    assert [one.start_ms for one in placed] == [at(8), at(9.25), at(9.5)], "C keeps its promise"
    assert lanes_of([(one.start_ms, one.end_ms) for one in placed]) == [0, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=12))
def test_nothing_overlaps_in_a_lane(found: list[tuple[int, int]]) -> None:
    spans = [(start, start + length) for start, length in found]
    lanes = lanes_of(spans)
    for lane in set(lanes):
        inside = sorted(span for span, where in zip(spans, lanes, strict=True) if where == lane)
        assert all(end <= start for (_, end), (start, _) in pairwise(inside))


def test_a_day_on_which_the_clocks_change_has_the_hours_that_it_has() -> None:
    for day, hours, doubled in ((dt.date(2026, 3, 29), 23, 0), (dt.date(2026, 10, 25), 25, 1)):
        start, end = day_bounds(day, PRAGUE)
        assert end - start == hours * HOUR_MS
        axis = axis_of(day, PRAGUE, [(start, end)])
        assert (axis.start_ms, axis.end_ms) == (start, end)
        words = [tick.words for tick in axis.ticks]
        assert len(words) == hours
        assert len(words) - len(set(words)) == doubled
        ten = dt.datetime.combine(day, dt.time(10), PRAGUE).timestamp() * 1000
        (tick,) = (tick for tick in axis.ticks if tick.words == "10:00")
        assert axis.left(int(ten)) == tick.left


def test_a_bar_over_a_change_of_clocks_is_as_wide_as_it_takes() -> None:
    day = dt.date(2026, 10, 25)
    start, end = day_bounds(day, PRAGUE)
    axis = axis_of(day, PRAGUE, [(start, end)])
    before = axis.span(start + HOUR_MS, start + 4 * HOUR_MS)
    after = axis.span(start + 10 * HOUR_MS, start + 13 * HOUR_MS)
    assert before is not None
    assert after is not None
    assert before[1] == after[1] == 3 * SCALE // 25


def test_the_usual_hours_are_in_sight_and_more_where_somebody_works() -> None:
    usual = axis_of(DAY, PRAGUE, [])
    assert (usual.start_ms, usual.end_ms) == (at(6), at(20))
    wider = axis_of(DAY, PRAGUE, [(at(4.5), at(5)), (at(20), at(21.25)), (at(40), at(41))])
    assert (wider.start_ms, wider.end_ms) == (at(4), at(22))
    assert wider.span(at(1), at(2)) is None


def test_a_night_shift_falls_into_two_days() -> None:
    assert shifts_of([22 * 60, 30 * 60], DAY, PRAGUE) == ((at(0), at(6)), (at(22), at(24)))
    assert shifts_of([8 * 60, 16 * 60], DAY, PRAGUE) == ((at(8), at(16)),)
    for none in (None, [1], ["8", "9"], [24 * 60, 30 * 60], "8-16"):
        assert shifts_of(none, DAY, PRAGUE) == ()


# --- what speaks against a move

ANA = Person("Ana", ((at(8), at(16)),), frozenset({"gas"}), True, "")


def against(
    others: list[PlanStop], moved: PlanStop, hour: float, way: str, person: Person = ANA
) -> str:
    """The faults of a move at eight o'clock, in one text."""
    before = arrivals(in_order(others), at(8), HERE, quarter_of_an_hour, at(8))
    after = move(others, moved, at(hour), way, FIRST_MS, quarter_of_an_hour)
    arriving = arrivals(after.order, at(8), HERE, quarter_of_an_hour, at(8))
    found = faults(after, before, arriving, person, {"gas": "Gas", "lift": "Lifts"}, PRAGUE)
    return " ".join(found)


def test_a_free_slot_has_nothing_against_it() -> None:
    assert against([stop("A", 9)], stop("X", None), 12, TIME) == ""


def test_what_comes_late_is_said_with_its_minutes() -> None:
    words = against([stop("A", 9, 9.25)], stop("X", 8, 12, planned_min=90), 8, ORDER)
    assert words == "A is 45 min late for its window, which ends at 09:15."
    words = against([stop("A", 8, 8.5, planned_min=120)], stop("X", 9), 9.5, ORDER)
    assert words == "X is 30 min late for its window, which ends at 10:00."


def test_what_was_late_already_is_no_fault_of_the_move() -> None:
    others = [stop("A", 8, planned_min=240), stop("B", 9)]
    assert against(others, stop("X", 14, 15), 15.5, ORDER) == ""


def test_shift_overlap_skills_and_phone_are_said() -> None:
    assert "X (15:30–16:30) is outside Ana's shift (08:00–16:00)." in against(
        [], stop("X", None), 15.5, TIME
    )
    assert "Overlaps A (10:00–11:00)." in against([stop("A", 10)], stop("X", None), 10.5, TIME)
    assert "Overlaps" not in against([stop("A", 10, 14)], stop("X", None), 10.5, TIME)
    needy = stop("X", None, skill_ids='["gas", "lift"]')
    assert against([], needy, 10, TIME) == "Ana lacks Lifts."
    away = replace(ANA, jobs_on=False, silent="Ana: phone silent since 07:10.")
    assert against([], stop("X", None), 10, TIME, away) == (
        "Ana has Jobs turned off on the phone. Ana: phone silent since 07:10."
    )


def test_who_is_at_a_job_is_free_when_it_is_planned_to_end() -> None:
    busy = stop("A", 8, phase="on site", arrived_at=at(7.5), planned_min=60)
    found = arrivals([busy, stop("B", 8, 20)], at(8), HERE, quarter_of_an_hour, at(8.75))
    assert [(one.stop.number, one.at_ms) for one in found] == [("B", at(9))]
    assert found[0].end_ms - found[0].at_ms == 60 * MINUTE_MS
