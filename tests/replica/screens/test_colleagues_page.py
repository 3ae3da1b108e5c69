"""Colleagues on the phone: codes that are read, and jobs that are handed on."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from replica.screens.colleagues import CodeUnreadable, Colleague, Colleagues, read_code
from tests.replica.screens.conftest import HOUR_MS, Phone


def bo(phone: Phone) -> Colleague:
    """A colleague of the site."""
    worker = phone.site.worker(phone.hub, "Bo Novak")
    return Colleague(worker.hex(), "Bo Novak")


async def keep(phone: Phone, colleague: Colleague) -> None:
    """Read a colleague's code and keep it, as a browser does."""
    link = urlsplit(colleague.link(8765))
    page = await phone.get(f"{link.path}?{link.query}")
    assert f"Keep {colleague.name}" in page.text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert "is known on this phone" in (await phone.post("/colleagues/add", **fields)).text


async def test_the_own_code_is_what_a_colleagues_phone_reads(phone: Phone) -> None:
    page = (await phone.get("/colleagues")).text
    assert 'class="qr"' in page
    found = re.search(r'id="code-link">([^<]+)<', page)
    assert found is not None
    link = urlsplit(html.unescape(found[1]))
    assert (link.hostname, link.path) == ("127.0.0.1", "/colleagues/add")
    query = dict(each.split("=") for each in link.query.split("&"))
    assert query == {"worker": phone.worker.hex(), "name": "Petr+Dvorak"}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"worker": "no hex"},
        {"worker": acts.new_stream_id(Kind.JOB, 1, b"1234567").hex(), "name": "A job"},
        {"worker": acts.new_stream_id(Kind.WORKER, 1, b"1234567").hex(), "at": "nowhere at all"},
    ],
)
async def test_what_is_no_code_of_a_colleagues_is_refused_in_words(
    phone: Phone, query: dict[str, str]
) -> None:
    address = "/colleagues/add?" + "&".join(f"{name}={value}" for name, value in query.items())
    answer = await phone.get(address)
    assert answer.status == 400
    assert "show it again" in answer.text
    assert (await phone.post("/colleagues/add", **query)).status == 400
    assert "Nobody yet" in (await phone.get("/colleagues")).text


async def test_the_own_code_is_not_taken_for_a_colleagues(phone: Phone) -> None:
    answer = await phone.get(f"/colleagues/add?worker={phone.worker.hex()}&name=Me")
    assert (answer.status, "your own code" in answer.text) == (400, True)


def test_a_name_in_a_code_is_a_name_and_nothing_else() -> None:
    worker = acts.new_stream_id(Kind.WORKER, 1, bytes(range(200, 207))).hex()
    read = read_code({"worker": worker, "name": "  Bo \n\u202e Novak  " + "x" * 9_000}, "")
    assert read.name.startswith("Bo Novak x")
    assert len(read.name) <= acts.NAME_LETTERS_MAX
    with pytest.raises(CodeUnreadable):
        read_code({"worker": worker.upper()}, "")


async def test_a_job_is_handed_on_with_its_time_ended_and_can_be_taken_back_at_once(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    colleague = bo(phone)
    assert "No colleague known yet" in (await phone.get(f"/jobs/{job}/hand")).text
    await keep(phone, colleague)
    await phone.tap(job, "assigned", "on site")
    phone.clock.pass_ms(HOUR_MS)
    page = (await phone.post(f"/jobs/{job}/hand", worker=colleague.worker)).text
    assert "Handed to Bo Novak" in page
    assert "Not on their phone yet" in page
    assert [(kind, stop is None) for kind, _, stop, *_ in await phone.logs()] == [
        ("on site", False)
    ]
    token = re.search(r'name="token" value="(\w+)"', page)
    assert token is not None
    assert "Undone" in (await phone.post(f"/jobs/{job}/undo", token=token[1])).text
    assert await phone.phase(job) == "on site"
    await phone.post(f"/jobs/{job}/hand", worker=colleague.worker)
    await phone.sync()
    rows = "SELECT worker, phase, handed_from FROM assignment ORDER BY handed_from"
    told = [tuple(row) for row in phone.hub.store.db.execute(rows)]
    assert told == [
        (phone.worker.hex(), "withdrawn", ""),
        (colleague.worker, "assigned", phone.worker.hex()),
    ]
    assert (await phone.get(f"/jobs/{job}")).status == 410, "it is the colleague's alone now"


async def test_a_job_that_is_done_or_for_an_unknown_colleague_is_not_handed_on(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    stranger = phone.site.worker(phone.hub, "Nobody here").hex()
    answer = await phone.post(f"/jobs/{job}/hand", worker=stranger)
    assert "Choose a colleague" in answer.text
    colleague = bo(phone)
    await keep(phone, colleague)
    await phone.tap(job, "assigned", "finished")
    answer = await phone.post(f"/jobs/{job}/hand", worker=colleague.worker)
    assert "Only a job that is still to do" in answer.text
    assert await phone.phase(job) == "finished"


async def test_a_colleague_is_taken_off_the_list(phone: Phone) -> None:
    colleague = bo(phone)
    await keep(phone, colleague)
    assert Colleagues(phone.device.folder).all == (colleague,), "it is kept over a restart"
    await phone.post("/colleagues/forget", worker=colleague.worker)
    assert "Nobody yet" in (await phone.get("/colleagues")).text
    assert Colleagues(phone.device.folder).all == ()
