"""Reports and history in a real Chromium: drawn, replayed, without a barrier, wide and narrow."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.browsing import barriers, sit_down
from tests.web.office import Office
from tests.web.pages.test_past import DAY, drive
from tests.web.pages.test_reports import fill

pytestmark = pytest.mark.browser


async def opened(office: Office, chromium: Browser, faults: list[str], **options: Any) -> Page:
    """Eva, signed in with a browser of these options, before the reports."""
    page = await sit_down(chromium, office, faults, **options)
    await page.goto("/reports")
    await expect(page.get_by_role("heading", name="Reports")).to_be_visible()
    return page


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
