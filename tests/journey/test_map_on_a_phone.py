"""A hub's map on a phone: imported by command, cut off in the middle, gone on with, drawn offline.

Hub and phone are real processes; the phone's is killed while the map comes, and the hub's is gone
while it is looked at.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import zxy_to_tileid
from pmtiles.writer import Writer

from hub.map.region import BASEMAP, read_info, region_folder
from tests.journey.processes import FIELDLOG, ROOT, Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

LAT, LON = 60.1699, 24.9384
MEGABYTE = 1 << 20
PADDING_TILES = 24


def large_map(map_folder: Path, path: Path) -> Path:
    """Helsinki in an archive of some 24 MB: tiles that nobody looks at make up the most of it."""
    info = read_info(map_folder)
    assert info is not None
    chance = random.Random(7)
    basemap = region_folder(map_folder, info.hash) / BASEMAP
    with basemap.open("rb") as source:
        get_bytes = MmapSource(source)
        tiles = {zxy_to_tileid(*zxy): data for zxy, data in all_tiles(get_bytes)}
        header, metadata = Reader(get_bytes).header(), Reader(get_bytes).metadata()
    for column in range(PADDING_TILES):
        tiles[zxy_to_tileid(14, column, 0)] = chance.randbytes(MEGABYTE)
    with path.open("wb") as file:
        writer = Writer(file)
        for number in sorted(tiles):
            writer.write_tile(number, tiles[number])
        writer.finalize(header, metadata)
        writer.tile_f.close()
    return path


async def fieldlog(*words: object) -> str:
    """A command to its end."""
    command = [*FIELDLOG, *map(str, words)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=ROOT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A hub and a phone that has joined, with a job in Helsinki."""
    found = Site(tmp_path)
    try:
        await found.set_up()
        worker = await found.add_worker("Aino Korhonen")
        await found.enrol(worker)
        page = await found.office.get("/?new=1")
        await found.office.post("/board/new", page, title="Boiler", point=f"{LAT},{LON}")
        job = found.office.at.partition("job=")[2][:24]
        page = await found.office.get(f"/?view=all&job={job}")
        await found.office.post(f"/board/job/{job}/assign", page, worker=worker)
        await found.phone.until("/jobs", "Boiler")
        yield found
    finally:
        await found.close()


async def test_a_map_that_was_cut_off_goes_on_and_is_looked_at_with_no_network(
    site: Site, tmp_path: Path, chromium: Browser, map_folder: Path
) -> None:
    archive = large_map(map_folder, tmp_path / "region.pmtiles")
    said = await fieldlog("map", "import", archive, "--data", site.folder / "hub")
    assert "smaller map for phones" in said
    page = await site.phone.get("/settings/map")
    await site.phone.post("/settings/map", page, now="yes")

    # Killed in the middle of it.
    coming = site.folder / "device" / "map" / "coming.pmtiles"
    for _ in range(12_000):
        if coming.exists() and coming.stat().st_size >= 6 * MEGABYTE:
            break
        await asyncio.sleep(0.005)
    await site.device.kill()
    come = coming.stat().st_size
    assert 6 * MEGABYTE <= come < archive.stat().st_size
    inode = coming.stat().st_ino

    # It goes on by itself, with what has come.
    await site.start_device()
    await site.phone.until("/settings/map", r"Here: 2\d\.\d MB")
    (carried,) = (site.folder / "device" / "map").glob("*.pmtiles")
    assert carried.stat().st_ino == inode, "the same file, and none that was begun anew"
    assert carried.read_bytes() == archive.read_bytes()

    await site.hub.stop()
    context = await chromium.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    shown = await context.new_page()
    shown.set_default_timeout(20_000)
    got: list[int] = []
    shown.on(
        "response",
        lambda answer: got.append(answer.status) if answer.url.endswith(carried.name) else None,
    )
    await shown.goto(site.phone_link)
    await shown.locator(".tab", has_text="Map").tap()
    await expect(shown.locator("#map")).to_have_attribute("data-drawn", "gl")
    await expect(shown.locator("#roads")).to_have_text("")
    await shown.locator(".pin").tap()
    await expect(shown.locator("#map-card")).to_contain_text("Boiler")
    navigate = shown.locator("#map-card").get_by_role("link", name=re.compile("Navigate"))
    assert (await navigate.get_attribute("href") or "").startswith(f"geo:{LAT},{LON}")
    assert got, "tiles were read"
    assert set(got) <= {200, 206}
    await context.close()
