"""The map in a real Chromium: lists, the lasso, what matters, a day, who is near a place."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from core.dispatch import acts
from tests.web.board.desk import Desk, assign

pytestmark = pytest.mark.browser

CHOSEN = """() => { window.chosen = [];
  document.addEventListener('board:select', (event) => { window.chosen = event.detail.jobs; }); }"""


@pytest_asyncio.fixture
async def without_webgl(chromium_path: str) -> AsyncIterator[Browser]:
    """A browser that draws the map by Leaflet: what is tested here is the same over both."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--headless=new", "--disable-3d-apis"],
        )
        yield browser
        await browser.close()


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
