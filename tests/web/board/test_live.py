"""The page's WebSocket: what it is told, and that it never misses anything without being told."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from hub.live import EVENTS_KEPT
from hub.presence import Presence
from tests.web.board.town import Town
from tests.web.office import Person

Socket = aiohttp.ClientWebSocketResponse


def listen(person: Person, query: str = "") -> AbstractAsyncContextManager[Socket]:
    """Open the live feed as the page's script does."""
    return person._session.ws_connect(
        f"{person.origin}/live{query}", headers={"Origin": person.origin}
    )


async def heard(socket: Socket) -> dict[str, Any]:
    """The next message."""
    message: dict[str, Any] = await socket.receive_json(timeout=10)
    return message


async def test_a_page_hears_of_a_job_that_was_made(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        assert (await heard(socket))["kind"] == "hello"
        job, _ = await town.job("Boiler")
        message = await heard(socket)
        assert message["kind"] == "streams"
        assert message["ids"] == [job]


async def test_a_managers_board_is_shown_what_changed_too(town: Town) -> None:
    await town.office.add_account("Max", "manager")
    job, _ = await town.job("Boiler")
    maria = await town.office.signed_in("Max")
    await maria.get("/?view=all")
    async with maria._session.post(
        f"{town.office.origin}/board/changed?view=all",
        json=[job],
        headers={"Origin": town.office.origin, "X-Fieldlog-Token": maria._token},
    ) as answer:
        assert answer.status == 200
        assert job in (await answer.json())["rows"]


async def test_a_page_hears_that_a_phone_moved(town: Town) -> None:
    ana = await town.worker("Ana")
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        await heard(socket)
        hub = town.office.hub
        certificate = ana.phone.identity.own
        hub.keep_presence(certificate, {0: town.clock.now_ms(), 1: 500_000_000, 2: 140_000_000})
        assert isinstance(hub.presence[ana.id], Presence)
        message = await heard(socket)
        assert (message["kind"], message["ids"]) == ("presence", [ana.id])


async def test_a_browser_that_was_signed_out_hears_nothing_more(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket, listen(eva) as silent:
        await heard(socket)
        await heard(silent)
        await eva.post("/sign-out", {})
        await socket.send_str("?")
        assert (await socket.receive(timeout=10)).extra == "signed out"
        await town.job("Boiler")
        last = await silent.receive(timeout=10)
        assert (last.type, last.extra) == (aiohttp.WSMsgType.CLOSE, "signed out")


async def test_a_page_left_open_does_not_keep_its_browser_signed_in(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        await heard(socket)
        for _ in range(11):
            town.clock.at_ms += 3_600_000
            await socket.send_str("?")
            assert (await heard(socket))["kind"] == "alive"
        town.clock.at_ms += 3_600_000
        await socket.send_str("?")
        assert (await socket.receive(timeout=10)).extra == "signed out"


async def test_a_page_that_comes_back_hears_what_it_missed_in_order(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        hello = await heard(socket)
    jobs = [(await town.job(title))[0] for title in ("One", "Two")]
    async with listen(eva, f"?since={hello['seq']}&epoch={hello['epoch']}") as socket:
        await heard(socket)
        missed = [await heard(socket), await heard(socket)]
    assert [message["ids"] for message in missed] == [[jobs[0]], [jobs[1]]]
    assert [message["seq"] for message in missed] == [hello["seq"] + 1, hello["seq"] + 2]


@pytest.mark.parametrize("query", ["?since=1&epoch=another", "?since=99999999&epoch={epoch}"])
async def test_a_page_that_knew_another_run_is_told_to_load_anew(town: Town, query: str) -> None:
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        hello = await heard(socket)
    async with listen(eva, query.format(epoch=hello["epoch"])) as socket:
        await heard(socket)
        assert (await heard(socket))["kind"] == "reload"


async def test_a_page_that_was_away_for_too_long_is_told_to_load_anew(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        hello = await heard(socket)
    for _ in range(EVENTS_KEPT + 1):
        town.office.hub.feed.publish("presence", ("0" * 24,))
    async with listen(eva, f"?since={hello['seq']}&epoch={hello['epoch']}") as socket:
        await heard(socket)
        assert (await heard(socket))["kind"] == "reload"


async def test_so_many_changes_at_once_are_a_reload(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        await heard(socket)
        changes = []
        for index in range(401):
            stream = acts.new_stream_id(Kind.JOB, town.clock.now_ms(), index.to_bytes(7))
            changes += acts.create_job(stream, {"title": "x"})
        await town.office.act(changes)
        assert (await heard(socket))["kind"] == "reload"


async def test_a_page_that_asks_is_answered_so_that_it_notices_a_dead_line(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        await heard(socket)
        await socket.send_str("ping")
        assert (await heard(socket))["kind"] == "alive"


async def test_nobody_listens_without_an_account_or_from_another_page(town: Town) -> None:
    stranger = await town.office.person()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with listen(stranger):
            pass
    assert refused.value.status in (401, 403)
    eva = await town.office.signed_in("Eva")
    url = f"{town.office.origin}/live"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with eva._session.ws_connect(url, headers={"Origin": "http://elsewhere.example"}):
            pass
    assert refused.value.status == 403
