"""The languages of pages: how a browser gets one, keeps one, and what is said in it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import pytest

from tests.marking import known
from tests.web.office import Office, Person, Seen
from web.language import LANGUAGE_COOKIE, language_named


@pytest.fixture
def marking(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A language that is known for one test; everything that is said in it stands in marks."""
    with known(monkeypatch) as tag:
        yield tag


async def asked(
    office: Office, path: str, headers: Mapping[str, str] | None = None
) -> tuple[Seen, SimpleCookie]:
    """What a stranger's browser gets for a path, without going where it is sent."""
    given = {"Accept": "text/html", **(headers or {})}
    async with (
        aiohttp.ClientSession() as session,
        session.get(office.origin + path, headers=given, allow_redirects=False) as answer,
    ):
        seen = Seen(answer.status, await answer.text(), path, answer.headers)
        return seen, answer.cookies


def tag_of(seen: Seen) -> str:
    """The language that a page says it is in."""
    found = re.search(r'<html lang="([a-z]+)"', seen.text)
    assert found is not None
    return found[1]


async def reader(office: Office, role: str, tag: str) -> Person:
    """Somebody who is signed in and has chosen a language."""
    person = await office.signed_in("Eva", role)
    await person.get(f"/language/{tag}")
    return person


async def test_pages_are_english_where_a_browser_asks_for_nothing(office: Office) -> None:
    seen, cookies = await asked(office, "/sign-in")
    assert tag_of(seen) == "en"
    assert "Forgotten it?" in seen.words
    assert LANGUAGE_COOKIE not in cookies


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("cs", "cs"),
        ("cs-CZ,cs;q=0.9,en;q=0.8", "cs"),
        ("de, en;q=0.5, cs;q=0.8", "cs"),
        ("en, cs", "en"),
        ("cs;q=0, en;q=0.1", "en"),
        ("cs;q=much", "en"),
        ("de", "en"),
    ],
)
async def test_a_browser_gets_the_language_that_it_likes_best_of_those_known(
    office: Office, accepted: str, tag: str
) -> None:
    seen, _ = await asked(office, "/sign-in", {"Accept-Language": accepted})
    assert tag_of(seen) == tag
    assert language_named(tag).say("Sign in") in seen.words


async def test_a_language_that_was_chosen_is_kept(office: Office) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.get("/language/cs?onward=/help")
    assert (seen.path, tag_of(seen)) == ("/help", "cs")
    assert eva.cookies[LANGUAGE_COOKIE] == "cs"
    assert tag_of(await eva.get("/password")) == "cs"
    assert tag_of(await eva.get("/language/en")) == "en"
    chosen = {"Cookie": f"{LANGUAGE_COOKIE}=cs", "Accept-Language": "en"}
    assert tag_of((await asked(office, "/sign-in", chosen))[0]) == "cs"
    unknown = {"Cookie": f"{LANGUAGE_COOKIE}=xx", "Accept-Language": "cs"}
    assert tag_of((await asked(office, "/sign-in", unknown))[0]) == "cs"


async def test_a_page_offers_the_other_languages_and_comes_back_to_itself(office: Office) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.get("/search?q=a+b")
    assert '<a href="/language/cs?onward=/search%3Fq%3Da%2Bb" lang="cs"' in seen.text
    assert (await eva.get("/language/cs?onward=/search%3Fq%3Da%2Bb")).value("q") == "a b"


@pytest.mark.parametrize(
    ("onward", "path"),
    [
        ("/help", "/help"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("evil.example", "/"),
    ],
)
async def test_the_choice_goes_on_to_a_page_of_this_hub_only(
    office: Office, onward: str, path: str
) -> None:
    seen, cookies = await asked(office, f"/language/cs?onward={onward}")
    assert (seen.status, seen.headers["Location"]) == (303, path)
    kept = cookies[LANGUAGE_COOKIE]
    assert (kept.value, kept["path"], kept["httponly"]) == ("cs", "/", True)


@pytest.mark.parametrize("tag", ["xx", "CS", "czech", "c"])
async def test_a_language_that_is_not_known_is_not_found(office: Office, tag: str) -> None:
    eva = await office.signed_in("Eva")
    assert (await eva.get(f"/language/{tag}")).status == 404
    assert LANGUAGE_COOKIE not in eva.cookies


async def test_an_error_is_told_in_the_language_of_who_asks(office: Office, marking: str) -> None:
    eva = await reader(office, "dispatcher", marking)
    seen = await eva.get("/no-such-page")
    assert (seen.status, tag_of(seen)) == (404, marking)
    assert "‹There is nothing at this address.›" in seen.words
    assert "‹Check the address, or search for what you want.›" in seen.words
    assert "‹Only an administrator may open this page.›" in (await eva.get("/accounts")).words
    for accept in ("text/plain", "application/json"):
        plain, _ = await asked(
            office, "/sign-out-of", {"Accept": accept, "Accept-Language": marking}
        )
        assert plain.status == 401
        told = json.loads(plain.text)["error"] if "json" in accept else plain.text.splitlines()[0]
        assert told == "‹You are not signed in.›"


async def test_a_notice_is_told_in_the_language_of_its_page(office: Office, marking: str) -> None:
    eva = await reader(office, "admin", marking)
    seen = await eva.post("/extensions/job-dispatch", {"on": "yes"})
    assert "‹Job Dispatch is on. Phones show Jobs as soon as they next meet this hub.›" in seen.text
    # The script reads the verb, a person the button.
    assert 'data-verb="Undo"' in seen.text
    assert "‹Undo›" in seen.words
    await office.add_account("Jan", "dispatcher")
    rows = await office.rows("SELECT account FROM account WHERE name = 'Jan'")
    fields = {"act": "role", "role": "manager"}
    seen = await eva.post(f"/accounts/{rows[0]['account']}", fields)
    assert "‹Jan is now: ‹Manager, reads only›.›" in seen.words
    seen = await eva.post("/settings", (await eva.get("/settings")).form() | {"radius_m": "wide"})
    assert "‹‹Radius of a new place›: give a whole number.›" in seen.words


async def test_scripts_get_words_in_the_language_and_names_as_they_are(
    office: Office, marking: str
) -> None:
    eva = await reader(office, "dispatcher", marking)
    pill: dict[str, Any] = json.loads((await eva.get("/phones/pill")).text)
    assert pill == {
        "words": "‹No phones yet›",
        "tone": "",
        "title": "‹No phone has joined this site yet›",
    }
    found = re.search(r'data-commands="([^"]*)"', (await eva.get("/help")).text)
    assert found is not None
    commands = {act: rest for _, act, *rest in json.loads(html.unescape(found[1]))}
    assert commands["new"] == ["n", "N", "‹New job›"]
    places = {place for place, *_ in json.loads(html.unescape(found[1]))}
    assert places == {"Everywhere", "On the board"}


async def test_keys_and_signing_in_are_told_in_the_language(office: Office, marking: str) -> None:
    eva = await reader(office, "dispatcher", marking)
    keys = (await eva.get("/help")).words
    assert "‹On the board›" in keys
    assert "‹Next job, or problem of the inbox›" in keys
    await eva.post("/sign-out", {})
    wrong = await eva.post("/sign-in", {"name": "Eva", "password": "wrong"}, token=False)
    assert "‹The name or the password is not right.›" in wrong.words
