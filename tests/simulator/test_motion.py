"""True days are possible days, and receivers are wrong about them as they should be."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.fix import Fix, usable
from core.dispatch.geometry import Point, distance_m
from simulator.device_clock import EPOCH_MS
from simulator.draw import CALM, FAULTS, Options, chance_for, draw_options
from simulator.motion import ROOM_M, Errand, Mode, TrueDay, moved, plan_day
from simulator.receiver import Reception, receive

HOME: Point = (601_700_000, 249_400_000)
START_MS = EPOCH_MS + 7 * 3_600_000
STREET_MPS = 11.0


def streets(start: Point, end: Point) -> list[tuple[float, int, int]]:
    """A town of streets that go north and east, with a corner every 200 m or so."""
    corner = (end[0], start[1])
    points = [start, *_every_200_m(start, corner), *_every_200_m(corner, end)]
    steps, seconds = [(0.0, *start)], 0.0
    for here, there in zip(points, points[1:], strict=False):
        seconds += distance_m(*here, *there) / STREET_MPS
        steps.append((seconds, *there))
    return steps


def _every_200_m(start: Point, end: Point) -> list[Point]:
    count = int(distance_m(*start, *end) // 200) + 1
    return [
        (
            start[0] + (end[0] - start[0]) * number // count,
            start[1] + (end[1] - start[1]) * number // count,
        )
        for number in range(1, count + 1)
    ]


def no_roads(*_: Point) -> list[tuple[float, int, int]]:
    return []


def errands(seed: int, count: int = 6) -> list[Errand]:
    chance = chance_for(seed, "errands")
    made = []
    for number in range(count):
        place = moved(HOME, chance.uniform(-5_000, 5_000), chance.uniform(-5_000, 5_000))
        made.append(Errand(f"job {number}", *place, chance.uniform(240, 5_400)))
    return made


def a_day(seed: int, options: Options = CALM, route=streets) -> TrueDay:
    return plan_day(chance_for(seed, "day"), route, HOME, errands(seed), START_MS, options)


def heard(seed: int, **options) -> tuple[TrueDay, Reception]:
    world = replace(CALM, **options)
    day = a_day(seed, world)
    return day, receive(chance_for(seed, "receiver"), day, world)


def _error_m(day: TrueDay, fix) -> float:
    truth = day.position(fix.time_ms)
    return distance_m(truth.lat_e7, truth.lon_e7, fix.lat_e7, fix.lon_e7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([streets, no_roads]))
def test_a_path_is_unbroken_and_nobody_flies(seed, route):
    day = a_day(seed, draw_options(seed, allowed=FAULTS), route)
    for here, there in zip(day.waypoints, day.waypoints[1:], strict=False):
        away_m = distance_m(here.lat_e7, here.lon_e7, there.lat_e7, there.lon_e7)
        lasts_ms = there.at_ms - here.at_ms
        assert lasts_ms > 0
        assert away_m <= 0.041 * lasts_ms + 0.1
        if here.mode is Mode.WALKS:
            assert away_m / lasts_ms * 1_000 < 1.5
        if here.mode is Mode.STANDS:
            assert away_m == 0.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_whoever_is_inside_a_visit_is_within_the_room(seed):
    day = a_day(seed, draw_options(seed, allowed=FAULTS))
    assert [visit.key for visit in day.visits] == [f"job {number}" for number in range(6)]
    for visit, errand in zip(day.visits, errands(seed), strict=True):
        assert visit.leave_ms - visit.arrive_ms == round(errand.stay_s * 1_000)
        for at_ms in range(visit.arrive_ms, visit.leave_ms, 7_000):
            position = day.position(at_ms)
            away_m = distance_m(visit.lat_e7, visit.lon_e7, position.lat_e7, position.lon_e7)
            assert away_m <= ROOM_M + 0.1
            assert position.mode is Mode.STAYS


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(20, 600))
def test_the_times_within_a_circle_agree_with_the_positions(seed, radius_m):
    day = a_day(seed)
    centre = errands(seed)[2]
    spans = day.within(centre.lat_e7, centre.lon_e7, radius_m)
    starts = [start_ms for start_ms, _ in spans]
    visit = day.visits[2]
    assert any(start <= visit.arrive_ms and visit.leave_ms <= end for start, end in spans)
    for at_ms in range(day.start_ms, day.end_ms, 9_000):
        position = day.position(at_ms)
        place = (position.lat_e7, position.lon_e7)
        outside_m = distance_m(*place, centre.lat_e7, centre.lon_e7) - radius_m
        index = bisect_right(starts, at_ms) - 1
        said = index >= 0 and at_ms <= spans[index][1]
        assert said == (outside_m <= 0) or abs(outside_m) < 1.0


def test_a_car_parks_far_from_the_door_where_it_must_and_the_rest_is_walked():
    day = a_day(4, replace(CALM, car_park_m_max=250.0))
    walked_m = sum(
        distance_m(here.lat_e7, here.lon_e7, there.lat_e7, there.lon_e7)
        for here, there in zip(day.waypoints, day.waypoints[1:], strict=False)
        if here.mode is Mode.WALKS
    )
    assert walked_m > 300
    near_m = sum(1 for here in a_day(4).waypoints if here.mode is Mode.WALKS)
    assert near_m == sum(1 for here in day.waypoints if here.mode is Mode.WALKS) == 12


def test_a_jam_makes_the_car_stand_on_the_road():
    assert not any(waypoint.mode is Mode.STANDS for waypoint in a_day(1).waypoints)
    jammed = a_day(1, replace(CALM, jams_per_day=7.0))
    assert sum(waypoint.mode is Mode.STANDS for waypoint in jammed.waypoints) == 7
    assert jammed.end_ms > a_day(1).end_ms


def test_before_and_after_the_day_the_worker_is_at_home():
    day = a_day(1)
    for at_ms in (day.start_ms - 1, day.end_ms, day.end_ms + 10**9):
        position = day.position(at_ms)
        assert (position.lat_e7, position.lon_e7) == HOME
        assert position.speed_mps == 0.0


def test_the_same_seed_makes_the_same_day_and_the_same_fixes():
    options = draw_options(8, allowed=FAULTS)
    first, second = a_day(8, options), a_day(8, options)
    assert first == second
    assert receive(chance_for(8), first, options) == receive(chance_for(8), second, options)
    assert receive(chance_for(8), first, options) != receive(chance_for(9), first, options)


def test_under_an_open_sky_fixes_are_good_and_come_as_often_as_the_phone_moves():
    day, reception = heard(2)
    errors_m = sorted(_error_m(day, fix) for fix in reception.fixes)
    assert errors_m[len(errors_m) // 2] < 6
    assert errors_m[-1] < 30
    assert all(usable(fix, fix.time_ms) for fix in reception.fixes)
    assert (reception.gaps, reception.canyons, reception.outlier_times_ms) == ((), (), ())
    for fix, following in zip(reception.fixes, reception.fixes[1:], strict=False):
        moving = day.position(fix.time_ms).speed_mps >= 0.6
        lasts_s = (following.time_ms - fix.time_ms) / 1_000
        assert (9 <= lasts_s <= 11) if moving else (27 <= lasts_s <= 33)


def test_the_error_of_a_place_drifts_and_does_not_dance():
    day, reception = heard(3, indoor_drift_m=50.0)
    visit = max(day.visits, key=lambda one: one.leave_ms - one.arrive_ms)
    inside = [f for f in reception.fixes if visit.arrive_ms + 60_000 < f.time_ms < visit.leave_ms]
    assert max(_error_m(day, fix) for fix in inside) > 25
    steps_m = sorted(
        distance_m(here.lat_e7, here.lon_e7, there.lat_e7, there.lon_e7)
        for here, there in zip(inside, inside[1:], strict=False)
    )
    assert steps_m[len(steps_m) // 2] < 25


def test_an_outlier_is_far_off_and_sure_of_itself():
    day, reception = heard(4, outliers_per_hour=6.0)
    wrong = set(reception.outlier_times_ms)
    assert len(wrong) > 10
    for fix in reception.fixes:
        if fix.time_ms in wrong:
            assert fix.accuracy_m is not None
            assert fix.accuracy_m <= 6
            assert 95 < _error_m(day, fix) < 410
        else:
            assert _error_m(day, fix) < 60


def test_no_fix_comes_without_sky_or_battery():
    day, reception = heard(5, gaps_per_day=40.0, empty_battery_per_day=1.0)
    assert len(reception.gaps) > 3
    assert reception.empty_battery is not None
    silent = [*reception.gaps, reception.empty_battery]
    assert not any(span.covers(fix.time_ms) for fix in reception.fixes for span in silent)
    assert len(reception.fixes) > 100


def test_between_tall_houses_a_place_is_bad_and_known_to_be():
    day, reception = heard(6, canyons_per_day=60.0)
    on_the_road = [f for f in reception.fixes if day.position(f.time_ms).mode is Mode.DRIVES]
    bad = [f for f in on_the_road if any(span.covers(f.time_ms) for span in reception.canyons)]
    good = [f for f in on_the_road if f not in bad]
    assert _mean_claim_m(bad) > 3 * _mean_claim_m(good)


def _mean_claim_m(fixes: list[Fix]) -> float:
    return sum(fix.accuracy_m or 0 for fix in fixes) / len(fixes)


@pytest.mark.parametrize("name", ["canyons", "gaps", "outliers", "indoor_drift", "empty_batteries"])
def test_each_fault_of_a_receiver_changes_what_is_received(name):
    day = a_day(1)
    changed = 0
    for seed in range(24):
        options = draw_options(seed, allowed=[name])
        if name == "empty_batteries" and options != CALM:
            options = replace(
                options, empty_battery_per_day=1.0
            )  # One day is few for a rare fault.
        if options != CALM:
            calm = receive(chance_for(seed), day, CALM)
            changed += receive(chance_for(seed), day, options).fixes != calm.fixes
    assert changed
