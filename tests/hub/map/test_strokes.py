"""Pieces of streets become long lines, and none is lost."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import shapely
from hypothesis import given
from hypothesis import strategies as st

from hub.map.strokes import join_strokes

places = st.tuples(st.integers(0, 4), st.integers(0, 4))
pieces = st.tuples(places, places).filter(lambda ends: ends[0] != ends[1])


def segments(line: Any) -> Counter[frozenset[tuple[float, float]]]:
    return Counter(frozenset(step) for step in pairwise(line.coords))


@given(st.lists(pieces, min_size=1, max_size=12, unique=True))
def test_no_piece_of_a_street_is_lost_or_drawn_twice(
    ends: list[tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    lines = [shapely.LineString(pair) for pair in ends]
    joined = sum((segments(line) for line in join_strokes(lines)), Counter())
    assert joined == sum((segments(line) for line in lines), Counter())


def test_street_goes_on_straight_over_its_own_crossing() -> None:
    west = shapely.LineString([(0, 0), (5, 0)])
    east = shapely.LineString([(10, 0.5), (5, 0)])
    side = shapely.LineString([(5, 0), (5, 5)])
    joined = join_strokes([west, side, east])
    assert sorted(round(line.length, 1) for line in joined) == [5.0, 10.0]


def test_ring_road_stays_one_line() -> None:
    corners = [(math.cos(hour * math.pi / 6), math.sin(hour * math.pi / 6)) for hour in range(12)]
    lines = [
        shapely.LineString([corner, corners[(place + 1) % 12]])
        for place, corner in enumerate(corners)
    ]
    (ring,) = join_strokes(lines)
    assert ring.is_ring
