"""What all tests share: a site in the test's folder, a clock, a real Chromium for pages.

Invariant: nothing leaves this machine.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from hypothesis import settings
from playwright.async_api import Browser, Playwright, async_playwright

from tests.build import SettableClock, Site

CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# WebGL without a graphics card, and no calls home of the browser's own.
CHROMIUM_LIKE_A_DESK: Final = (
    "--no-sandbox",
    "--headless=new",
    "--disable-background-networking",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
# A browser that draws the map by Leaflet.
CHROMIUM_WITHOUT_WEBGL: Final = ("--no-sandbox", "--headless=new", "--disable-3d-apis")
# In tests pages are put together by the processor itself: through WebGL's imitation of a card it
# takes it half as long again, though a map that moves at each frame waits less for that.
CHROMIUM_OPTIONS: Final = (*CHROMIUM_LIKE_A_DESK, "--disable-gpu-compositing")

# The tests share two cores with each other: how long an example takes says nothing about the code.
settings.register_profile("fieldlog", deadline=None, print_blob=True)
settings.load_profile("fieldlog")


def _refuse_to_leave(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    connecting, address = arguments
    inet = connecting.family in {socket.AF_INET, socket.AF_INET6}
    if inet and connecting.type == socket.SOCK_STREAM:
        host = str(address[0])
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
        assert local, f"a test connects to {host}, but Fieldlog's tests never leave the machine"


def pytest_configure() -> None:
    """Watch every connection from here on."""
    sys.addaudithook(_refuse_to_leave)


def pytest_collection_finish() -> None:
    """Let the collector look seldom, and never again at what stands until the end.

    Looking at all that was imported, again and again, takes a fifteenth of a simulated day.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site of replicas whose clocks and links the test moves."""
    built = Site(tmp_path / "site")
    yield built
    built.close()


@pytest.fixture(scope="session")
def map_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub's map folder with the centre of Helsinki installed; tests only read it."""
    # Here, as most tests need none of the libraries that read a map.
    from hub.map.installing import install_map

    folder = tmp_path_factory.mktemp("hub") / "map"
    helsinki = Path(__file__).parents[1] / "simulator" / "data" / "helsinki.osm.pbf"
    now_ms = 1_700_000_000_000
    install_map(helsinki, folder, name=None, now_ms=now_ms, progress=lambda _line: None)
    return folder


@pytest.fixture
def clock() -> SettableClock:
    """A clock that the test moves."""
    return SettableClock()


def find_chromium() -> str | None:
    """The program that opens pages, if this machine has one."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The program that opens pages; without one the test is skipped, and fails where CI=true."""
    driver = [sys.executable, "-m", "playwright", "--version"]
    started = subprocess.run(driver, capture_output=True, text=True, check=False)
    path = find_chromium()
    if path is not None and started.returncode == 0:
        return path
    words = "no Chromium that can be driven on this machine: apt-get install chromium libatomic1"
    if path is not None:
        words += f" ({started.stderr.strip()})"
    if os.environ.get("CI") == "true":
        pytest.fail(words)
    pytest.skip(words)


@pytest_asyncio.fixture(scope="session")
async def driver() -> AsyncIterator[Playwright]:
    """What drives browsers: a program of its own, which all tests of this process share."""
    async with async_playwright() as playwright:
        yield playwright


@asynccontextmanager
async def launched(driver: Playwright, path: str, options: Sequence[str]) -> AsyncIterator[Browser]:
    """A browser of its own for the length of a block."""
    browser = await driver.chromium.launch(executable_path=path, args=list(options))
    try:
        yield browser
    finally:
        await browser.close()


@asynccontextmanager
async def emptied(browser: Browser) -> AsyncIterator[Browser]:
    """A browser that is shared: what is opened in it in a block ends with that."""
    try:
        yield browser
    finally:
        for context in browser.contexts:
            await context.close()


@pytest_asyncio.fixture(scope="session")
async def one_chromium(chromium_path: str, driver: Playwright) -> AsyncIterator[Browser]:
    """The Chromium that all tests of this process share: starting one takes seconds."""
    async with launched(driver, chromium_path, CHROMIUM_OPTIONS) as browser:
        yield browser


@pytest_asyncio.fixture
async def chromium(one_chromium: Browser) -> AsyncIterator[Browser]:
    """A headless Chromium; make a context of it for each person, with size and colour scheme."""
    async with emptied(one_chromium) as browser:
        yield browser
