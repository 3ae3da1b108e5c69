"""The map over a real server: ranges, styles, and words for what is not there."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from hub.map.installing import install_map
from hub.map.region import Region
from hub.map.serve import attach_map
from replica.listener import Listener
from tests.hub.map.conftest import silent
from tests.hub.map.small_maps import write_map
from tests.hub.map.test_world import SQUARE_COUNTRY


class Served:
    """A real server with the map's routes, and a client that asks it."""

    def __init__(self, session: aiohttp.ClientSession, address: str, folder: Path) -> None:
        self.session = session
        self.address = address
        self.folder = folder

    def get(self, path: str, **headers: str) -> aiohttp.client._RequestContextManager:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.get(self.address + path, headers=named)

    async def json(self, path: str) -> dict[str, object]:
        async with self.get(path) as answer:
            assert answer.status == 200
            found: dict[str, object] = await answer.json()
            return found


async def serve(folder: Path, world: Path) -> AsyncIterator[Served]:
    app = web.Application()
    attach_map(app, folder, world)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await Listener(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            yield Served(session, f"http://127.0.0.1:{port}", folder)
    finally:
        await runner.cleanup()


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "world.json"
    path.write_text(json.dumps(SQUARE_COUNTRY))
    return path


@pytest_asyncio.fixture
async def helsinki_hub(map_folder: Path, world: Path) -> AsyncIterator[Served]:
    async for served in serve(map_folder, world):
        yield served


@pytest_asyncio.fixture
async def new_hub(tmp_path: Path, world: Path) -> AsyncIterator[Served]:
    async for served in serve(tmp_path / "map", world):
        yield served


async def test_pages_get_pieces_of_the_archive(helsinki_hub: Served, region: Region) -> None:
    whole = region.basemap.read_bytes()
    path = f"/map/{region.info.hash}/region.pmtiles"
    for first, last in ((0, 126), (127, 5_000), (len(whole) - 10, len(whole) - 1)):
        async with helsinki_hub.get(path, Range=f"bytes={first}-{last}") as answer:
            assert answer.status == 206
            assert await answer.read() == whole[first : last + 1]
            assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
            assert "immutable" in answer.headers["Cache-Control"]
            assert "Content-Encoding" not in answer.headers
    async with helsinki_hub.get(path, Range=f"bytes={len(whole)}-") as answer:
        assert answer.status == 416
    async with helsinki_hub.get(path) as answer:
        assert await answer.read() == whole


async def test_style_names_the_tiles_that_are_there(helsinki_hub: Served, region: Region) -> None:
    for theme in ("light", "dark"):
        style = await helsinki_hub.json(f"/map/style.json?theme={theme}")
        sources = json.loads(json.dumps(style["sources"]))
        url = sources["region"]["url"]
        assert url == f"pmtiles:///map/{region.info.hash}/region.pmtiles"
        async with helsinki_hub.get(url.removeprefix("pmtiles://"), Range="bytes=0-6") as answer:
            assert await answer.read() == b"PMTiles"
        async with helsinki_hub.get(sources["world"]["data"]) as answer:
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
        assert sources["region"]["attribution"] == "© OpenStreetMap contributors"


async def test_themes_differ_and_an_unknown_one_is_refused(helsinki_hub: Served) -> None:
    light = await helsinki_hub.json("/map/style.json")
    dark = await helsinki_hub.json("/map/style.json?theme=dark")
    assert light["layers"] != dark["layers"]
    async with helsinki_hub.get("/map/style.json?theme=pink") as answer:
        assert answer.status == 400
        assert "light and dark" in await answer.text()


async def test_description_says_where_the_region_is(helsinki_hub: Served, region: Region) -> None:
    found = await helsinki_hub.json("/map/region.json")
    assert found["name"] == "Helsinki"
    assert found["bounds"] == list(region.info.bounds)


async def test_outline_is_sent_packed_to_those_who_can_unpack_it(helsinki_hub: Served) -> None:
    async with helsinki_hub.get("/map/world.json", Accept_Encoding="identity") as answer:
        plain = await answer.read()
        assert answer.headers["Cache-Control"] == "no-cache"
    async with helsinki_hub.get("/map/world.json", Accept_Encoding="gzip") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await answer.read()) == plain
    assert json.loads(plain)["type"] == "FeatureCollection"


async def test_map_that_is_gone_is_answered_in_words(helsinki_hub: Served) -> None:
    for asked in ("0" * 24, "..%2f..%2fregions", "current.json"):
        async with helsinki_hub.get(f"/map/{asked}/region.pmtiles") as answer:
            assert answer.status == 404
            assert "Reload the page" in await answer.text()


async def test_hub_without_a_region_shows_the_world_until_one_is_imported(
    new_hub: Served, tmp_path: Path
) -> None:
    style = await new_hub.json("/map/style.json")
    assert list(json.loads(json.dumps(style["sources"]))) == ["world"]
    async with new_hub.get("/map/region.json") as answer:
        assert await answer.json() is None
    nodes = {1: (61.0, 25.0), 2: (61.0, 25.01)}
    village = write_map(tmp_path / "village.osm.pbf", nodes, [((1, 2), {"highway": "service"})])
    info = install_map(village, new_hub.folder, name=None, now_ms=1, progress=silent)
    style = await new_hub.json("/map/style.json")
    assert info.hash in json.dumps(style["sources"])


async def test_damaged_region_shows_the_world(new_hub: Served) -> None:
    new_hub.folder.mkdir()
    (new_hub.folder / "current.json").write_text("{")
    style = await new_hub.json("/map/style.json")
    assert list(json.loads(json.dumps(style["sources"]))) == ["world"]


async def test_missing_outline_leaves_a_map_without_one(map_folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("[]")
    async for served in serve(map_folder, broken):
        style = await served.json("/map/style.json")
        assert list(json.loads(json.dumps(style["sources"]))) == ["region"]
        async with served.get("/map/world.json") as answer:
            assert answer.status == 404


async def opened_to_write(pipe: Path) -> int:
    """The pipe, as soon as somebody reads it."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            await asyncio.sleep(0.01)


async def test_others_are_answered_while_the_outline_of_the_world_is_worked_out(
    tmp_path: Path,
) -> None:
    # A file that has nothing to read until somebody writes it: so long the work takes.
    pipe = tmp_path / "slow.json"
    os.mkfifo(pipe)
    async for served in serve(tmp_path, pipe):
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(served.json("/map/style.json"))
            writing = await opened_to_write(pipe)
            assert (await served.json("/map/region.json")) is None
            assert not waiting.done()
            os.write(writing, json.dumps(SQUARE_COUNTRY).encode())
            os.close(writing)
        assert "/map/world.json?v=" in json.dumps(waiting.result())
