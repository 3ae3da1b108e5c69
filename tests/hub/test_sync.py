"""Phones and a hub in session over real TLS: both ways, live, and against whoever else connects."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from core.dispatch import acts, day_acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import REVOKED, Phase
from core.dispatch.fix import Fix
from core.log import messages
from core.log.limits import FRAME_BYTES_MAX
from core.log.messages import Ack, Hello, Presence, Refuse, Runs
from core.log.session import Send, Session, Stage
from hub.presence import read_presence
from replica.device import Device
from replica.dialling import hub_dialler
from replica.filing import save_file
from replica.joining import HubAddress
from replica.link import Crowded
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from replica.transport_security import PEER_SERVER_NAME, client_pin
from tests.build import START_MS, SettableClock, tracks_held
from tests.running import HubAtWork, running_hub, running_phone, synced, until


async def join(hub: HubAtWork, phone: Device, name: str = "Aino") -> bytes:
    """A new worker with this phone, in session; the worker's stream."""
    worker = await hub.worker(name)
    offer = await hub.offer(worker)
    await phone.enrol(link=offer.link)
    await synced(phone)
    return worker


async def titles(phone: Device) -> list[str]:
    return [row[0] for row in await phone.reader.rows("SELECT title FROM job ORDER BY title")]


async def shows(phone: Device, *expected: str) -> None:
    async def shown() -> bool:
        return await titles(phone) == sorted(expected)

    await until(shown, f"the phone shows {expected}")


async def phase_at(hub: HubAtWork, job: bytes) -> str:
    ((phase,),) = await hub.rows("SELECT phase FROM assignment WHERE job = ?", job.hex())
    return str(phase)


async def test_work_goes_both_ways_as_it_happens(hub: HubAtWork, phone: Device) -> None:
    worker = await join(hub, phone)
    job, turn = await hub.job("Boiler", worker)
    await shows(phone, "Boiler")
    await phone.act(acts.set_phase(job, worker, turn, Phase.ON_SITE))

    async def arrived() -> bool:
        return await phase_at(hub, job) == "on site"

    await until(arrived, "the hub shows the phase")
    await until(lambda: hub.hub.feed.seq > 0, "pages were told")
    await synced(phone)


async def test_what_was_written_while_the_hub_was_away_goes_when_it_is_back(
    tmp_path: Path, clock: SettableClock, phone: Device
) -> None:
    async with running_hub(tmp_path / "hub", clock) as hub:
        worker = await join(hub, phone)
        job, turn = await hub.job("Boiler", worker)
        await shows(phone, "Boiler")
        port = int(hub.address.rpartition(":")[2])

    async def alone() -> bool:
        return not (await phone.sync_state()).connected

    await until(alone, "the phone notices")
    await phone.act(acts.set_phase(job, worker, turn, Phase.FINISHED))
    assert (await phone.sync_state()).unsent_count == 1
    async with running_hub(tmp_path / "hub", clock, seed="hub again", port=port) as hub:
        await synced(phone)
        assert await phase_at(hub, job) == "finished"
        assert (await phone.sync_state()).needs == ()


async def test_job_numbers_go_on_after_a_restart(tmp_path: Path, clock: SettableClock) -> None:
    async with running_hub(tmp_path / "hub", clock) as hub:
        await hub.job("One")
        await hub.job("Two")
    async with running_hub(tmp_path / "hub", clock, seed="later") as hub:
        await hub.job("Three")
        rows = await hub.rows("SELECT number, title FROM job ORDER BY number")
        assert rows == [("A-1", "One"), ("A-2", "Two"), ("A-3", "Three")]


