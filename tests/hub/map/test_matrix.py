"""A matrix of travel times: the roads' own where they were searched, the air line else."""

from __future__ import annotations

import pytest

from core.dispatch.geometry import Point
from hub.map.matrix import PLACES_MAX, TooManyPlaces, matrix
from hub.map.roads import Roads
from hub.map.travel import air_travel

STATION: Point = (601_712_000, 249_440_000)
ESPLANADI: Point = (601_675_000, 249_470_000)
TALLINN: Point = (594_370_000, 247_536_000)


def test_times_are_those_of_the_routes_and_estimates_follow_them(roads: Roads) -> None:
    done: list[tuple[int, int]] = []
    found = matrix(roads, [STATION, ESPLANADI, TALLINN], lambda n, of: done.append((n, of)))
    route = roads.route(STATION, ESPLANADI)
    assert route is not None
    assert found.times_ms[0][1] == pytest.approx(route.duration_s * 1000)
    assert found.by_road[0] == [True, True, False]
    assert found.times_ms[0][0] == found.times_ms[2][2] == 0
    # What no search reached is longer than the air line by as much as what was searched.
    ratios = [
        found.times_ms[a][b] / (air_travel(start, end).seconds * 1000)
        for a, start in enumerate((STATION, ESPLANADI))
        for b, end in enumerate((STATION, ESPLANADI))
        if a != b
    ]
    estimated = found.times_ms[0][2] / (air_travel(STATION, TALLINN).seconds * 1000)
    assert min(ratios) - 0.01 <= estimated <= max(ratios) + 0.01
    assert done[-1][1] == 3


def test_without_roads_and_at_one_place_the_air_line_answers() -> None:
    found = matrix(None, [STATION, STATION, TALLINN])
    assert found.times_ms[0][1] == 0
    assert found.times_ms[0][2] == pytest.approx(
        air_travel(STATION, TALLINN).seconds * 1000, rel=0.01
    )
    assert not any(any(row) for row in found.by_road)
    with pytest.raises(TooManyPlaces, match="choose fewer"):
        matrix(None, [STATION] * (PLACES_MAX + 1))
