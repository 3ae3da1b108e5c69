"""The style draws what the tiles hold, and asks nobody else."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from hub.map import tags
from hub.map.palette import DARK, LIGHT
from hub.map.region import Region
from hub.map.schemas import SCHEMA_BY_NAME
from hub.map.style import Theme, region_style, world_style
from tests.hub.map.tile_reading import archive_metadata, archive_tiles

THEMES: tuple[Theme, ...] = ("light", "dark")


def style_of(theme: Theme, schema: str = "fieldlog", world: str | None = "/map/world.json") -> Any:
    return region_style(
        theme,
        schema=schema,
        bounds=(24.93, 60.16, 24.96, 60.18),
        tiles_url="pmtiles:///map/0/region.pmtiles",
        attribution="© OpenStreetMap contributors",
        world_url=world,
    )


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("schema", [*SCHEMA_BY_NAME, "raster"])
def test_style_asks_for_nothing_but_the_hubs_own_files(theme: Theme, schema: str) -> None:
    style = style_of(theme, schema)
    assert "glyphs" not in style
    assert "sprite" not in style
    assert "://" not in json.dumps(style).replace("pmtiles:///map/", "")
    names = [layer["id"] for layer in style["layers"]]
    assert len(names) == len(set(names))
    assert all(
        layer["type"] == "background" or layer["source"] in style["sources"]
        for layer in style["layers"]
    )


def test_every_layer_that_is_drawn_is_one_that_this_program_writes(region: Region) -> None:
    written = {layer["id"] for layer in archive_metadata(region.basemap)["vector_layers"]}
    drawn = {
        layer["source-layer"] for layer in style_of("light")["layers"] if "source-layer" in layer
    }
    # There is no river and no border in the middle of Helsinki.
    assert written | {"waterways", "boundaries"} == drawn | {"waterways", "boundaries"}


def test_every_kind_of_ground_and_road_has_a_colour(region: Region) -> None:
    lines = {"path", "steps", "rail", "tram", "ferry"}
    for palette in (LIGHT, DARK):
        for layers in archive_tiles(region.basemap).values():
            assert {one.properties["kind"] for one in layers.get("landuse", [])} <= set(
                palette.landuse
            )
            roads = {one.properties["kind"] for one in layers.get("roads", [])}
            assert roads - lines <= set(palette.road)
        assert {kind for kind, _zoom in tags._LANDUSE.values()} == set(palette.landuse)


def test_day_and_night_colour_the_same_things() -> None:
    for field in fields(LIGHT):
        day, night = getattr(LIGHT, field.name), getattr(DARK, field.name)
        assert day != night
        if not isinstance(day, str):
            assert set(day) == set(night)
    day, night = style_of("light"), style_of("dark")
    assert [layer["id"] for layer in day["layers"]] == [layer["id"] for layer in night["layers"]]


def test_larger_regions_open_at_smaller_zooms() -> None:
    zooms = []
    for degrees in (0.01, 0.1, 1.0, 10.0):
        style = region_style(
            "light", schema="fieldlog", bounds=(25, 60, 25 + degrees, 60 + degrees),
            tiles_url="", attribution="", world_url=None,
        )  # fmt: skip
        zooms.append(style["zoom"])
    assert zooms == sorted(zooms, reverse=True)
    assert len(set(zooms)) == 4


def test_without_an_outline_there_is_still_a_map() -> None:
    assert list(style_of("dark", world=None)["sources"]) == ["region"]
    bare = world_style("light", None)
    assert bare["sources"] == {}
    assert [layer["id"] for layer in bare["layers"]] == ["background"]


def test_outline_goes_where_the_region_is_near_and_stays_where_there_is_none() -> None:
    def zoom_max(style: dict[str, Any]) -> int:
        (land,) = (layer for layer in style["layers"] if layer["id"] == "world-land")
        found: int = land["maxzoom"]
        return found

    assert zoom_max(style_of("light")) == 7
    assert zoom_max(world_style("light", "/map/world.json")) > 20
