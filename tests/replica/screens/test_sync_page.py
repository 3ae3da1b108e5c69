"""The sync pill and its page say what is proven, and nothing more."""

from __future__ import annotations

import html
import io
import re
from dataclasses import replace

import aiohttp
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import erasure
from core.dispatch.acts import Change
from core.dispatch.fields import Kind
from core.log.limits import CARRIED_BYTES_MAX
from replica.carrying import file_for, take_file
from replica.receivers import receiver_named
from replica.screens.pill import pill_of
from replica.screens.port import Need, SyncState
from tests.build import force
from tests.replica.screens.conftest import HOUR_MS, HUB_ADDRESS, Answer, Phone

QUIET = SyncState(HUB_ADDRESS, False, 1, None, 0, 0, ())


def pill(page: str) -> str:
    """The words of a page's pill."""
    found = re.search(r'id="pill".*?<span>(.*?)</span>', page, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_four_states_have_their_words() -> None:
    assert pill_of(QUIET).words == "All saved on hub"
    waiting = replace(QUIET, unsent_count=6)
    assert pill_of(waiting).words == "Saved on phone, 6 to send"
    assert pill_of(replace(waiting, sending=(3, 6))).words == "Sending 3/6"
    assert pill_of(replace(waiting, needs=(Need("a", "b"),))).words == "Needs you: 1"


@given(
    unsent=st.integers(0, 9),
    met=st.none() | st.integers(0, 9),
    connected=st.booleans(),
    sending=st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
    needs=st.booleans(),
)
def test_all_saved_is_said_only_when_a_hub_confirmed_everything(
    unsent: int, met: int | None, connected: bool, sending: tuple[int, int] | None, needs: bool
) -> None:
    found = (Need("a", "b"),) if needs else ()
    state = SyncState(HUB_ADDRESS, connected, met, sending, unsent, 0, (), found)
    said = pill_of(state).words == "All saved on hub"
    assert said == (unsent == 0 and met is not None and not needs)


async def test_what_was_done_offline_waits_with_its_words_until_the_hub_has_it(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    assert pill((await phone.get("/jobs")).text) == "All saved on hub"
    await phone.tap(job, "assigned", "accepted")
    phone.clock.pass_ms(2 * HOUR_MS)
    await phone.post(f"/jobs/{job}/notes", text="Gate is locked")
    page = (await phone.get("/sync")).text
    assert pill(page) == "Saved on phone, 2 to send"
    assert "State: Accepted" in page
    assert "Note: Gate is locked" in page
    assert "Boiler" in page
    assert "Oldest unsent" in page
    assert "(2 h ago)" in page
    assert HUB_ADDRESS in page
    assert (
        "2 changes saved on this phone, not yet on the hub"
        in (await phone.get(f"/jobs/{job}")).text
    )
    assert "2 to send" in (await phone.get("/jobs")).text
    await phone.sync()
    page = (await phone.get("/sync")).text
    assert pill(page) == "All saved on hub"
    assert "a hub has confirmed everything" in page


async def test_what_a_later_program_wrote_of_a_kind_to_come_waits_as_all_does(
    phone: Phone,
) -> None:
    replica = phone.device.writer.replica
    stream = bytes.fromhex("0b995470") + bytes([max(Kind) + 1]) + b"unknown"
    change = Change(stream, (3_000,), "of a field to come")
    await phone.device.writer.run(lambda: force(replica, stream, [change], version=2))
    seen = await phone.get("/sync")
    assert seen.status == 200
    assert "This phone" in seen.text


async def test_send_now_is_a_button_that_says_what_it_does(phone: Phone) -> None:
    answer = await phone.post("/sync")
    assert answer.path.startswith("/sync")
    assert "Trying to reach the hub now" in answer.text


async def test_what_was_written_on_something_erased_is_shown_until_it_is_deleted(
    phone: Phone,
) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.post(f"/jobs/{job}/notes", text="Gate is locked")
    phone.office(erasure.erase([bytes.fromhex(job)]))
    await phone.sync()
    page = (await phone.get("/sync")).text
    assert pill(page) == "All saved on hub"
    assert "Erased by the office" in page
    assert "Note: Gate is locked" in page
    assert (await phone.get(f"/jobs/{job}")).status == 410
    answer = await phone.post("/sync/erased")
    assert "2 changes deleted from this phone" in answer.text
    assert "Gate is locked" not in answer.text
    files = phone.device.folder.glob("store.sqlite*")
    assert not [path for path in files if b"Gate is locked" in path.read_bytes()]


async def test_a_file_for_the_hub_is_saved_and_one_from_it_is_taken_in(phone: Phone) -> None:
    job = phone.give_job("Boiler")
    await phone.sync()
    await phone.tap(job, "assigned", "accepted")
    async with phone.browser.get(phone.address + "/sync/file") as answer:
        assert answer.status == 200
        named = answer.headers["Content-Disposition"]
        saved = await answer.read()
    assert named == "attachment; filename*=UTF-8''for-hub-A-2026-03-02.carried"
    assert take_file(phone.hub, saved).refused == ()
    # Saved is not sent: the phone knows only of a file.
    assert pill((await phone.get("/sync")).text) == "Saved on phone, 1 to send"
    other = phone.give_job("Gutter")
    back = file_for(phone.hub, receiver_named(phone.hub, phone.device.writer.replica.author.hex()))
    answered = await upload(phone, back.data)
    assert "The file of hub A brought" in answered.text
    assert pill(answered.text) == "All saved on hub"
    assert "Gutter" in (await phone.get("/jobs")).text
    assert await phone.rows("SELECT title FROM job WHERE job = ?", other) == [("Gutter",)]


async def test_a_file_that_is_not_for_this_phone_is_refused_in_words(phone: Phone) -> None:
    await phone.sync()
    before = await phone.rows("SELECT * FROM entry")
    for data, words in (
        (b"Dear phone, " * 20, "This is no file that a hub or phone made to be carried."),
        (b"FLCARRY1" + bytes(200), "only that one can open it."),
        (b"", "Choose a file first"),
        (bytes(CARRIED_BYTES_MAX + 5), "A carried file has at most 16 MB."),
    ):
        page = await upload(phone, data)
        assert words in html.unescape(page.text)
    assert await phone.rows("SELECT * FROM entry") == before
    assert (await phone.post("/sync/file", file="text")).status == 200


async def upload(phone: Phone, data: bytes) -> Answer:
    """Choose a file on the sync page and send it."""
    form = aiohttp.FormData()
    form.add_field(
        "file", io.BytesIO(data), filename="a.carried", content_type="application/octet-stream"
    )
    headers = {"Origin": phone.address}
    url = phone.address + "/sync/file"
    async with phone.browser.post(url, data=form, headers=headers) as answer:
        return Answer(answer.status, str(answer.url.path), await answer.text(), answer.headers)
