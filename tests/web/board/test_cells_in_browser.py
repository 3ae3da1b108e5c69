"""Editing in the table in a real Chromium, by keyboard, down to what the phones then hold."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from core.dispatch import acts
from core.dispatch.fields import Phase
from tests.running import until
from tests.web.board.desk import Desk, assign, row, shown
from tests.web.board.town import HOUR_MS
from tests.web.browsing import barriers
from tests.web.office import NOON_MS

pytestmark = pytest.mark.browser


def cell(page: Page, job: str, name: str) -> Locator:
    """A cell of a job's row, by its class."""
    return row(page, job).locator(f"td.{name}")


async def test_worker_window_and_priority_are_changed_where_they_stand(
    desk: Desk, chromium: Browser
) -> None:
    town, (ana, ben, _) = desk.town, desk.workers
    alpha, bravo, charlie, _ = desk.jobs
    page = await desk.sit(chromium, "/?view=open&sort=window", with_map=False, locale="en-GB")
    keys, editor, toast = page.keyboard, page.locator(".cell-editor"), page.locator(".toast").last
    # By arrows to a cell, by Enter into it, by letters to a worker, by Enter saved.
    await keys.press("Home")
    for name in ("c-number", "c-window", "c-worker"):
        await keys.press("ArrowRight")
        await expect(cell(page, alpha, name)).to_be_focused()
    await keys.press("Enter")
    await expect(page.get_by_role("form", name="Worker of A-1 Alpha")).to_be_visible()
    await expect(editor.get_by_label("Worker")).to_be_focused()
    assert await barriers(page, "with an editor") == []
    await keys.type("Ben")
    await keys.press("Enter")
    await expect(cell(page, alpha, "c-worker")).to_be_focused()
    await expect(cell(page, alpha, "c-worker")).to_have_text("Ben")
    await expect(toast).to_contain_text("1 job assigned to Ben.")
    assert await town.listed(ben) == ["Alpha"]
    # Escape leaves it.
    await keys.press("F2")
    await keys.type("Cyril")
    await keys.press("Escape")
    await expect(cell(page, alpha, "c-worker")).to_be_focused()
    # Down a column, and by a letter from anywhere in the row; Tab saves and goes on.
    await keys.press("ArrowDown")
    await expect(cell(page, bravo, "c-worker")).to_be_focused()
    await keys.press("p")
    await expect(editor.get_by_label("Priority")).to_be_focused()
    await keys.type("Low")
    await keys.press("Tab")
    await expect(editor.get_by_label("Day")).to_be_focused()
    assert (await town.row(bravo))["priority"] == 0
    # What is moved waits for its place while one stands in the table.
    await editor.get_by_label("From").focus()
    await keys.type("1830")
    await editor.get_by_label("To").focus()
    await keys.type("1945")
    await keys.press("Enter")
    await expect(cell(page, bravo, "c-window")).to_contain_text("18:30–19:45")
    await expect(cell(page, bravo, "c-window")).to_be_focused()
    start = NOON_MS + 6 * HOUR_MS + HOUR_MS // 2
    assert (await town.row(bravo))["window_start"] == start
    assert await shown(page) == ["Alpha", "Bravo", "Charlie", "Delta"]
    await expect(page.locator("#pending")).to_be_visible()
    await keys.press(".")
    await expect(page.locator("tr.job .row-link").last).to_have_text("Bravo")
    await expect(cell(page, bravo, "c-window")).to_be_focused()
    # Undone like every other act.
    await keys.press("z")
    await expect(cell(page, bravo, "c-window")).to_contain_text("15:00–16:00")
    # A worker who is at the job is asked for with a reason, and nobody is a choice too.
    turn = await assign(desk, charlie, ana)
    await town.phases(ana, charlie, turn, Phase.ACCEPTED, Phase.ON_SITE)
    await expect(row(page, charlie)).to_contain_text("In progress")
    await row(page, charlie).focus()
    await keys.press("w")
    await keys.press("Home")
    await keys.press("Enter")
    await expect(editor.locator(".error")).to_contain_text("Ana is at it already; say why")
    assert (await town.row(charlie))["worker"] == ana.id
    await editor.get_by_label("Reason").focus()
    await keys.type("van broke down")
    await keys.press("Enter")
    await expect(cell(page, charlie, "c-worker")).to_have_text("Nobody")
    assert await town.listed(ana) == []
    await page.context.close()


