"""Signing with a finger and reading codes by the camera, in a real browser of a phone's size."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Playwright, expect

from tests.conftest import launched
from tests.replica.screens.conftest import Phone
from tests.replica.screens.test_in_chromium import small_phone

pytestmark = pytest.mark.browser

# A reader of codes where the browser has none, as on this machine: it "sees" one after two looks.
# What it stands in for is Android's own; the page, its camera and its note are the real ones.
READER = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code", "ean_13"]; }
  looks = 0;
  async detect(video) {
    if (!(video.videoWidth > 0)) throw new Error("nothing to look at");
    this.looks += 1;
    return this.looks < 3 ? [] : [{ rawValue: "4006381333931", format: "ean_13" }];
  }
};
"""


def is_black_on_white(png: bytes) -> bool:
    """Whether a PNG (8-bit RGBA, no interlace) has white corners and some black in it."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert (depth, colour) in ((8, 6), (8, 2))
    size = 4 if colour == 6 else 3
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    rows = zlib.decompress(data)
    assert len(rows) == height * (1 + width * size)
    # Filtered bytes of an even ground are zeros; a line makes others.
    stroked = sum(
        1 for y in range(height) if any(rows[y * (1 + width * size) + 1 + size :][:width])
    )
    return 0 < stroked < height


async def draw(page: Page) -> None:
    """A line with a finger's pointer."""
    box = await page.locator("#signature").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 40, box["y"] + 90)
    await page.mouse.down()
    for step in range(1, 12):
        await page.mouse.move(box["x"] + 40 + 18 * step, box["y"] + (60 if step % 2 else 100))
    await page.mouse.up()


@pytest.fixture
async def camera_chromium(driver: Playwright, chromium_path: str) -> AsyncIterator[Browser]:
    """A browser with a camera: Chromium's own that sees a test pattern."""
    camera = "--use-fake-device-for-media-stream"
    async with launched(driver, chromium_path, [camera]) as browser:
        yield browser


async def test_a_signature_is_saved_as_a_picture_of_the_job(
    chromium: Browser, phone: Phone
) -> None:
    job = phone.give_job("Boiler", contact="Jana Kralova")
    await phone.sync()
    async with small_phone(chromium, phone, "dark") as page:
        await page.goto(f"{phone.address}/jobs/{job}")
        await page.locator("#to-sign").tap()
        save = page.get_by_role("button", name="Save the signature")
        await expect(save).to_be_disabled()
        await draw(page)
        await expect(save).to_be_enabled()
        await page.get_by_role("button", name="Begin again").tap()
        await expect(save).to_be_disabled()
        await draw(page)
        await save.tap()
        await expect(page.locator("#file-list")).to_contain_text("signature Jana Kralova.png")
        await expect(page.locator("#file-list")).to_contain_text(
            "On this phone, not yet on the hub"
        )
        address = await page.locator("#file-list .file-picture").get_attribute("href")
        data = await (await page.request.get(f"{phone.address}{address}")).body()
    assert data.startswith(b"\x89PNG")
    assert is_black_on_white(data)


async def test_a_code_that_the_camera_reads_stands_in_the_note(
    camera_chromium: Browser, phone: Phone
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    async with small_phone(camera_chromium, phone, "light") as page:
        await page.context.grant_permissions(["camera"], origin=phone.address)
        await page.add_init_script(READER)
        await page.goto(f"{phone.address}/jobs/{job}")
        await page.fill("#note", "Old meter")
        await page.locator("#scan").tap()
        await expect(page.locator("#note")).to_have_value("Old meter\nCode: 4006381333931")
        await expect(page.locator("#scan-view")).to_be_hidden()
        await page.get_by_role("button", name="Save note").tap()
        await expect(page.locator("#note-list")).to_contain_text("Code: 4006381333931")


async def test_a_browser_that_reads_no_codes_offers_it_to_nobody(
    chromium: Browser, phone: Phone
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    async with small_phone(chromium, phone, "light") as page:
        await page.goto(f"{phone.address}/jobs/{job}")
        if await page.evaluate("'BarcodeDetector' in window"):
            pytest.skip("this browser reads codes")
        await expect(page.locator("#note")).to_be_visible()
        await expect(page.locator("#scan")).to_be_hidden()
