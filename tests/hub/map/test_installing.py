"""A region is installed whole or not at all."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from hub.map.errors import MapFileError, RegionError
from hub.map.installing import install_map
from hub.map.region import CURRENT, Region, RegionInfo, open_folder, open_region, read_info
from tests.hub.map.conftest import silent
from tests.hub.map.small_maps import write_map
from tests.hub.map.tile_reading import archive_tiles

NOW_MS = 1_700_000_000_000
VILLAGE = {1: (61.0, 25.0), 2: (61.0, 25.01), 3: (61.01, 25.01)}
STREET = {"highway": "residential", "name": "Kylätie"}


def install(file: Path, folder: Path, name: str | None = None, now_ms: int = NOW_MS) -> RegionInfo:
    return install_map(file, folder, name=name, now_ms=now_ms, progress=silent)


@pytest.fixture
def village(tmp_path: Path) -> Path:
    return write_map(tmp_path / "pieni-kyla-latest.osm.pbf", VILLAGE, [((1, 2, 3), STREET)])


@pytest.fixture
def hub_map(tmp_path: Path, village: Path) -> Path:
    """A map folder with the village installed."""
    folder = tmp_path / "hub" / "map"
    install(village, folder)
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_extract_becomes_a_map_addresses_and_roads(region: Region, map_folder: Path) -> None:
    assert region.info.name == "Helsinki"
    assert region.info.attribution == "© OpenStreetMap contributors"
    assert region.info.schema == "fieldlog"
    assert (region.info.zoom_min, region.info.zoom_max) == (5, 14)
    assert region.gazetteer is not None
    assert region.gazetteer.search("Mannerheimintie")
    assert region.roads is not None
    assert region.roads.node_count > 500
    assert region.folder == map_folder / "regions" / region.info.hash
    assert read_info(map_folder) == region.info


def test_region_is_called_as_one_likes_or_as_its_file(tmp_path: Path, village: Path) -> None:
    assert install(village, tmp_path / "a").name == "Pieni Kyla"
    assert install(village, tmp_path / "b", name="Kylä").name == "Kylä"


def test_the_same_file_gets_the_same_name_everywhere(tmp_path: Path, village: Path) -> None:
    one, other = install(village, tmp_path / "a"), install(village, tmp_path / "b", now_ms=5)
    assert one.hash == other.hash
    again = install(village, tmp_path / "a", name="Uusi nimi")
    assert again.hash == one.hash
    info = read_info(tmp_path / "a")
    assert info is not None
    assert info.name == "Uusi nimi"


@pytest.mark.parametrize("name", ["garbage.osm.pbf", "garbage.pmtiles", "garbage.mbtiles"])
def test_garbage_leaves_the_installed_region_as_it_was(
    hub_map: Path, tmp_path: Path, name: str
) -> None:
    before = everything(hub_map)
    for contents in (b"", b"garbage " * 1_000):
        (tmp_path / name).write_bytes(contents)
        with pytest.raises(MapFileError):
            install(tmp_path / name, hub_map)
    assert everything(hub_map) == before


def test_extract_cut_short_leaves_the_installed_region_as_it_was(
    hub_map: Path, tmp_path: Path, helsinki: Path
) -> None:
    before = everything(hub_map)
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(helsinki.read_bytes()[:500_000])
    with pytest.raises(MapFileError, match="cut short"):
        install(cut, hub_map)
    assert everything(hub_map) == before


def test_file_of_another_kind_or_none_is_refused_in_words(tmp_path: Path) -> None:
    for name, words in (("map.gpx", "osm.pbf"), ("none.pmtiles", "no file"), ("none.pbf", "read")):
        with pytest.raises(MapFileError, match=words):
            install(tmp_path / name, tmp_path / "map")
    assert open_region(tmp_path / "map") is None


def test_region_that_a_running_hub_has_open_stays_until_the_one_after_next(
    hub_map: Path, village: Path, helsinki: Path, tmp_path: Path
) -> None:
    running = open_region(hub_map)
    assert running is not None
    assert running.gazetteer is not None
    second = install(helsinki, hub_map)
    assert read_info(hub_map) == second
    assert running.basemap.exists()
    assert running.gazetteer.search("Kylätie")
    third = write_map(tmp_path / "third.osm.pbf", VILLAGE, [((1, 3), STREET)])
    install(third, hub_map)
    assert not running.basemap.exists()
    assert (hub_map / "regions" / second.hash).exists()
    running.close()


def test_reader_at_any_moment_of_the_swap_sees_a_whole_region(
    hub_map: Path, helsinki: Path
) -> None:
    seen = []

    def look(_line: str) -> None:
        region = open_region(hub_map)
        assert region is not None
        assert region.gazetteer is not None
        region.gazetteer.check()
        seen.append(region.info.name)
        region.close()

    install_map(helsinki, hub_map, name=None, now_ms=NOW_MS, progress=look)
    look("after")
    assert set(seen[:-1]) == {"Pieni Kyla"}
    assert seen[-1] == "Helsinki"


def test_import_that_was_killed_is_cleared_away_the_next_day(hub_map: Path, village: Path) -> None:
    dead, running = hub_map / "building-dead", hub_map / "building-running"
    for folder, age_s in ((dead, 90_000), (running, 60)):
        folder.mkdir()
        when_s = NOW_MS // 1000 - age_s
        os.utime(folder, (when_s, when_s))
    install(village, hub_map)
    assert not dead.exists()
    assert running.exists()


def test_basemap_from_elsewhere_keeps_the_addresses_and_roads(
    hub_map: Path, region: Region, tmp_path: Path
) -> None:
    shutil.copy(region.basemap, tmp_path / "nicer.pmtiles")
    info = install(tmp_path / "nicer.pmtiles", hub_map)
    opened = open_region(hub_map)
    assert opened is not None
    assert opened.info == info
    assert info.basemap.source == "nicer.pmtiles"
    assert info.addresses is not None
    assert info.addresses.source == "pieni-kyla-latest.osm.pbf"
    assert opened.gazetteer is not None
    assert opened.gazetteer.search("kylatie")
    assert opened.roads is not None
    assert opened.basemap.read_bytes() == region.basemap.read_bytes()
    opened.close()


def test_basemap_alone_has_no_addresses_and_no_roads(region: Region, tmp_path: Path) -> None:
    shutil.copy(region.basemap, tmp_path / "only.pmtiles")
    install(tmp_path / "only.pmtiles", tmp_path / "map")
    opened = open_region(tmp_path / "map")
    assert opened is not None
    assert opened.gazetteer is None
    assert opened.roads is None
    opened.close()


@pytest.mark.parametrize("share", [0.001, 0.3, 0.99])
def test_archive_cut_short_is_refused(region: Region, tmp_path: Path, share: float) -> None:
    data = region.basemap.read_bytes()
    path = tmp_path / "cut.pmtiles"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MapFileError, match="cut short|damaged"):
        install(path, tmp_path / "map")


def mbtiles(path: Path, metadata: dict[str, str], tiles: list[tuple[int, int, int, bytes]]) -> Path:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
    database.execute(
        "CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)"
    )
    database.executemany("INSERT INTO metadata VALUES (?,?)", metadata.items())
    database.executemany("INSERT INTO tiles VALUES (?,?,?,?)", tiles)
    database.commit()
    database.close()
    return path


def test_mbtiles_with_vector_tiles_are_converted(region: Region, tmp_path: Path) -> None:
    from pmtiles.reader import MmapSource, all_tiles

    with region.basemap.open("rb") as file:
        tiles = [
            (zoom, column, (1 << zoom) - 1 - row, data)
            for (zoom, column, row), data in all_tiles(MmapSource(file))
        ]
    layers = [{"id": name} for name in ("transportation", "place", "water")]
    metadata = {
        "format": "pbf",
        "name": "Kaupunki",
        "bounds": "24.9,60.1,25.0,60.2",
        "json": json.dumps({"vector_layers": layers}),
    }
    info = install(mbtiles(tmp_path / "city.mbtiles", metadata, tiles[::-1]), tmp_path / "map")
    assert (info.name, info.schema) == ("Kaupunki", "openmaptiles")
    assert info.bounds == (24.9, 60.1, 25.0, 60.2)
    opened = open_region(tmp_path / "map")
    assert opened is not None
    assert archive_tiles(opened.basemap) == archive_tiles(region.basemap)


def test_mbtiles_with_pictures_are_a_map_too(tmp_path: Path) -> None:
    metadata = {"format": "png", "bounds": "24,60,25,61"}
    tiles = [(3, 4, 5, b"\x89PNG one"), (3, 5, 5, b"\x89PNG two")]
    info = install(mbtiles(tmp_path / "scan.mbtiles", metadata, tiles), tmp_path / "map")
    assert (info.schema, info.zoom_min, info.zoom_max) == ("raster", 3, 3)


@pytest.mark.parametrize(
    ("metadata", "tiles", "words"),
    [
        ({"format": "png"}, [], "no tiles"),
        ({"format": "tiff"}, [(0, 0, 0, b"x")], "tiff"),
        ({"format": "pbf"}, [(0, 0, 0, b"x")], "no style"),
    ],
)
def test_mbtiles_that_cannot_be_shown_are_refused(
    tmp_path: Path, metadata: dict[str, str], tiles: list[tuple[int, int, int, bytes]], words: str
) -> None:
    path = mbtiles(tmp_path / "odd.mbtiles", metadata, tiles)
    with pytest.raises(MapFileError, match=words):
        install(path, tmp_path / "map")


@pytest.mark.parametrize("part", ["region.json", "roads.bin", "gazetteer.sqlite", CURRENT])
def test_damaged_region_is_told_and_does_not_stop_the_hub(
    hub_map: Path, village: Path, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    info = read_info(hub_map)
    assert info is not None
    folder = hub_map / "regions" / info.hash
    path = hub_map / part if part == CURRENT else folder / part
    path.write_bytes(b"not what it was")
    if part != CURRENT:
        with pytest.raises(RegionError, match="Import the region again"):
            open_folder(folder)
    with caplog.at_level(logging.ERROR):
        assert open_region(hub_map) is None
    assert "Import the region again" in caplog.text
    install(village, hub_map)
    mended = open_region(hub_map)
    assert mended is not None
    mended.close()


def test_pointer_to_outside_of_the_folder_is_not_followed(hub_map: Path) -> None:
    (hub_map / CURRENT).write_text('{"region": "../../../etc"}')
    assert open_region(hub_map) is None
