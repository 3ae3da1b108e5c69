"""Distances and outlines, with shapely as the oracle."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LinearRing
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry import Polygon as ShapelyPolygon

from core.dispatch.geometry import (
    PlaceError,
    Projection,
    area_m2,
    check_radius,
    circle,
    contains,
    crosses_itself,
    distance_m,
    edge_distance_m,
    polygon,
    radius_advice,
)

metres = st.integers(-3_000, 3_000).map(float)
corners = st.lists(st.tuples(metres, metres), min_size=3, max_size=12, unique=True)


@st.composite
def outlines(draw: st.DrawFn) -> list[tuple[float, float]]:
    """A star around a point: simple whatever its rays, and as hollow as they differ."""
    rays_m = draw(st.lists(st.integers(20, 2_000), min_size=3, max_size=12))
    x, y = draw(metres), draw(metres)
    angles = [2 * math.pi * (index + 0.5) / len(rays_m) for index in range(len(rays_m))]
    if draw(st.booleans()):
        angles.reverse()
    return [
        (x + ray * math.cos(angle), y + ray * math.sin(angle))
        for ray, angle in zip(rays_m, angles, strict=True)
    ]


anywhere = st.tuples(
    st.integers(-850_000_000, 850_000_000), st.integers(-1_800_000_000, 1_800_000_000)
)


@given(outlines(), metres, metres)
@settings(max_examples=300, deadline=None)
def test_inside_and_distance_to_the_edge_agree_with_shapely(
    ring: list[tuple[float, float]], x: float, y: float
) -> None:
    shape, here = ShapelyPolygon(ring), ShapelyPoint(x, y)
    edge_m = shape.exterior.distance(here)
    assert shape.is_valid
    assert not crosses_itself(ring)
    assert edge_distance_m(ring, x, y) == pytest.approx(edge_m, abs=1e-6)
    if edge_m > 1e-6:
        assert contains(ring, x, y) == shape.contains(here)
    assert area_m2(ring) == pytest.approx(shape.area, rel=1e-9)


@given(corners)
@settings(max_examples=300, deadline=None)
def test_an_outline_crosses_itself_where_shapely_says_so(ring: list[tuple[float, float]]) -> None:
    assert crosses_itself(ring) == (not LinearRing([*ring, ring[0]]).is_simple)


@given(anywhere, anywhere)
def test_distance_is_that_of_the_angle_between_two_places(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    def arrow(place: tuple[int, int]) -> tuple[float, float, float]:
        lat, lon = (math.radians(each / 1e7) for each in place)
        return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)

    (ax, ay, az), (bx, by, bz) = arrow(a), arrow(b)
    cross = math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    angle = math.atan2(cross, ax * bx + ay * by + az * bz)
    expected = pytest.approx(6_371_008.8 * angle, rel=1e-6, abs=0.5)
    assert distance_m(*a, *b) == expected
    assert distance_m(*b, *a) == pytest.approx(distance_m(*a, *b))


@given(anywhere, st.integers(-50_000, 50_000), st.integers(-50_000, 50_000))
def test_the_flat_map_keeps_distances_to_the_centre(
    centre: tuple[int, int], north_e7: int, east_e7: int
) -> None:
    assume(abs(centre[0]) < 700_000_000)
    there = (centre[0] + north_e7, centre[1] + east_e7)
    assume(abs(there[1]) <= 1_800_000_000)
    flat_m = math.hypot(*Projection(*centre).xy_m(*there))
    assert flat_m == pytest.approx(distance_m(*centre, *there), rel=2e-3, abs=0.1)


def test_a_place_on_the_date_line_is_no_world_away_from_the_other_side() -> None:
    area = circle(0, 1_799_999_000, 100)
    assert area.outside_m(0, -1_799_999_000) == pytest.approx(-77.8, abs=0.1)
    yard = polygon(
        [(0, 1_799_990_000), (0, -1_799_990_000), (20_000, -1_799_990_000), (20_000, 1_799_990_000)]
    )
    assert yard.outside_m(10_000, -1_799_999_999) < 0
    assert yard.outside_m(10_000, -1_799_980_000) == pytest.approx(111.2, abs=0.1)


@given(outlines())
@settings(max_examples=60, deadline=None)
def test_outside_is_negative_within_and_grows_beyond(ring: list[tuple[float, float]]) -> None:
    shape = ShapelyPolygon(ring)
    area = polygon([(round(y / 0.0111195), round(x / 0.0111195)) for x, y in ring])
    inner = shape.representative_point()
    y_e7, x_e7 = round(inner.y / 0.0111195), round(inner.x / 0.0111195)
    assert area.outside_m(y_e7, x_e7) == pytest.approx(-shape.exterior.distance(inner), abs=0.5)
    assert area.outside_m(y_e7 + 900_000, x_e7) > 1_000
    assert area.radius_m == pytest.approx(math.sqrt(shape.area / math.pi), rel=1e-2)


SQUARE = [(0, 0), (0, 10_000), (10_000, 10_000), (10_000, 0)]


def test_a_closed_outline_is_the_same_as_an_open_one() -> None:
    assert polygon([*SQUARE, SQUARE[0]]) == polygon(SQUARE)


@pytest.mark.parametrize(("outline", "words"), [
    (SQUARE[:2], "3 to 200 corners, not 2"),
    (SQUARE * 51, "3 to 200 corners, not 204"),
    ([(0, 0), (10_000, 10_000), (0, 10_000), (10_000, 0)], "crosses or touches itself"),
    ([(0, 0), (0, 10_000), (0, 20_000)], "crosses or touches itself"),
    ([(0, 0), (0, 100), (100, 0)], "smaller than a house"),
    ([(0, 0), (0, 3_000_000), (3_000_000, 0)], "larger than 20 km"),
    ([(0, 0), (0, 10_000), (950_000_000, 0)], "not on Earth"),
])  # fmt: skip
def test_an_outline_that_cannot_be_used_is_refused_in_words(
    outline: list[tuple[int, int]], words: str
) -> None:
    with pytest.raises(PlaceError, match=words):
        polygon(outline)


def test_a_radius_is_bounded_and_a_small_one_warned_of() -> None:
    with pytest.raises(PlaceError, match="30 to 1000 m, not 29 m"):
        check_radius(29)
    with pytest.raises(PlaceError, match="not on Earth"):
        circle(0, 1_800_000_001)
    assert "poor" in radius_advice(74)
    assert radius_advice(75) == ""
