"""A phone as one process: before it joined, after a restart, with a full disk."""

from __future__ import annotations

import asyncio
import resource
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from core.dispatch import acts, day_acts
from core.dispatch.acts import ActError
from core.dispatch.fields import Phase
from core.dispatch.fix import Fix
from replica.commands.device import device_app
from replica.device import Device
from replica.identity import IdentityError
from replica.joining import HUB_FILE
from replica.listener import Listener
from replica.location.intake import location_secret
from replica.screens.guard import load_secret
from replica.store import StoreError
from tests.build import START_MS, SettableClock, Site
from tests.running import HubAtWork, running_hub, running_phone, synced, until

DAY = "2026-03-02"


@asynccontextmanager
async def at_work(
    folder: Path, clock: SettableClock
) -> AsyncIterator[tuple[HubAtWork, Device, bytes, bytes]]:
    """A hub, a phone in session, the worker's job and turn."""
    async with running_hub(folder / "hub", clock) as hub:  # noqa: SIM117  # a hub before its phone
        async with running_phone(folder / "phone", clock) as phone:
            worker = await hub.worker("Aino")
            offer = await hub.offer(worker)
            await phone.enrol(link=offer.link)
            job, turn = await hub.job("Boiler", worker)
            await synced(phone)
            yield hub, phone, job, turn


