"""What a worker is told of while no page is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from core.dispatch import acts
from replica.listener import Listener
from replica.notifying import Notification
from replica.screens import notifications
from replica.screens.app import make_screens
from replica.screens.guard import first_link
from replica.screens.notifications import tell_in
from tests.replica.screens.conftest import HOUR_MS, Phone
from tests.running import until

ADDRESS = "http://127.0.0.1:8765"


class Shade:
    """The phone's shade of notifications, as a person would read it."""

    def __init__(self) -> None:
        self.shown: dict[str, Notification] = {}
        self.sounds = 0

    @property
    def works(self) -> bool:
        return True

    async def show(self, notification: Notification) -> None:
        self.shown[notification.mark] = notification
        self.sounds += 1

    async def remove(self, mark: str) -> None:
        self.shown.pop(mark, None)

    @property
    def texts(self) -> list[tuple[str, str]]:
        return sorted((each.title, each.text) for each in self.shown.values())


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """News is gathered for a hundredth of a second."""
    monkeypatch.setattr(notifications, "GATHER_S", 0.01)


@asynccontextmanager
async def told(phone: Phone) -> AsyncIterator[tuple[Shade, str]]:
    """The phone's screens once more, telling what is news; the shade, and where they are."""
    shade = Shade()
    app = make_screens(phone.device)
    tell_in(app, shade, ADDRESS)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = Listener(runner, "127.0.0.1", 0)
    await site.start()
    # The first look finds what was told before.
    await asyncio.sleep(0.1)
    try:
        yield shade, f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_new_job_is_told_once_with_when_and_where_and_goes_when_it_is_opened(
    phone: Phone,
) -> None:
    async with told(phone) as (shade, _):
        now = phone.clock.now_ms()
        job = phone.give_job("Boiler", window=[now, now + HOUR_MS], address="Lipova 12")
        await phone.sync()
        await until(lambda: bool(shade.shown), "something is told")
        assert shade.texts == [("New job", "Boiler, 08:00–09:00 · Lipova 12")]
        assert shade.shown[f"job-{job}"].address == f"{ADDRESS}/jobs/{job}"
        other = phone.give_job("Pump")
        await phone.sync()
        await until(lambda: len(shade.shown) == 2, "the second is told")
        assert shade.sounds == 2, "the first was told once"
        await phone.get(f"/jobs/{job}")
        await until(lambda: list(shade.shown) == [f"job-{other}"], "the opened one goes")


async def test_a_changed_job_is_told_with_what_changed(phone: Phone) -> None:
    now = phone.clock.now_ms()
    job = phone.give_job("Boiler", window=[now, now + HOUR_MS])
    await phone.sync()
    await phone.get(f"/jobs/{job}")
    async with told(phone) as (shade, _):
        phone.office(
            acts.edit_job(bytes.fromhex(job), {"window": [now + HOUR_MS, now + 2 * HOUR_MS]})
        )
        await phone.sync()
        await until(lambda: bool(shade.shown), "something is told")
        ((title, text),) = shade.texts
        assert title == "Job changed"
        assert text.startswith("Moved from 08:00–09:00")
        phone.office(acts.cancel_job(bytes.fromhex(job), "Customer called"))
        await phone.sync()
        await until(lambda: "Cancelled" in shade.texts[0][1], "the cancelling is told")


async def test_what_a_page_shows_makes_no_sound(phone: Phone) -> None:
    async with (
        told(phone) as (shade, host),
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        port = int(host.rpartition(":")[2])
        async with browser.get(first_link(phone.device.folder, phone.device.entropy, port)):
            pass
        async with browser.ws_connect(
            f"ws://{host}/live", headers={"Origin": f"http://{host}"}
        ) as page:
            await page.send_str("shown")
            await asyncio.sleep(0.1)
            phone.give_job("Boiler")
            await phone.sync()
            await page.receive()
            await asyncio.sleep(0.2)
            assert shade.shown == {}
            await page.send_str("hidden")
            await asyncio.sleep(0.1)
            phone.give_job("Pump")
            await phone.sync()
            await until(lambda: bool(shade.shown), "something is told")
            assert [title for title, _ in shade.texts] == ["New job"]
            assert "Pump" in shade.texts[0][1]


async def test_with_jobs_off_nothing_is_told(phone: Phone) -> None:
    async with told(phone) as (shade, _):
        phone.give_job("Boiler")
        await phone.sync()
        await until(lambda: bool(shade.shown), "something is told")
        await phone.post("/settings/jobs", jobs="off")
        await until(lambda: not shade.shown, "what was told goes")
