"""What a worker's phone is promised, row by row, in a browser of its size, with the hub stopped.

The phone is a real `fieldlog device` and the hub a real process that is gone while the rows are
shown; positions come as OwnTracks posts them, and the phone's clock is moved along with them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from replica.clock import SystemClock
from tests.journey.processes import Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

LAT, LON = 60.17, 24.94
# Places lie two kilometres apart: no visit of one is near another.
APART = 0.02
JOBS = ("Menu", "Place", "By hand", "Automatic", "Offline", "Jobs off", "Auto off", "Threshold")
HOUR_S = 3_600


@dataclass
class Worker:
    """The worker with the phone in hand: what they do, and what goes by meanwhile."""

    site: Site
    page: Page
    away_s: int = -6 * HOUR_S

    @property
    def base(self) -> str:
        return self.site.phone.base

    def clock_s(self) -> int:
        """What the phone's clock says."""
        return SystemClock().now_ms() // 1_000 + self.away_s

    def pass_s(self, seconds: int) -> None:
        """Let time go by on the phone."""
        self.away_s += seconds
        self.site.set_clocks(self.away_s * 1_000)

    async def at(self, index: float, minutes: int, speed_kmh: int = 0) -> None:
        """Be somewhere for some minutes, a fix each; places by their number in `JOBS`."""
        for _ in range(minutes):
            self.pass_s(60)
            await self.site.fix(self.clock_s(), LAT + APART * index, LON, speed_kmh)

    async def visit(self, index: int, minutes: int) -> None:
        """Come from a kilometre off, and be there."""
        await self.at(index + 0.4, 12)
        for step in range(1, 5):
            await self.at(index + 0.4 - step * 0.1, 1, 30)
        await self.at(index, minutes)

    async def open_job(self, title: str) -> None:
        """Tap a job in the list."""
        await self.page.goto(f"{self.base}/jobs")
        await self.page.locator(".card", has_text=title).first.tap()
        await expect(self.page.locator("h1")).to_have_text(title)

    async def logs(self) -> Locator:
        """The logs of the open job's LOGS page."""
        await self.page.locator("#bar-logs").tap()
        await expect(self.page.locator("h1")).to_have_text("LOGS")
        return self.page.locator("#logs > .log")

    async def choose_mode(self, mode: str) -> None:
        """Settings > Jobs, and a mode of auto logging."""
        await self.page.goto(f"{self.base}/settings/jobs")
        await self.page.get_by_role("button", name=re.compile(f"^{mode}")).tap()
        await expect(self.page.locator("#snack")).to_contain_text("Auto logging")

    async def switch(self, name: str, on: bool) -> None:
        """A switch of Settings > Jobs."""
        await self.page.goto(f"{self.base}/menu")
        await self.page.locator(".menu-item", has_text="Settings").tap()
        await self.page.locator(".menu-item", has_text="Jobs").tap()
        toggle = self.page.get_by_role("switch", name=re.compile(f"^{name}"))
        await expect(toggle).to_have_attribute("aria-checked", "false" if on else "true")
        await toggle.tap()
        await expect(toggle).to_have_attribute("aria-checked", "true" if on else "false")


async def give_jobs(site: Site, worker: str) -> None:
    """One job a row, each at a place of its own; the one for by hand has no place."""
    for index, title in enumerate(JOBS):
        page = await site.office.get("/?new=1")
        place = {"point": f"{LAT + APART * index:.6f},{LON:.6f}", "address": f"Katu {index}"}
        await site.office.post(
            "/board/new",
            page,
            title=title,
            contact="Jana Kralova",
            contact_phone="+420 777 123 456",
            point="" if title == "By hand" else place["point"],
            address="" if title == "By hand" else place["address"],
        )
        job = site.office.at.partition("job=")[2][:24]
        page = await site.office.get(f"/?view=all&job={job}")
        await site.office.post(f"/board/job/{job}/assign", page, worker=worker)


