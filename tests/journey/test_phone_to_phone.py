"""Two phones hand a job over with the hub gone, and nothing unsent is lost by logging out.

Real hub and devices as processes; browsers of a phone's size.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.journey.processes import Process, Site, free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@dataclass
class Hand:
    """A phone in somebody's hand: its program, and a browser of its size that was let in."""

    name: str
    device: Process
    port: int
    page: Page
    link: str

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def read(self, code: str) -> None:
        """Read a colleague's code by the camera: it opens on this phone, at its own port."""
        await self.page.goto(re.sub(r"^http://127\.0\.0\.1:\d+", self.base, code))

    async def open_job(self, title: str) -> None:
        await self.page.goto(f"{self.base}/jobs")
        await self.page.locator(".card", has_text=title).first.tap()

    async def code_shown(self) -> str:
        """The text of the code that this phone shows."""
        return await self.page.locator("#code-link").text_content() or ""


async def join(
    site: Site, folder: Path, browser: Browser, name: str, stack: AsyncExitStack
) -> Hand:
    """A worker, whose phone has joined."""
    page = await site.office.get("/workers/new")
    await site.office.post("/workers/new", page, name=name)
    page = await site.office.get("/workers")
    found = re.search(rf'/workers/([0-9a-f]{{24}})"[^>]*>\s*{name}', page)
    assert found is not None, page
    code = await site.code_for(found[1])
    port = free_port()
    device = Process(folder / f"{name}.log", "device", "--data", folder / name, "--port", port)
    stack.push_async_callback(device.kill)
    printed = await device.start("Ctrl-C stops it")
    link = re.search(r"Screens: +(\S+)", printed)
    assert link is not None
    context = await browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    stack.push_async_callback(context.close)
    sheet = await context.new_page()
    sheet.set_default_timeout(20_000)
    await sheet.goto(link[1])
    await sheet.fill("#code", code)
    await sheet.fill("#address", f"127.0.0.1:{site.sync_port}")
    await sheet.get_by_role("button", name="Join", exact=True).tap()
    await sheet.wait_for_url("**/jobs")
    return Hand(name, device, port, sheet, link[1])


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    found = Site(tmp_path)
    try:
        await found.set_up()
        yield found
    finally:
        await found.close()


async def give(site: Site, title: str, worker: str) -> str:
    """A job of the office's for a worker; its id."""
    page = await site.office.get("/?new=1")
    await site.office.post("/board/new", page, title=title)
    job = site.office.at.partition("job=")[2][:24]
    page = await site.office.get("/workers")
    found = re.search(rf'/workers/([0-9a-f]{{24}})"[^>]*>\s*{worker}', page)
    assert found is not None
    page = await site.office.get(f"/?view=all&job={job}")
    await site.office.post(f"/board/job/{job}/assign", page, worker=found[1])
    return job


async def test_a_job_goes_from_phone_to_phone_with_the_hub_gone(
    site: Site, chromium: Browser, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        aino = await join(site, tmp_path, chromium, "Aino", stack)
        bo = await join(site, tmp_path, chromium, "Bo", stack)
        job = await give(site, "Boiler", "Aino")
        await expect(aino.page.locator(".card")).to_contain_text("Boiler")
        await site.hub.stop()

        # Bo shows who he is, Aino's phone reads it and hands the job on.
        await bo.page.goto(f"{bo.base}/colleagues")
        await aino.read(await bo.code_shown())
        await aino.page.get_by_role("button", name="Keep Bo").tap()
        await expect(aino.page.locator("#known")).to_contain_text("Bo")
        await aino.open_job("Boiler")
        await aino.page.get_by_role("link", name="Hand on").tap()
        await aino.page.get_by_role("button", name="Bo").tap()
        await expect(aino.page.locator("#job-head")).to_contain_text("Handed to Bo")

        # The job itself goes as a code, signed by Aino; Bo takes it in, does it and signs that.
        await aino.page.get_by_role("link", name="Show it to their phone").tap()
        await expect(aino.page.locator(".qr")).to_be_visible()
        await bo.read(await aino.code_shown())
        await bo.page.get_by_role("button", name="Take it in").tap()
        await bo.page.wait_for_url("**/jobs?said=*")
        await bo.open_job("Boiler")
        for words in ("Accept", "Start travel", "Arrived", "Finish"):
            await bo.page.get_by_role("button", name=words, exact=True).tap()
        await expect(bo.page.locator("#job-head .status")).to_have_text("Done")

        # Bo's phone alone meets the hub, which has both words and nothing to decide.
        await aino.device.stop()
        await site.start_hub()
        await bo.page.goto(f"{bo.base}/sync")
        await bo.page.get_by_role("button", name="Send now").tap()
        await expect(bo.page.locator("#pill")).to_have_text("All saved on hub", timeout=40_000)
        board = await site.office.until(f"/?view=all&job={job}", "Done")
        assert "Bo" in board.string
        rows = await site.office.get("/export/jobs.csv?view=conflicts")
        assert "Boiler" not in rows, "nothing needs a person"


async def test_logging_out_loses_nothing_and_another_worker_shares_the_phone(
    site: Site, chromium: Browser, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        aino = await join(site, tmp_path, chromium, "Aino", stack)
        await give(site, "Boiler", "Aino")
        page = aino.page
        await expect(page.locator(".card")).to_contain_text("Boiler")
        await site.hub.stop()
        await aino.open_job("Boiler")
        await page.fill("#note", "The key is with the porter")
        await page.get_by_role("button", name="Save note").tap()
        await expect(page.locator("#note-list")).to_contain_text("porter")

        # Logging out is refused in words; what waits can be saved to a file for the hub.
        await page.goto(f"{aino.base}/people")
        await page.locator("#log-out").tap()
        await expect(page.get_by_role("alert")).to_contain_text("have not reached the hub yet")
        async with page.expect_download() as saved:
            await page.get_by_role("link", name="Save a file for the hub first").tap()
        carried = Path(await (await saved.value).path()).read_bytes()

        # Somebody else takes the phone, over a kill; Aino's work waits and goes by itself.
        await page.get_by_role("button", name="Let somebody new join").tap()
        await expect(page.locator("h1")).to_have_text("Join your site")
        await aino.device.kill()
        await aino.device.start("Ctrl-C stops it")
        await page.goto(aino.link)
        await expect(page.locator("h1")).to_have_text("Join your site")
        await page.get_by_role("link", name="People on this phone").tap()
        await expect(page.locator("#people")).to_contain_text("Aino")
        await expect(page.locator("#people")).to_contain_text("To send:")
        await site.start_hub()
        await expect(page.locator("#people")).to_contain_text("To send:")
        for _ in range(40):
            await page.goto(f"{aino.base}/people")
            if "All saved on hub" in await page.locator("#people").inner_text():
                break
            await page.wait_for_timeout(500)
        await expect(page.locator("#people")).to_contain_text("All saved on hub")
        await page.get_by_role("button", name="Let Aino in").tap()
        await page.wait_for_url("**/jobs")
        await aino.open_job("Boiler")
        await expect(page.locator("#note-list")).to_contain_text("porter")
        await page.goto(f"{aino.base}/people")
        await page.locator("#log-out").tap()
        await expect(page.locator("h1")).to_have_text("Join your site")

        assert len(carried) > 100
        text = await site.office.get("/export/jobs.csv?view=all")
        assert text.count("Boiler") == 1
