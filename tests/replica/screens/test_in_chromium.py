"""The screens in a real browser, of the size of a small phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from core.dispatch import acts, erasure
from core.dispatch.fields import Kind
from replica.screens.guard import first_link
from replica.screens.marks import DISPLAY_CHOICES
from tests.build import START_MS
from tests.pictures import png
from tests.replica.screens.conftest import HOUR_MS, Phone

AXE = Path(__file__).parents[2] / ".cache" / "vendor"

# What a finger in a glove can hit: everything to tap, and the label where that is what is tapped.
_TARGETS = """() => [...document.querySelectorAll(
    'a, button, input:not([type=hidden]), select, textarea, summary')]
  .filter((each) => !each.classList.contains('skip'))
  .map((each) => [each.closest('label') ?? each, each])
  .map(([target, each]) => [target.getBoundingClientRect(), each])
  .filter(([box]) => box.width > 0 && (box.width < 47.5 || box.height < 47.5))
  .map(([box, each]) => `${each.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""

# Words that stand in two lines for want of room, but for those that are as long as an address, and
# what is cut off.
_BROKEN = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    if (node.parentElement.closest('.hidden-words, .typed, #code-link, option')) continue;
    for (const word of node.data.matchAll(/[\\p{L}]{2,19}/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
      if (lines.size > 1) found.push(word[0]);
    }
  }
  for (const each of document.querySelectorAll('a, button, .status, .pill span'))
    if (each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline')
      found.push(each.textContent.trim());
  return found;
}"""

COLLEAGUE = acts.new_stream_id(Kind.WORKER, START_MS, b"1234567").hex()

EVERY_SCREEN = (
    "/menu", "/jobs", "/jobs?q=nothing", "/jobs/map", "/jobs/{job}", "/jobs/{job}/logs",
    "/jobs/{job}/reject", "/jobs/{job}/problem", "/jobs/{job}/state", "/jobs/{job}/sign",
    "/jobs/{job}/hand", "/settings/map", "/logs/new?job={job}", "/day", "/week", "/colleagues",
    "/people", "/sync/code?file=AAAA",
    "/colleagues/add?worker={colleague}&name=Bo", "/settings", "/settings/jobs",
    "/settings/display", "/settings/language", "/settings/location", "/settings/phone",
    "/settings/health", "/settings/privacy", "/sync",
)  # fmt: skip

pytestmark = pytest.mark.browser


@asynccontextmanager
async def small_phone(
    chromium: Browser, phone: Phone, scheme: Any, locale: str = "en-GB"
) -> AsyncIterator[Page]:
    """A page of 360 by 740 in a browser that was let in; a broken policy or script fails."""
    context = await chromium.new_context(
        viewport={"width": 360, "height": 740},
        color_scheme=scheme,
        locale=locale,
        has_touch=True,
        is_mobile=True,
    )
    page = await context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def hear(message: ConsoleMessage) -> None:
        # A page that a test itself has cut off may say so.
        if message.type == "error" and "DISCONNECTED" not in message.text:
            complaints.append(message.text)

    page.on("console", hear)
    port = int(phone.address.rpartition(":")[2])
    await page.goto(first_link(phone.device.folder, phone.device.entropy, port))
    yield page
    assert complaints == []
    await context.close()


async def a_full_day(phone: Phone) -> str:
    """Jobs in all sections, one of them in work with everything on it; that one."""
    now = phone.clock.now_ms()
    customer = phone.site.new_id(Kind.CUSTOMER)
    phone.office(acts.edit_customer(customer, {"name": "Novak Heating"}))
    job = phone.give_job(
        "Boiler will not start after the night, water on the floor",
        customer=customer,
        description="Ring at the gate.\nThe valve is behind the left panel.",
        point=[494_000_000, 155_900_000],
        address="Lipova 12, 586 01 Jihlava",
        contact="Jana Kralova",
        contact_phone="+420 777 123 456",
        priority=3,
        window=[now, now + HOUR_MS],
        planned_minutes=90,
        check_items=["Gas off", "Photo of the type plate"],
    )
    for number, title in enumerate(("Pump", "Valve", "Meter", "Filter")):
        phone.give_job(title, window=[now + number * 8 * HOUR_MS, now + number * 8 * HOUR_MS + 1])
    await phone.sync()
    await phone.tap(job, "assigned", "travelling")
    phone.clock.pass_ms(HOUR_MS // 2)
    await phone.tap(job, "travelling", "on site")
    phone.clock.pass_ms(HOUR_MS)
    await phone.post(f"/jobs/{job}/notes", text="Key is with the porter")
    await phone.device.attach_file(bytes.fromhex(job), "plate.png", png(40, 90, 160))
    return job


@pytest.mark.parametrize(
    ("scheme", "locale", "text"), [("light", "en-GB", "normal"), ("dark", "cs-CZ", "largest")]
)
async def test_every_screen_fits_is_large_enough_to_hit_and_accessible(
    chromium: Browser, phone: Phone, scheme: str, locale: str, text: str
) -> None:
    job = await a_full_day(phone)
    await phone.post("/settings/display", text=text)
    sizes = DISPLAY_CHOICES["text"]
    erased, new = phone.give_job("Gutter"), phone.give_job("Fan")
    await phone.sync()
    await phone.post(f"/jobs/{erased}/notes", text="The ladder of the neighbours is in the shed")
    phone.office(erasure.erase([bytes.fromhex(erased)]))
    await phone.sync()
    (axe,) = AXE.glob("axe-core-*/axe.min.js")
    async with small_phone(chromium, phone, scheme, locale) as page:
        screens = [each.format(job=job, colleague=COLLEAGUE) for each in EVERY_SCREEN]
        for path in [*screens, f"/jobs/{new}"]:
            await page.goto(phone.address + path)
            assert await page.get_attribute("html", "lang") == locale[:2], path
            for size in (*sizes, text):
                await page.evaluate("size => document.documentElement.dataset.text = size", size)
                assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
                assert await page.evaluate(_BROKEN) == [], (path, size)
            assert await page.evaluate(_TARGETS) == [], path
            await page.evaluate(axe.read_text("utf-8"))
            found = await page.evaluate("axe.run({resultTypes: ['violations']})")
            serious = [
                (each["id"], [node["html"][:120] for node in each["nodes"]])
                for each in found["violations"]
                if each["impact"] in ("serious", "critical")
            ]
            assert serious == [], path


async def test_a_tap_moves_the_job_and_undo_takes_it_back(chromium: Browser, phone: Phone) -> None:
    job = await a_full_day(phone)
    async with small_phone(chromium, phone, "light") as page:
        await page.goto(f"{phone.address}/jobs/{job}")
        button = page.locator(".primary")
        await expect(button).to_have_text("Finish")
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 64
        await page.mouse.wheel(0, 1_500)
        await expect(button).to_be_in_viewport()
        await expect(page.locator("#bar-logs")).to_be_in_viewport()
        await button.tap()
        await expect(page.locator("#job-head .status")).to_have_text("Done")
        await page.locator(".snack-button").tap()
        await expect(page.locator("#job-head .status")).to_have_text("On site")
    assert await phone.phase(job) == "on site"
    assert [log[0] for log in await phone.logs() if log[2] is None] == ["on site"]


async def test_an_open_page_follows_the_office_and_keeps_what_is_being_typed(
    chromium: Browser, phone: Phone
) -> None:
    job = await a_full_day(phone)
    async with small_phone(chromium, phone, "dark") as page:
        await page.goto(f"{phone.address}/jobs/{job}")
        await page.fill("#note", "half a sent")
        marked = "window.stayed = true"
        await page.evaluate(marked)
        phone.office(acts.edit_job(bytes.fromhex(job), {"title": "Boiler repaired"}))
        phone.office(acts.add_note(bytes.fromhex(job), "Take the spare key"))
        await phone.sync()
        await expect(page.locator("h1")).to_have_text("Boiler repaired")
        await expect(page.locator("#note-list")).to_contain_text("Take the spare key")
        await expect(page.locator("#note")).to_have_value("half a sent")
        assert await page.evaluate("window.stayed") is True
        await expect(page.locator("#pill")).to_have_text("All saved on hub")


async def test_five_hundred_jobs_are_searched_as_one_types(chromium: Browser, phone: Phone) -> None:
    changes = []
    for number in range(500):
        job = acts.new_stream_id(Kind.JOB, phone.clock.now_ms(), number.to_bytes(7, "big"))
        changes += acts.create_job(job, {"title": f"Meter {number:03d}"})
        changes += acts.assign(job, phone.worker, number.to_bytes(8, "big"))
    phone.office(changes)
    await phone.sync()
    async with small_phone(chromium, phone, "light") as page:
        await page.goto(phone.address + "/jobs?section=Today")
        await expect(page.locator(".card")).to_have_count(499)
        await page.goto(phone.address + "/jobs")
        await page.locator("#q").press_sequentially("meter 41")
        await expect(page.locator(".card")).to_have_count(10)
        await expect(page.locator("#q")).to_be_focused()
        await page.locator("#q").fill("meter 417")
        await expect(page.locator(".card")).to_have_count(1)


async def test_the_phones_own_server_asleep_is_told_in_words(
    chromium: Browser, phone: Phone
) -> None:
    async with small_phone(chromium, phone, "light") as page:
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await page.wait_for_function("navigator.serviceWorker.controller !== null")
        await page.context.set_offline(True)
        await page.goto(phone.address + "/day")
        await expect(page.locator("h1")).to_have_text("Fieldlog is not running on this phone")
        await expect(page.locator("body")).to_contain_text("Nothing is lost")
        font = "getComputedStyle(document.body).fontFamily"
        assert "Roboto" in await page.evaluate(font), "it has the screens' own look"
        await page.context.set_offline(False)
        await page.locator("a").tap()
        await expect(page.locator("body")).to_contain_text("No jobs yet")