@pytest.fixture
async def worker(tmp_path: Path, chromium: Browser) -> AsyncIterator[Worker]:
    """A worker on duty with jobs on the phone; the hub is gone."""
    site = Site(tmp_path)
    try:
        site.set_clocks(-6 * HOUR_S * 1_000)
        await site.set_up()
        await site.enrol(await site.add_worker("Aino Korhonen"))
        await give_jobs(site, (await site.office.until("/workers", r"/workers/([0-9a-f]{24})"))[1])
        await site.phone.until("/jobs", JOBS[-1])
        await site.hub.stop()
        context = await chromium.new_context(
            viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
        )
        page = await context.new_page()
        page.set_default_timeout(20_000)
        await page.goto(site.phone_link)
        found = Worker(site, page)
        await page.goto(f"{found.base}/jobs")
        await page.get_by_role("button", name="Start duty").tap()
        await expect(page.locator("#duty")).to_contain_text("On duty since")
        yield found
        await context.close()
    finally:
        await site.close()


async def test_rows_of_screens_hold_with_no_network(worker: Worker) -> None:
    """M11, M12, M13 and M15."""
    page, base = worker.page, worker.base

    # M11: workers open jobs in Menu > Jobs.
    await page.locator("#bar-menu").tap()
    await page.locator("#menu .menu-item", has_text="Jobs").first.tap()
    await expect(page.locator(".card")).to_have_count(len(JOBS))
    for section in ("Now", "Next", "Today"):
        await expect(page.locator(f"#section-{section.lower()} h2")).to_have_text(section)
    await page.locator(".card", has_text="Menu").tap()
    await expect(page.locator("h1")).to_have_text("Menu")

    # M12: customer, place, navigation by any app, an arrow with the distance.
    await worker.at(JOBS.index("Place") + 0.5, 1)
    await worker.open_job("Place")
    call = page.locator("#job-customer a.call")
    assert await call.get_attribute("href") == "tel:+420777123456"
    navigate = page.get_by_role("link", name="Navigate")
    where = f"{LAT + APART:.2f},{LON:.2f}"
    assert await navigate.get_attribute("href") == f"geo:{where}?q={where}(Place)"
    await expect(page.locator(".way")).to_contain_text("1.1 km south")

    # M13: every state by hand, on a job without a position; LOGS, adding and correcting.
    await worker.open_job("By hand")
    await expect(page.locator("#job-place")).to_contain_text("work this job by hand")
    for words, state in (
        ("Accept", "Accepted"), ("Start travel", "Travelling"), ("Arrived", "On site"),
        ("Pause", "Paused"), ("Resume", "On site"), ("Finish", "Done"),
    ):  # fmt: skip
        worker.pass_s(300)
        await page.get_by_role("button", name=words, exact=True).tap()
        await expect(page.locator("#job-head .status")).to_have_text(state)
    logs = await worker.logs()
    await expect(logs).to_have_count(4)
    await page.get_by_role("link", name=re.compile("^Correct On site")).first.tap()
    await page.get_by_label("I tapped too late").check()
    start = page.locator('input[name="start"]')
    earlier = datetime.fromisoformat(await start.input_value()) - timedelta(minutes=2)
    await start.fill(earlier.isoformat(timespec="minutes"))
    await page.get_by_role("button", name="Save the correction").tap()
    await expect(page.locator("#snack")).to_contain_text("Log corrected")
    await expect(page.locator(".log-old")).to_have_count(1)
    await expect(page.locator("#states")).to_contain_text("Done")

    # M15: all of it is on the phone, over a kill of its program, and goes when the hub is back.
    await expect(page.locator("#pill")).to_contain_text("Saved on phone")
    await worker.site.device.kill()
    await worker.site.start_device()
    await page.goto(worker.site.phone_link)
    await page.goto(f"{base}/jobs")
    await page.locator("#section-done > summary").tap()
    done = page.locator("#section-done .card", has_text="By hand")
    await expect(done.locator(".status")).to_have_text("Done")
    await worker.site.start_hub()
    await page.goto(f"{base}/sync")
    await page.get_by_role("button", name="Send now").tap()
    await expect(page.locator("#pill")).to_have_text("All saved on hub", timeout=40_000)
    text = await worker.site.office.get("/export/timelogs.csv?view=all")
    assert text.count(",correction,") == 1, text