async def test_a_phone_that_has_not_joined_answers_and_keeps_nothing(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with running_phone(tmp_path / "phone", clock) as phone:
        state = await phone.sync_state()
        assert (phone.worker, state.connected, state.unsent_count) == ("", False, 0)
        await phone.take_fix(Fix(START_MS, 1, 1, 5))
        await phone.answer_notice("none", True)
        assert phone.notices() == ()
        assert phone.owntracks_commands() == []
        phone.sync_now()
        await phone.hang_up()
    assert not (tmp_path / "phone" / "store.sqlite").exists()


async def test_what_a_phone_did_is_there_after_a_restart_and_goes_out_then(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (_, phone, job, turn):
        worker = bytes.fromhex(phone.worker)
    async with running_phone(tmp_path / "phone", clock, seed="again") as phone:
        await phone.act(acts.set_phase(job, worker, turn, Phase.FINISHED))
        state = await phone.sync_state()
        assert (state.connected, state.unsent_count, len(state.unsent)) == (False, 1, 1)
        assert state.unsent_bytes > 0
        assert state.unsent_by_stream == {job.hex(): 1}
        assert state.met_at_ms is not None
        assert state.hub_address.startswith("127.0.0.1:")
    async with running_phone(tmp_path / "phone", clock, seed="third") as phone:
        ((row),) = await phone.reader.rows("SELECT phase FROM assignment")
        assert row["phase"] == "finished"
        assert (await phone.sync_state()).unsent_count == 1


async def test_how_things_stand_is_told_while_the_writer_is_busy(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (_, phone, job, _):
        await phone.hang_up()
        await phone.act(acts.add_note(job, "Key is under the mat"))
        busy, done = threading.Event(), threading.Event()

        def work() -> None:
            busy.set()
            done.wait()

        working = asyncio.get_running_loop().create_task(phone.writer.run(work))
        try:
            await until(busy.is_set, "the writer is busy")
            # Who tapped waits for a page; what the phone does after the tap may take its time.
            state = await phone.sync_state()
            assert state.met_at_ms is not None
            assert state.unsent_count in (0, 1)
        finally:
            done.set()
            await working


async def test_what_a_hub_brings_is_heeded_though_nothing_comes_due_off_duty(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (hub, phone, _, _):
        logger = phone._logger
        assert logger is not None
        await until(lambda: logger.context is not None, "the logger has looked")
        assert not logger.context or not logger.context.jobs_on
        await hub.act(acts.set_setting("job_dispatch", True))
        await until(lambda: bool(logger.context and logger.context.jobs_on), "the switch is heeded")


async def test_the_last_place_said_again_writes_nothing(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (_, phone, _, _):
        worker = bytes.fromhex(phone.worker)
        await phone.act(day_acts.start_duty(worker, DAY, b"duty-one"))
        clock.pass_ms(60_000)
        last = Fix(clock.now_ms(), 601_000_000, 249_000_000, 8)
        await phone.take_fix(last)
        clock.pass_ms(60_000)
        await phone.act(day_acts.stop_duty(worker, DAY, b"duty-one"))
        logger = phone._logger
        assert logger is not None
        await logger.pass_time()
        held = phone.writer.replica.position()
        for _ in range(3):
            await phone.take_fix(last)
            await logger.pass_time()
        assert phone.writer.replica.position() == held


async def test_an_act_that_makes_no_sense_changes_nothing(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (hub, phone, job, turn):
        before = phone.writer.replica.position()
        with pytest.raises(ActError, match="does not permit"):
            await phone.act(acts.set_phase(job, b"somebody-els", turn, Phase.FINISHED))
        with pytest.raises(ActError, match="does not permit"):
            await phone.act(acts.set_setting("job_dispatch", True))
        with pytest.raises(ActError):
            await phone.act([])
        assert phone.writer.replica.position() == before
        assert hub.hub.conversations


async def test_screens_hear_of_commits_acks_and_fixes(tmp_path: Path, clock: SettableClock) -> None:
    async with at_work(tmp_path, clock) as (hub, phone, job, _):
        heard: list[object] = []

        async def listen() -> None:
            async for change in phone.subscribe():
                heard.append(change)  # noqa: PERF401  # each as it comes

        listening = asyncio.get_running_loop().create_task(listen())
        await asyncio.sleep(0)
        for cause in (
            lambda: phone.act(acts.add_note(job, "Key is under the mat")),
            lambda: hub.act(acts.edit_job(job, {"title": "Boiler two"})),
            lambda: phone.take_fix(Fix(clock.now_ms(), 601_000_000, 249_000_000, 8)),
        ):
            before = len(heard)
            await cause()
            while len(heard) <= before:  # noqa: ASYNC110  # the list has no event
                await asyncio.sleep(0.01)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_hubs_folder_is_refused_and_a_phones_by_the_hub(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock):
        pass
    with pytest.raises(IdentityError, match="is a hub's folder; start it with 'fieldlog hub'"):
        async with running_phone(tmp_path / "hub", clock):
            pass
    with pytest.raises(IdentityError, match="is a phone's folder; start it with 'fieldlog device'"):
        async with running_hub(tmp_path / "phone", clock):
            pass


async def test_a_damaged_address_of_the_hub_is_said(tmp_path: Path, clock: SettableClock) -> None:
    async with at_work(tmp_path, clock):
        pass
    (tmp_path / "phone" / HUB_FILE).write_bytes(b"\xc1")
    with pytest.raises(IdentityError, match="damaged"):
        async with running_phone(tmp_path / "phone", clock):
            pass


async def test_a_store_of_a_newer_version_is_left_alone(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (_, phone, _, _):
        path = phone.writer.replica.store.path
    site = Site(tmp_path / "other")
    newer = site.hub().store.db
    newer.execute("PRAGMA user_version = 999")
    newer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = newer.execute("PRAGMA database_list").fetchone()[2]
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    path.write_bytes(Path(content).read_bytes())
    site.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer version"):
        async with running_phone(tmp_path / "phone", clock):
            pass
    assert path.read_bytes() == before


async def test_a_fix_from_another_year_is_nobodys_place(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (_, phone, _, _):
        await phone.take_fix(Fix(clock.now_ms(), 601_000_000, 249_000_000, 8))
        ahead = clock.now_ms() + 20 * 365 * 86_400_000
        await phone.take_fix(Fix(ahead, 100_000_000, 100_000_000, 8))
        last = phone.last_fix()
        assert last is not None
        assert (last.time_ms, last.lat_e7) == (clock.now_ms(), 601_000_000)


@pytest.mark.parametrize("part", ["hub", "phone"])
async def test_what_a_replica_keeps_is_read_by_its_owner_alone(
    tmp_path: Path, clock: SettableClock, part: str
) -> None:
    async with at_work(tmp_path, clock):
        files = [path for path in (tmp_path / part).iterdir() if path.name.startswith("store")]
        assert len(files) >= 2
        assert [path.name for path in files if path.stat().st_mode & 0o077] == []


async def test_a_location_app_is_given_a_key_to_no_screen(
    tmp_path: Path, clock: SettableClock
) -> None:
    secret = "5e" * 32
    location = location_secret(bytes.fromhex(secret))
    (tmp_path / "phone").mkdir()
    load_secret(tmp_path / "phone", lambda _: bytes.fromhex(secret))
    body = {"_type": "location", "tst": 1_772_434_800, "lat": 60.1, "lon": 24.9, "acc": 8}
    async with running_phone(tmp_path / "phone", clock) as phone:
        runner = web.AppRunner(device_app(phone, bytes.fromhex(secret)))
        await runner.setup()
        await Listener(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with aiohttp.ClientSession() as app:
                status = {
                    key: (await app.post(f"{address}/location/owntracks/{key}", json=body)).status
                    for key in (location, secret)
                }
                assert status[location] == 200
                assert status[secret] in (401, 403)
                let_in = {
                    key: (await app.get(f"{address}/?secret={key}", allow_redirects=False)).status
                    for key in (location, secret)
                }
                assert let_in == {location: 403, secret: 303}
        finally:
            await runner.cleanup()


@asynccontextmanager
async def full_disk(phone: Device) -> AsyncIterator[None]:
    """No file of this process may grow past what the store's log of changes holds now."""
    wal = Path(f"{phone.writer.replica.store.path}-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_named_changes_nothing_and_ends_nothing(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (hub, phone, job, turn):
        worker = bytes.fromhex(phone.worker)
        await phone.act(day_acts.start_duty(worker, DAY, b"duty-one"))
        await synced(phone)
        before = phone.writer.replica.position()
        clock.pass_ms(60_000)
        async with full_disk(phone):
            with pytest.raises(StoreError, match="disk"):
                await phone.act(acts.set_phase(job, worker, turn, Phase.ON_SITE))
            with pytest.raises(StoreError, match="disk"):
                await phone.take_fix(Fix(clock.now_ms(), 601_000_000, 249_000_000, 8))
            assert (await phone.reader.rows("SELECT phase FROM assignment"))[0][0] != "on site"
            assert phone.writer.replica.position() == before
        await phone.act(acts.set_phase(job, worker, turn, Phase.ON_SITE))
        await phone.take_fix(Fix(clock.now_ms(), 601_000_000, 249_000_000, 8))
        await synced(phone)
        assert await hub.rows("SELECT phase FROM assignment") == [("on site",)]


async def test_what_comes_while_the_disk_is_full_comes_again_when_there_is_room(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with at_work(tmp_path, clock) as (hub, phone, _, _):
        worker = bytes.fromhex(phone.worker)
        async with full_disk_of_phone_alone(phone):
            for _ in range(20):
                await hub.job("Radiator", worker, description="All valves. " * 160)

            async def told() -> bool:
                return any("disk" in need.what_to_do for need in (await phone.sync_state()).needs)

            await until(told, "the worker is told")
        await synced(phone)

        async def arrived() -> bool:
            return len(await phone.reader.rows("SELECT 1 FROM job")) == 21

        await until(arrived, "the jobs are there")
        assert (await phone.sync_state()).needs == ()


@asynccontextmanager
async def full_disk_of_phone_alone(phone: Device) -> AsyncIterator[None]:
    """SQLite refuses the phone's store any page beyond those it has, as on a full disk."""
    db = phone.writer.replica.store.db

    def limit(pages: int) -> None:
        db.execute(f"PRAGMA max_page_count = {pages}")

    await phone.writer.run(limit, 1)
    try:
        yield
    finally:
        await phone.writer.run(limit, 1 << 30)
