"""Files in the pane in a real Chromium: chosen, dropped, pasted, stopped, looked at, removed."""

from __future__ import annotations

import asyncio
import base64

import pytest
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from core.log.limits import FILE_BYTES_MAX
from tests.pictures import png
from tests.web.board.desk import Desk

pytestmark = pytest.mark.browser

# Hands a file to the pane as a hand would: dropped on it, or pasted anywhere.
_HAND = """([kind, name, text]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name));
    const pane = document.getElementById('pane');
    if (kind === 'drop') {
        pane.dispatchEvent(new DragEvent('dragover', { dataTransfer: data, bubbles: true, cancelable: true }));
        pane.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    } else {
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }
}"""  # noqa: E501


async def hand(page: Page, kind: str, name: str, data: bytes) -> None:
    await page.evaluate(_HAND, [kind, name, base64.b64encode(data).decode()])


async def test_files_are_chosen_dropped_pasted_stopped_and_removed(
    desk: Desk, chromium: Browser
) -> None:
    job = desk.jobs[0]
    page = await desk.sit(chromium, f"/?view=all&job={job}", with_map=False)
    section = page.locator("[data-files-of]")
    files = section.locator(".file:not(.file-sending)")
    chooser = page.locator("#file-input")
    await expect(
        section.get_by_text("16 MiB each at most; drop them here or paste")
    ).to_be_visible()
    await expect(section.get_by_role("button", name="Add files")).to_be_visible()

    # What is too large is told before a byte of it goes out; the other one goes.
    await chooser.set_input_files(
        [
            FilePayload(name="film.mp4", mimeType="video/mp4", buffer=bytes(FILE_BYTES_MAX + 1)),
            FilePayload(name="valve.png", mimeType="image/png", buffer=png(200, 30, 30)),
        ]
    )
    await expect(files).to_have_count(1)
    refused = section.locator(".file-sending")
    await expect(refused).to_contain_text("It has 16.8 MB; a file has 16 MiB at most.")
    await refused.get_by_role("button", name="Put away: film.mp4").click()
    await expect(refused).to_have_count(0)
    await expect(page.locator("#toasts")).to_contain_text("“valve.png” is with A-1.")
    drawn = "(image) => image.complete && image.naturalWidth"
    picture = files.locator("img")
    await picture.scroll_into_view_if_needed()
    await expect(picture).to_have_js_property("naturalWidth", 40)
    assert await picture.evaluate(drawn) == 40

    await hand(page, "drop", "plan.pdf", b"%PDF-1.7 plan")
    await expect(files).to_have_count(2)
    await hand(page, "paste", "image.png", png(30, 30, 200))
    await expect(files).to_have_count(3)
    await hand(page, "paste", "photo.jpg", b"<html>")
    await expect(refused).to_contain_text("is called a picture and is none")
    await refused.get_by_role("button").click()

    # One that takes long says so, outlives the pane's being drawn anew, and is stopped.
    held, go, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slowly(route: Route) -> None:
        held.set()
        await go.wait()
        await route.abort()
        gone.set()

    await page.route("**/files/*", slowly)
    await hand(page, "drop", "long.bin", bytes(3_000_000))
    await held.wait()
    await page.locator("#note-text").fill("Careful")
    await page.locator("#note-text").press("Control+Enter")
    await page.locator(".note-form button").click()
    await expect(page.locator(".note")).to_contain_text("Careful")
    await expect(refused).to_contain_text("On its way to the hub.")
    await refused.get_by_role("button", name="Stop: long.bin").click()
    await expect(refused).to_have_count(0)
    go.set()
    await gone.wait()
    await page.unroute("**/files/*")

    await files.filter(has_text="plan.pdf").get_by_role("button", name="Remove plan.pdf").click()
    await expect(files).to_have_count(2)
    await page.locator("#toasts").get_by_role("button", name="Undo").last.click()
    await expect(files).to_have_count(3)
    rows = await desk.town.office.rows("SELECT count(*) AS n FROM file_ref WHERE job = ?", (job,))
    assert rows[0]["n"] == 3
    await page.context.close()
