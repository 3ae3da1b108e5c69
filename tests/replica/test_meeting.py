"""Two phones as they run, over TLS on loopback, with no hub: a typed address is all they need."""

from __future__ import annotations

import argparse
import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from core.dispatch import acts
from core.dispatch.fields import Phase
from replica.commands.device import configure
from replica.device import Device
from replica.link import WebSocketLink
from replica.meeting import UNPROVEN_MAX, Meetings, colleagues
from replica.reach import is_with_colleague, unsent_entries
from replica.transport_security import TransportError, client_pin, open_transport_identity
from tests.build import SettableClock
from tests.commands import run
from tests.running import HubAtWork, running_hub, running_phone, synced, until

LISTENING = Meetings(listen=("127.0.0.1", 0))


@dataclass
class Field:
    """Far from any hub: the giver's and the taker's folders, their workers, a job of the giver's.

    `port` is where the hub was.
    """

    folder: Path
    clock: SettableClock
    ana: bytes
    bo: bytes
    job: bytes
    turn: bytes
    port: int


async def enrolled(phone: Device, hub: HubAtWork, worker: bytes) -> None:
    await phone.enrol(link=(await hub.offer(worker)).link)
    await synced(phone)


@pytest.fixture
async def field(tmp_path: Path, clock: SettableClock) -> Field:
    """Two phones have joined; then the hub is out of reach."""
    async with running_hub(tmp_path / "hub", clock) as hub:
        ana, bo = await hub.worker("Ana"), await hub.worker("Bo")
        job, turn = await hub.job("Boiler", ana)
        for name, worker in (("taker", bo), ("giver", ana)):
            async with running_phone(tmp_path / name, clock, seed=name) as phone:
                await enrolled(phone, hub, worker)
        return Field(tmp_path, clock, ana, bo, job, turn, hub.port)


@asynccontextmanager
async def both(field: Field) -> AsyncIterator[tuple[Device, Device]]:
    """The taker's phone listens, the giver's looks for it."""
    async with AsyncExitStack() as stack:
        taker = await stack.enter_async_context(
            running_phone(field.folder / "taker", field.clock, seed="t", meetings=LISTENING)
        )
        dialling = Meetings(addresses=(f"127.0.0.1:{taker.meeting_port}",))
        giver = await stack.enter_async_context(
            running_phone(field.folder / "giver", field.clock, seed="g", meetings=dialling)
        )
        yield giver, taker


def titles(phone: Device) -> list[tuple[str, str]]:
    return phone.writer.replica.store.db.execute("SELECT title, status FROM job").fetchall()


async def arrived(field: Field, giver: Device) -> bool:
    replica = giver.writer.replica
    return await giver.writer.run(
        is_with_colleague, replica.store.db, field.job, replica.author, field.bo
    )


async def test_a_job_goes_from_phone_to_phone_and_then_to_the_hub(field: Field) -> None:
    async with both(field) as (giver, taker):
        await giver.act(acts.hand_over(field.job, field.ana, field.turn, field.bo))
        giver.sync_now()
        await until(lambda: arrived(field, giver), "the giver knows that it arrived")
        assert titles(taker) == [("Boiler", "open")]
        # That is no reach: the hub knows nothing yet, and the giver's phone says so.
        assert (await giver.sync_state()).unsent_count == 1
        await taker.act(acts.set_phase(field.job, field.bo, field.turn, Phase.FINISHED))
        async with running_hub(field.folder / "hub", field.clock, port=field.port) as hub:
            await synced(taker)
            rows = await hub.rows("SELECT title, status, worker FROM job")
            assert rows == [("Boiler", "done", field.bo.hex())]
            await synced(giver)
            replica = giver.writer.replica
            assert unsent_entries(replica.store.db, replica.author) == []


async def test_a_phone_that_comes_back_finds_its_colleague_again(field: Field) -> None:
    async with both(field) as (giver, taker):
        await giver.act(acts.hand_over(field.job, field.ana, field.turn, field.bo))
        giver.sync_now()
        await until(lambda: arrived(field, giver), "the giver knows that it arrived")
        place = taker._meetings.place
        assert place is not None
        (conversation,) = place._conversations.values()
        await conversation.link.close()
        await giver.act(acts.add_note(field.job, "the key is at number 5"))
        giver.sync_now()

        async def noted() -> bool:
            return await taker.reader.rows("SELECT text FROM note") != []

        await until(noted, "the note came in another session")


