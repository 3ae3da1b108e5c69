"""The planner in a real Chromium: by mouse, by keyboard, live, and what the phones then hold."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from core.dispatch import acts
from core.dispatch.fields import Phase
from tests.web.board.desk import Desk, assign, point_in
from tests.web.board.town import HOUR_MS
from tests.web.office import NOON_MS

pytestmark = pytest.mark.browser
PATH = "/?view=all&show=planner"


def row(page: Page, desk: Desk, index: int) -> Any:
    """A worker's row."""
    return page.locator(f'.plan-row[data-worker="{desk.workers[index].id}"]')


def bar(page: Page, job: str) -> Any:
    """A job in the planner."""
    return page.locator(f'.plan-job[data-job="{job}"]')


async def drag(page: Page, job: Any, to: tuple[float, float], *, drop: bool = True) -> None:
    """Drag a job by its left edge to a point, as a hand does."""
    box = await job.bounding_box()
    while box is None:  # Its row was drawn anew in between.
        await page.wait_for_timeout(50)
        box = await job.bounding_box()
    await page.mouse.move(box["x"] + 1, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2, steps=3)
    await page.mouse.move(to[0] + 1, to[1], steps=6)
    if drop:
        await page.mouse.up()


async def test_a_job_goes_by_mouse_to_a_worker_and_on_to_another(
    desk: Desk, chromium: Browser
) -> None:
    town, (ana, ben, _) = desk.town, desk.workers
    alpha, bravo, charlie, _ = desk.jobs
    for job in (bravo, charlie):
        await assign(desk, job, ben)
    page = await desk.sit(chromium, PATH, with_map=False)
    card = page.locator(".plan-card")
    await drag(page, bar(page, alpha), await point_in(page, desk, 0, 14), drop=False)
    await expect(card).to_contain_text("A-1 to Ana, 14:00")
    await expect(card).to_contain_text("keeps its window 14:00–15:00")
    await expect(card).to_contain_text("phone never heard")
    assert (await town.row(alpha))["worker"] == "", "nothing is written before the drop"
    await page.mouse.up()
    await expect(row(page, desk, 0)).to_contain_text("Alpha")
    await expect(card).to_have_count(0)
    assert await town.listed(ana) == ["Alpha"]
    assert await town.listed(ben) == ["Bravo", "Charlie"]

    await drag(page, bar(page, alpha), await point_in(page, desk, 1, 15.5))
    await expect(card).to_contain_text("Insert in the order")
    await page.get_by_role("button", name="Leave it").click()
    await expect(row(page, desk, 0)).to_contain_text("Alpha")
    await drag(page, bar(page, alpha), await point_in(page, desk, 1, 15.5))
    await page.get_by_label("Insert in the order").check()
    await page.get_by_role("button", name="Move it").click()
    await expect(row(page, desk, 1)).to_contain_text("Alpha")
    await expect(row(page, desk, 0)).not_to_contain_text("Alpha")
    assert await town.listed(ben) == ["Bravo", "Alpha", "Charlie"], "the order it was put in"
    assert await town.listed(ana) == []
    assert (await town.row(alpha))["window_start"] == NOON_MS + 2 * HOUR_MS

    # From the table below, and back to nobody.
    await page.locator(".layout-menu > summary").click()
    await page.get_by_role("link", name="Planner and table").click()
    delta = page.locator(f'tr[data-job="{desk.jobs[3]}"]')
    await drag(page, delta, await point_in(page, desk, 2, 17))
    await expect(row(page, desk, 2)).to_contain_text("Delta")
    tray = await page.locator(".plan-tray h3").bounding_box()
    assert tray is not None
    await drag(page, bar(page, alpha), (tray["x"] + 30, tray["y"] + 10))
    await expect(page.locator(".plan-tray")).to_contain_text("Alpha")
    assert await town.listed(ben) == ["Bravo", "Charlie"]
    await page.context.close()


