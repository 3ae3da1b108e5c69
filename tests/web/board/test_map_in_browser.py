"""The map in a real Chromium: lists, the lasso, what matters, a day, who is near a place."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, Page, expect

from core.dispatch import acts
from core.dispatch.fields import Kind
from hub.presence import Presence
from tests.web.board.desk import Desk, assign, point_in
from tests.web.board.town import Worker

pytestmark = pytest.mark.browser

CHOSEN = """() => { window.chosen = [];
  document.addEventListener('board:select', (event) => { window.chosen = event.detail.jobs; }); }"""


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(1_000):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to hold")


async def sit_at_map(desk: Desk, browser: Browser, path: str) -> Page:
    """Eva at a board that shows the map alone, drawn."""
    page = await desk.sit(browser, path)
    await expect(page.locator("#map[data-ready]")).to_be_attached(timeout=40_000)
    return page


async def test_the_map_is_worked_by_keyboard_and_by_a_drawn_line(
    desk: Desk, without_webgl: Browser
) -> None:
    alone, theirs = desk.jobs[3], desk.jobs[0]
    for job, point in ((alone, (501_100_000, 144_900_000)), (theirs, (501_060_000, 144_100_000))):
        await desk.town.office.act(acts.edit_job(bytes.fromhex(job), {"point": point}))
    await assign(desk, theirs, desk.workers[0])
    page = await sit_at_map(desk, without_webgl, "/?view=all&show=map")
    await page.evaluate(CHOSEN)
    keys = page.keyboard

    await page.get_by_role("button", name="List what is in sight").click()
    listed = page.get_by_role("group", name="In sight: 4 jobs, 3 workers")
    await expect(listed.locator("button").first).to_be_focused()
    await keys.press("End")
    await expect(page.get_by_role("button", name="Select these 4")).to_be_focused()
    await keys.press("Enter")
    await expect(page.locator(".map-bar")).to_contain_text("4 jobs selected")
    assert sorted(await page.evaluate("chosen")) == sorted(desk.jobs)
    await page.get_by_role("button", name="Clear").click()
    await expect(page.locator(".map-bar")).to_have_count(0)

    await page.get_by_role("button", name="List what is in sight").click()
    await keys.press("Enter")
    card = page.get_by_role("region", name=re.compile("Today of (Ana|Ben|Cyril)"))
    await expect(card.get_by_role("heading")).to_be_focused()
    await keys.press("Escape")
    await expect(card).to_have_count(0)
    await page.get_by_role("button", name="List what is in sight").click()
    await page.get_by_role("button", name=re.compile("^Ana position")).click()
    await expect(page.locator(".map-stop")).to_contain_text("Alpha")
    await expect(page.locator(".map-stop")).to_contain_text("straight line")
    await page.get_by_role("button", name="Close").click()

    await page.get_by_role("button", name="All jobs and workers into sight").click()
    box = await page.locator("#map").bounding_box()
    assert box
    await keys.down("Shift")
    edge = box["x"] + box["width"] - 8, box["y"] + box["height"] - 8
    await page.mouse.move(box["x"] + 4, box["y"] + 4)
    await page.mouse.down()
    for x, y in ((edge[0], box["y"] + 4), edge, (box["x"] + 4, edge[1])):
        await page.mouse.move(x, y, steps=4)
    await page.mouse.up()
    await keys.up("Shift")
    await expect(page.locator(".map-bar")).to_contain_text("4 jobs selected")
    link = page.get_by_role("link", name="Propose a plan")
    href = await link.get_attribute("href") or ""
    assert all(job in href for job in desk.jobs)
    await page.evaluate(
        "(job) => document.dispatchEvent(new CustomEvent('board:select', {detail: {jobs: [job]}}))",
        alone,
    )
    await expect(page.locator(".map-bar")).to_contain_text("1 job selected")
    await page.get_by_role("button", name="Clear").click()

    matters = page.get_by_role("button", name="Only what matters")
    await matters.click()
    await expect(matters).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#map-words")).to_have_text("3 of 4 jobs matter now.")
    await page.context.close()


async def test_an_address_leads_to_a_job_on_the_nearest_workers_phone(
    desk: Desk, chromium: Browser
) -> None:
    ana = desk.workers[0]
    await desk.town.meet(ana)
    page = await desk.sit(chromium, "/?view=all&do=near", with_map=False)
    await page.get_by_role("combobox", name="Address or position").fill("ovenecka")
    await expect(page.get_by_role("option", name="Ovenecká 3")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".candidate")).to_have_count(3)
    await page.get_by_role("link", name="25 km").click()
    await expect(page.get_by_role("link", name="25 km")).to_have_attribute("aria-current", "true")
    await expect(page.locator(".candidate").first).to_contain_text("straight line")
    await page.locator(".candidate").first.click()
    assert await page.get_by_label("New job here").evaluate("input => input.validity.valueMissing")
    await page.get_by_label("New job here").fill("Burst pipe")
    await page.locator(".candidate", has_text="Ana").click()
    await expect(page.get_by_role("heading", name="Burst pipe")).to_be_visible()
    assert "do=near" not in page.url
    await desk.town.meet(ana)
    held = ana.phone.store.db.execute("SELECT title, status FROM job").fetchall()
    assert [tuple(one) for one in held] == [("Burst pipe", "open")]
    await page.context.close()


async def test_a_click_on_the_map_asks_who_is_near_it(desk: Desk, without_webgl: Browser) -> None:
    page = await sit_at_map(desk, without_webgl, "/?view=all&show=map")
    await page.get_by_role("button", name="Who is near a place").click()
    await expect(page.locator("#map-words")).to_contain_text("Click the place")
    box = await page.locator("#map").bounding_box()
    assert box
    await page.mouse.click(box["x"] + 90, box["y"] + 130)
    await expect(page.get_by_role("heading", name="Who is near")).to_be_visible()
    assert "do=near" in page.url
    await expect(page.locator(".near-form")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#pane")).to_be_hidden()
    assert "near" not in page.url
    await page.context.close()


async def test_workers_who_move_are_drawn_where_they_are_and_many_of_them_as_dots(
    desk: Desk, without_webgl: Browser
) -> None:
    hub, now_ms = desk.town.office.hub, desk.town.clock.now_ms()
    hub.feed.moves_every_s = 0.05

    def moves(worker: Worker, lat: int, lon: int, duty: int = 1) -> None:
        hub.keep_presence(worker.phone.identity.own, {0: now_ms, 1: lat, 2: lon, 5: 900, 7: duty})

    page = await sit_at_map(desk, without_webgl, "/?view=all&show=map")
    ana = page.get_by_alt_text("Ana", exact=True)
    before = await ana.bounding_box()
    moves(desk.workers[0], 501_005_000, 144_350_000)
    moves(desk.workers[1], 0, 0, duty=0)
    await expect(page.get_by_alt_text("Ben", exact=True)).to_have_count(0)
    after = await ana.bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] > before["x"] + 5
    # Who was never heard of is asked for by the first frame that names them.
    dora = await desk.town.worker("Dora")
    moves(dora, 500_950_000, 144_200_000)
    await expect(page.get_by_alt_text("Dora", exact=True)).to_be_visible()

    more = [acts.new_stream_id(Kind.WORKER, now_ms, number.to_bytes(7)) for number in range(320)]
    people = [acts.edit_worker(each, {"name": f"W {n}"}) for n, each in enumerate(more)]
    await desk.town.office.act([change for each in people for change in each])
    for number, each in enumerate(more):
        hub.presence[each.hex()] = Presence(
            now_ms, 500_900_000 + 900 * number, 144_200_000, 9, 0, 3.0, 50, True, "jobs on"
        )
        hub.feed.moved(each.hex())
    await expect(page.get_by_alt_text("Dora", exact=True)).to_have_count(0)
    await expect(page.locator("#map canvas").first).to_be_visible()
    assert await page.locator("#map img.leaflet-marker-icon").count() < 20
    # A map that is out of sight is told nothing, and when it is back in sight all at once.
    await page.get_by_role("link", name="Table", exact=True).click()
    await until(lambda: not hub.feed._movers)
    await page.get_by_role("link", name="Map", exact=True).click()
    await until(lambda: len(hub.feed._movers) == 1)
    await page.context.close()


async def test_who_stands_among_hundreds_of_dots_is_found_by_a_click(
    desk: Desk, chromium: Browser
) -> None:
    hub, now_ms, alone = desk.town.office.hub, desk.town.clock.now_ms(), desk.jobs[3]
    lat, lon = 501_100_000, 144_900_000
    await desk.town.office.act(acts.edit_job(bytes.fromhex(alone), {"point": (lat, lon)}))
    ids = [acts.new_stream_id(Kind.WORKER, now_ms, number.to_bytes(7)) for number in range(320)]
    people = [acts.edit_worker(each, {"name": f"W {n}"}) for n, each in enumerate(ids)]
    await desk.town.office.act([change for each in people for change in each])
    for number, each in enumerate(ids):
        # All but one stand together, half a kilometre to the north.
        north = 45_000 if number else 0
        hub.presence[each.hex()] = Presence(
            now_ms, lat + north, lon, 9, 0, 0.0, 50, True, "jobs on"
        )
        hub.feed.moved(each.hex())
    page = await sit_at_map(desk, chromium, f"/?view=unassigned&show=map&q=delta&job={alone}")
    await page.keyboard.press("m")
    await page.keyboard.press("Escape")
    await expect(page.locator("#pane")).to_be_hidden()
    here = page.locator("#map").get_by_role("button", name="W 0", exact=False)
    for _ in range(20):  # Until the map has drawn it in its middle.
        await page.wait_for_timeout(500)
        box = await page.locator("#map .map-canvas").bounding_box()
        assert box
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if await here.count():
            break
    await expect(here).to_have_count(1)
    assert await page.locator("#map").get_by_role("button", name="W 1", exact=False).count() == 0
    await page.context.close()


async def test_a_pin_is_dragged_from_the_map_to_a_workers_hour(
    desk: Desk, without_webgl: Browser
) -> None:
    ana, alone = desk.workers[0], desk.jobs[3]
    point = (501_100_000, 144_900_000)
    await desk.town.office.act(acts.edit_job(bytes.fromhex(alone), {"point": point}))
    page = await sit_at_map(desk, without_webgl, "/?view=all&show=planner,map")
    await page.locator(f'.plan-row[data-worker="{ana.id}"]').wait_for()
    pin = await page.locator(f'[data-pin="{alone}"]').bounding_box()
    assert pin
    await page.mouse.move(pin["x"] + pin["width"] / 2, pin["y"] + pin["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(pin["x"] + 40, pin["y"] + 40, steps=4)
    card = page.locator(".plan-card")
    await expect(card).to_contain_text("A-4")
    await page.mouse.move(*await point_in(page, desk, 0, 17), steps=6)
    await expect(card).to_contain_text("A-4 to Ana, 17:00")
    after = await page.locator(f'[data-pin="{alone}"]').bounding_box()
    assert after == pin, "the map stays where it is"
    await page.mouse.up()
    await expect(page.locator(f'.plan-row[data-worker="{ana.id}"]')).to_contain_text("Delta")
    assert await desk.town.listed(ana) == ["Delta"]

    # The ground moves by the hand as ever, and a click without a drag chooses the job.
    box = await page.locator("#map").bounding_box()
    assert box
    await page.mouse.move(box["x"] + 60, box["y"] + 60)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 160, box["y"] + 110, steps=5)
    await page.wait_for_timeout(300)  # A hand that rests lends the map no swing.
    await page.mouse.up()
    moved = await page.locator(f'[data-pin="{alone}"]').bounding_box()
    assert moved
    assert moved["x"] > pin["x"] + 50
    # Its pin may be drawn anew between the button's way down and up.
    for _ in range(10):
        if f"job={alone}" in page.url:
            break
        await page.locator(f'[data-pin="{alone}"]').click()
        await page.wait_for_timeout(500)
    await expect(page.get_by_role("heading", name="Delta")).to_be_visible()
    await page.context.close()


async def test_a_pin_that_webgl_draws_is_dragged_too(desk: Desk, chromium: Browser) -> None:
    ana, alone = desk.workers[0], desk.jobs[3]
    point = (501_100_000, 144_900_000)
    await desk.town.office.act(acts.edit_job(bytes.fromhex(alone), {"point": point}))
    path = f"/?view=unassigned&show=planner,map&q=delta&job={alone}"
    page = await sit_at_map(desk, chromium, path)
    await page.locator(f'.plan-row[data-worker="{ana.id}"]').wait_for()
    await page.keyboard.press("m")
    await page.keyboard.press("Escape")
    await expect(page.locator("#pane")).to_be_hidden()
    card = page.locator(".plan-card")
    for _ in range(20):  # Until the map has drawn it in its middle.
        box = await page.locator("#map .map-canvas").bounding_box()
        assert box
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.move(*middle)
        await page.mouse.down()
        await page.mouse.move(middle[0] + 30, middle[1] + 30, steps=4)
        if await card.is_visible():
            break
        await page.mouse.move(*middle, steps=4)
        await page.mouse.up()
        await page.wait_for_timeout(500)
    await page.mouse.move(*await point_in(page, desk, 0, 17), steps=6)
    await expect(card).to_contain_text("A-4 to Ana, 17:00")
    await page.mouse.up()
    await expect(page.locator(f'.plan-row[data-worker="{ana.id}"]')).to_contain_text("Delta")
    assert await desk.town.listed(ana) == ["Delta"]
    await page.context.close()