async def test_several_phones_are_in_session_at_once_and_hold_their_own_jobs_alone(
    tmp_path: Path, clock: SettableClock, hub: HubAtWork
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        phones = {}
        for name in ("Aino", "Veikko", "Tuula", "Eino"):
            phone = await stack.enter_async_context(
                running_phone(tmp_path / name, clock, seed=name)
            )
            worker = await join(hub, phone, name)
            phones[name] = (phone, worker)
        for name, (_, worker) in phones.items():
            await hub.job(f"For {name}", worker)
        await hub.job("For all", *(worker for _, worker in phones.values()))
        await asyncio.gather(
            *(shows(phone, f"For {name}", "For all") for name, (phone, _) in phones.items())
        )
        assert len(hub.hub.conversations) == 4


async def test_a_phone_that_comes_back_replaces_its_old_session(
    tmp_path: Path, clock: SettableClock, hub: HubAtWork
) -> None:
    async with running_phone(tmp_path / "phone", clock) as phone:
        worker = await join(hub, phone)
        (old,) = hub.hub.conversations.values()
        own = phone.writer.replica
        # The network takes the connection away without a word: the hub still holds the old one.
        async with raw_session(hub, own) as peer:
            await peer.run(until=Stage.LIVE)

            async def replaced() -> bool:
                return list(hub.hub.conversations.values()) != [old]

            await until(replaced, "the new session stands in the old one's place")
            assert len(hub.hub.conversations) == 1

    def gone() -> bool:
        return hub.hub.conversations == {}

    await until(gone, "the hub forgets sessions that ended")
    assert worker


# --- who may not


async def refusal_shown(phone: Device) -> str:
    async def told() -> bool:
        phone.sync_now()
        return bool((await phone.sync_state()).needs)

    await until(told, "the worker is told")
    (need,) = (await phone.sync_state()).needs
    return need.what_to_do


async def test_a_revoked_phone_is_cut_off_at_once_and_told_why(
    hub: HubAtWork, phone: Device
) -> None:
    worker = await join(hub, phone)
    author = phone.writer.replica.author
    await hub.act([Change(SITE_STREAM, (REVOKED, author), True)])
    assert "revoked" in await refusal_shown(phone)
    await until(lambda: hub.hub.conversations == {}, "its session has ended")
    await hub.job("Secret", worker)
    assert await titles(phone) == []


async def test_an_expired_certificate_is_refused_in_words(
    tmp_path: Path, hub: HubAtWork, clock: SettableClock
) -> None:
    async with running_phone(tmp_path / "phone", clock) as phone:
        worker = await join(hub, phone)
        job, turn = await hub.job("Boiler", worker)
        await shows(phone, "Boiler")
    clock.pass_ms(401 * 86_400_000)
    async with running_phone(tmp_path / "phone", clock, seed="later") as phone:
        assert "run out" in await refusal_shown(phone)
        # The worker goes on; nothing is lost, and it is shown as not sent.
        await phone.act(acts.set_phase(job, worker, turn, Phase.FINISHED))
        assert (await phone.sync_state()).unsent_count == 1


async def test_another_machine_at_the_hubs_address_is_told_apart(
    tmp_path: Path, clock: SettableClock, phone: Device
) -> None:
    async with running_hub(tmp_path / "hub", clock) as hub:
        await join(hub, phone)
        port = int(hub.address.rpartition(":")[2])
    async with running_hub(tmp_path / "other", clock, seed="other", port=port) as other:
        assert "another machine answers" in await refusal_shown(phone)
        assert other.hub.conversations == {}


# --- raw peers


class RawPeer:
    """A peer that speaks frame by frame over a real connection, as itself or as nobody."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: Session | None) -> None:
        self.socket = socket
        self.session = session

    async def run(self, until: Stage) -> None:
        """Speak as a phone does, up to a stage."""
        assert self.session is not None
        await self._send(self.session.open())
        while self.session.stage is not until:
            await self._send(self.session.receive(await self.socket.receive_bytes(timeout=20)))

    async def _send(self, effects: object) -> None:
        assert isinstance(effects, list)
        for effect in effects:
            if isinstance(effect, Send):
                await self.socket.send_bytes(effect.frame)

    async def answer(self) -> Refuse | int | None:
        """The refusal that comes, or the code under which the connection is closed."""
        while True:
            message = await self.socket.receive(timeout=20)
            if message.type is aiohttp.WSMsgType.BINARY:
                read = messages.read(message.data)
                if isinstance(read, Refuse):
                    return read
            else:
                return self.socket.close_code


@contextlib.asynccontextmanager
async def raw_session(hub: HubAtWork, replica: Replica | None) -> AsyncIterator[RawPeer]:
    """A raw connection to a hub, with the keys of `replica` or with none."""
    fingerprint = hub.hub.transport.fingerprint
    session = None
    if replica is not None:
        session = Session(ReplicaShelf(replica), opens=True, nonce=bytes(16), channel=fingerprint)
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(
            f"https://{hub.address}/sync",
            ssl=client_pin(fingerprint),
            server_hostname=PEER_SERVER_NAME,
            max_msg_size=FRAME_BYTES_MAX,
        ) as socket,
    ):
        yield RawPeer(socket, session)


async def still_works(hub: HubAtWork) -> None:
    """The hub answers, holds no session, and counts nobody as waiting."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"https://{hub.address}/health", ssl=False) as answer,
    ):
        assert (await answer.json())["ok"] is True
    await until(lambda: not hub.hub.peers.unproven, "nobody waits to be known")
    await hub.job("Still at work")


