"""The outline in the job's form in a browser: a place fills it in, and another empties it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from core.dispatch.acts import edit_place
from tests.web.board.desk import Desk
from tests.web.browsing import barriers

pytestmark = pytest.mark.browser

YARD = [
    *(500_990_000, 144_240_000),
    *(500_990_000, 144_260_000),
    *(501_000_000, 144_260_000),
]
LINES = "50.099, 14.424\n50.099, 14.426\n50.1, 14.426"


async def test_a_chosen_place_brings_its_outline_and_another_takes_it_out(
    desk: Desk, chromium: Browser
) -> None:
    point = (500_995_000, 144_250_000)
    await desk.town.office.act(
        [
            *edit_place(desk.letna, b"the yard", {"name": "Yard", "point": point, "outline": YARD}),
            *edit_place(desk.letna, b"the gate", {"name": "Gate", "point": point, "radius": 40}),
        ]
    )
    page = await desk.sit(chromium, "/?do=new", with_map=False)
    await page.locator("[name=customer_text]").press_sequentially("letn")
    await page.get_by_role("option", name="Letná").click()
    outline = page.get_by_label("Outline")
    await page.get_by_label("Place", exact=True).select_option("Yard")
    await expect(outline).to_have_value(LINES)
    assert await barriers(page) == []
    await page.get_by_label("Place", exact=True).select_option("Gate")
    await expect(outline).to_have_value("")
    await page.context.close()
