"""The map of jobs on a phone: drawn from what it carries, asking nobody, and in words for all."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Playwright, expect

from core.dispatch import acts
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix
from replica.screens.guard import first_link
from replica.screens.map_libraries import Libraries
from tests.conftest import CHROMIUM_WITHOUT_WEBGL, launched
from tests.replica.screens.carrying_a_map import carry
from tests.replica.screens.conftest import HOUR_MS, Phone
from tests.running import until

LAT, LON = 60.1699, 24.9384


async def jobs_in_helsinki(phone: Phone) -> list[str]:
    """Three jobs some streets apart, two at one door, and one nobody knows the place of."""
    now = phone.clock.now_ms()
    spots = [(0.0, 0.0), (0.004, 0.009), (-0.003, -0.006), (-0.003, -0.006)]
    found = []
    for number, ((north, east), title) in enumerate(
        zip(spots, ("Boiler", "Pump", "Meter", "Valve"), strict=True)
    ):
        point = [round((LAT + north) * 1e7), round((LON + east) * 1e7)]
        window = [now + number * HOUR_MS, now + (number + 1) * HOUR_MS]
        found.append(phone.give_job(title, point=point, window=window))
    phone.give_job("Ask for the key", window=[now + 5 * HOUR_MS, now + 6 * HOUR_MS])
    await phone.sync()
    return found


async def be_at(phone: Phone, lat: float, lon: float) -> None:
    """What the location app tells."""
    time_ms = phone.clock.now_ms()
    await phone.device.take_fix(Fix(time_ms, round(lat * 1e7), round(lon * 1e7), 25))


@asynccontextmanager
async def map_of(
    browser: Browser, phone: Phone, path: str = "/jobs/map", scheme: Any = "light"
) -> AsyncIterator[Page]:
    """The map on a small phone; a request that leaves it, or a script that fails, is a fault."""
    context = await browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    host = urlsplit(phone.address).netloc

    def see(url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != host:
            wrong.append(f"{url} was asked")

    page.on("request", lambda request: see(request.url))
    port = int(phone.address.rpartition(":")[2])
    await page.goto(first_link(phone.device.folder, phone.device.entropy, port))
    await page.goto(phone.address + path)
    yield page
    assert wrong == []
    await context.close()


async def middle(page: Page) -> str:
    """Where the map stands, as it keeps it for the next look."""
    kept = "JSON.parse(sessionStorage.getItem('fieldlog-map||'))"
    return str(await page.evaluate(f"JSON.stringify([{kept}.at, {kept}.zoom])"))


async def _moved(page: Page, before: str) -> bool:
    return await middle(page) != before


async def test_each_job_stands_in_words_with_arrow_and_distance(phone: Phone) -> None:
    jobs = await jobs_in_helsinki(phone)
    await be_at(phone, LAT + 0.01, LON)
    page = (await phone.get("/jobs/map")).text
    rows = re.findall(r'<li class="pin-row" id="pin-([0-9a-f]{24})"', page)
    assert rows == jobs
    assert "1.1 km south" in page
    assert "You were here just now, within 25 m" in page
    assert re.search(r"Without a position.*Ask for the key", page, re.S)
    assert "No roads yet: no hub has given this phone a map." in page
    assert 'href="geo:60.1699,24.9384?q=60.1699,24.9384(Boiler)"' in page


async def test_the_map_shows_what_the_list_is_asked_for(phone: Phone) -> None:
    jobs = await jobs_in_helsinki(phone)
    await phone.tap(jobs[0], "assigned", "finished")
    page = (await phone.get("/jobs/map")).text
    assert f"pin-{jobs[0]}" not in page, "what is done is not where one has to go"
    page = (await phone.get("/jobs/map?section=Done")).text
    assert re.findall(r'id="pin-([0-9a-f]{24})"', page) == [jobs[0]]
    page = (await phone.get("/jobs/map?q=pum")).text
    assert re.findall(r'id="pin-([0-9a-f]{24})"', page) == [jobs[1]]
    assert 'href="/jobs?q=pum"' in page
    page = (await phone.get("/jobs?q=pum&section=Next")).text
    assert 'href="/jobs/map?q=pum&amp;section=Next"' in page
    await phone.post("/settings/jobs", jobs="off")
    assert "Jobs are off on this phone" in (await phone.get("/jobs/map")).text


async def test_a_style_that_a_hub_sends_asks_for_nothing_elsewhere(
    phone: Phone, map_folder: Path
) -> None:
    assert (await phone.get("/map/style.json")).text == '{"style": null, "tiles": null}'
    offer = carry(phone.device.map.carried, map_folder)
    here = phone.device.map.carried.here
    assert here is not None
    tiles = f"/map/{here.file}"
    whole = phone.device.map.carried.path.read_bytes()  # type: ignore[union-attr]
    answer = await phone.get(tiles, Range="bytes=0-6")
    assert (answer.status, answer.text) == (206, whole[:7].decode("latin-1"))
    assert (await phone.get("/map/other.pmtiles")).status == 404
    assert (await phone.get("/map/..%2Fstore.sqlite")).status == 404
    evil: dict[str, Any] = {
        "version": 8,
        "glyphs": "https://elsewhere.example/{fontstack}/{range}.pbf",
        "sprite": "https://elsewhere.example/sprite",
        "sources": {
            "region": {
                "type": "vector",
                "url": "https://elsewhere.example/x.json",
                "tiles": ["https://elsewhere.example/{z}/{x}/{y}"],
            },
            "other": {"type": "geojson", "data": "https://elsewhere.example/y.json"},
        },
        "layers": [
            {"id": "a", "type": "line", "source": "other"},
            {"id": "b", "type": "background"},
        ],
    }
    object.__setattr__(offer, "styles", {"light": evil, "dark": evil})
    object.__setattr__(here, "offer", offer)
    text = (await phone.get("/map/style.json?theme=dark")).text
    assert "elsewhere" not in text
    assert f"pmtiles://{tiles}" in text
    assert '"id": "b"' in text
    assert '"id": "a"' not in text
    assert (await phone.get("/map/style.json?theme=green")).status == 400


async def test_the_libraries_are_served_and_nothing_beside_them(phone: Phone) -> None:
    found = Libraries.find()
    assert set(found.url_by_name) >= {"maplibre", "maplibre-worker", "pmtiles", "leaflet"}
    for url in found.path_by_url:
        answer = await phone.get(url)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert (await phone.get("/library/leaflet-1.9.4/LICENSE")).status == 404
    assert (await phone.get("/library/..%2f..%2f/board.css")).status == 404


async def test_settings_say_how_the_map_stands_and_take_it_away(
    phone: Phone, map_folder: Path
) -> None:
    assert "Comes with the next contact" in (await phone.get("/settings/map")).text
    carry(phone.device.map.carried, map_folder)
    size = phone.device.map.carried.size / 1_000
    page = (await phone.get("/settings/map")).text
    assert f"Here: {size:.1f} kB" in page
    assert f"Here: {size:.1f} kB" in (await phone.get("/settings")).text
    page = (await phone.post("/settings/map", map="leave")).text
    assert f"Here: {size:.1f} kB" in page, "it is fetched no more, and not taken away"
    assert 'aria-checked="false"' in page
    page = (await phone.post("/settings/map", delete="yes")).text
    assert "Not carried" in page
    assert "No roads: this phone carries no map." in (await phone.get("/jobs/map")).text
    await jobs_in_helsinki(phone)
    await phone.post("/settings/phone", media="wi-fi")
    page = (await phone.post("/settings/map", map="carry")).text
    assert "Waits for Wi-Fi" in page
    assert "No roads yet: the map waits for Wi-Fi." in (await phone.get("/jobs/map")).text
    assert (await phone.post("/settings/map", what="else")).status == 400


@pytest.mark.browser
async def test_pins_are_tapped_on_a_map_that_stays_where_it_is(
    chromium: Browser, phone: Phone, map_folder: Path
) -> None:
    jobs = await jobs_in_helsinki(phone)
    carry(phone.device.map.carried, map_folder)
    await be_at(phone, LAT + 0.002, LON)
    async with map_of(chromium, phone, scheme="dark") as page:
        await expect(page.locator("#map")).to_have_attribute("data-drawn", "gl")
        await expect(page.locator("#map-credit")).to_have_text("© OpenStreetMap contributors")
        await expect(page.locator(".pin")).to_have_count(3)
        await expect(page.locator("#map-canvas .me")).to_be_in_viewport()
        pump = page.locator(f'.pin[data-pins="pin-{jobs[1]}"]')
        await expect(pump).to_have_attribute("aria-label", "2: Pump, New")
        box = await pump.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 48
        await pump.tap()
        card = page.locator("#map-card")
        await expect(card).to_contain_text("Pump")
        await expect(card).to_contain_text("north-east")
        before = await middle(page)
        await be_at(phone, LAT + 0.003, LON + 0.002)
        await phone.tap(jobs[1], "assigned", "accepted")
        await expect(pump).to_have_attribute("aria-label", "2: Pump, Accepted")
        await expect(card).to_contain_text("Accepted")
        assert await middle(page) == before, "a fix moves the sign and not the map"
        await page.get_by_role("button", name="My place").tap()
        await until(lambda: _moved(page, before), "the map is at the own place")
        await page.get_by_role("button", name="Close").tap()
        await page.get_by_role("button", name="All jobs").tap()
        await expect(pump).to_be_in_viewport()
        # Two at one door are a list, however near one comes.
        await page.locator(".pin-several").tap()
        await expect(card.locator(".pin-card")).to_have_count(2)
        before = await middle(page)
        await card.get_by_role("link", name="Open Valve").tap()
        await expect(page.locator("h1")).to_have_text("Valve")
        await page.goto(phone.address + "/jobs/map")
        await expect(page.locator("#map")).to_have_attribute("data-drawn", "gl")
        assert await middle(page) == before, "who comes back finds the map as it was"


@pytest.mark.browser
async def test_roads_come_to_a_page_that_is_open(
    chromium: Browser, phone: Phone, map_folder: Path
) -> None:
    await jobs_in_helsinki(phone)
    async with map_of(chromium, phone) as page:
        await expect(page.locator("#map")).to_have_attribute("data-drawn", "gl")
        await expect(page.locator("#roads")).to_contain_text("No roads yet")
        await expect(page.locator(".pin")).to_have_count(3)
        carry(phone.device.map.carried, map_folder)
        async with page.expect_request(re.compile(r"/map/\w+-z14\.pmtiles")):
            phone.device.announce()
        await expect(page.locator("#roads")).to_have_text("")


@pytest.mark.browser
async def test_without_webgl_the_map_is_drawn_flat_and_without_scripts_it_is_a_list(
    chromium_path: str, driver: Playwright, phone: Phone, map_folder: Path
) -> None:
    jobs = await jobs_in_helsinki(phone)
    carry(phone.device.map.carried, map_folder)
    async with launched(driver, chromium_path, CHROMIUM_WITHOUT_WEBGL) as browser:
        async with map_of(browser, phone) as page:
            await expect(page.locator("#map")).to_have_attribute("data-drawn", "flat")
            await page.locator(f'.pin[data-pins="pin-{jobs[1]}"]').tap()
            await expect(page.locator("#map-card")).to_contain_text("Pump")
            await expect(page.locator("canvas.leaflet-tile").first).to_be_visible()
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        port = int(phone.address.rpartition(":")[2])
        await page.goto(first_link(phone.device.folder, phone.device.entropy, port))
        await page.goto(phone.address + "/jobs/map")
        await expect(page.locator("#map")).to_be_hidden()
        await expect(page.locator(".pin-row")).to_have_count(4)


@pytest.mark.browser
async def test_five_hundred_jobs_are_few_pins(chromium: Browser, phone: Phone) -> None:
    changes = []
    for number in range(500):
        job = acts.new_stream_id(Kind.JOB, phone.clock.now_ms(), number.to_bytes(7, "big"))
        point = [601_000_000 + number % 25 * 40_000, 249_000_000 + number // 25 * 80_000]
        changes += acts.create_job(job, {"title": f"Meter {number:03d}", "point": point})
        changes += acts.assign(job, phone.worker, number.to_bytes(8, "big"))
    phone.office(changes)
    await phone.sync()
    async with map_of(chromium, phone, "/jobs/map?section=Today") as page:
        await expect(page.locator("#map")).to_have_attribute("data-drawn", "gl")
        await expect(page.locator(".pin-row")).to_have_count(499)
        assert 5 < await page.locator(".pin").count() < 100
