"""Jams cost time and change no way; tunnels, garages and apps that lie do what they say."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.fix import usable
from core.dispatch.geometry import distance_m
from simulator.draw import CALM, chance_for
from simulator.jam import Jam, held_up
from simulator.motion import Mode, plan_day
from simulator.receiver import Mocked, Span, Troubles, Tunnel, receive
from tests.simulator.test_motion import HOME, START_MS, a_day, errands, streets

CORNER = (601_790_000, 249_400_000)
WAY = streets(HOME, (601_790_000, 249_700_000))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(40, 600), st.sampled_from([0.0, 20.0, 60.0]))
def test_a_jam_costs_its_time_once_and_the_way_stays_the_same(seed, lasts_s, stand_s):
    jam = Jam(*CORNER, 80.0, lasts_s, stand_s)
    slow = held_up(chance_for(seed), WAY, jam)
    assert slow is not None
    times_s = [seconds for seconds, *_ in slow]
    assert times_s == sorted(times_s)
    places = [place for _, *place in slow]
    corners = [[lat, lon] for _, lat, lon in WAY]
    assert [place for place in places if place in corners][:: len(places)] == [list(HOME)]
    assert places[-1] == corners[-1]
    assert set(map(tuple, corners)) <= set(map(tuple, places))
    inside = [s for s, lat, lon in slow if distance_m(lat, lon, *CORNER) <= 80.0]
    assert abs(inside[-1] - inside[0] - lasts_s) < 0.5
    assert abs(times_s[-1] - WAY[-1][0] - (lasts_s - 140 / 11)) < 6


def test_a_jam_that_the_way_does_not_lead_through_changes_nothing():
    assert held_up(chance_for(1), WAY, Jam(*HOME[:1], 250_000_000, 80.0, 300.0, 40.0)) is None


def test_cars_in_a_jam_stand_and_roll_and_those_that_crawl_never_stand():
    def standing_s(stand_s: float) -> float:
        jam = Jam(*CORNER, 80.0, 300.0, stand_s)
        only = [replace(errands(1)[0], lat_e7=601_790_000, lon_e7=249_700_000)]
        day = plan_day(chance_for(3), streets, HOME, only, START_MS, CALM, [jam])
        pairs = zip(day.waypoints, day.waypoints[1:], strict=False)
        return sum(b.at_ms - a.at_ms for a, b in pairs if a.mode is Mode.STANDS) / 1_000

    assert 200 < standing_s(40.0) < 300
    assert standing_s(0.0) == 0


def test_who_goes_on_foot_leaves_the_car_where_it_is():
    first, second = errands(5)[:2]
    near = replace(second, lat_e7=first.lat_e7 + 5_000, lon_e7=first.lon_e7, on_foot=True)
    day = plan_day(chance_for(1), streets, HOME, [first, near], START_MS)
    between = [
        point.mode
        for point in day.waypoints
        if day.visits[0].leave_ms <= point.at_ms < day.visits[1].arrive_ms
    ]
    assert set(between) == {Mode.WALKS}
    assert sum(point.mode is Mode.WALKS for point in day.waypoints) == 3


def test_a_car_stands_as_far_from_the_door_as_the_errand_says():
    far = [replace(errand, park_m=(100.0, 200.0)) for errand in errands(2)]
    day = plan_day(chance_for(2), streets, HOME, far, START_MS)
    for visit in day.visits:
        walk = [w for w in day.waypoints if w.mode is Mode.WALKS and w.at_ms < visit.arrive_ms][-1]
        assert 99 < distance_m(walk.lat_e7, walk.lon_e7, visit.lat_e7, visit.lon_e7) < 201


def test_nothing_is_heard_in_a_tunnel_and_in_a_silence():
    day = a_day(3)
    drive = [point for point in day.waypoints if point.mode is Mode.DRIVES]
    middle = drive[len(drive) // 2]
    tunnel = Tunnel(middle.lat_e7, middle.lon_e7, 300.0)
    silence = Span(day.visits[1].arrive_ms, day.visits[1].arrive_ms + 300_000)
    calm = receive(chance_for(1), day, CALM).fixes
    troubled = receive(chance_for(1), day, CALM, Troubles((tunnel,), (silence,))).fixes
    assert 0 < len(calm) - len(troubled) < len(calm) / 2
    for fix in troubled:
        truth = day.position(fix.time_ms)
        away_m = distance_m(truth.lat_e7, truth.lon_e7, tunnel.lat_e7, tunnel.lon_e7)
        assert away_m > 300 or truth.mode not in (Mode.DRIVES, Mode.STANDS)
        assert not silence.covers(fix.time_ms)


def test_a_mocked_phone_says_where_it_is_not_and_some_fixes_tell_no_accuracy():
    day = a_day(4)
    span = Span(day.start_ms + 600_000, day.start_ms + 1_800_000)
    troubles = Troubles(mocks=(Mocked(span, 601_000_000, 249_000_000),), unknown_accuracy_share=0.5)
    fixes = receive(chance_for(1), day, CALM, troubles).fixes
    mocked = [fix for fix in fixes if fix.mock]
    assert {(fix.lat_e7, fix.lon_e7) for fix in mocked} == {(601_000_000, 249_000_000)}
    assert mocked == [fix for fix in fixes if span.covers(fix.time_ms)]
    unknown = sum(not usable(fix) for fix in fixes if not fix.mock)
    assert 0.4 < unknown / (len(fixes) - len(mocked)) < 0.6
