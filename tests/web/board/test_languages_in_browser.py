"""The board in another language, in a real Chromium: its pages, its scripts, and an act in it."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.web.board.desk import Desk, row
from tests.web.browsing import barriers, cut_buttons
from web.language import language_named


async def test_the_board_speaks_its_readers_language_in_pages_and_scripts(
    desk: Desk, chromium: Browser
) -> None:
    czech = language_named("cs")
    assert czech.say("Nobody") != "Nobody", "no catalog is built"
    page = await desk.sit(chromium, "/?view=unassigned", with_map=False, locale="cs-CZ")
    await expect(page.locator("html")).to_have_attribute("lang", "cs")
    await expect(row(page, desk.jobs[1])).to_contain_text(czech.say("Nobody"))
    await page.keyboard.press("Control+k")
    await expect(page.locator("#palette-list")).to_contain_text(czech.say("All keys"))
    await page.keyboard.press("Escape")

    await row(page, desk.jobs[1]).locator(".row-link").click()
    # At once, before the pane has come.
    await page.keyboard.press("a")
    await expect(page.locator(".candidate")).to_have_count(3)
    await page.keyboard.type("cyr")
    await expect(page.locator(".candidate")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.locator("#pane")).to_contain_text(czech.say("Not on the phone"))
    assert (await desk.town.row(desk.jobs[1]))["worker"] == desk.workers[2].id
    # What its scripts made of it: the row left the view, and is said to have.
    pending = page.locator("#pending")
    await expect(pending.or_(page.locator("#toasts .toast")).first).to_be_visible()
    shown = await page.locator("#pending, #toasts").all_inner_texts()
    assert "row" not in " ".join(shown)
    assert "Undo" not in " ".join(shown)
    assert await barriers(page, "the board in Czech") == []
    # On a small desk, with the map beside, nothing of the toolbar is cut.
    await page.set_viewport_size({"width": 1024, "height": 768})
    assert await cut_buttons(page) == ""
