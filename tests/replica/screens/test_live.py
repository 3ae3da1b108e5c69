"""An open page hears of changes, whoever made them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest

from core.dispatch import acts
from replica.screens.live import CONNECTIONS_MAX
from tests.replica.screens.conftest import Phone


async def test_a_page_hears_of_the_offices_change_and_of_its_own(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    async with (
        phone.browser.ws_connect(phone.address + "/live", origin=phone.address) as live,
        asyncio.timeout(10),
    ):
        phone.office(acts.edit_job(bytes.fromhex(job), {"title": "Pump"}))
        await phone.sync()
        assert await live.receive_str() == "changed"
        await phone.post(f"/jobs/{job}/notes", text="on my way")
        assert await live.receive_str() == "changed"


async def test_pages_that_were_closed_make_room_for_others(phone: Phone) -> None:
    for _ in range(CONNECTIONS_MAX + 8):
        live = await phone.browser.ws_connect(phone.address + "/live", origin=phone.address)
        await live.close()
    async with phone.browser.ws_connect(phone.address + "/live", origin=phone.address) as live:
        assert not live.closed


async def test_more_open_pages_than_a_person_has_are_refused(phone: Phone) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(CONNECTIONS_MAX):
            opened = phone.browser.ws_connect(phone.address + "/live", origin=phone.address)
            await stack.enter_async_context(opened)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await phone.browser.ws_connect(phone.address + "/live", origin=phone.address)
        assert refused.value.status == 503
