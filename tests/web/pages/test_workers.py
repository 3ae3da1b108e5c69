"""Workers on their pages, and phones that join: real ones, over TLS."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.dispatch.acts import set_group
from replica.joining import join_by_code, join_by_link
from replica.screens.port import EnrolmentRefused
from tests.web.office import Office, Person

JAN = {
    "name": "Jan Novák",
    "phone": "+420 601 234 567",
    "shift_start": "07:00",
    "shift_end": "15:30",
}


async def make(person: Person, fields: Mapping[str, object]) -> str:
    """Make a worker and return the path of their page."""
    seen = await person.post("/workers/new", fields)
    assert seen.status == 200, seen.words
    return seen.path


async def groups(office: Office) -> dict[str, str]:
    """A team, a vehicle and two skills; hex ids by name."""
    ids = {name: office.entropy(8) for name in ("North", "Transit", "Boilers", "Heights")}
    await office.act(
        set_group("team", ids["North"], "North")
        + set_group("vehicle", ids["Transit"], "Transit", plate="2AC 1199")
        + set_group("skill", ids["Boilers"], "Boilers")
        + set_group("skill", ids["Heights"], "Heights")
    )
    return {name: identity.hex() for name, identity in ids.items()}


async def test_a_worker_has_team_vehicle_skills_and_shift(office: Office) -> None:
    eva, ids = await office.signed_in("Eva"), await groups(office)
    chosen: dict[str, object] = {"team": ids["North"], "vehicle": ids["Transit"]}
    chosen["skill"] = [ids["Boilers"]]
    path = await make(eva, {**JAN, **chosen})
    for seen in (await eva.get(path), await eva.get("/workers")):
        for words in ("Jan Novák", "North", "Transit", "2AC 1199", "Boilers", "07:00–15:30"):
            assert words in seen.words
        assert "Heights" not in seen.words


async def test_a_shift_over_midnight_ends_on_the_next_day(office: Office) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN | {"shift_start": "22:00", "shift_end": "06:00"})
    assert "22:00–06:00 +1" in (await eva.get(path)).words
    assert json.loads((await office.rows("SELECT shift FROM worker"))[0]["shift"]) == [1320, 1800]
    form = (await eva.get(f"{path}/edit")).form()
    assert (form["shift_start"], form["shift_end"]) == ("22:00", "06:00")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "name is missing"),
        ({"shift_end": ""}, "start and an end"),
        ({"shift_start": "25:00"}, "hours and minutes"),
        ({"team": "zz"}, "Choose from the list"),
        ({"skill": ["00"]}, "choose one from the list"),
    ],
)
async def test_a_worker_that_cannot_be_is_refused_in_words(
    office: Office, wrong: dict[str, object], words: str
) -> None:
    eva = await office.signed_in("Eva")
    seen = await eva.post("/workers/new", JAN | wrong)
    assert seen.status == 422
    assert words.lower() in seen.words.lower()
    assert await office.rows("SELECT 1 FROM worker") == []


async def test_skills_ticked_by_two_people_at_once_are_shown_to_the_second_by_name(
    office: Office,
) -> None:
    eva, petr = await office.signed_in("Eva"), await office.signed_in("Petr")
    ids = await groups(office)
    path = await make(eva, JAN)
    form_of_eva = (await eva.get(f"{path}/edit")).form()
    form_of_petr = (await petr.get(f"{path}/edit")).form()
    await petr.post(f"{path}/edit", form_of_petr | {"skill": [ids["Heights"]]})
    seen = await eva.post(f"{path}/edit", form_of_eva | {"skill": [ids["Boilers"]]})
    assert seen.status == 409
    assert "Skills Boilers Heights Petr" in seen.words
    assert json.loads((await office.rows("SELECT skills FROM worker"))[0]["skills"]) == [
        ids["Heights"]
    ]


async def test_list_is_narrowed_by_team_and_by_words(office: Office) -> None:
    eva, ids = await office.signed_in("Eva"), await groups(office)
    await make(eva, JAN | {"team": ids["North"]})
    await make(eva, {"name": "Lucie Černá"})
    assert "Lucie" not in (await eva.get(f"/workers?team={ids['North']}")).words
    found = (await eva.get("/workers?q=cerna")).words
    assert "Lucie Černá" in found
    assert "Jan Novák" not in found


async def offered(office: Office, person: Person, path: str) -> tuple[str, str, str]:
    """The code, link and address of a new offer, as the page shows them."""
    if office.hub.addresses == ("10.0.0.5:8443",):
        await office.listen_for_phones()
    seen = await person.post(f"{path}/enrol", {})
    code = "-".join(re.findall(r"<span>([0-9A-Z]{4})</span>", seen.text))
    link = re.search(r'data-copy="(fieldlog:[^"]+)"', seen.text)
    address = re.search(r'address <strong class="mono">([^<]+)<', seen.text)
    assert link is not None
    assert address is not None
    return code, html.unescape(link[1]), address[1]


async def joined(person: Person, path: str) -> bool:
    """What the page that waits is told."""
    answer: bool = json.loads((await person.get(f"{path}/enrol/state")).text)["joined"]
    return answer


async def test_a_phone_joins_by_the_qr_codes_link(office: Office, tmp_path: Path) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN)
    _, link, _ = await offered(office, eva, path)
    assert not await joined(eva, path)
    await join_by_link(_folder(tmp_path), link, os.urandom)
    assert await joined(eva, path)
    assert "No phone has joined yet" not in (await eva.get(path)).words


async def test_a_phone_joins_by_the_typed_code(office: Office, tmp_path: Path) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN)
    code, _, address = await offered(office, eva, path)
    await join_by_code(_folder(tmp_path), code.lower(), address, os.urandom)
    assert await joined(eva, path)


async def test_a_code_serves_one_phone_and_ten_minutes(office: Office, tmp_path: Path) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN)
    code, link, address = await offered(office, eva, path)
    await join_by_link(_folder(tmp_path), link, os.urandom)
    with pytest.raises(EnrolmentRefused):
        await join_by_code(_folder(tmp_path / "second"), code, address, os.urandom)
    code, _, address = await offered(office, eva, path)
    office.clock.at_ms += 10 * 60_000
    with pytest.raises(EnrolmentRefused):
        await join_by_code(_folder(tmp_path / "third"), code, address, os.urandom)


async def test_an_offer_is_shown_once_and_only_after_a_post(office: Office) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN)
    await offered(office, eva, path)
    seen = await eva.get(f"{path}/enrol")
    assert seen.path == path
    assert "fieldlog://" not in seen.text


async def test_a_phone_that_was_shut_out_is_no_longer_the_workers(
    office: Office, tmp_path: Path
) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN)
    _, link, _ = await offered(office, eva, path)
    await join_by_link(_folder(tmp_path), link, os.urandom)
    page = await eva.get(path)
    revoke = re.search(r'action="([^"]+/revoke)"', page.text)
    assert revoke is not None
    assert "shut out" in (await eva.post(revoke[1], {})).words
    assert "No phone has joined yet" in (await eva.get(path)).words
    assert (await eva.post(revoke[1], {})).status == 404


async def test_a_manager_gets_no_code(office: Office) -> None:
    eva, marta = await office.signed_in("Eva"), await office.signed_in("Marta", "manager")
    path = await make(eva, JAN)
    assert "Let a phone join" not in (await marta.get(path)).words
    assert (await marta.post(f"{path}/enrol", {})).status == 403


def _folder(path: Path) -> Path:
    folder = path / "phone"
    folder.mkdir(parents=True)
    return folder


async def test_the_waiting_page_is_told_while_the_phone_joins(
    office: Office, tmp_path: Path
) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN)
    _, link, _ = await offered(office, eva, path)
    told = [False]
    async with asyncio.TaskGroup() as tasks:
        joining = tasks.create_task(join_by_link(_folder(tmp_path), link, os.urandom))
        while not joining.done():
            told.append(await joined(eva, path))
    assert told == sorted(told), "once joined, always joined"
    assert await joined(eva, path)