async def test_what_is_no_colleagues_phone_is_given_nothing_and_said_in_words(
    field: Field, tmp_path: Path
) -> None:
    """Another site's phone listens at the address that was typed."""
    async with AsyncExitStack() as stack:
        elsewhere = await stack.enter_async_context(
            running_hub(tmp_path / "elsewhere", field.clock, seed="elsewhere")
        )
        stranger = await stack.enter_async_context(
            running_phone(tmp_path / "stranger", field.clock, seed="s", meetings=LISTENING)
        )
        assert stranger.meeting_port == 0
        await enrolled(stranger, elsewhere, await elsewhere.worker("Eva"))
        # It listens as soon as it has joined.
        assert stranger.meeting_port != 0
        dialling = Meetings(addresses=(f"127.0.0.1:{stranger.meeting_port}",))
        giver = await stack.enter_async_context(
            running_phone(field.folder / "giver", field.clock, seed="g", meetings=dialling)
        )

        async def refused() -> bool:
            needs = (await giver.sync_state()).needs
            return any("no colleague's phone" in need.what_to_do for need in needs)

        await until(refused, "the phone says so")
        place = stranger._meetings.place
        assert place is not None
        assert place._conversations == {}


async def test_who_proves_nothing_is_sent_away_and_blocks_no_colleague(field: Field) -> None:
    async with AsyncExitStack() as stack:
        taker = await stack.enter_async_context(
            running_phone(field.folder / "taker", field.clock, seed="t", meetings=LISTENING)
        )
        place = taker._meetings.place
        assert place is not None
        place.prove_s_max = 3.0
        pin = client_pin(open_transport_identity(taker.folder).fingerprint)
        url = f"https://127.0.0.1:{place.port}/sync"
        async with aiohttp.ClientSession() as client:
            silent = [await client.ws_connect(url, ssl=pin) for _ in range(UNPROVEN_MAX)]
            with pytest.raises(aiohttp.WSServerHandshakeError) as crowded:
                await client.ws_connect(url, ssl=pin)
            assert crowded.value.status == 503
            for socket in silent:
                message = await socket.receive()
                assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        dialling = Meetings(addresses=(f"127.0.0.1:{place.port}",))
        giver = await stack.enter_async_context(
            running_phone(field.folder / "giver", field.clock, seed="g", meetings=dialling)
        )
        await giver.act(acts.hand_over(field.job, field.ana, field.turn, field.bo))
        giver.sync_now()
        await until(lambda: arrived(field, giver), "the giver knows that it arrived")


async def test_nonsense_ends_a_session_and_nothing_else(field: Field) -> None:
    async with both(field) as (giver, taker):
        place = taker._meetings.place
        assert place is not None
        pin = client_pin(open_transport_identity(taker.folder).fingerprint)
        async with aiohttp.ClientSession() as client:
            socket = await client.ws_connect(f"https://127.0.0.1:{place.port}/sync", ssl=pin)
            link = WebSocketLink(socket)
            await link.send(b"\xff" * 100)
            told = await link.receive()
            assert b"malformed" in told
        await giver.act(acts.hand_over(field.job, field.ana, field.turn, field.bo))
        giver.sync_now()
        await until(lambda: arrived(field, giver), "the giver knows that it arrived")


async def test_only_the_newest_tls_is_spoken_and_nothing_in_clear(field: Field) -> None:
    async with both(field) as (_, taker):
        place = taker._meetings.place
        assert place is not None
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", place.port, ssl=context)
        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.ClientError):
                await client.get(f"http://127.0.0.1:{place.port}/sync")


async def test_a_port_that_is_taken_is_said_in_words(field: Field) -> None:
    async with both(field) as (_, taker):
        taken = Meetings(listen=("127.0.0.1", taker.meeting_port))
        with pytest.raises(TransportError, match="--meet-port"):
            async with running_phone(
                field.folder / "giver", field.clock, seed="g2", meetings=taken
            ):
                pass


async def test_a_phone_knows_its_colleagues_and_not_itself(field: Field) -> None:
    async with both(field) as (giver, taker):
        own = open_transport_identity(giver.folder).fingerprint
        other = open_transport_identity(taker.folder).fingerprint
        known = await giver.writer.run(colleagues, giver.writer.replica)
        assert known == {other}
        assert own not in known


def test_an_address_that_is_none_is_refused_by_the_command(tmp_path: Path) -> None:
    with pytest.raises(argparse.ArgumentError, match="no address of a phone"):
        run(configure, "--data", tmp_path, "--meet", "nowhere")
