"""A working day of a dispatcher by keyboard alone, from the sign-in to the file, and its phones.

A real hub, a real Chromium and real replicas as phones. Invariant: nothing is clicked, and nothing
is put into a field but by typing.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from core.dispatch import acts
from core.dispatch.fields import Phase
from core.dispatch.overruled import not_taken
from tests.web.board.desk import Desk, row, shown
from tests.web.board.town import MINUTE_MS
from tests.web.browsing import without_map
from tests.web.office import PASSWORD

pytestmark = pytest.mark.browser


async def focused_words(page: Page) -> str:
    """What stands on the element in focus."""
    return str(
        await page.evaluate("(document.activeElement?.innerText ?? '').replace(/\\s+/g, ' ')")
    ).strip()


async def press_until(page: Page, key: str, words: str, most: int = 40) -> None:
    """Press a key until the element in focus has these words."""
    for _ in range(most):
        await page.keyboard.press(key)
        if words in await focused_words(page):
            return
    raise AssertionError(f"no {words!r} within {most} presses of {key}")


async def command(page: Page, typed: str, meant: str) -> None:
    """Open the list of commands, type, and take what is marked, which has to be `meant`."""
    await page.keyboard.press("Control+k")
    await page.keyboard.type(typed)
    await expect(page.locator('#palette [aria-selected="true"]')).to_contain_text(meant)
    await page.keyboard.press("Enter")
    await expect(page.locator("#palette")).to_be_hidden()


async def type_day(page: Page, day: str) -> None:
    """Type a day (`2026-11-23`) into the input in focus, in the order that this browser wants."""
    year, month, of_month = day.split("-")
    for digits in (of_month + month + year, month + of_month + year, year + month + of_month):
        await page.keyboard.type(digits)
        if await page.evaluate("document.activeElement.value") == day:
            return
        # Back to the first part of it.
        for _ in range(3):
            await page.keyboard.press("ArrowLeft")
    raise AssertionError(f"the input did not take {day} in any order")


async def press_until_named(page: Page, name: str) -> None:
    """Press Tab until the input of this name stands in focus."""
    for _ in range(12):
        if await page.evaluate("document.activeElement?.name ?? ''") == name:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no input {name!r} within twelve presses")


class Day:
    """Eva's working day: each part of it leaves the board for the next."""

    def __init__(self, desk: Desk, page: Page) -> None:
        self.town, (self.ana, self.ben, self.cyril) = desk.town, desk.workers
        self.desk, self.page, self.keys = desk, page, page.keyboard
        self.said, self.toast = page.locator("#said"), page.locator(".toast").last
        self.radiator = ""

    async def sign_in(self) -> None:
        """By name and password."""
        await self.page.goto("/")
        await expect(self.page.get_by_label("Name")).to_be_focused()
        await self.keys.type("Eva")
        await self.keys.press("Tab")
        await self.keys.type(PASSWORD)
        await self.keys.press("Enter")
        await expect(self.page.locator("#board[data-ready]")).to_be_attached()

    async def make(self) -> None:
        """A job from a customer, whose place and contact come with it."""
        page, keys = self.page, self.keys
        await keys.press("n")
        await expect(page.get_by_label("Title")).to_be_focused()
        await keys.type("Radiator")
        await keys.press("Tab")
        await keys.type("letn")
        await expect(page.get_by_role("option", name="Letná")).to_be_visible()
        await keys.press("Enter")
        await expect(page.get_by_label("Position")).to_have_value("50.0995, 14.425")
        await keys.press("Control+Enter")
        await expect(page.get_by_role("heading", name="Radiator")).to_be_visible()
        (made,) = await self.town.office.rows("SELECT * FROM job WHERE title = 'Radiator'")
        self.radiator = made["job"]
        assert made["customer"] == self.desk.letna.hex()
        await keys.press("Escape")

    async def find_and_assign(self) -> None:
        """Found by its first letters, it gets a window in the table and the nearest worker."""
        page, keys = self.page, self.keys
        await command(page, "radi", "A-5 Radiator")
        await expect(page.get_by_role("heading", name="Radiator")).to_be_visible()
        await keys.press("Escape")
        await expect(row(page, self.radiator)).to_be_focused()
        await keys.press("r")
        await expect(page.locator(".cell-editor").get_by_label("Day")).to_be_focused()
        await type_day(page, "2026-11-23")
        await press_until_named(page, "window_start")
        await keys.type("1300")
        await press_until_named(page, "window_end")
        await keys.type("1400")
        await keys.press("Enter")
        await expect(row(page, self.radiator)).to_contain_text("13:00–14:00")
        # A key goes to the editor as long as it is there.
        await expect(page.locator(".cell-editor")).to_have_count(0)
        await keys.press("a")
        await expect(page.locator(".candidate")).to_have_count(3)
        await keys.press("ArrowDown")
        assert "Ana" in await focused_words(page), "the nearest stands first"
        await keys.press("Enter")
        await expect(self.toast).to_contain_text("A-5 is assigned to Ana.")
        assert await self.town.listed(self.ana) == ["Radiator"]
        await keys.press("Escape")

    async def replan(self) -> None:
        """In the planner it is carried to Ben, two quarters of an hour later."""
        page, keys, ben = self.page, self.keys, self.ben
        await keys.press("l")
        await expect(page.locator(".planner.drawn .plan-job").first).to_be_visible()
        bar = page.locator(f'.plan-job[data-job="{self.radiator}"]')
        for _ in range(8):
            await keys.press("j")
            if await bar.evaluate("node => node === document.activeElement"):
                break
        await expect(bar).to_be_focused()
        await keys.press("Space")
        await expect(self.said).to_contain_text("picked up")
        await keys.press("ArrowDown")
        await keys.press("ArrowRight")
        await keys.press("ArrowRight")
        await expect(self.said).to_contain_text("A-5 to Ben, 13:30")
        await keys.press("Space")
        await expect(page.locator(f'.plan-row[data-worker="{ben.id}"]')).to_contain_text("Radiator")
        await expect(bar).to_be_focused()
        assert await self.town.listed(self.ana) == []
        assert await self.town.listed(ben) == ["Radiator"]

    async def decide(self) -> None:
        """Cut off, Ben sets out while Eva hears that it is finished: of two truths hers stays."""
        page, keys, town, ben = self.page, self.keys, self.town, self.ben
        (held,) = await town.office.rows(
            "SELECT turn FROM assignment WHERE job = ? AND worker = ?", (self.radiator, ben.id)
        )
        stream, turn = bytes.fromhex(self.radiator), bytes.fromhex(held["turn"])
        await town.on_phone(ben, acts.set_phase(stream, ben.stream, turn, Phase.TRAVELLING))
        town.clock.at_ms += MINUTE_MS
        await keys.press("s")
        await expect(page.locator('#act-phase select[name="phase"]')).to_be_focused()
        await keys.type("Finished")
        await press_until(page, "Tab", "Set the state")
        await keys.press("Enter")
        await expect(self.toast).to_contain_text("finished, on Ben's behalf")
        await town.meet(ben)
        await expect(page.locator("#inbox-count")).to_have_text("1")
        await keys.press("i")
        await expect(page.locator(".problem:focus")).to_contain_text("Conflict: Phase")
        # The first side is the one that shows now: the office's.
        await press_until(page, "Tab", "Keep this")
        assert "inished" in await focused_words(page)
        await keys.press("Enter")
        await expect(page.locator("#inbox .empty")).to_contain_text("Nothing needs you now")
        await keys.press("i")
        await town.meet(ben)
        phases = ben.phone.store.db.execute(
            "SELECT phase FROM assignment WHERE job = ? AND worker = ?", (self.radiator, ben.id)
        )
        assert phases.fetchall() == [("finished",)]
        (lost,) = not_taken(ben.phone.state(stream), ben.stream)
        assert (lost.own, lost.instead) == (Phase.TRAVELLING, Phase.FINISHED)

    async def assign_all_and_undo(self) -> None:
        """Four jobs at once to Cyril, and back."""
        page, keys, town = self.page, self.keys, self.town
        await command(page, "unassigned", "Unassigned")
        await expect(row(page, self.radiator)).to_have_count(0)
        await keys.press("X")
        await expect(page.locator("#bulk-count")).to_have_text("4 selected")
        await keys.press("b")
        await keys.press("Enter")
        await keys.press("Tab")
        await keys.type("Cyril")
        await press_until(page, "Tab", "Assign")
        await keys.press("Enter")
        await expect(self.toast).to_contain_text("4 jobs assigned to Cyril.")
        assert await town.listed(self.cyril) == ["Alpha", "Bravo", "Charlie", "Delta"]
        await keys.press("z")
        await expect(self.toast).to_contain_text("Undone")
        assert await town.listed(self.cyril) == []
        await expect(page.locator("tr.job")).to_have_count(4)

    async def export(self, file: Path) -> None:
        """The file is what is shown: these jobs, in this order, these columns."""
        page, keys = self.page, self.keys
        await keys.press("/")
        await keys.type("priority>=high")
        await keys.press("Enter")
        await expect(page.locator("#total")).to_have_text("2")
        async with page.expect_download() as downloading:
            await command(page, "csv columns shown", "Export the jobs as CSV, the columns shown")
        await (await downloading.value).save_as(file)
        lines = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
        assert [line["title"] for line in lines] == await shown(page) == ["Bravo", "Charlie"]


async def test_a_day_is_dispatched_by_keyboard_alone(
    desk: Desk, chromium: Browser, tmp_path: Path
) -> None:
    context = await chromium.new_context(
        base_url=desk.town.office.origin,
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
    )
    page = await context.new_page()
    page.on("pageerror", lambda error: desk.faults.append(str(error)))
    await without_map(page)
    day = Day(desk, page)
    await day.sign_in()
    await day.make()
    await day.find_and_assign()
    await day.replan()
    await day.decide()
    await day.assign_all_and_undo()
    await day.export(tmp_path / "jobs.csv")
    await context.close()
