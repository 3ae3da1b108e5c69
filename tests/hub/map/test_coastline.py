"""The sea is where the coast says, and nowhere else."""

from __future__ import annotations

import shapely

from hub.map.coastline import sea_polygons

BOX = (0.0, 0.0, 10.0, 10.0)


def sea(*lines: list[tuple[float, float]]) -> shapely.Geometry:
    return shapely.union_all(sea_polygons([shapely.LineString(line) for line in lines], BOX))


def test_water_is_on_the_right_of_the_coast() -> None:
    northwards = [(4.0, -1.0), (4.0, 11.0)]
    assert sea(northwards).equals(shapely.box(4, 0, 10, 10))
    assert sea(northwards[::-1]).equals(shapely.box(0, 0, 4, 10))


def test_island_is_land_in_the_sea() -> None:
    coast = [(1.0, -1.0), (1.0, 11.0)]
    # An island's coast runs around it with the land on the left: against the clock.
    island = [(5.0, 5.0), (6.0, 5.0), (6.0, 6.0), (5.0, 6.0), (5.0, 5.0)]
    water = sea(coast, island)
    assert shapely.contains(water, shapely.Point(3, 3))
    assert not shapely.intersects(water, shapely.Point(5.5, 5.5))
    assert not shapely.intersects(water, shapely.Point(0.5, 5))


def test_coast_in_pieces_that_end_just_before_the_edge_is_closed() -> None:
    water = sea([(4.0, 0.3), (4.0, 5.0)], [(4.0, 5.0), (4.0, 9.7)])
    assert shapely.contains(water, shapely.Point(8, 5))
    assert not shapely.intersects(water, shapely.Point(2, 5))


def test_coast_that_ends_in_the_middle_makes_no_false_sea() -> None:
    assert sea([(4.0, -1.0), (4.0, 5.0)]).is_empty


def test_region_without_a_coast_has_no_sea() -> None:
    assert sea().is_empty
    assert sea([(20.0, 0.0), (20.0, 9.0)]).is_empty
