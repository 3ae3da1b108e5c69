"""Menu > Settings > Location app, and what OwnTracks does with the link that stands there."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp import web

from replica.commands.device import device_app
from replica.device import Device
from replica.listener import Listener
from replica.screens.guard import first_link, load_secret
from tests.build import SettableClock
from tests.running import joined_phone

PAGE = "/settings/location"


@asynccontextmanager
async def screens_of(phone: Device) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A browser that was let in to a phone's screens, and their address."""
    runner = web.AppRunner(device_app(phone, load_secret(phone.folder, phone.entropy)))
    await runner.setup()
    await Listener(runner, "127.0.0.1", 0).start()
    port = int(runner.addresses[0][1])
    try:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            await browser.get(first_link(phone.folder, phone.entropy, port))
            yield browser, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def configuration_in(page: str) -> dict[str, Any]:
    """What OwnTracks reads out of the link of a page."""
    link = re.search(r'href="(owntracks:[^"]+)"', page)
    assert link is not None, page
    parts = urlsplit(unescape(link[1]))
    assert (parts.scheme, parts.netloc, parts.path) == ("owntracks", "", "/config")
    found = json.loads(base64.b64decode(parse_qs(parts.query)["inline"][0]))
    assert isinstance(found, dict)
    return found


async def test_owntracks_set_up_by_the_link_is_heard_and_the_page_says_so(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with (
        joined_phone(tmp_path, clock) as (_, phone, _, _),
        screens_of(phone) as (browser, address),
    ):
        async with browser.get(address + PAGE) as answer:
            before = await answer.text()
        assert "None since Fieldlog was started" in before
        told = configuration_in(before)
        assert (told["mode"], told["cmd"], told["remoteConfiguration"]) == (3, True, True)
        assert told["url"].startswith(address)
        fix = {"_type": "location", "tst": clock.now_ms() // 1_000, "lat": 60.1, "lon": 24.9,
               "acc": 8}  # fmt: skip
        async with aiohttp.ClientSession() as app:
            for password, status in ((told["password"], 200), ("x" * 64, 401)):
                given = base64.b64encode(f"{told['username']}:{password}".encode()).decode()
                headers = {"Authorization": f"Basic {given}"}
                async with app.post(told["url"], json=fix, headers=headers) as answer:
                    assert answer.status == status
        async with browser.get(address + PAGE) as answer:
            assert "within 8 m" in await answer.text()


async def test_what_can_be_typed_into_owntracks_is_what_the_link_holds(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with (
        joined_phone(tmp_path, clock) as (_, phone, _, _),
        screens_of(phone) as (browser, address),
        browser.get(address + PAGE) as answer,
    ):
        page = await answer.text()
        told = configuration_in(page)
        shown = dict(re.findall(r'<dt>([^<]+)</dt><dd class="typed">([^<]+)</dd>', page))
        assert shown == {
            "Mode": "HTTP",
            "Host": told["url"],
            "Username": told["username"],
            "Password": told["password"],
            "Device ID": "Aino",
        }


async def test_nobody_who_was_not_let_in_sees_the_secret_of_the_location_app(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with (
        joined_phone(tmp_path, clock) as (_, phone, _, _),
        screens_of(phone) as (_, address),
        aiohttp.ClientSession() as stranger,
        stranger.get(address + PAGE) as answer,
    ):
        assert answer.status == 403
        assert "owntracks:" not in await answer.text()