async def test_a_job_goes_by_keyboard_to_another_worker_and_hour(
    desk: Desk, chromium: Browser
) -> None:
    town, (ana, ben, _) = desk.town, desk.workers
    shed, _ = await town.job("Shed", worker=ana, starts_in=None, planned_minutes=30)
    await assign(desk, desk.jobs[0], ben)
    assert await town.listed(ana) == ["Shed"]
    page = await desk.sit(chromium, PATH, with_map=False)
    keys, said = page.keyboard, page.locator("#said")
    await page.locator('.planner [tabindex="0"]').focus()
    for _ in range(8):
        if await bar(page, shed).evaluate("node => node === document.activeElement"):
            break
        await keys.press("j")
    await expect(bar(page, shed)).to_be_focused()
    await keys.press("Space")
    await expect(said).to_contain_text("picked up")
    await keys.press("Escape")
    await expect(said).to_contain_text("stays where it was")
    await expect(bar(page, shed)).to_be_focused()
    assert "job=" not in page.url
    await keys.press("Space")
    await keys.press("ArrowDown")
    for _ in range(3):
        await keys.press("ArrowRight")
    await expect(said).to_contain_text("A-5 to Ben, 12:45 plans it for 12:45–13:15")
    await keys.press("Space")
    await expect(row(page, desk, 1)).to_contain_text("Shed")
    await expect(said).to_contain_text("A-5 is assigned to Ben, 12:45, no longer to Ana.")
    await expect(bar(page, shed)).to_be_focused()
    assert await town.listed(ben) == ["Shed", "Alpha"]
    assert await town.listed(ana) == []
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Shed")).to_be_visible()
    await expect(bar(page, shed)).to_have_attribute("aria-current", "true")
    # And the day before and after, by the planner's own links.
    head = page.locator(".plan-head h2")
    this_day = await head.inner_text()
    await keys.press("]")
    await expect(head).not_to_have_text(this_day)
    await keys.press("[")
    await expect(head).to_have_text(this_day)
    await page.context.close()


async def test_what_others_do_comes_live_and_nothing_moves_under_the_pointer(
    desk: Desk, chromium: Browser
) -> None:
    town, (ana, ben, _) = desk.town, desk.workers
    turn = await assign(desk, desk.jobs[0], ana)
    page = await desk.sit(chromium, PATH, with_map=False)
    await expect(page.locator("#plan-now")).to_be_visible()
    await bar(page, desk.jobs[0]).hover()
    await assign(desk, desk.jobs[1], ana)
    await assign(desk, desk.jobs[2], ben)
    await expect(row(page, desk, 1)).to_contain_text("Charlie")
    await expect(row(page, desk, 0)).to_have_attribute("data-waits", "")
    await expect(row(page, desk, 0)).not_to_contain_text("Bravo")
    await page.locator(".plan-head h2").hover()
    await expect(row(page, desk, 0)).to_contain_text("Bravo")

    # Somebody sets out, and before the planner knows the job is carried: its taking away needs a
    # reason by then.
    news = asyncio.Event()

    async def hold_news(route: Route) -> None:
        await news.wait()
        await route.continue_()

    await page.route("**/board/planner?*", hold_news)
    await town.phases(ana, desk.jobs[0], turn, Phase.TRAVELLING)
    await drag(page, bar(page, desk.jobs[0]), await point_in(page, desk, 2, 14))
    news.set()
    reason = page.locator(".plan-card").get_by_label("Reason")
    await expect(reason).to_be_focused()
    assert (await town.row(desk.jobs[0]))["worker"] == ana.id
    await reason.fill("van broke down")
    await page.keyboard.press("Enter")
    await expect(row(page, desk, 2)).to_contain_text("Alpha")
    assert await town.listed(ana) == ["Bravo"]
    await page.get_by_role("link", name="Week").click()
    await expect(page.locator(".plan-cell[data-current]").first).to_be_visible()
    await town.office.act(acts.edit_job(bytes.fromhex(desk.jobs[1]), {"title": "Bravo again"}))
    await expect(row(page, desk, 0)).to_contain_text("Bravo again")
    await page.get_by_role("link", name="Table", exact=True).click()
    await expect(page.locator("#sheet")).to_be_visible()
    await expect(page.locator("#planner")).to_be_hidden()
    await page.context.close()


