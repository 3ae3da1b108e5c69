"""Reading an extract: what is taken from it, and which files are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import shapely

from hub.map.errors import MapFileError
from hub.map.extract import PBF_BYTES_MAX, Extract, read_extract
from tests.hub.map.conftest import silent
from tests.hub.map.small_maps import write_map

TOWN = {
    1: (60.0, 24.0),
    2: (60.0, 24.01),
    3: (60.01, 24.01),
    4: (60.01, 24.0),
    5: (60.005, 24.005),
}


def test_streets_keep_their_umlauts_and_their_other_language(extract: Extract) -> None:
    other = {street.name: street.others for street in extract.streets}
    assert "Töölönlahdenkatu" in other
    assert "Mannerheimvägen" in other["Mannerheimintie"]


def test_bay_north_of_the_station_is_sea_and_the_station_is_not(extract: Extract) -> None:
    sea = shapely.union_all(
        [one.geometry for one in extract.features if one.properties.get("kind") == "sea"]
    )
    assert shapely.contains(sea, shapely.Point(24.9475, 60.1772))
    assert not shapely.intersects(sea, shapely.Point(24.9410, 60.1716))
    streets = [one for one in extract.streets if one.name == "Mannerheimintie"]
    assert not any(
        shapely.intersects(sea, shapely.Point(one.lon_e7 / 1e7, one.lat_e7 / 1e7))
        for one in streets
    )


def test_everything_lies_where_the_extract_says_that_it_is(extract: Extract) -> None:
    west, south, east, north = extract.bounds
    assert 24.93 < west < east < 24.96
    assert 60.16 < south < north < 60.18
    assert all(
        south <= one.lat_e7 / 1e7 <= north and west <= one.lon_e7 / 1e7 <= east
        for one in extract.addresses
    )


def test_one_house_with_a_list_of_numbers_has_each_of_them(tmp_path: Path) -> None:
    path = write_map(
        tmp_path / "town.osm.pbf",
        TOWN,
        [((1, 2), {"highway": "residential", "name": "Kuja"})],
        {5: {"addr:street": "Kuja", "addr:housenumber": "3;5, 7"}},
    )
    assert [one.number for one in read_extract(path, silent).addresses] == ["3", "5", "7"]


def test_what_lies_under_the_ground_is_not_drawn(tmp_path: Path) -> None:
    ways = [
        ((1, 2, 3, 4, 1), {"building": "yes", "layer": "-2"}),
        ((1, 2, 3, 5, 1), {"building": "yes"}),
        ((1, 3), {"highway": "footway", "layer": "-1"}),
    ]
    features = read_extract(write_map(tmp_path / "town.osm.pbf", TOWN, ways), silent).features
    assert [one.layer for one in features] == ["buildings"]
    assert shapely.contains(features[0].geometry, shapely.Point(24.008, 60.003))


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"\x1f\x8b\x08\x00rest", "gzip"),
        (b"PK\x03\x04rest", "zip"),
        (b"<?xml version='1.0'?><osm>", "XML"),
        (b"\x00" * 500, "does not begin like one"),
    ],
)
def test_another_kind_of_file_is_refused_by_what_it_is(
    tmp_path: Path, contents: bytes, words: str
) -> None:
    path = tmp_path / "region.osm.pbf"
    path.write_bytes(contents)
    with pytest.raises(MapFileError, match=words):
        read_extract(path, silent)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_extract_that_was_cut_short_is_refused(
    helsinki: Path, tmp_path: Path, share: float
) -> None:
    whole = helsinki.read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(MapFileError, match="cut short"):
        read_extract(path, silent)


def test_extract_with_a_damaged_block_is_refused(helsinki: Path, tmp_path: Path) -> None:
    data = bytearray(helsinki.read_bytes())
    data[200_000:200_400] = bytes(400)
    path = tmp_path / "damaged.osm.pbf"
    path.write_bytes(data)
    with pytest.raises(MapFileError, match="damaged"):
        read_extract(path, silent)


def test_extract_larger_than_memory_allows_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "planet.osm.pbf"
    path.write_bytes(b"")
    os.truncate(path, PBF_BYTES_MAX + 1)
    with pytest.raises(MapFileError, match="smaller extract"):
        read_extract(path, silent)


def test_extract_with_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MapFileError, match="nothing that can be drawn"):
        read_extract(write_map(tmp_path / "empty.osm.pbf", TOWN), silent)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MapFileError, match="nowhere"):
        read_extract(tmp_path / "nowhere.osm.pbf", silent)
