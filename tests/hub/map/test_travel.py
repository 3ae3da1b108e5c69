"""Every travel time names its source."""

from __future__ import annotations

import pytest

from core.dispatch.geometry import Point, distance_m
from hub.map.roads import Roads
from hub.map.travel import TravelSource, air_travel, route_between, travel_to

STATION: Point = (601_712_000, 249_440_000)
ESPLANADI: Point = (601_675_000, 249_470_000)
TALLINN: Point = (594_370_000, 247_536_000)


def test_time_over_roads_says_that_it_is_from_roads(roads: Roads) -> None:
    (travel,) = travel_to(roads, STATION, [ESPLANADI])
    route = roads.route(ESPLANADI, STATION)
    assert route is not None
    assert (travel.source, str(travel.source)) == (TravelSource.ROADS, "road graph")
    assert travel.seconds == pytest.approx(route.duration_s)


def test_time_without_roads_is_the_air_line_and_says_so(roads: Roads) -> None:
    expected_s = distance_m(*TALLINN, *STATION) * 1.35 / (40 / 3.6)
    for graph in (roads, None):
        (travel,) = travel_to(graph, STATION, [TALLINN])
        assert (travel.source, str(travel.source)) == (TravelSource.AIR, "air line")
        assert travel.seconds == pytest.approx(expected_s)


def test_each_worker_gets_the_best_source_there_is(roads: Roads) -> None:
    found = travel_to(roads, STATION, [ESPLANADI, TALLINN, ESPLANADI])
    assert [travel.source for travel in found] == [
        TravelSource.ROADS,
        TravelSource.AIR,
        TravelSource.ROADS,
    ]
    assert found[0] == found[2]


def test_drive_longer_than_the_bound_is_estimated(roads: Roads) -> None:
    (travel,) = travel_to(roads, STATION, [ESPLANADI], seconds_max=1)
    assert travel == air_travel(ESPLANADI, STATION)


def test_there_is_always_a_route_to_draw(roads: Roads) -> None:
    route, source = route_between(roads, ESPLANADI, STATION)
    assert source == TravelSource.ROADS
    assert len(route.points) > 5
    straight, source = route_between(roads, TALLINN, STATION)
    assert source == TravelSource.AIR
    assert straight.points == [TALLINN, STATION]
    assert straight.seconds == [0.0, air_travel(TALLINN, STATION).seconds]


def test_nobody_to_ask_for_is_no_error(roads: Roads) -> None:
    assert travel_to(roads, STATION, []) == []
    assert travel_to(None, STATION, []) == []