async def test_what_is_carried_or_on_its_way_is_moved_by_no_key_and_no_news(
    desk: Desk, chromium: Browser
) -> None:
    town, (ana, ben, cyril) = desk.town, desk.workers
    shed, _ = await town.job("Shed", worker=ana, starts_in=None, planned_minutes=30)
    page = await desk.sit(chromium, PATH, with_map=False)
    keys, said, card = page.keyboard, page.locator("#said"), page.locator(".plan-card")
    news, sending = asyncio.Event(), asyncio.Event()
    sent: list[str] = []

    async def hold_news(route: Route) -> None:
        await news.wait()
        await route.continue_()

    async def hold_move(route: Route) -> None:
        sent.append(route.request.post_data or "")
        await sending.wait()
        await route.continue_()

    await page.route("**/board/planner?*", hold_news)
    await page.route("**/board/planner/move", hold_move)

    # What was asked for before it was picked up comes while it is carried: its row stays.
    async with page.expect_request("**/board/planner?*"):
        await assign(desk, desk.jobs[2], ana)
    await bar(page, shed).focus()
    await keys.press("Space")
    await expect(said).to_contain_text("picked up")
    async with page.expect_response("**/board/planner?*") as answered:
        news.set()
    await (await answered.value).finished()
    await expect(page.locator(".plan-job.lifted")).to_have_count(1)
    await expect(row(page, desk, 0)).not_to_contain_text("Charlie")
    await keys.press("ArrowDown")
    await expect(card).to_contain_text("A-5 to Ben, 12:00")

    # It is put down; until the hub has answered, no key moves it, sends it again or leaves it.
    async with page.expect_request("**/board/planner/move"):
        await keys.press("Space")
    for key in ("ArrowDown", "ArrowRight", "j", "Space", "Enter", "Escape"):
        await keys.press(key)
    await expect(card).to_contain_text("A-5 to Ben, 12:00")
    await expect(said).not_to_contain_text("stays where it was")
    sending.set()
    await expect(said).to_contain_text("A-5 is assigned to Ben, 12:00, no longer to Ana.")
    await expect(row(page, desk, 0)).to_contain_text("Charlie")
    assert len(sent) == 1
    assert "job=" not in page.url
    assert await town.listed(ben) == ["Shed"]
    assert await town.listed(cyril) == []
    await page.context.close()


async def test_while_somebody_chooses_keys_in_the_rows_lead_back_to_the_choice(
    desk: Desk, chromium: Browser
) -> None:
    town, (ana, ben, _) = desk.town, desk.workers
    shed, _ = await town.job("Shed", worker=ben, starts_in=None, planned_minutes=30)
    await assign(desk, desk.jobs[2], ana)
    page = await desk.sit(chromium, PATH, with_map=False)
    keys, said, card = page.keyboard, page.locator("#said"), page.locator(".plan-card")

    async def put_in_anas_way() -> None:
        await bar(page, shed).focus()
        await keys.press("Space")
        await keys.press("ArrowUp")
        for _ in range(16):
            await keys.press("ArrowRight")
        await expect(card).to_contain_text("A-5 to Ana, 16:00")
        await keys.press("Space")
        await expect(card.locator("input:checked")).to_be_focused()
        await bar(page, shed).focus()
        await keys.press("ArrowDown")
        await expect(card.locator("input:checked")).to_be_focused()

    await put_in_anas_way()
    await bar(page, shed).focus()
    await keys.press("Escape")
    await expect(card).to_have_count(0)
    await expect(said).to_contain_text("stays where it was")
    await put_in_anas_way()
    await page.get_by_role("button", name="Move it").click()
    await expect(said).to_contain_text("A-5 is assigned to Ana")
    assert sorted(await town.listed(ana)) == ["Charlie", "Shed"]
    assert await town.listed(ben) == []
    await page.context.close()
