"""The inbox in a real Chromium, by keyboard alone, with a real phone at the other end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from core.dispatch import acts
from core.dispatch.fields import Phase
from core.dispatch.overruled import not_taken
from tests.web.board.desk import Desk
from tests.web.board.town import MINUTE_MS
from tests.web.browsing import barriers
from web.board.inbox_book import InboxBook

pytestmark = pytest.mark.browser


async def troubled(desk: Desk) -> tuple[str, bytes]:
    """A late job and, returned with its turn, one with two truths; both phones were heard."""
    town, ana = desk.town, desk.workers[0]
    await town.job("Late", worker=desk.workers[1], starts_in=-90, lasts=30, priority=3)
    job, turn = await town.job("Filter", worker=ana, starts_in=30)
    await town.meet(ana)
    await town.meet(desk.workers[1])
    stream = bytes.fromhex(job)
    await town.on_phone(ana, acts.set_phase(stream, ana.stream, turn, Phase.TRAVELLING))
    town.clock.at_ms += MINUTE_MS
    await town.office.hub.act(
        await town.account("Eva"), acts.set_phase(stream, ana.stream, turn, Phase.FINISHED)
    )
    await town.meet(ana)
    return job, turn


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this name stands in focus."""
    for _ in range(30):
        await page.keyboard.press("Tab")
        focused = page.locator("*:focus")
        words = (await focused.inner_text()) if await focused.count() else ""
        if " ".join(words.split()).startswith(name):
            return
    raise AssertionError(f"no {name!r} within thirty steps")


async def test_by_keyboard_to_the_conflict_decide_and_the_phone_knows_who_lost(
    desk: Desk, chromium: Browser
) -> None:
    town, ana = desk.town, desk.workers[0]
    job, _ = await troubled(desk)
    page = await desk.sit(chromium, "/?view=all", with_map=False)
    count = page.locator("#inbox-count")
    await expect(count).to_have_text("2")
    # From the table the walk opens the job in the pane, what hurts most first.
    await page.keyboard.press(".")
    await expect(page.locator(".job-detail h2")).to_have_text("Late")
    await expect(page.locator("#said")).to_contain_text("1 of 2: A-5 Late: No show")
    # In the inbox it stands on the problem itself, and the pane follows.
    await page.keyboard.press("i")
    await expect(page.locator(".problem")).to_have_count(2)
    assert "show=inbox" in page.url
    await page.keyboard.press(".")
    focused = page.locator(".problem:focus")
    await expect(focused).to_contain_text("Conflict: Phase")
    await expect(focused).to_contain_text("on Ana's phone")
    await expect(page.locator(".job-detail h2")).to_have_text("Filter")
    # The first side is the one shown now: Finished, which the worker did not write.
    await tab_to(page, "Keep this")
    await page.keyboard.press("Enter")
    await expect(page.locator(".problem")).to_have_count(1)
    await expect(count).to_have_text("1")
    await expect(page.locator(".toast")).to_contain_text("Decided; every phone and hub will know.")
    # The focus went on to what is left, where it can be put aside without a pointer.
    await expect(page.locator(".problem:focus")).to_contain_text("Late")
    await tab_to(page, "Put aside")
    await page.keyboard.press("Enter")
    await tab_to(page, "For an hour")
    await page.keyboard.press("Enter")
    await expect(page.locator("#inbox .empty")).to_contain_text("Nothing needs you now")
    await expect(count).to_have_text("0")
    await page.keyboard.press(".")
    await expect(page.locator("#toasts")).to_contain_text("Nothing needs you now.")
    # What becomes a problem is said once, and counted, without a sound and without a jump.
    await town.job("Gutter", starts_in=-120)
    await expect(page.locator("#said")).to_contain_text("New in the inbox: A-7 Gutter: No show")
    await expect(count).to_have_text("1")
    # The phone, once it meets the hub: the office's value, and that the worker's was not taken.
    await town.meet(ana)
    rows = ana.phone.store.db.execute("SELECT phase FROM assignment WHERE job = ?", (job,))
    assert rows.fetchall() == [("finished",)]
    (lost,) = not_taken(ana.phone.state(bytes.fromhex(job)), ana.stream)
    assert (lost.own, lost.instead, lost.decided) == (Phase.TRAVELLING, Phase.FINISHED, True)


async def test_what_a_busy_hub_lists_late_is_counted_without_another_change(
    desk: Desk, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await desk.sit(chromium, "/?view=all", with_map=False)
    count = page.locator("#inbox-count")
    await expect(count).to_have_text("0")
    # A hub with many jobs rests after it has listed what hurts, and answers with that for a while.
    ready_s = asyncio.get_running_loop().time() + 2
    monkeypatch.setattr(
        InboxBook, "_rests", lambda _book: asyncio.get_running_loop().time() < ready_s
    )
    await desk.town.job("Gutter", starts_in=-120)
    await expect(count).to_have_text("1")
    await page.context.close()


@pytest.mark.parametrize(
    ("width", "height", "scheme"), [(1440, 900, "dark"), (820, 1100, "light"), (360, 740, "light")]
)
async def test_the_inbox_has_no_barrier_and_fits_its_screen(
    desk: Desk, chromium: Browser, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    await troubled(desk)
    page = await desk.sit(
        chromium, viewport={"width": width, "height": height}, color_scheme=scheme, with_map=False
    )
    await page.goto("/?show=inbox")
    await expect(page.locator("#board[data-ready]")).to_be_attached()
    await expect(page.locator(".problem").first).to_be_visible()
    await page.locator(".act-ask summary").first.click()
    assert await barriers(page) == []
    over = "[...document.querySelectorAll('.problem')].some((e) => e.scrollWidth > e.clientWidth)"
    assert not await page.evaluate(over)
    name = await page.locator('[data-layout="inbox"]').inner_text()
    assert "Inbox" in name
