"""A new phone: it asks for code or link, and says in words why joining did not work."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.log.errors import EnrolAgain
from replica.opening import TIME_IS_UP
from replica.pairing import MalformedOffer
from replica.screens.enrol_page import with_port
from tests.replica.screens.conftest import Phone, Served

CODE = "0123-4567-89AB-CDEF"


@pytest.fixture
async def browser(new_phone: Served) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser that was let in."""
    jar = aiohttp.CookieJar(unsafe=True)
    headers = {"Origin": new_phone.address}
    async with aiohttp.ClientSession(new_phone.address, cookie_jar=jar, headers=headers) as session:
        async with session.get(new_phone.link) as answer:
            assert answer.url.path == "/enrol"
        yield session


async def test_every_page_leads_to_enrolment_until_the_phone_has_joined(
    browser: aiohttp.ClientSession,
) -> None:
    for path in ("/", "/jobs", "/menu", "/sync", "/settings/jobs", "/day"):
        async with browser.get(path) as answer:
            assert answer.url.path == "/enrol"
            text = await answer.text()
    assert 'name="code"' in text
    assert 'name="address"' in text
    assert 'name="link"' in text


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"code": "ABC", "address": "127.0.0.1:1"}, "16 characters"),
        ({"code": CODE, "address": ""}, "Type both"),
        ({"code": CODE, "address": "not an address"}, "no address of a hub"),
        ({"code": CODE, "address": "127.0.0.1:1"}, "no hub answers"),
        ({"link": "https://example.org/x"}, "no Fieldlog enrolment code"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_stays(
    browser: aiohttp.ClientSession, form: dict[str, str], words: str
) -> None:
    async with browser.post("/enrol", data=form) as answer:
        assert answer.status == 400
        text = await answer.text()
    assert words in text
    for value in form.values():
        assert value in text


async def test_a_phone_that_has_joined_does_not_join_again(phone: Phone) -> None:
    assert (await phone.get("/enrol")).path == "/jobs"
    assert (await phone.post("/enrol", code=CODE, address="127.0.0.1:1")).path == "/jobs"


async def test_a_phone_that_the_hub_lets_in_no_more_leads_to_joining_again_and_works_on(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    assert "Join again" not in (await phone.get("/sync")).text
    assert phone.device._syncer is not None
    phone.device._syncer._refused("Sync with the hub was refused.", "told", EnrolAgain.name)
    page = (await phone.get("/sync")).text
    assert 'href="/enrol"' in page
    assert "Save a file for the hub" in page
    form = await phone.get("/enrol")
    assert form.path == "/enrol"
    assert TIME_IS_UP in html.unescape(form.text)
    tried = await phone.post("/enrol", code=CODE, address="127.0.0.1:1")
    assert tried.status == 400
    assert "no hub answers" in tried.text
    await phone.tap(job, "assigned", "accepted")
    assert await phone.phase(job) == "accepted"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("10.0.0.5", "10.0.0.5:8443"),
        ("10.0.0.5:9000", "10.0.0.5:9000"),
        ("https://hub.example/", "hub.example:8443"),
        ("[fe80::1]:9000", "[fe80::1]:9000"),
        ("[fe80::1]", "[fe80::1]:8443"),
    ],
)
def test_an_address_is_taken_as_people_type_it(typed: str, meant: str) -> None:
    assert with_port(typed) == meant


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedOffer):
        with_port("the office")
