"""Fixtures of the board's tests: a town whose hub has Job Dispatch on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Playwright

from tests.conftest import CHROMIUM_WITHOUT_WEBGL, emptied, launched
from tests.web.board.desk import desk
from tests.web.board.town import Town
from tests.web.office import open_office

__all__ = ["desk", "town"]


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A town with nobody in it yet."""
    async for office in open_office(tmp_path / "hub"):
        built = Town(office, tmp_path)
        await built.turn_on()
        yield built
        await built.close()


@pytest_asyncio.fixture(scope="session")
async def one_without_webgl(chromium_path: str, driver: Playwright) -> AsyncIterator[Browser]:
    """The browser that draws the map by Leaflet, which all tests of this process share."""
    async with launched(driver, chromium_path, CHROMIUM_WITHOUT_WEBGL) as browser:
        yield browser


@pytest_asyncio.fixture
async def without_webgl(one_without_webgl: Browser) -> AsyncIterator[Browser]:
    """A browser that draws the map by Leaflet: much that is tested is the same over both."""
    async with emptied(one_without_webgl) as browser:
        yield browser
