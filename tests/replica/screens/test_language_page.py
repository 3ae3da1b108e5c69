"""The language of a phone's screens: as its browser asks, or as its worker chose."""

from __future__ import annotations

import html
import json
import re

import aiohttp
import pytest

from replica.language import language_named
from replica.screens import notifications
from replica.screens.marks import MARKS_FILE, Marks
from tests.replica.screens.conftest import Phone, Served
from tests.replica.screens.test_notifications import told
from tests.running import until

CZECH = {"Accept-Language": "cs-CZ,cs;q=0.9,en;q=0.8"}
ENGLISH = {"Accept-Language": "en-GB"}


def tag_of(page: str) -> str:
    found = re.search(r'<html lang="([a-z]+)"', page)
    assert found is not None
    return found[1]


def test_the_catalog_of_the_phone_is_built() -> None:
    assert language_named("cs").say("Start travel") == "Vyrazit"


async def test_a_page_is_in_the_language_that_the_browser_likes_best(phone: Phone) -> None:
    assert tag_of((await phone.get("/jobs")).text) == "en"
    page = (await phone.get("/jobs", **CZECH)).text
    assert (tag_of(page), "Začít službu" in page) == ("cs", True)
    # The scripts' own questions say nothing of a language, and get what the page has.
    assert tag_of((await phone.get("/jobs")).text) == "cs"
    assert tag_of((await phone.get("/jobs", **{"Accept-Language": "de"})).text) == "en"


async def test_what_a_browser_fetches_beside_its_pages_says_nothing_of_a_language(
    phone: Phone,
) -> None:
    assert tag_of((await phone.get("/jobs", **CZECH)).text) == "cs"
    for beside in ("serviceworker", "empty", "image"):
        await phone.get("/menu", **ENGLISH, **{"Sec-Fetch-Dest": beside})
        assert tag_of((await phone.get("/jobs")).text) == "cs"
    await phone.get("/menu", **ENGLISH, **{"Sec-Fetch-Dest": "document"})
    assert tag_of((await phone.get("/jobs")).text) == "en"


async def test_a_language_that_was_chosen_is_kept_whatever_the_browser_likes(phone: Phone) -> None:
    page = (await phone.get("/settings", **ENGLISH)).text
    assert "English, Čeština" in page, "who can't read the page finds it by the languages' names"
    answer = await phone.post("/settings/language", language="cs")
    assert (answer.path, tag_of(answer.text)) == ("/settings/language", "cs")
    assert tag_of((await phone.get("/day", **ENGLISH)).text) == "cs"
    assert Marks(phone.device.folder).language == "cs", "the next start has it too"
    await phone.post("/settings/language", language="xx")
    assert tag_of((await phone.get("/day", **ENGLISH)).text) == "cs"
    await phone.post("/settings/language", language="system")
    assert tag_of((await phone.get("/day", **ENGLISH)).text) == "en"


async def test_what_the_browser_likes_is_known_after_a_start_and_a_damaged_file_is_english(
    phone: Phone,
) -> None:
    await phone.get("/jobs", **CZECH)
    assert Marks(phone.device.folder).language == "cs"
    path = phone.device.folder / MARKS_FILE
    path.write_text(json.dumps({"seen": {}, "display": {"language": 7}, "heard": ["cs"]}))
    assert Marks(phone.device.folder).language == "en"


async def test_a_refusal_is_told_in_the_strangers_language_and_changes_nothing(
    phone: Phone,
) -> None:
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(phone.address + "/jobs", headers=CZECH) as answer,
    ):
        text = await answer.text()
    assert (answer.status, "Tento prohlížeč ještě nemá přístup" in text) == (403, True)
    assert tag_of((await phone.get("/jobs")).text) == "en"
    async with aiohttp.ClientSession() as app:
        # A location app says what its own screens are in.
        await app.post(phone.address + "/location/owntracks/x", headers=CZECH, json={})
    assert tag_of((await phone.get("/jobs")).text) == "en"


