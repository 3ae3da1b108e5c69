"""Vector tiles come back from a decoder of their own as they went in."""

from __future__ import annotations

from typing import Any

import shapely
from hypothesis import given
from hypothesis import strategies as st

from hub.map.vector_tile import TileFeature, encode_tile
from tests.hub.map.tile_reading import Point, read_tile

units = st.integers(-64, 4160)
points = st.tuples(units, units)
properties = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=5),
    st.one_of(st.text(max_size=12), st.integers(-(2**40), 2**40)),
    max_size=4,
)


def without_repetitions(path: list[Point]) -> list[Point]:
    return [point for place, point in enumerate(path) if place == 0 or point != path[place - 1]]


def twice_area(ring: list[Point]) -> int:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:], strict=False))


@given(st.lists(st.tuples(st.lists(points, min_size=2, max_size=12), properties), max_size=6))
def test_lines_and_their_properties_come_back_as_they_were(
    lines: list[tuple[list[Point], dict[str, Any]]],
) -> None:
    features = [TileFeature(found, shapely.LineString(path)) for path, found in lines]
    back = read_tile(encode_tile({"roads": features})).get("roads", [])
    expected = [
        (2, found, [without_repetitions(path)])
        for path, found in lines
        if len(without_repetitions(path)) > 1
    ]
    assert [(one.kind, one.properties, one.paths) for one in back] == expected


@given(points, properties)
def test_point_comes_back_where_it_was(point: Point, found: dict[str, Any]) -> None:
    back = read_tile(encode_tile({"places": [TileFeature(found, shapely.Point(point))]}))
    assert [(one.kind, one.properties, one.paths) for one in back["places"]] == [
        (1, found, [[point]])
    ]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=3, max_size=9))
def test_areas_keep_their_shape_and_turn_the_way_the_format_wants(corners: list[Point]) -> None:
    shape = shapely.buffer(shapely.MultiPoint([(40 * x, 40 * y) for x, y in corners]), 55)
    hull = shapely.convex_hull(shapely.MultiPoint([(40 * x, 40 * y) for x, y in corners]))
    shape = shapely.difference(shapely.buffer(hull, 90), shape)
    paths = [
        path
        for one in read_tile(encode_tile({"water": [TileFeature({}, shape)]})).get("water", [])
        for path in one.paths
    ]
    outer = [path for path in paths if twice_area(path) > 0]
    assert len(outer) <= len(shapely.get_parts(shape))
    assert all(path[0] == path[-1] and twice_area(path) != 0 for path in paths)
    area = sum(map(twice_area, paths)) / 2
    assert abs(area - shape.area) <= shape.length + 4


def test_area_too_small_to_have_any_extent_is_left_out() -> None:
    speck = shapely.box(10.1, 10.1, 10.3, 10.3)
    assert encode_tile({"water": [TileFeature({"kind": "pond"}, speck)]}) == b""


def test_equal_values_are_written_once() -> None:
    lines = [shapely.LineString([(0, row), (9, row)]) for row in range(50)]
    many = encode_tile({"roads": [TileFeature({"name": "Kauppakatu"}, line) for line in lines]})
    assert many.count(b"Kauppakatu") == 1
