"""Setting up a hub, signing in and out, passwords and the links that set them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.web.office import PASSWORD, Office
from web.pages.sign_in import onward_path

SET_UP = {
    "site_name": "Stavservis",
    "time_zone": "Europe/Prague",
    "name": "Eva",
    "new": PASSWORD,
    "again": PASSWORD,
}


async def test_set_up_link_makes_the_first_administrator_once(tmp_path: Path) -> None:
    async with Office(tmp_path / "hub") as office:
        path, eva, stranger = office.set_up_path(), await office.person(), await office.person()
        seen = await eva.post(path, SET_UP, token=False)
        assert seen.path == "/extensions"
        assert "Stavservis is set up" in seen.words
        assert [row["role"] for row in await office.rows("SELECT role FROM account")] == ["admin"]
        assert await office.setting("time_zone") == "Europe/Prague"
        again = await stranger.post(path, SET_UP | {"name": "Mallory"}, token=False)
        assert again.status == 410
        assert "set up already" in again.words
        assert len(await office.rows("SELECT 1 FROM account")) == 1


async def test_of_two_who_set_up_at_once_one_becomes_administrator(tmp_path: Path) -> None:
    async with Office(tmp_path) as office:
        path, eva, jan = office.set_up_path(), await office.person(), await office.person()
        # At the hub's two ports, as a real one has.
        jan.origin = await office.listen_again()
        answers = await asyncio.gather(
            eva.post(path, SET_UP, token=False),
            jan.post(path, SET_UP | {"name": "Jan"}, token=False),
        )
        assert sorted("set up already" in seen.words for seen in answers) == [False, True]
        assert len(await office.rows("SELECT * FROM account")) == 1


async def test_set_up_needs_the_printed_link(tmp_path: Path) -> None:
    async with Office(tmp_path / "hub") as office:
        stranger = await office.person()
        seen = await stranger.post("/set-up/AAAA", SET_UP, token=False)
        assert seen.status == 410
        assert await office.rows("SELECT 1 FROM account") == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"time_zone": "Europe/Nowhere"}, "Choose the time zone"),
        ({"again": "something else"}, "differ"),
        ({"new": "short", "again": "short"}, "8 characters"),
        ({"site_name": ""}, "name of the site"),
    ],
)
async def test_a_set_up_with_a_mistake_changes_nothing(
    tmp_path: Path, wrong: dict[str, str], words: str
) -> None:
    async with Office(tmp_path / "hub") as office:
        eva = await office.person()
        seen = await eva.post(office.set_up_path(), SET_UP | wrong, token=False)
        assert seen.status == 422
        assert words in seen.words
        assert await office.rows("SELECT 1 FROM account UNION SELECT 1 FROM setting") == []


async def test_wrong_name_and_wrong_password_get_the_same_answer(office: Office) -> None:
    await office.add_account("Eva", "dispatcher")
    person = await office.person()
    wrong_password = await person.sign_in("Eva", "not the password")
    wrong_name = await person.sign_in("Eve", PASSWORD)
    assert wrong_password.status == wrong_name.status == 401
    assert wrong_password.words == wrong_name.words.replace("Eve", "Eva")


async def test_after_ten_wrong_passwords_the_right_one_has_to_wait(office: Office) -> None:
    await office.add_account("Eva", "dispatcher")
    person = await office.person()
    for _ in range(10):
        assert (await person.sign_in("Eva", "guess")).status == 401
    assert (await person.sign_in("Eva")).status == 429
    office.clock.at_ms += 16 * 60_000
    assert (await person.sign_in("Eva")).status == 200


async def test_who_is_not_signed_in_is_led_to_sign_in_and_back(office: Office) -> None:
    await office.add_account("Eva", "dispatcher")
    person = await office.person()
    seen = await person.get("/customers?q=novak")
    assert urlsplit(seen.path).path == "/sign-in"
    assert seen.value("onward") == "/customers?q=novak"
    landed = await person.post(
        "/sign-in", {"name": "Eva", "password": PASSWORD, "onward": seen.value("onward")}, False
    )
    assert landed.path == "/customers?q=novak"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "x"],
)
def test_nobody_is_led_to_another_server(elsewhere: str) -> None:
    assert onward_path(elsewhere) == "/"


async def test_signing_out_ends_the_session(office: Office) -> None:
    eva = await office.signed_in("Eva")
    assert (await eva.post("/sign-out", {})).path == "/sign-in"
    assert urlsplit((await eva.get("/customers")).path).path == "/sign-in"


async def test_changing_the_password_signs_out_other_browsers_but_not_this_one(
    office: Office,
) -> None:
    eva = await office.signed_in("Eva")
    elsewhere = await office.person()
    await elsewhere.sign_in("Eva")
    fields = {"present": PASSWORD, "new": "four new words here", "again": "four new words here"}
    seen = await eva.post("/password", fields)
    assert "Your password was changed" in seen.words
    assert (await eva.get("/customers")).path == "/customers"
    assert urlsplit((await elsewhere.get("/customers")).path).path == "/sign-in"
    assert (await elsewhere.sign_in("Eva", "four new words here")).status == 200


async def test_present_password_must_be_right_to_change_it(office: Office) -> None:
    eva = await office.signed_in("Eva")
    fields = {"present": "wrong", "new": "four new words here", "again": "four new words here"}
    assert (await eva.post("/password", fields)).status == 422
    assert (await (await office.person()).sign_in("Eva")).status == 200


async def test_a_manager_may_change_their_own_password_and_nothing_else(office: Office) -> None:
    marta = await office.signed_in("Marta", "manager")
    fields = {"present": PASSWORD, "new": "four new words here", "again": "four new words here"}
    assert "was changed" in (await marta.post("/password", fields)).words
    refused = await marta.post("/customers/new", {"name": "Novák"})
    assert refused.status == 403
    assert await office.rows("SELECT 1 FROM customer") == []


async def test_password_link_of_a_new_account_works_once(office: Office) -> None:
    eva = await office.signed_in("Eva", "admin")
    seen = await eva.post("/accounts", {"name": "Petr", "role": "dispatcher"})
    path = urlsplit(_link(seen.text)).path
    petr = await office.person()
    assert "Petr" in (await petr.get(path)).words
    fields = {"new": "words of his own", "again": "words of his own"}
    landed = await petr.post(path, fields, token=False)
    assert "you are signed in" in landed.words
    stranger = await office.person()
    assert (await stranger.post(path, fields, token=False)).status == 410


async def test_password_link_is_over_after_a_day(office: Office) -> None:
    eva = await office.signed_in("Eva", "admin")
    seen = await eva.post("/accounts", {"name": "Petr", "role": "dispatcher"})
    office.clock.at_ms += 24 * 3_600_000
    over = await (await office.person()).get(urlsplit(_link(seen.text)).path)
    assert over.status == 410
    assert "Ask an administrator" in over.words


async def test_closing_an_account_signs_it_out_everywhere(office: Office) -> None:
    eva, petr = await office.signed_in("Eva", "admin"), await office.signed_in("Petr")
    account = await _account(office, "Petr")
    assert "is closed" in (await eva.post(f"/accounts/{account}", {"act": "close"})).words
    assert urlsplit((await petr.get("/customers")).path).path == "/sign-in"
    assert (await petr.sign_in("Petr")).status == 401


async def test_the_last_administrator_cannot_be_closed_or_demoted(office: Office) -> None:
    eva = await office.signed_in("Eva", "admin")
    account = await _account(office, "Eva")
    for fields in ({"act": "close"}, {"act": "role", "role": "manager"}):
        assert "last administrator" in (await eva.post(f"/accounts/{account}", fields)).words
    assert (await eva.get("/accounts")).status == 200


async def test_a_dispatcher_sees_no_accounts_and_no_settings(office: Office) -> None:
    petr = await office.signed_in("Petr", "dispatcher")
    for path in ("/accounts", "/settings"):
        seen = await petr.get(path)
        assert seen.status == 403
        assert "administrator" in seen.words


async def test_two_accounts_of_one_name_cannot_be(office: Office) -> None:
    eva = await office.signed_in("Eva", "admin")
    seen = await eva.post("/accounts", {"name": "eva", "role": "dispatcher"})
    assert seen.status == 422
    assert "already" in seen.words


def _link(text: str) -> str:
    found = re.search(r'data-copy="([^"]+/reset/[^"]+)"', text)
    assert found is not None
    return found[1]


async def _account(office: Office, name: str) -> str:
    rows = await office.rows("SELECT account FROM account WHERE name = ?", (name,))
    account: str = rows[0]["account"]
    return account
