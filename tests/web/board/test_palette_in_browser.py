"""The list of commands in a real Chromium: on the board, on other pages, by keyboard and by ear."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.web.board.desk import Desk, row
from tests.web.browsing import barriers

pytestmark = pytest.mark.browser


async def test_commands_act_on_the_job_that_one_stands_on_and_all_are_found_by_words(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=open&sort=title", with_map=False)
    keys, field = page.keyboard, page.get_by_role("combobox", name="Commands and search")
    marked = page.locator('#palette [aria-selected="true"]')
    await row(page, desk.jobs[1]).focus()
    await keys.press("Control+k")
    await expect(field).to_be_focused()
    await keys.type("asgn near")
    await expect(marked).to_contain_text("Assign the job to the nearest")
    await expect(marked).to_contain_text("A")
    await expect(page.locator("#palette-said")).to_contain_text("fit.")
    assert await field.get_attribute("aria-activedescendant") == await marked.get_attribute("id")
    assert await barriers(page, "the list") == []
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Bravo")).to_be_visible()
    await expect(page.locator("[data-candidate-filter]")).to_be_focused()
    await keys.press("Escape")
    # Closed by Escape, it gives the keyboard back.
    await row(page, desk.jobs[2]).focus()
    await keys.press("Control+k")
    await keys.press("Escape")
    await expect(row(page, desk.jobs[2])).to_be_focused()
    # An order of the table.
    await keys.press("Control+k")
    await keys.type("sort delay")
    await expect(marked).to_contain_text("Delay")
    await keys.press("Enter")
    await expect(page.locator('th[aria-sort="descending"]')).to_contain_text("Delay")
    # A job by its number, a customer by a part of the name without its accent.
    await keys.press("Control+k")
    await keys.type("a-4")
    await expect(marked).to_contain_text("A-4 Delta")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Delta")).to_be_visible()
    await keys.press("Control+k")
    await keys.type("letna")
    await expect(marked).to_contain_text("Letná")
    await keys.press("Enter")
    await expect(page).to_have_url(f"{desk.town.office.origin}/customers/{desk.letna.hex()}")
    # Elsewhere: what can be done there, where one can go; the board's own acts are not offered.
    await page.get_by_role("button", name="Commands").click()
    await expect(field).to_be_focused()
    await expect(page.locator("#palette-list")).not_to_contain_text("Edit the job")
    await expect(page.get_by_role("option", name="New job")).to_be_visible()
    assert await barriers(page, "the list elsewhere") == []
    await keys.type("work")
    await expect(marked).to_have_text("Workers")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Workers", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Commands")).to_be_visible()
    await keys.press("Control+k")
    await keys.type("zzzz")
    await keys.press("ArrowDown")
    await expect(marked).to_have_text("Search everything: zzzz")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    await page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (360, "light")])
async def test_the_lists_of_commands_and_of_keys_have_no_barrier_and_fit_their_screen(
    desk: Desk, chromium: Browser, width: int, scheme: str
) -> None:
    page = await desk.sit(
        chromium,
        "/?view=open",
        with_map=False,
        viewport={"width": width, "height": 740},
        color_scheme=scheme,
    )
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("option", name="New job")).to_be_visible()
    assert await barriers(page, "commands") == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", name="Keys of the board")).to_be_visible()
    assert await barriers(page, "keys") == []
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", name="Keys of the board")).to_be_hidden()
    await page.context.close()
