"""An import in a real Chromium: rows are pasted, a column is chosen, what was shown is written."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.web.board.town import Town
from tests.web.browsing import barriers, sit_down

pytestmark = pytest.mark.browser

ROWS = (
    "Name\tNo\tStreet\tWhat for\n"
    "Letná\tC-1\tOvenecká 3\tboilers\n"
    "Nusle\tC-2\tSezimova 9\tleaks\n"
    "\tC-3\tNowhere 1\t\n"
)


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (360, 740, "dark")])
async def test_pasted_rows_are_shown_mended_and_imported(
    town: Town, chromium: Browser, width: int, height: int, scheme: str
) -> None:
    office = town.office
    await office.add_account("Eva", "dispatcher")
    await town.customer("Letná")
    faults: list[str] = []
    page = await sit_down(
        chromium,
        office,
        faults,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
    )
    await page.goto("/import")
    await expect(page.get_by_role("heading", name="Import")).to_be_visible()
    assert await barriers(page) == []
    await page.get_by_label("or rows copied from a spreadsheet").fill(ROWS)
    await page.get_by_role("button", name="Show what it would do").click()
    counts = page.get_by_role("list", name="What it would do")
    await expect(counts).to_contain_text("1 new customer")
    await expect(counts).to_contain_text("1 equal to existing")
    await expect(counts).to_contain_text("1 faulty, left out")
    await expect(page.get_by_text("the name is missing").first).to_be_visible()
    assert await barriers(page) == []
    # A choice is shown at once, and the keyboard stays where it was.
    column = page.get_by_label("What for")
    await expect(column).to_have_value("")
    await column.select_option("note")
    await page.wait_for_url("**c3=note**")
    await expect(page.get_by_label("What for")).to_have_value("note")
    await expect(page.get_by_label("What for")).to_be_focused()
    await page.get_by_role("button", name="Import 1 row").click()
    await expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    assert await barriers(page) == []
    rows = await office.rows("SELECT name, note FROM customer WHERE number = 'C-2'")
    assert [(row["name"], row["note"]) for row in rows] == [("Nusle", "leaks")]
    await page.get_by_role("link", name="Nusle").click()
    await expect(page.get_by_role("heading", name="Nusle")).to_be_visible()
    assert faults == []
    await page.context.close()
