"""The board's table in a real Chromium, by keyboard alone, down to what the phones then hold."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from core.dispatch import acts
from tests.web.board.desk import Desk, row, shown
from tests.web.browsing import barriers

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)


async def test_jobs_are_filtered_selected_and_assigned_by_keyboard_alone(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=open&sort=title", with_map=False)
    keys = page.keyboard
    # A filter that is none is pointed at, and the table stays.
    await keys.press("/")
    await keys.type("prio:high")
    await keys.press("Enter")
    await expect(page.locator("#filter-fault")).to_contain_text("did you mean “priority”")
    await expect(page.locator("#filter-text")).to_have_attribute("aria-invalid", "true")
    assert await shown(page) == ["Alpha", "Bravo", "Charlie", "Delta"]
    # The key and the value are taken from the list.
    await page.locator("#filter-text").clear()
    await keys.type("pri")
    await expect(page.get_by_role("option")).to_have_count(1)
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(page.locator("#filter-text")).to_have_value("priority:")
    await page.locator("#filter-text").clear()
    await keys.type("priority<=high")
    await expect(row(page, desk.jobs[1])).to_have_count(0)
    await keys.press("Enter")
    await expect(page.locator(".chips")).to_contain_text("Priority <= high")
    assert await shown(page) == ["Alpha", "Charlie", "Delta"]
    # Three are selected with two presses; one of them is taken by somebody meanwhile.
    await keys.press("Home")
    await keys.press("Shift+J")
    await keys.press("Shift+J")
    await expect(page.locator("#bulk-count")).to_have_text("3 selected")
    taken = desk.jobs[2]
    turn = desk.town.office.entropy(8)
    await desk.town.office.act(acts.assign(bytes.fromhex(taken), desk.workers[1].stream, turn))
    await expect(row(page, taken)).to_contain_text("Ben")
    assert await barriers(page) == []
    await keys.press("b")
    await keys.press("Enter")
    await keys.press("Tab")
    await keys.type("Ana")
    await keys.press("Tab")
    await keys.press("Tab")
    await keys.press("Enter")
    outcome = page.locator("#bulk-outcome")
    await expect(outcome).to_contain_text("2 of 3 jobs assigned to Ana. 1 left as it is")
    await expect(outcome).to_contain_text("Assigned to Ben")
    await expect(page.locator("#bulk-count")).to_have_text("1 selected")
    await expect(row(page, desk.jobs[0])).to_contain_text("Ana")
    assert await barriers(page) == []
    # What the page says is what the phones hold.
    ana, ben = desk.workers[:2]
    for worker, jobs in ((ana, {desk.jobs[0], desk.jobs[3]}), (ben, {taken})):
        await desk.town.meet(worker)
        held = worker.phone.store.db.execute("SELECT job FROM job").fetchall()
        assert {one[0] for one in held} == jobs
    await row(page, desk.jobs[0]).focus()
    await keys.press("Escape")
    await expect(page.locator("#bulk")).to_be_hidden()
    # Enter in a menu's input does what that menu says, and not what the first one would.
    await row(page, taken).locator("input[name='pick']").check()
    await page.locator("#bulk summary", has_text="Cancel").press("Enter")
    await page.locator("input[name='cancel_reason']").fill("Not needed")
    await keys.press("Enter")
    await expect(page.locator("#bulk")).to_be_hidden()
    cancelled = await desk.town.row(taken)
    assert (cancelled["status"], cancelled["reason"]) == ("cancelled", "Not needed")
    await page.context.close()


async def test_of_a_row_that_changes_only_the_cells_that_differ_are_drawn_anew(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=all&sort=title", with_map=False)
    job, office = desk.jobs[1], desk.town.office
    changed = row(page, job)
    await changed.evaluate("(row) => { window.before = [row, ...row.cells]; }")
    await changed.locator("input[name='pick']").check()
    await changed.locator("input[name='pick']").focus()
    turn = office.entropy(8)
    await office.act(acts.assign(bytes.fromhex(job), desk.workers[1].stream, turn))
    await expect(changed).to_contain_text("Ben")
    anew = "(row) => [row, ...row.cells].map((one, at) => one === window.before[at])"
    kept = await changed.evaluate(anew)
    names = await changed.evaluate("(row) => [...row.cells].map((cell) => cell.classList[0])")
    standing = {name for name, same in zip(names, kept[1:], strict=True) if same}
    assert kept[0], "the row itself stands"
    assert {"c-number", "c-title", "c-customer", "c-window"} <= standing
    assert "c-worker" not in standing
    # It shows that it changed, once more with each change, and stays selected.
    await expect(changed).to_have_class("job picked flash")
    await office.act(acts.edit_job(bytes.fromhex(job), {"title": "Bravo again"}))
    await expect(changed).to_contain_text("Bravo again")
    await expect(changed).to_have_class("job picked flash-again")
    assert await changed.locator("input[name='pick']").is_checked()
    within = "(row) => row.contains(document.activeElement)"
    assert await changed.evaluate(within), "the keyboard stands where it stood"


async def test_the_workers_to_filter_by_stay_as_they_stand_until_there_is_another(
    desk: Desk, chromium: Browser
) -> None:
    page = await desk.sit(chromium, "/?view=all&sort=title", with_map=False)
    workers = page.locator("#filter-workers")
    names = await workers.locator(".check").all_text_contents()
    assert names[0] == "Nobody"
    assert {"Ana", "Ben"} <= set(names)
    await workers.evaluate("(list) => { window.before = list; }")
    await page.locator(".filter-menu summary", has_text="Worker").click()
    await workers.get_by_label("Ana").check()
    await expect(page.locator(".chips")).to_contain_text("Worker: Ana")
    await expect(workers.get_by_label("Ana")).to_be_focused()
    await workers.get_by_label("Ben").check()
    await expect(page.locator(".chips")).to_contain_text("Worker: Ben")
    await page.locator(".chips a", has_text="Worker: Ana").click()
    await expect(page.locator(".chips")).not_to_contain_text("Worker: Ana")
    assert await workers.evaluate("(list) => list === window.before"), "the same boxes"
    ticked = """(list) => [...list.querySelectorAll('input:checked')]
      .map((one) => one.labels[0].textContent)"""
    assert await workers.evaluate(ticked) == ["Ben"]
    # Back is another address too, and a worker who is new is there at the next answer.
    await page.go_back()
    await expect(page.locator(".chips")).to_contain_text("Worker: Ana")
    assert await workers.evaluate(ticked) == ["Ana", "Ben"]
    await desk.town.worker("Zoe")
    await page.locator(".chips a", has_text="Worker: Ana").click()
    await expect(workers.get_by_label("Zoe")).to_be_attached()
    assert await workers.evaluate(ticked) == ["Ben"]
    assert await workers.locator(".check").all_text_contents() == [*names, "Zoe"]
    await page.context.close()