async def test_what_somebody_changed_meanwhile_is_told_and_not_written_over(
    desk: Desk, chromium: Browser
) -> None:
    town, alpha = desk.town, desk.jobs[0]
    page = await desk.sit(chromium, "/?view=open&sort=title", with_map=False)
    keys, editor = page.keyboard, page.locator(".cell-editor")
    await row(page, alpha).focus()
    await keys.press("p")
    await keys.type("Urgent")
    await town.office.act(acts.edit_job(bytes.fromhex(alpha), {"priority": 0}))
    # The row is drawn anew under the editor, which keeps what was chosen.
    await expect(cell(page, alpha, "c-number")).to_contain_text("Low")
    await expect(editor.get_by_label("Priority")).to_have_value("3")
    await keys.press("Enter")
    await expect(editor.locator(".error")).to_contain_text("Priority: Low")
    await expect(editor.get_by_label("Priority")).to_be_focused()
    assert (await town.row(alpha))["priority"] == 0

    async def after_the_news(route: Route) -> None:
        answer = await route.fetch()
        # The page's own line has brought the change before the act is answered.
        await expect(cell(page, alpha, "c-number")).to_contain_text("Urgent")
        await route.fulfill(response=answer)

    await page.route("**/board/bulk/*", after_the_news)
    await keys.press("Enter")
    await expect(editor).to_have_count(0)
    await expect(cell(page, alpha, "c-number")).to_contain_text("Urgent")
    assert (await town.row(alpha))["priority"] == 3
    # A double click does what Enter does; a narrow column is no narrow editor.
    await cell(page, alpha, "c-window").dblclick()
    await expect(editor.get_by_label("Day")).to_be_focused()
    await page.context.close()


async def test_what_others_do_is_told_in_words_and_not_more_often_than_one_can_listen(
    desk: Desk, chromium: Browser
) -> None:
    alpha, bravo, charlie, delta = desk.jobs
    # That Ben's phone is silent stands in the inbox before; it would be news as well.
    await assign(desk, alpha, desk.workers[1])
    page = await desk.sit(chromium, "/?view=open&sort=title", with_map=False)
    said = page.locator("#said")
    # The page's time is in the test's hands: what is told when hangs on no machine's speed.
    await page.clock.install()
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 60"))

    async def after(step_ms: int, where: Locator, words: str) -> None:
        async def is_there() -> bool:
            await page.clock.run_for(step_ms)
            return words in await where.inner_text()

        await until(is_there, words)

    async def given_to_ben(job: str) -> None:
        await assign(desk, job, desk.workers[1])
        await after(2, cell(page, job, "c-worker"), "Ben")

    await given_to_ben(bravo)
    # A breath, in which a quarter of a second begins after the row came, whenever that was.
    await page.clock.run_for(300)
    await expect(said).to_have_text("One job changed: A-2 Bravo: Open, Ben.")
    await given_to_ben(charlie)
    await page.clock.run_for(3_000)
    await given_to_ben(delta)
    await expect(said).to_have_text("One job changed: A-2 Bravo: Open, Ben.")
    await after(100, said, "2 jobs changed: A-3 Charlie: Open, Ben; A-4 Delta: Open, Ben.")
    await page.context.close()


async def test_what_others_do_is_told_where_the_minute_brings_it_first(
    desk: Desk, chromium: Browser
) -> None:
    alpha, bravo, *_ = desk.jobs
    await assign(desk, alpha, desk.workers[1])
    page = await desk.sit(chromium, "/?view=open&sort=title", with_map=False)
    await page.clock.install()
    await page.reload()
    await expect(page.locator("#board[data-ready]")).to_be_attached()

    async def after_the_change(route: Route) -> None:
        await assign(desk, bravo, desk.workers[1])
        await route.fulfill(response=await route.fetch())

    # Each minute asks for what changes by the clock, and may meet somebody's change on its way.
    await page.route("**/board/changed?*alerts=1*", after_the_change)
    await page.clock.fast_forward(60_000)
    said = page.locator("#said")
    await expect(said).to_have_text("One job changed: A-2 Bravo: Open, Ben.")
    await page.context.close()


async def test_whoever_only_reads_edits_nothing(desk: Desk, chromium: Browser) -> None:
    await desk.town.office.add_account("Boss", "manager")
    page = await desk.sit(chromium, "/?view=open&sort=title", with_map=False, name="Boss")
    alpha = desk.jobs[0]
    await row(page, alpha).focus()
    for key in ("F2", "ArrowRight", "w", "p", "r"):
        await page.keyboard.press(key)
    await cell(page, alpha, "c-worker").dblclick()
    await expect(page.locator(".cell-editor")).to_have_count(0)
    await page.context.close()
