"""In Chromium: views saved and shared with live counts, two sights side by side, two windows."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from core.dispatch.fields import Phase
from tests.web.board.desk import Desk, assign, row
from tests.web.browsing import CUT_LINE, barriers, sit_down
from web.board import saved_views

PAIRS = ("planner,map", "planner,table", "table,inbox", "planner,inbox", "inbox,map", "both")
_SIGHTS = {
    "planner": "#planner", "table": "#sheet", "inbox": "#inbox", "map": "#map", "pane": "#pane",
}  # fmt: skip


# The sights that are seen, each with the room that it has, and the pane.
_SEEN = """(parts) => Object.entries(parts).map(([name, selector]) => {
  const { width, height } = document.querySelector(selector).getBoundingClientRect();
  return [name, Math.round(width), Math.round(height)];
}).filter(([, width, height]) => width && height)"""


async def seen_in(page: Page) -> dict[str, tuple[int, int]]:
    """Width and height of the sights and the pane that are seen."""
    return {name: (width, height) for name, width, height in await page.evaluate(_SEEN, _SIGHTS)}


async def test_what_is_shown_bears_its_new_name_as_soon_as_it_is_saved(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?sort=-delay", with_map=False)
    await expect(page.locator("h1")).to_contain_text("Exceptions")
    await page.get_by_role("link", name="Save this view").click()
    form = page.locator("#save-view")
    await form.get_by_label("Name").fill("Most delayed")
    await form.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("h1")).to_contain_text("Most delayed")
    await page.context.close()


async def test_a_view_that_eva_shares_counts_at_jans_desk_what_a_phone_reports(
    desk: Desk, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "HOLD_S", 0.2)
    monkeypatch.setattr(saved_views, "REST", 0)
    town = desk.town
    await town.office.add_account("Jan", "dispatcher")
    ana = desk.workers[0]
    turn = await assign(desk, desk.jobs[0], ana)
    page = await desk.sit(chromium, "/?view=all&q=status:%22in+progress%22&show=table")
    jans = await sit_down(chromium, town.office, desk.faults, name="Jan", expected=CUT_LINE)
    await jans.goto("/?view=open&show=table")
    await expect(jans.locator("#board[data-ready]")).to_be_attached()

    await page.get_by_role("link", name="Save this view").click()
    form = page.locator("#save-view")
    await expect(form.get_by_label("Name")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(form.get_by_role("alert")).to_have_text("The view's name is missing; give one.")
    await form.get_by_label("Name").fill("Under way")
    await form.get_by_label("For everybody").check()
    assert await barriers(page, "the form") == []
    await form.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("h1")).to_contain_text("Under way")
    shared = jans.locator(".rail [data-saved]")
    await expect(shared).to_contain_text("Under way")
    await expect(shared.locator(".count")).to_have_text("0")
    await town.phases(ana, desk.jobs[0], turn, Phase.RECEIVED, Phase.TRAVELLING)
    # A meeting in one thread takes for itself what a session's driver would announce.
    town.office.hub.feed.publish("streams", (desk.jobs[0],))
    await expect(shared.locator(".count")).to_have_text("1")
    await shared.click()
    await expect(row(jans, desk.jobs[0])).to_be_visible()
    await expect(jans.locator("tr.job")).to_have_count(1)

    # Folded, the rail still says what there is, and how many.
    await jans.get_by_role("button", name="Fold").click()
    await expect(jans.locator(".rail [data-saved]")).to_have_text("UW" + "Under way" + "1")
    assert await jans.evaluate("document.getElementById('rail').offsetWidth") < 60
    await jans.reload()
    await expect(jans.locator('#board[data-rail="small"][data-ready]')).to_be_attached()
    assert await barriers(jans, "folded") == []
    await jans.context.close()

    # On a narrow screen it is a menu.
    await page.set_viewport_size({"width": 360, "height": 740})
    await expect(page.locator("#rail")).to_be_hidden()
    await page.get_by_role("button", name="Views").click()
    assert await barriers(page, "the menu of views") == []
    await page.locator('#rail [data-view="open"]').click()
    await expect(page.locator("#rail")).to_be_hidden()
    await expect(page.locator("h1")).to_contain_text("Open")
    await page.context.close()


async def test_any_two_sights_stand_side_by_side_with_one_selection(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=all&show=table", with_map=False)
    job = desk.jobs[1]
    # By keyboard: the menu, and in it the planner with the table.
    await page.keyboard.press("v")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Shift+Tab")
    await page.locator('.layout-menu [data-layout="planner,table"]').press("Enter")
    await expect(page.locator(f'#planner .plan-job[data-job="{job}"]')).to_be_visible()
    assert "show=planner%2Ctable" in page.url
    await row(page, job).click()
    for place in ("#planner .plan-job", "tr"):
        await expect(page.locator(f'{place}[data-job="{job}"]')).to_have_attribute(
            "aria-current", "true"
        )
    # A filter holds for both, and what is chosen stays.
    await page.locator('[data-view="open"]').click()
    await expect(page.locator("h1")).to_contain_text("Open")
    assert "show=planner%2Ctable" in page.url
    await assign(desk, job, desk.workers[0])
    await expect(row(page, job)).to_contain_text("Ana")
    bar = page.locator(f'.plan-row[data-worker="{desk.workers[0].id}"] [data-job="{job}"]')
    await expect(bar).to_be_visible()
    found = []
    for pair in PAIRS:
        await page.set_viewport_size({"width": 1440, "height": 900})
        await page.goto(f"/?view=all&show={pair}&job={job}")
        await expect(page.locator("#board[data-ready]")).to_be_attached()
        found += await barriers(page, pair)
        sights = {"table", "map"} if pair == "both" else set(pair.split(","))
        for width in (1024, 1440, 2560):
            await page.set_viewport_size({"width": width, "height": 900})
            rooms = await seen_in(page)
            if set(rooms) != {*sights, "pane"} or min(map(min, rooms.values())) < 200:
                found.append(f"{width} {pair}: {rooms}")
        await page.set_viewport_size({"width": 360, "height": 740})
        assert list(await seen_in(page)) == ["pane"]
        await page.locator("#pane [data-close]").first.click()
        first = "table" if pair == "both" else pair.split(",")[0]
        await expect(page.locator(_SIGHTS[first])).to_be_visible()
        assert list(await seen_in(page)) == [first]
        await expect(page.locator(f'.layouts [data-layout="{first}"]')).to_have_attribute(
            "aria-current", "true"
        )
    assert found == []
    await page.context.close()


async def test_two_windows_show_the_same_job_until_one_goes_its_own_way(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=all&show=table", with_map=False)
    stranger = await page.context.new_page()
    await stranger.goto("/?view=open&show=table")
    await page.bring_to_front()
    await page.locator(".layout-menu > summary").click()
    async with page.expect_popup() as opened:
        await page.locator('[data-window="planner"]').click()
    second = await opened.value
    await expect(second.locator("#board[data-ready]")).to_be_attached()
    assert "show=planner" in second.url
    assert "#" not in second.url
    first, other = desk.jobs[1], desk.jobs[2]
    await row(page, first).click()
    bar = second.locator(f'.plan-job[data-job="{first}"]')
    await expect(bar).to_have_attribute("aria-current", "true")
    await expect(second.locator("#pane")).to_contain_text("Bravo")
    await second.locator(f'.plan-job[data-job="{other}"]').click()
    await expect(row(page, other)).to_have_attribute("aria-current", "true")
    assert "show=table" in page.url, "each keeps its own sights"
    await page.locator('[data-view="today"]').click()
    await expect(second.locator("h1")).to_contain_text("Today")
    assert "view=open" in stranger.url, "a window that nobody opened so goes its own way"
    # Both are live by themselves.
    await assign(desk, other, desk.workers[0])
    await expect(row(page, other)).to_contain_text("Ana")
    mine = second.locator(f'.plan-row[data-worker="{desk.workers[0].id}"] [data-job="{other}"]')
    await expect(mine).to_be_visible()
    await second.locator(".layout-menu > summary").click()
    await second.get_by_label("Follow the other window").uncheck()
    await row(page, first).click()
    await expect(page.locator("#pane")).to_contain_text("Bravo")
    await expect(second.locator("#pane")).to_contain_text("Charlie")
    await second.reload()
    await expect(second.locator("#board[data-ready]")).to_be_attached()
    await second.locator(".layout-menu > summary").click()
    await expect(second.get_by_label("Follow the other window")).not_to_be_checked()
    await page.context.close()