async def test_rows_of_auto_logging_hold_with_no_network(worker: Worker) -> None:
    """M14, M17 and M18: every switch is turned in the middle of a visit."""
    page = worker.page

    # M14: arrival is logged by itself, told, and never finishes a job.
    index = JOBS.index("Automatic")
    await worker.visit(index, 12)
    await page.goto(f"{worker.base}/jobs")
    await expect(page.locator("#notices")).to_contain_text("Arrived")
    await expect(page.locator("#notices")).to_contain_text("Not here?")
    await worker.open_job("Automatic")
    await expect(page.locator("#job-head .status")).to_have_text("On site")
    logs = await worker.logs()
    await expect(logs.filter(has_text="On site")).to_have_count(1)
    await expect(logs.filter(has_text="On site")).to_contain_text("Automatic")
    await worker.at(index + 0.5, 12, 5)
    await worker.open_job("Automatic")
    await expect(page.locator("#job-head .status")).to_have_text("On site")
    await expect(page.locator("#notices")).to_contain_text("Is the job finished?")

    # M17: off in the middle of a visit ends the log at its last evidence; off stays off.
    index = JOBS.index("Auto off")
    await worker.visit(index, 10)
    await worker.switch("Auto logging", on=False)
    await worker.at(index, 10)
    await worker.open_job("Auto off")
    on_site = (await worker.logs()).filter(has_text="On site")
    await expect(on_site).to_have_count(1)
    await expect(on_site.locator(".timer")).to_have_count(0)
    minutes = await _minutes(on_site)
    assert 8 <= minutes <= 11, "it ends where it was last seen, and not when time went on"
    await worker.switch("Auto logging", on=True)

    # M18: a higher minimum counts from when it is set, for the stay that is going on too.
    index = JOBS.index("Threshold")
    await worker.visit(index, 2)
    await page.goto(f"{worker.base}/settings/jobs")
    await page.locator(".minutes").get_by_role("button", name="15", exact=True).tap()
    await expect(page.locator(".big-number")).to_contain_text("15 min")
    await worker.at(index, 8)
    await worker.open_job("Threshold")
    await expect((await worker.logs()).filter(has_text="On site")).to_have_count(0)
    await worker.at(index, 12)
    await worker.open_job("Threshold")
    await expect((await worker.logs()).filter(has_text="On site")).to_have_count(1)


async def test_jobs_off_hides_them_and_ends_what_was_logged_by_itself(worker: Worker) -> None:
    """M16, and the modes of M14 that ask."""
    page = worker.page
    index = JOBS.index("Jobs off")
    await worker.visit(index, 10)
    await worker.switch("Jobs", on=False)
    await page.goto(f"{worker.base}/jobs")
    await expect(page.locator("main")).to_contain_text("Jobs are off on this phone")
    await expect(page.locator(".card")).to_have_count(0)
    await worker.at(index, 10)
    await worker.switch("Jobs", on=True)
    await worker.open_job("Jobs off")
    on_site = (await worker.logs()).filter(has_text="On site")
    await expect(on_site).to_have_count(1)
    assert 8 <= await _minutes(on_site) <= 11

    # A mode that asks logs nothing before the worker has said so.
    await worker.choose_mode("Suggest")
    index = JOBS.index("Menu")
    await worker.visit(index, 10)
    await worker.open_job("Menu")
    await expect(page.locator("#notices")).to_contain_text("Not logged before you answer")
    await expect((await worker.logs()).filter(has_text="On site")).to_have_count(0)
    await page.locator("#notices").get_by_role("button", name="OK", exact=True).first.tap()
    await expect(page.locator("#snack")).to_contain_text("Noted")
    await worker.open_job("Menu")
    await expect((await worker.logs()).filter(has_text="On site")).to_have_count(1)


async def _minutes(log: Locator) -> int:
    found = re.search(r"(\d+) min", await log.locator(".log-length").inner_text())
    assert found is not None
    return int(found[1])
