"""A proposal in a real Chromium: made, one line dropped, the rest accepted, and taken back."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.web.board.desk import Desk
from tests.web.browsing import barriers

pytestmark = pytest.mark.browser


async def held(desk: Desk) -> dict[str, str]:
    """Whose phone holds which job to do, by title, after each has met the hub."""
    found = {}
    for worker in desk.workers:
        for title in await desk.town.listed(worker):
            found[title] = worker.name
    return found


async def test_a_line_is_dropped_the_rest_comes_to_the_phones_and_undo_takes_it_back(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=all", with_map=False)
    await page.get_by_role("link", name="Propose who does what nobody has").click()
    await expect(page.get_by_role("main")).to_contain_text("4 jobs that nobody has, 3 workers.")
    await page.get_by_role("button", name="Make a proposal").click()
    lines = page.locator("table.proposal tbody tr")
    await expect(lines).to_have_count(4)
    assert await held(desk) == {}, "nothing is written before somebody accepts it"
    told = {
        (await line.locator("th a").inner_text()).split(" ", 1)[1]: (
            await line.locator('[data-label="To"] strong').inner_text()
        )
        for line in await lines.all()
    }
    assert set(told) == {"Alpha", "Bravo", "Charlie", "Delta"}
    found = await barriers(page, "proposal")
    await page.get_by_role("button", name="Drop A-3").click()
    await expect(page.locator(".notice")).to_contain_text("1 dropped; nothing was written.")
    charlie = lines.filter(has_text="Charlie")
    await expect(charlie).to_contain_text("dropped")
    await expect(charlie.get_by_role("checkbox")).to_have_count(0)
    await page.get_by_role("button", name="Accept what is ticked").click()
    await expect(page.locator(".notice")).to_contain_text("3 jobs accepted.")
    del told["Charlie"]
    assert await held(desk) == told
    await page.set_viewport_size({"width": 360, "height": 740})
    found += await barriers(page, "proposal, narrow")
    assert found == []

    await page.locator(".notice").get_by_role("button", name="Undo").click()
    await expect(page.locator("body")).to_contain_text("Undone")
    assert await held(desk) == {}
    rows = await desk.town.office.rows("SELECT DISTINCT worker FROM job")
    assert [row["worker"] for row in rows] == [""]
    await page.context.close()
