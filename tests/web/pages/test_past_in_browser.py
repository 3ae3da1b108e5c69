"""Reports and history in a real Chromium: drawn, replayed, without a barrier, wide and narrow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.office import PASSWORD, Office
from tests.web.pages.test_past import DAY, drive
from tests.web.pages.test_reports import fill

pytestmark = pytest.mark.browser

VENDOR = Path(__file__).parent.parent.parent / ".cache" / "vendor"
AXE = "(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] })"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


async def opened(office: Office, chromium: Browser, faults: list[str], **options: Any) -> Page:
    """Eva, signed in with a browser of these options."""
    context = await chromium.new_context(base_url=office.origin, **options)
    page = await context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    await page.goto("/sign-in?onward=/reports")
    await page.get_by_label("Name").fill("Eva")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Reports")).to_be_visible()
    return page


async def barriers(page: Page, path: str) -> list[str]:
    """What keeps people out of the page that is open, and whether it is wider than its screen."""
    (axe,) = VENDOR.glob("axe-core-*/axe.min.js")
    await page.evaluate(axe.read_text())
    result = await page.evaluate(AXE, RULES)
    found = [
        f"{path}: {fault['id']}: {[node['html'] for node in fault['nodes']][:3]}"
        for fault in result["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{path} is wider than its screen")
    return found


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (360, 740, "dark")])
async def test_a_report_leads_to_the_day_behind_it_which_is_replayed(
    office: Office, chromium: Browser, width: int, height: int, scheme: str
) -> None:
    faults: list[str] = []
    await office.add_account("Eva", "admin")
    jan = await fill(office)
    await drive(office, jan)
    page = await opened(
        office,
        chromium,
        faults,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
    )
    found: list[str] = []
    # The chart has bars that say what they are, and the order of the table is a link.
    bar = page.locator("svg.chart g", has_text="=Jan: on site 2 h")
    box = await bar.bounding_box()
    assert box is not None
    assert box["width"] > 100
    found += await barriers(page, "/reports")
    await page.get_by_role("link", name="Planned and actual").click()
    await expect(page).to_have_url(re.compile("chart=plan"))
    if width > 640:
        await page.get_by_role("link", name="Worked").click()
        await expect(page.locator('th[aria-sort="descending"]')).to_contain_text("Worked")
    found += await barriers(page, "/reports?chart=plan")

    await page.goto(f"/history?from={DAY}&to={DAY}")
    await page.get_by_role("link", name="Day of =Jan").first.click()
    await expect(page.locator("#replay[data-ready]")).to_be_visible(timeout=30_000)
    slider, clock = page.get_by_label("Time of the day"), page.locator("#replay-clock")
    await expect(clock).to_have_text("12:00")
    # By keyboard to the beginning, then a step into the day.
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(clock).to_have_text("11:00")
    await expect(page.locator("#replay-now")).to_have_text("On the way")
    await page.get_by_label("Speed").select_option("600")
    await page.get_by_role("button", name="Play").click()
    await expect(page.locator("tr[data-now]")).to_contain_text("11:10", timeout=20_000)
    await expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=20_000)
    await expect(clock).to_have_text("12:00")
    found += await barriers(page, "/history")

    await page.goto("/history/patterns")
    found += await barriers(page, "/history/patterns")
    assert found == []
    assert faults == []
    await page.context.close()
