"""Undo in a real Chromium: by keyboard, on the phone, and where somebody built on it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from core.dispatch import acts
from tests.web.board.desk import Desk
from tests.web.board.town import MINUTE_MS
from tests.web.browsing import barriers

pytestmark = pytest.mark.browser


async def test_what_was_done_last_is_undone_and_redone_by_keyboard_and_the_phone_follows(
    desk: Desk, chromium: Browser
) -> None:
    town, ana, job = desk.town, desk.workers[0], desk.jobs[0]
    held = "SELECT job FROM job"
    page = await desk.sit(chromium, f"/?view=all&job={job}", with_map=False)
    keys = page.keyboard
    await keys.press("a")
    await page.locator(".candidate", has_text="Ana").click()
    toast = page.locator(".toast")
    await expect(toast).to_contain_text("is assigned to Ana")
    await expect(toast.get_by_role("button", name="Undo")).to_be_visible()
    await town.meet(ana)
    assert [row[0] for row in ana.phone.store.db.execute(held)] == [job]

    await keys.press("z")
    await expect(toast.last).to_contain_text("Undone: Assigned to Ana")
    await expect(page.locator("#pane .turn.gone")).to_contain_text("withdrawn")
    await town.meet(ana)
    assert ana.phone.store.db.execute(held).fetchall() == []

    await keys.press("Control+Shift+z")
    await expect(toast.last).to_contain_text("Redone")
    await expect(page.locator("#pane .turn:not(.gone)")).to_contain_text("Ana")
    await town.meet(ana)
    assert [row[0] for row in ana.phone.store.db.execute(held)] == [job]

    # What is typed is the field's to undo, not the board's.
    await keys.press("c")
    await keys.type("zz")
    await keys.press("Control+z")
    await expect(page.locator("#pane .turn:not(.gone)")).to_contain_text("Ana")
    assert (await town.row(job))["worker"] == ana.id
    await page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (360, "dark")])
async def test_what_another_built_on_is_shown_before_anything_is_undone(
    desk: Desk, chromium: Browser, width: int, scheme: str
) -> None:
    town, job = desk.town, desk.jobs[1]
    page = await desk.sit(
        chromium,
        f"/?view=all&job={job}&do=edit",
        with_map=False,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    await page.get_by_label("Title").fill("Bravo of Eva")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".toast").get_by_role("button", name="Undo")).to_be_visible()
    await town.office.add_account("Jan", "dispatcher")
    town.clock.at_ms += MINUTE_MS
    jans = acts.edit_job(bytes.fromhex(job), {"title": "Bravo of Jan"})
    await town.office.hub.act(await town.account("Jan"), jans)

    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="Others have built on this")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("Title: Bravo of Jan")
    assert (await town.row(job))["title"] == "Bravo of Jan"
    found = []
    for path in ("", "/acts", f"/?job={job}"):
        if path:
            await page.goto(path)
        found += await barriers(page, path)
        if not path:
            address = page.url
    assert found == []
    await page.goto(address)
    await page.get_by_role("button", name="Undo all the same").click()
    await expect(page.locator(".notice")).to_contain_text("Undone: Title")
    assert (await town.row(job))["title"] == "Bravo"
    await page.context.close()
