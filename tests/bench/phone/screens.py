"""Taps and starts of a phone in use for years, in a real Chromium with a slowed processor.

Each time stands beside its floor of the same run: a bare commit of as many bytes on the same disk,
a bare answer of as many bytes by the same server to the same browser. What is slowed six times is
the browser, as a cheap phone's is; the phone's own server is not. Invariant: what did not show
counts as never.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import ClientSession, CookieJar, web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.bench.measuring import Row
from tests.bench.phone.site import FilledPhone
from tests.journey.processes import Process, free_port

THROTTLE = 6
COLD_MS_MAX = 1_500.0
FRAME_MS = 1_000 / 60
COMMIT_BYTES = 600
"""What a tap's entry, its rows and the store's own bookkeeping come to."""

_PAINTED = """() => new Promise((done) => requestAnimationFrame(() =>
  requestAnimationFrame(() => done(performance.timeOrigin + performance.now()))))"""


async def screen_rows(phone: FilledPhone, folder: Path, chromium: str, rounds: int) -> list[Row]:
    """Start the phone's program and measure."""
    port = free_port()
    words = ("device", "--data", phone.folder, "--port", port)
    device = Process(folder / "device.log", *words)
    try:
        starts, link = [], ""
        for _ in range(rounds):
            await device.stop()
            began_s = time.perf_counter()
            link = (await device.start("Ctrl-C stops it")).split("Screens:")[1].split()[0]
            jar = CookieJar(unsafe=True)
            async with ClientSession(cookie_jar=jar) as client, client.get(link) as answer:
                assert answer.status == 200
                await answer.read()
            starts.append(1_000 * (time.perf_counter() - began_s))
        rows = [Row("bench_phone_program_start", statistics.median(starts), "ms")]
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=chromium)
            rows += await _pages(browser, phone, port, link, folder, rounds)
            await browser.close()
        return rows
    finally:
        await device.kill()


async def _pages(
    browser: Browser, phone: FilledPhone, port: int, link: str, folder: Path, rounds: int
) -> list[Row]:
    base = f"http://127.0.0.1:{port}"
    jar = CookieJar(unsafe=True)
    async with ClientSession(cookie_jar=jar) as client:
        async with client.get(link) as answer:
            await answer.read()
        async with client.get(f"{base}/jobs") as answer:
            list_bytes = await answer.read()
        floor, stop = await _bare(list_bytes)
        try:
            cold, cold_floor = [], []
            for _ in range(rounds):
                cold.append(await _cold(browser, link, f"{base}/jobs", ".card"))
                cold_floor.append(await _cold(browser, floor, floor, ".card"))
            ours_ms, bare_ms = statistics.median(cold), statistics.median(cold_floor)
            rows = [
                Row(
                    f"bench_phone_cold_list[{THROTTLE} x slowed]", ours_ms, "ms",
                    "a bare answer of as many bytes", bare_ms, f"<= {COLD_MS_MAX:.0f} ms",
                    ours_ms <= COLD_MS_MAX,
                )
            ]  # fmt: skip
            rows += await _taps(browser, client, phone, base, link, folder, rounds)
        finally:
            await stop()
    return rows


async def _bare(body: bytes) -> tuple[str, Callable[[], Awaitable[None]]]:
    """A server that answers everything with the same bytes; its address, and how it ends."""
    app = web.Application()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/html")

    app.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}/", runner.cleanup


async def _cold(browser: Browser, link: str, address: str, wanted: str) -> float:
    """From nothing in the browser to what is wanted on its screen, ms."""
    context = await _phone_browser(browser)
    page = await context.new_page()
    if link != address:
        # The cookie is there since the phone was set up; what it fetched is not.
        assert (await page.request.get(link)).ok
    await _slow(page)
    began_s = time.perf_counter()
    await page.goto(address, wait_until="commit")
    await page.wait_for_selector(wanted)
    await page.evaluate(_PAINTED)
    took_ms = 1_000 * (time.perf_counter() - began_s)
    await context.close()
    return took_ms


async def _phone_browser(browser: Browser) -> BrowserContext:
    return await browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )


async def _slow(page: Page) -> None:
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})


async def _taps(
    browser: Browser,
    client: ClientSession,
    phone: FilledPhone,
    base: str,
    link: str,
    folder: Path,
    rounds: int,
) -> list[Row]:
    """A tap until it is durable, until its page is answered, and until it is on the screen."""
    durable, bare, page_ms, on_screen = [], [], [], []
    commit = _bare_commit(folder)
    context = await _phone_browser(browser)
    page = await context.new_page()
    await page.goto(link)
    await _slow(page)
    for job in phone.jobs[: max(rounds, 5)]:
        await page.goto(f"{base}/jobs/{job}")
        for before, to in (("opened", "accepted"), ("accepted", "travelling")):
            began_s = time.perf_counter()
            form = {"from": before, "to": to}
            async with client.post(
                f"{base}/jobs/{job}/phase", data=form, headers={"Origin": base},
                allow_redirects=False,
            ) as answer:  # fmt: skip
                assert answer.status == 303
            durable.append(1_000 * (time.perf_counter() - began_s))
            began_s = time.perf_counter()
            commit()
            bare.append(1_000 * (time.perf_counter() - began_s))
            began_s = time.perf_counter()
            async with client.get(f"{base}/jobs/{job}") as answer:
                size = len(await answer.read())
            page_ms.append(1_000 * (time.perf_counter() - began_s))
        await page.goto(f"{base}/jobs/{job}")
        await page.wait_for_selector(".primary")
        began_s = time.perf_counter()
        await page.locator(".primary").tap(no_wait_after=True)
        await page.locator("#job-head .status", has_text="On site").wait_for()
        await page.evaluate(_PAINTED)
        on_screen.append(1_000 * (time.perf_counter() - began_s))
    await context.close()
    floor, stop = await _bare(b"x" * size)
    answers = []
    for _ in page_ms:
        began_s = time.perf_counter()
        async with client.get(floor) as answer:
            await answer.read()
        answers.append(1_000 * (time.perf_counter() - began_s))
    await stop()
    middle = statistics.median
    return [
        Row("bench_phone_tap_durable", middle(durable), "ms", "a bare commit", middle(bare)),
        Row(
            "bench_phone_page_after_a_tap", middle(page_ms), "ms",
            "a bare answer of as many bytes", middle(answers), f"<= {FRAME_MS:.1f} ms, one frame",
            middle(page_ms) <= FRAME_MS,
        ),
        Row(f"bench_phone_tap_on_screen[{THROTTLE} x slowed]", middle(on_screen), "ms"),
    ]  # fmt: skip


def _bare_commit(folder: Path) -> Callable[[], None]:
    """One row of a tap's size, committed to a file on the same disk as the phone's store is."""
    db = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE entry (body BLOB)")

    def commit() -> None:
        db.execute("INSERT INTO entry VALUES (?)", (os.urandom(COMMIT_BYTES),))

    return commit
