"""Photos and files on the phone's job page: saved offline, at the hub later; the office's too."""

from __future__ import annotations

import io
import re

import aiohttp

from core.dispatch.attached import files_of
from core.log.limits import FILE_BYTES_MAX
from replica.filing import attach_file
from tests.pictures import png
from tests.replica.files import photo
from tests.replica.screens.conftest import Answer, Phone, _answer
from tests.replica.test_files_refused import NearlyFull

BLUE = png(20, 30, 220)


async def add(phone: Phone, job: str, *files: tuple[str, bytes]) -> Answer:
    """Send the form of the job's page."""
    form = aiohttp.FormData()
    for name, data in files:
        form.add_field("file", io.BytesIO(data), filename=name)
    headers = {"Origin": phone.address}
    address = f"{phone.address}/jobs/{job}/files"
    async with phone.browser.post(address, data=form, headers=headers) as answer:
        return await _answer(answer)


def words(answer: Answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


async def test_a_photo_is_saved_without_a_network_and_at_the_hub_after_the_next_contact(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    long = photo("long", 5.2)
    answer = await add(phone, job, ("image.png", BLUE), ("report.pdf", long))
    assert "2 files are saved on this phone" in words(answer)
    assert words(answer).count("On this phone, not yet on the hub") == 2
    assert "Take a photo" in words(answer)
    await phone.sync()
    held = files_of(phone.hub.state(bytes.fromhex(job)).registers)
    data = {each.shown: phone.hub.files.read(each.address) for each in held}
    assert data == {"image.png": BLUE, "report.pdf": long}
    answer = await phone.get(f"/jobs/{job}")
    assert words(answer).count("On this phone and on the hub") == 2
    (shown,) = re.findall(r'<img src="([^"]+)"', answer.text)
    async with phone.browser.get(phone.address + shown) as picture:
        assert await picture.read() == BLUE
        assert picture.headers["Content-Type"] == "image/png"
        assert picture.headers["X-Content-Type-Options"] == "nosniff"
        assert picture.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


async def test_the_offices_files_come_by_themselves_with_a_job_that_is_to_do(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    saved = attach_file(phone.hub, bytes.fromhex(job), "plan.pdf", photo("plan", 3))
    await phone.sync()
    for _ in range(200):
        if (await phone.device.where_is(saved.address)).wanted:
            break
        await phone.get("/menu")
    assert "plan.pdf The office" in words(await phone.get(f"/jobs/{job}"))
    await phone.sync()
    assert await phone.device.read_file(saved.address) == photo("plan", 3)
    answer = await phone.get(f"/jobs/{job}")
    (link,) = re.findall(r'<a class="file-link" href="([^"]+)" download>', answer.text)
    async with phone.browser.get(phone.address + link) as answered:
        assert answered.headers["Content-Type"] == "application/octet-stream"
        assert answered.headers["Content-Disposition"].startswith("attachment")


async def test_what_is_no_file_is_refused_in_words_and_changes_nothing(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    for name, data, told in (
        ("", b"", "Choose a file first"),
        ("image.jpg", b"", "is empty"),
        ("image.jpg", b"<html>", "is called a picture and is none"),
        ("film.mp4", bytes(FILE_BYTES_MAX + 1), "16 MiB at most"),
    ):
        assert told in words(await add(phone, job, (name, data))), told
    replica = phone.device.writer.replica
    replica.store.disk = NearlyFull()
    answer = await add(phone, job, ("image.png", BLUE))
    assert "no room left on this device for photos" in words(answer)
    assert await phone.rows("SELECT * FROM file_ref") == []
    assert "No photos or files yet" in words(answer)
    assert (await phone.get(f"/jobs/{job}/files/{'ab' * 8}")).status == 404
