"""Recurring jobs in a real Chromium: begun by keyboard, seen on a phone; wide, narrow and dark."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from core.dispatch.recurrence import Often
from core.dispatch.recurrence_acts import edit_recurrence, skip_day
from tests.web.board.town import Town
from tests.web.browsing import barriers, sit_down
from tests.web.recurring.test_pages import begun, day

pytestmark = pytest.mark.browser
TABS_MAX = 80
"""More stops than any of these pages has."""


class Desk:
    """Eva's browser; at the end nothing may have gone wrong in any page."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.faults: list[str] = []

    async def sit(self, chromium: Browser, width: int, height: int, scheme: str) -> Page:
        return await sit_down(
            chromium,
            self.town.office,
            self.faults,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
        )


async def tab_to(page: Page, words: str) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        found = await page.evaluate(
            "(words) => { const at = document.activeElement;"
            " const label = at.labels?.[0]?.textContent ?? at.getAttribute('aria-label')"
            " ?? at.textContent; return label.trim().startsWith(words); }",
            words,
        )
        if found:
            return
    raise AssertionError(f"no way by Tab to {words!r}")


async def test_a_weekly_job_is_begun_by_keyboard_and_the_workers_phone_has_it(
    town: Town, chromium: Browser
) -> None:
    desk, letna, ana = Desk(town), await town.customer("Letná"), await town.worker("Ana")
    await town.office.add_account("Eva", "admin")
    page = await desk.sit(chromium, 1440, 900, "light")
    await page.goto(f"/customers/{letna.hex()}")
    await tab_to(page, "New recurring job")
    await page.keyboard.press("Enter")
    # The title has the focus; all that is known of the customer stands there.
    title = page.get_by_label("Title", exact=True)
    await expect(title).to_be_focused()
    await expect(page.get_by_role("combobox", name="Address")).to_have_value("Ovenecká 3")
    # Sent too early: told beside what is missing, which has the focus, and nothing typed is lost.
    await page.keyboard.type("Filters")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Tick at least one day of the week.")).to_be_visible()
    await expect(page.get_by_role("radio", name="Weekly")).to_be_focused()
    await expect(title).to_have_value("Filters")
    # Only what the chosen rule needs is there to be filled in.
    await expect(page.get_by_label("On these days of the month")).to_be_hidden()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_label("On these days of the month")).to_be_visible()
    await page.keyboard.press("ArrowLeft")
    await tab_to(page, "Thursday")
    await page.keyboard.press("Space")
    await tab_to(page, "From")
    await page.keyboard.type("08:00")
    await page.keyboard.press("Tab")
    await page.keyboard.type("10:00")
    await tab_to(page, "Worker")
    await page.keyboard.type("Ana")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("A-1 is added: 2 jobs are made so far.")).to_be_visible()
    await expect(page.get_by_role("row", name="Thu 26 Nov Open")).to_be_visible()

    await town.meet(ana)
    jobs = ana.phone.store.db.execute(
        "SELECT number, title, customer, address, status FROM job ORDER BY job"
    ).fetchall()
    assert jobs == [
        (f"A-1-{day(ahead)}", "Filters", letna.hex(), "Ovenecká 3", "open") for ahead in (3, 10)
    ]
    # A day that is left out in the office is cancelled on the phone.
    await tab_to(page, "Leave out Thu 26 Nov")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Take up again Thu 26 Nov")).to_be_visible()
    await town.meet(ana)
    statuses = ana.phone.store.db.execute("SELECT status FROM job ORDER BY job").fetchall()
    assert statuses == [("cancelled",), ("open",)]

    # Another customer brings its place along; what a person typed in stays.
    await town.customer("Pekárna", (500_000_000, 140_000_000))
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Contact", exact=True).fill("Marie")
    customer = page.get_by_role("combobox", name="Customer")
    await customer.fill("pek")
    await page.get_by_role("option", name="Pekárna").click()
    await expect(page.get_by_label("Position")).to_have_value("50.0, 14.0")
    await expect(page.get_by_label("Contact", exact=True)).to_have_value("Marie")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("link", name="Pekárna")).to_be_visible()
    assert desk.faults == []
    await page.context.close()


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (360, 740, "dark")])
async def test_pages_of_recurring_jobs_have_no_barrier_and_fit_their_screen(
    town: Town, chromium: Browser, width: int, height: int, scheme: str
) -> None:
    desk, letna = Desk(town), await town.customer("Letná")
    await town.office.add_account("Eva", "admin")
    stream = await begun(town, customer=letna, description="Ring twice.")
    await town.office.act(skip_day(stream, day(3)) + skip_day(stream, day(70)))
    (row,) = await town.office.rows("SELECT frontier FROM recurrence")
    for hours in ([540, 660], [360, 420]):
        changes = edit_recurrence(stream, {"hours": hours})
        await town.office.hub.act(await town.account("Eva"), changes, {stream: row["frontier"]})
    await begun(town, title="x" * 200, repeats=[Often.MONTHLY_BY_WEEKDAY, 2, [8, -3]])
    page = await desk.sit(chromium, width, height, scheme)
    one = f"/recurring/{stream.hex()}"
    found = []
    new = f"/recurring/new?customer={letna.hex()}"
    for path in ("/recurring", one, f"{one}/edit", new, "clash", "wrong"):
        if path == "clash":
            await page.goto(f"{one}/edit")
            await town.office.act(edit_recurrence(stream, {"title": "Belts"}))
            await page.get_by_label("Title", exact=True).fill("Valves")
            await page.keyboard.press("Control+Enter")
            await expect(page.get_by_text("Changed while you were editing")).to_be_visible()
        elif path == "wrong":
            await page.goto(new)
            await page.get_by_label("First day").fill("")
            await page.get_by_label("Duration").fill("long")
            await page.keyboard.press("Control+Enter")
            await expect(page.get_by_text("Tick at least one day")).to_be_visible()
        else:
            await page.goto(path)
        found += await barriers(page, path)
    assert found == []
    assert desk.faults == []
    await page.context.close()