PRESENCE = messages.write(Presence({0: 1}))
NO_RUNS = messages.write(Runs(1, None, (), (), ()))


def noise() -> list[bytes]:
    """Frames that are none, and messages at a moment when they mean nothing."""
    chance = random.Random(1123)
    hello = messages.write(Hello((1,), bytes(32), bytes(16), ()))
    return [
        b"",
        b"\x00",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 10_000,
        chance.randbytes(1_000),
        chance.randbytes(200_000),
        hello[:-3],
        hello + b"\x00",
        messages.write(Ack(7)),
        PRESENCE,
        NO_RUNS,
        messages.write(Hello((99,), bytes(32), bytes(16), ())),
        hello,
    ]


async def test_noise_from_nobody_is_refused_by_name(
    hub: HubAtWork, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for frame in noise():
        async with raw_session(hub, None) as peer:
            await peer.socket.send_bytes(frame)
            answer = await peer.answer()
            assert isinstance(answer, Refuse), frame[:20]
            assert answer.reason in ("malformed", "over-limit", "wrong-site"), frame[:20]
            assert len(answer.detail) > 10
    assert not [record for record in caplog.records if record.exc_info]
    await still_works(hub)


async def test_a_frame_of_a_megabyte_is_not_taken_in(
    hub: HubAtWork, phone: Device, caplog: pytest.LogCaptureFixture
) -> None:
    await join(hub, phone)
    await phone.hang_up()
    async with raw_session(hub, None) as peer:
        with contextlib.suppress(ConnectionError):
            await peer.socket.send_bytes(bytes(1_000_000))
        assert await peer.answer() in (aiohttp.WSCloseCode.MESSAGE_TOO_BIG, 1006)
    async with raw_session(hub, phone.writer.replica) as peer:
        await peer.run(until=Stage.LIVE)
        with contextlib.suppress(ConnectionError):
            await peer.socket.send_bytes(bytes(1_000_000))
        assert await peer.answer() in (aiohttp.WSCloseCode.MESSAGE_TOO_BIG, 1006)

    def named() -> bool:
        return caplog.text.count("over-limit") >= 2

    await until(named, "the hub's log names the limit")
    await still_works(hub)


async def test_text_is_no_frame(hub: HubAtWork, caplog: pytest.LogCaptureFixture) -> None:
    async with raw_session(hub, None) as peer:
        await peer.socket.send_str("hello")
        assert await peer.answer() is not None
    await until(lambda: "text came" in caplog.text, "the hub's log says so")
    await still_works(hub)


async def test_noise_from_an_enrolled_phone_is_refused_by_name_and_changes_nothing(
    hub: HubAtWork, phone: Device, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await join(hub, phone)
    job, _ = await hub.job("Boiler", worker)
    await shows(phone, "Boiler")
    caplog.clear()
    replica = phone.writer.replica
    # A presence and a frame without runs mean something here.
    for frame in [frame for frame in noise() if frame not in (PRESENCE, NO_RUNS)]:
        async with raw_session(hub, replica) as peer:
            await peer.run(until=Stage.LIVE)
            await peer.socket.send_bytes(frame)
            answer = await peer.answer()
            assert isinstance(answer, Refuse), frame[:20]
            assert answer.reason in ("malformed", "over-limit"), answer
    assert not [record for record in caplog.records if record.exc_info]
    assert await phase_at(hub, job) == "assigned"
    await still_works(hub)


async def test_who_never_proves_anything_is_hung_up_on(hub: HubAtWork) -> None:
    hub.hub.peers.prove_s_max = 0.05
    async with raw_session(hub, None) as peer:
        assert await peer.answer() is not None
    await still_works(hub)


async def test_a_stranger_writes_no_lines_into_the_log(
    hub: HubAtWork, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw_session(hub, None) as peer:
        words = "bye\n2026-11-24 INFO all is well \x1b[31m"
        await peer.socket.send_bytes(messages.write(Refuse("x", words)))
        await peer.answer()
    await until(lambda: any("all is well" in each.getMessage() for each in caplog.records), "told")
    assert all(each.getMessage().isprintable() for each in caplog.records)
    await still_works(hub)


async def test_so_many_strangers_wait_and_no_more(hub: HubAtWork) -> None:
    hub.hub.peers.unproven_max = 2
    async with raw_session(hub, None), raw_session(hub, None):
        await until(lambda: hub.hub.peers.unproven.total() == 2, "two wait")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            async with raw_session(hub, None):
                raise AssertionError("a third was let in")
    await still_works(hub)


async def test_one_machine_takes_no_more_than_its_share_of_the_places(hub: HubAtWork) -> None:
    hub.hub.peers.unproven_max_by_origin = 2
    async with raw_session(hub, None), raw_session(hub, None):
        await until(lambda: hub.hub.peers.unproven.total() == 2, "two wait")
        assert hub.hub.peers.is_crowded("127.0.0.1")
        assert not hub.hub.peers.is_crowded("192.0.2.7")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            async with raw_session(hub, None):
                raise AssertionError("a third was let in")
    await still_works(hub)


async def test_a_phone_that_finds_no_place_knows_that_it_will_have_one_soon(
    hub: HubAtWork,
) -> None:
    async def known() -> list[HubAddress]:
        # Behind the crowd stands an address where nobody is.
        return [HubAddress((hub.address, "127.0.0.1:9"), hub.hub.transport.fingerprint)]

    hub.hub.peers.unproven_max_by_origin = 1
    async with raw_session(hub, None):
        await until(lambda: hub.hub.peers.unproven.total() == 1, "one waits")
        with pytest.raises(Crowded):
            async with hub_dialler(known)():
                raise AssertionError("a second was let in")
    await still_works(hub)
    async with hub_dialler(known)() as (link, _):
        await link.close()


# --- presence


async def test_a_place_is_told_on_duty_and_never_off_duty(
    hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    worker = await join(hub, phone)
    day, duty = "2026-03-02", b"duty-one"

    def presence() -> tuple[bool, int | None, int | None] | None:
        found = hub.hub.presence.get(worker.hex())
        return None if found is None else (found.duty, found.lat_e7, found.battery_percent)

    def on_duty() -> bool:
        found = presence()
        return found is not None and found[0]

    async def fix(lat_e7: int, ago_ms: int = 0) -> None:
        clock.pass_ms(240_000)
        await phone.take_fix(Fix(clock.now_ms() - ago_ms, lat_e7, 249_000_000, 10), 80)

    await fix(601_000_001)
    await until(lambda: presence() in ((False, None, 80), (False, None, None)), "off duty is told")
    clock.pass_ms(60_000)
    await phone.act(day_acts.start_duty(worker, day, duty))
    await until(on_duty, "duty is told")
    assert (presence() or (True, 0, 0))[1] is None, "and no place, as none was seen on duty"
    await fix(601_000_002)
    await until(lambda: presence() == (True, 601_000_002, 80), "the place is told")
    await fix(601_000_003, ago_ms=10 * 60_000)  # from before the duty began
    await fix(601_000_004)
    await until(lambda: presence() == (True, 601_000_004, 80), "the next place is told")
    clock.pass_ms(60_000)
    await phone.act(day_acts.stop_duty(worker, day, duty))
    await until(lambda: presence() == (False, None, 80), "off duty takes the place back")
    await fix(601_000_005)
    clock.pass_ms(60_000)
    await phone.act(acts.add_note((await hub.job("Boiler", worker))[0], "at home"))
    await synced(phone)
    assert presence() == (False, None, 80)
    tracks = tracks_held(hub.hub.replica)
    told = {fix.lat_e7 for track in tracks for fix in track.fixes}
    assert not told & {601_000_001, 601_000_003, 601_000_005}


async def test_a_phone_that_starts_anew_is_where_it_was_until_it_has_a_fix(
    hub: HubAtWork, tmp_path: Path, clock: SettableClock
) -> None:
    folder = tmp_path / "starts-anew"
    async with running_phone(folder, clock) as phone:
        worker = await join(hub, phone)
        await phone.act(day_acts.start_duty(worker, "2026-03-02", b"duty-one"))

        def place() -> tuple[int, int | None, int | None]:
            found = hub.hub.presence[worker.hex()]
            return found.at_ms, found.lat_e7, found.battery_percent

        await phone.take_fix(Fix(clock.now_ms(), 601_000_002, 249_000_000, 10), 80)
        told = (clock.now_ms(), 601_000_002, 80)
        await until(lambda: place() == told, "the place is told")
        clock.pass_ms(60_000)
    heard_ms = hub.hub.presence[worker.hex()].heard_ms
    async with running_phone(folder, clock) as phone:
        await synced(phone)
        await until(
            lambda: hub.hub.presence[worker.hex()].heard_ms > heard_ms, "it says that it is on duty"
        )
        assert place() == told
        clock.pass_ms(60_000)
        await phone.act(day_acts.stop_duty(worker, "2026-03-02", b"duty-one"))
        await until(lambda: place()[1] is None, "off duty takes the place back")


def test_a_clock_in_the_future_does_not_hide_what_follows() -> None:
    ahead = read_presence({0: START_MS + 86_400_000, 1: 1, 2: 2, 7: 1}, START_MS)
    assert ahead is not None
    assert ahead.at_ms == START_MS
    assert read_presence({0: -1}, START_MS) is None
    nowhere = read_presence({0: START_MS, 1: 2_000_000_000, 2: 0, 7: 1}, START_MS)
    assert nowhere is not None
    assert nowhere.lat_e7 is None


async def test_photos_go_both_ways_over_the_network_while_people_work(
    hub: HubAtWork, phone: Device
) -> None:
    worker = await join(hub, phone)
    job, turn = await hub.job("Boiler", worker)
    await shows(phone, "Boiler")
    chance = random.Random(1)
    plan, photos = chance.randbytes(700_000), [chance.randbytes(900_000) for _ in range(3)]
    replica = hub.hub.writer.replica
    of_hub = (await hub.hub.writer.run(save_file, replica, job, plan)).address
    addresses = [await phone.save_file(job, photo) for photo in photos]
    await phone.act(acts.set_phase(job, worker, turn, Phase.ON_SITE))
    assert await phone.want_file(of_hub) is False

    async def all_there() -> bool:
        places = [await phone.where_is(address) for address in addresses]
        return all(each.on_hub for each in places) and (await phone.where_is(of_hub)).here

    await until(all_there, "the files are where they should be")
    assert await phone.read_file(of_hub) == plan
    for address, photo in zip(addresses, photos, strict=True):
        assert await hub.hub.writer.run(replica.files.read, address) == photo
    assert await phase_at(hub, job) == "on site"


async def test_places_are_told_as_rarely_as_the_board_allows(
    hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    worker = await join(hub, phone)
    await phone.act(day_acts.start_duty(worker, "2026-03-02", b"duty-one"))
    frames: list[int] = []

    async def fix(lat_e7: int, after_s: int) -> None:
        clock.pass_ms(after_s * 1_000)
        await phone.take_fix(Fix(clock.now_ms(), lat_e7, 249_000_000, 10), 80)
        syncer = phone._syncer
        assert syncer is not None
        assert syncer.figures.conversation is not None
        frames.append(phone.place_told_ms() or 0)

    await until(lambda: phone._syncer is not None and phone._syncer.figures.live, "in session")
    for lat_e7, after_s in ((601_000_000, 60), (601_000_100, 120), (601_000_200, 60)):
        await fix(lat_e7, after_s)
    assert len(set(frames)) == 1, "it still lies where it was"
    await fix(601_000_300, 60)
    assert len(set(frames)) == 2, "but the board hears every four minutes that it does"
    await fix(601_050_000, 10)
    assert len(set(frames)) == 2, "on the way not at every fix"
    await fix(601_100_000, 20)
    assert len(set(frames)) == 3
    await fix(601_100_001, -50)
    assert frames[-1] == frames[-2], "a clock that was put back freezes nothing and floods nobody"
