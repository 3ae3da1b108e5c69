"""The outline of the world, repaired."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
import shapely
import shapely.geometry

from hub.map.errors import MapFileError
from hub.map.world import world_geojson


def topology(countries: dict[str, list[list[tuple[int, int]]]]) -> dict[str, Any]:
    """A TopoJSON file whose countries are rings of whole degrees, one line a ring."""
    arcs: list[list[tuple[int, int]]] = []
    geometries = []
    for name, rings in countries.items():
        numbers = []
        for ring in rings:
            steps = [
                (x - x0, y - y0)
                for (x0, y0), (x, y) in zip([(0, 0), *ring[:-1]], ring, strict=True)
            ]
            numbers.append([len(arcs)])
            arcs.append(steps)
        geometries.append({"type": "Polygon", "arcs": numbers, "properties": {"name": name}})
    return {
        "type": "Topology",
        "transform": {"scale": [1, 1], "translate": [0, 0]},
        "arcs": arcs,
        "objects": {"countries": {"type": "GeometryCollection", "geometries": geometries}},
    }


SQUARE: Final = [(10, 10), (20, 10), (20, 20), (10, 20), (10, 10)]
SQUARE_COUNTRY: Final = topology({"Squareland": [SQUARE]})


def read(tmp_path: Path, content: dict[str, Any]) -> dict[str, list[Any]]:
    """The shapes that come out, by the country's name."""
    path = tmp_path / "countries.json"
    path.write_text(json.dumps(content))
    found: dict[str, list[Any]] = {}
    for feature in json.loads(world_geojson(path))["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        found.setdefault(feature["properties"]["name"], []).append(shape)
    return found


def test_country_comes_out_with_a_point_for_its_name_inside(tmp_path: Path) -> None:
    area, middle = read(tmp_path, SQUARE_COUNTRY)["Squareland"]
    assert area.equals(shapely.box(10, 10, 20, 20))
    assert area.contains(middle)


def test_hole_in_a_country_stays_a_hole(tmp_path: Path) -> None:
    hole = [(14, 14), (14, 16), (16, 16), (16, 14), (14, 14)]
    area, _middle = read(tmp_path, topology({"Ringland": [SQUARE, hole]}))["Ringland"]
    assert area.area == pytest.approx(96)


def test_country_over_the_date_line_is_no_band_around_the_earth(tmp_path: Path) -> None:
    ring = [(170, 60), (-170, 60), (-170, 70), (170, 70), (170, 60)]
    area, middle = read(tmp_path, topology({"Eastland": [ring]}))["Eastland"]
    assert area.equals(
        shapely.union_all([shapely.box(170, 60, 180, 70), shapely.box(-180, 60, -170, 70)])
    )
    assert area.contains(middle)


def test_country_around_the_pole_reaches_the_pole(tmp_path: Path) -> None:
    ring = [(-180, -70), (-90, -65), (0, -70), (90, -75), (180, -70), (-180, -70)]
    area, _middle = read(tmp_path, topology({"Southland": [ring]}))["Southland"]
    assert area.contains(shapely.Point(45, -85))
    assert area.contains(shapely.Point(-120, -80))
    assert not area.intersects(shapely.Point(0, -60))


def test_country_that_crosses_itself_is_mended(tmp_path: Path) -> None:
    bow_tie = [(0, 0), (10, 10), (10, 0), (0, 10), (0, 0)]
    area, _middle = read(tmp_path, topology({"Tieland": [bow_tie]}))["Tieland"]
    assert area.is_valid
    assert area.area == pytest.approx(50)


@pytest.mark.parametrize("content", ["[]", "{", '{"arcs": []}', '{"objects": {"countries": 3}}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "countries.json"
    path.write_text(content)
    with pytest.raises(MapFileError, match="TopoJSON"):
        world_geojson(path)
    with pytest.raises(MapFileError, match="Cannot read"):
        world_geojson(tmp_path / "none.json")