async def test_who_joins_reads_the_page_in_their_language_and_can_choose_it(
    new_phone: Served,
) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    own = {"Origin": new_phone.address}
    async with aiohttp.ClientSession(new_phone.address, cookie_jar=jar, headers=own) as browser:
        async with browser.get(new_phone.link, headers=ENGLISH) as answer:
            page = await answer.text()
        assert (tag_of(page), 'value="cs"' in page) == ("en", True)
        async with browser.post("/settings/language", data={"language": "cs"}) as answer:
            page = await answer.text()
            assert answer.url.path == "/enrol"
        assert "Připojení k provozu" in page
        form = {"code": "ABC", "address": "127.0.0.1:1"}
        async with browser.post("/enrol", data=form) as answer:
            assert "Kód má 16 znaků ve čtyřech skupinách; tento jich má 3." in await answer.text()
        async with browser.get("/settings/language") as answer:
            assert answer.url.path == "/enrol"


async def test_a_chosen_reason_is_written_in_english_and_read_in_czech(phone: Phone) -> None:
    job, other = phone.give_job("Boiler"), phone.give_job("Pump")
    await phone.sync()
    page = (await phone.get(f"/jobs/{job}/reject", **CZECH)).text
    assert 'value="Not my kind of work"><span>Takovou práci nedělám</span>' in page
    form = {"from": "opened", "choice": "Not my kind of work", "text": "ani příště"}
    await phone.get(f"/jobs/{job}")
    page = (await phone.post(f"/jobs/{job}/reject", **form)).text
    assert "Odmítnuto: Takovou práci nedělám. ani příště" in page
    ((reason,),) = await phone.rows("SELECT reason FROM assignment WHERE job = ?", job)
    assert reason == "Not my kind of work. ani příště"
    await phone.post(f"/jobs/{other}/problem", **{"from": "opened"}, choice="No access")
    assert "Problém: Není přístup" in (await phone.get(f"/jobs/{other}")).text
    assert await phone.rows("SELECT text FROM note") == [("Problem: No access",)]


@pytest.mark.parametrize(("count", "words"), [(1, "1 změna,"), (2, "2 změny,"), (5, "5 změn,")])
async def test_czech_counts_things_in_its_three_forms(phone: Phone, count: int, words: str) -> None:
    for hour in range(count):
        log = {"kind": "other", "start": f"2026-03-01T0{hour}:00", "stop": f"2026-03-01T0{hour}:30"}
        await phone.post("/logs/new", **log)
    page = (await phone.get("/sync", **CZECH)).text
    assert words in page
    assert f"V telefonu, {count} k odeslání" in page


async def test_times_distances_and_sizes_are_written_as_czech_writes_them(phone: Phone) -> None:
    now = phone.clock.now_ms()
    day = 24 * 3_600_000
    job = phone.give_job("Boiler", window=[now + 2 * day, now + 2 * day + 3_600_000])
    await phone.sync()
    page = html.unescape((await phone.get(f"/jobs/{job}", **CZECH)).text)
    assert "St 4. 3. 08:00–09:00" in page
    week = (await phone.get("/week")).text
    assert "2.–8. 3." in week
    await phone.get("/week", **ENGLISH)
    assert "2–8 Mar" in (await phone.get("/week")).text


async def test_a_notification_is_in_the_language_of_the_phone(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "GATHER_S", 0.01)
    await phone.get("/jobs", **CZECH)
    async with told(phone) as (shade, _):
        phone.give_job("Boiler")
        await phone.sync()
        await until(lambda: bool(shade.shown), "the notification")
        assert shade.texts == [("Nová zakázka", "Boiler, Kdykoli")]


async def test_what_a_browser_keeps_of_the_app_is_in_the_language_too(phone: Phone) -> None:
    await phone.get("/jobs", **CZECH)
    assert "Fieldlog v tomto telefonu neběží" in (await phone.get("/asleep")).text
    told_of = json.loads((await phone.get("/manifest.webmanifest")).text)
    assert told_of["lang"] == "cs"
    assert told_of["description"].startswith("Vaše zakázky")
    czech = (await phone.get("/worker.js")).text
    await phone.get("/jobs", **ENGLISH)
    assert (await phone.get("/worker.js")).text != czech, "the browser installs it anew"


async def test_a_refusal_of_the_rules_is_told_in_czech(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.get("/jobs", **CZECH)
    answer = await phone.post(f"/jobs/{job}/notes", text="  ")
    assert answer.status == 400
    assert "Poznámka chybí" in answer.text
    assert "Nic se nezměnilo" in answer.text
