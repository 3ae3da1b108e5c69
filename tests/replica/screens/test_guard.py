"""The phone's port is for the one browser that was let in."""

from __future__ import annotations

import aiohttp
import pytest

from tests.replica.screens.conftest import Phone, Served


async def test_a_browser_without_the_link_gets_no_page(phone: Phone) -> None:
    phone.give_job("Secret boiler")
    await phone.sync()
    async with aiohttp.ClientSession() as stranger:
        for path in ("/jobs", "/sync", "/live", "/static/0000000000000000/screens.css", "/menu"):
            async with stranger.get(phone.address + path) as answer:
                assert answer.status == 403
                assert "Secret boiler" not in await answer.text()


async def test_the_link_lets_in_and_leaves_no_secret_in_the_address(new_phone: Served) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        aiohttp.ClientSession(cookie_jar=jar) as browser,
        browser.get(new_phone.link, allow_redirects=False) as answer,
    ):
        assert answer.status == 303
        assert answer.headers["Location"] == "/"
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        secret = new_phone.link.partition("=")[2]
        assert secret not in cookie


@pytest.mark.parametrize("wrong", ["", "00", "ff" * 32, "é" * 8])
async def test_a_wrong_secret_lets_nobody_in(new_phone: Served, wrong: str) -> None:
    async with aiohttp.ClientSession() as stranger:
        address = new_phone.address + "/"
        async with stranger.get(address, params={"secret": wrong}) as answer:
            assert answer.status == 403
            assert "Set-Cookie" not in answer.headers


async def test_a_name_that_was_led_to_this_port_is_refused(phone: Phone) -> None:
    assert (await phone.get("/jobs", Host="evil.example")).status == 421
    port = phone.address.rpartition(":")[2]
    assert (await phone.get("/jobs", Host=f"127.0.0.1:{int(port) + 1}")).status == 421
    assert (await phone.get("/jobs", Host=f"localhost:{port}")).status in (200, 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {},
        {"Origin": "own", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_a_form_of_another_page_changes_nothing(
    phone: Phone, headers: dict[str, str]
) -> None:
    sent = {name: phone.address if value == "own" else value for name, value in headers.items()}
    form = {"duty": "start"}
    async with phone.browser.post(phone.address + "/duty", data=form, headers=sent) as answer:
        assert answer.status == 403
    assert await phone.rows("SELECT * FROM duty") == []


async def test_a_live_connection_of_another_page_is_refused(phone: Phone) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await phone.browser.ws_connect(phone.address + "/live", origin="http://evil.example")
    assert refused.value.status == 403


async def test_every_answer_carries_the_strict_policy(phone: Phone) -> None:
    for path in ("/jobs", "/nothing", "/worker.js", "/jobs/000000000400000000000000"):
        answer = await phone.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_pages_hold_no_script_or_style_of_their_own(phone: Phone) -> None:
    job = phone.give_job("<script>alert(1)</script>", description="<b>bold</b>")
    await phone.sync()
    for path in ("/jobs", f"/jobs/{job}", f"/jobs/{job}/logs", "/sync"):
        page = (await phone.get(path)).text
        assert "<script>" not in page
        assert "<b>bold" not in page
        assert " style=" not in page
        assert " onclick=" not in page


async def test_a_form_that_is_too_large_is_refused_in_words(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    answer = await phone.post(f"/jobs/{job}/notes", text="x" * 70_000)
    assert answer.status == 413
    assert "too much" in answer.text
    assert await phone.rows("SELECT * FROM note") == []


async def test_the_secret_outlives_the_program_and_is_private(phone: Phone) -> None:
    path = phone.device.folder / "screens.secret"
    assert path.stat().st_mode & 0o077 == 0
    assert len(path.read_bytes()) == 32
