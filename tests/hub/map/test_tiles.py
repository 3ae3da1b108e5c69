"""The basemap of Helsinki holds what the extract holds, where it lies."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import shapely

from hub.map.extract import Extract, Feature
from hub.map.region import Region
from hub.map.tiles import write_basemap
from tests.hub.map.conftest import silent
from tests.hub.map.tile_reading import ReadFeature, archive_metadata, archive_tiles

Tiles = dict[tuple[int, int, int], dict[str, list[ReadFeature]]]


@pytest.fixture(scope="module")
def tiles(region: Region) -> Tiles:
    return archive_tiles(region.basemap)


def degrees(tile: tuple[int, int, int], point: tuple[int, int]) -> tuple[float, float]:
    zoom, column, row = tile
    x = (column + point[0] / 4096) / 2**zoom
    y = (row + point[1] / 4096) / 2**zoom
    return x * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y))))


def test_every_zoom_from_the_country_to_the_house_has_tiles(tiles: Tiles) -> None:
    assert {zoom for zoom, _column, _row in tiles} == set(range(5, 15))


def test_every_street_that_can_be_driven_has_its_name_on_the_nearest_zoom(
    tiles: Tiles, extract: Extract
) -> None:
    drawn = {
        one.properties.get("name")
        for tile, layers in tiles.items()
        if tile[0] == 14
        for one in layers.get("roads", [])
    }
    streets = {
        one.properties["name"]
        for one in extract.features
        if one.layer == "roads" and "name" in one.properties
    }
    assert len(streets) > 90
    assert streets <= drawn
    assert {"Mannerheimintie", "Töölönlahdenkatu", "Läntinen Teatterikuja"} <= drawn


def test_streets_lie_in_the_tiles_where_they_lie_in_the_world(
    tiles: Tiles, extract: Extract
) -> None:
    real = shapely.union_all(
        [one.geometry for one in extract.features if one.properties.get("name") == "Kaivokatu"]
    )
    for zoom, bound_m in ((14, 1.0), (13, 6.0)):
        found = [
            degrees(tile, point)
            for tile, layers in tiles.items()
            if tile[0] == zoom
            for one in layers.get("roads", [])
            if one.properties.get("name") == "Kaivokatu"
            for path in one.paths
            for point in path
        ]
        assert len(found) > 4
        assert all(real.distance(shapely.Point(point)) * 111_000 < bound_m for point in found)


def test_house_numbers_are_there_when_one_is_near_and_only_then(tiles: Tiles) -> None:
    zooms = {tile[0] for tile, layers in tiles.items() if "addresses" in layers}
    numbers = {
        str(one.properties["number"])
        for layers in tiles.values()
        for one in layers.get("addresses", [])
    }
    assert zooms == {14}
    assert {"5", "3A"} <= numbers
    assert all(number[0].isdigit() for number in numbers)


def test_small_zooms_hold_less_than_large_ones(tiles: Tiles) -> None:
    def points(zoom: int) -> int:
        return sum(
            len(path)
            for tile, layers in tiles.items()
            if tile[0] == zoom
            for features in layers.values()
            for one in features
            for path in one.paths
        )

    assert points(8) < points(10) < points(12) < points(14)


def test_the_description_names_the_layers_that_are_there(tiles: Tiles, region: Region) -> None:
    metadata = archive_metadata(region.basemap)
    described: dict[str, Any] = {
        layer["id"]: layer["fields"] for layer in metadata["vector_layers"]
    }
    held = {layer for layers in tiles.values() for layer in layers}
    assert held <= set(described)
    assert metadata["attribution"] == "© OpenStreetMap contributors"
    assert all(
        set(one.properties) <= set(described[layer])
        for layers in tiles.values()
        for layer, features in layers.items()
        for one in features
    )


def test_the_same_extract_gives_the_same_bytes(
    extract: Extract, tmp_path: Path, region: Region
) -> None:
    path = tmp_path / "again.pmtiles"
    write_basemap(extract.features, extract.bounds, path, "Helsinki", silent)
    assert path.read_bytes() == region.basemap.read_bytes()


def test_line_that_reaches_far_out_of_the_region_makes_no_tiles_there(tmp_path: Path) -> None:
    ferry = shapely.LineString([(24.0, 60.0), (10.0, 54.0)])
    house = shapely.box(24.0, 60.0, 24.001, 60.001)
    features = [
        Feature("roads", {"kind": "ferry"}, 9, ferry),
        Feature("buildings", {}, 13, house),
    ]
    count = write_basemap(features, (24.0, 60.0, 24.1, 60.1), tmp_path / "x.pmtiles", "x", silent)
    assert count < 30


def test_area_over_several_tiles_is_whole_when_they_are_put_together(tmp_path: Path) -> None:
    lake = shapely.Point(24.9, 60.2).buffer(0.05)
    path = tmp_path / "lake.pmtiles"
    write_basemap(
        [Feature("water", {"kind": "water"}, 5, lake)], (24.8, 60.1, 25.0, 60.3), path, "x", silent
    )
    for zoom in (10, 12, 14):
        parts = [
            shapely.Polygon([degrees(tile, point) for point in ring])
            for tile, layers in archive_tiles(path).items()
            if tile[0] == zoom
            for one in layers["water"]
            for ring in one.paths
        ]
        whole = shapely.union_all([shapely.make_valid(part) for part in parts])
        assert shapely.symmetric_difference(whole, lake).area < 0.01 * lake.area
