"""The page's WebSocket: what it is told, and that it never misses anything without being told."""

from __future__ import annotations

import json
import struct
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from hub.live import EVENTS_KEPT
from tests.web.board.town import Town, Worker
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


async def placed(socket: Socket) -> tuple[float, dict[int, tuple[int, ...]]]:
    """Of the next frame of positions its clock, and what it says of each worker by its number."""
    while (message := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
        assert json.loads(message.data)["kind"] in ("hello", "alive")
    assert message.type is aiohttp.WSMsgType.BINARY
    frame: bytes = message.data
    (clock,) = struct.unpack_from("<d", frame)
    return clock, {row[0]: row[1:] for row in struct.iter_unpack("<IiiIhBx", frame[8:])}


async def test_a_page_whose_map_is_looked_at_is_told_in_one_frame_who_moved(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    eva = await town.office.signed_in("Eva")
    hub, now_ms = town.office.hub, town.clock.now_ms()

    def moves(worker: Worker, fields: dict[int, Any]) -> None:
        hub.keep_presence(worker.phone.identity.own, {0: now_ms - 90_000, **fields})

    hub.feed.moves_every_s = 0.05
    moves(ana, {1: 500_000_000, 2: 140_000_000, 4: 90, 5: 900, 7: 1})
    async with listen(eva) as socket:
        await socket.send_str("positions on")
        clock, first = await placed(socket)
        seen = json.loads((await eva.get("/board/positions.json")).text)["workers"]
        index = {each["name"]: each["index"] for each in seen}
        assert clock == now_ms
        assert first == {index["Ana"]: (140_000_000, 500_000_000, 90_000, 90, 7)}
        # Who was told of is not told again; of one that moves often, the last place alone.
        moves(ana, {7: 0})
        moves(ben, {1: 1, 2: 1, 7: 1})
        moves(ben, {1: -337_000_000, 2: -700_000_000, 7: 1})
        _, second = await placed(socket)
        (own,) = set(second) - {index["Ana"]}
        assert second == {
            own: (-700_000_000, -337_000_000, 90_000, -1, 5), index["Ana"]: (0, 0, 90_000, -1, 0)
        }  # fmt: skip
        moves(ben, {1: 7, 2: 7, 7: 1})
        assert set((await placed(socket))[1]) == {own}


async def test_a_page_is_told_of_positions_no_more_when_it_or_its_browser_left(town: Town) -> None:
    ana = await town.worker("Ana")
    eva = await town.office.signed_in("Eva")
    hub = town.office.hub
    hub.feed.moves_every_s = 0.01

    def moves() -> None:
        hub.keep_presence(
            ana.phone.identity.own, {0: town.clock.now_ms(), 1: 500_000_000, 2: 140_000_000, 7: 1}
        )

    async with listen(eva) as socket:
        await socket.send_str("positions on")
        await placed(socket)
        await socket.send_str("positions off")
        while (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.BINARY:
            pass
        await socket.send_str("?")
        assert (await heard(socket))["kind"] == "alive"
        moves()
        job, _ = await town.job("Boiler")
        assert (await heard(socket))["ids"] == [job]
        await socket.send_str("positions on")
        await placed(socket)
        await eva.post("/sign-out", {})
        moves()
        await town.job("Meter")
        while (message := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.extra == "signed out"
    assert hub.feed._movers == []


async def test_a_page_that_shows_no_map_is_told_nothing_of_who_moved(town: Town) -> None:
    ana = await town.worker("Ana")
    eva = await town.office.signed_in("Eva")
    async with listen(eva) as socket:
        await heard(socket)
        town.office.hub.keep_presence(
            ana.phone.identity.own, {0: town.clock.now_ms(), 1: 500_000_000, 2: 140_000_000}
        )
        job, _ = await town.job("Boiler")
        assert (await heard(socket))["ids"] == [job]


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
        town.office.hub.feed.publish("sync", ())
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
