"""OwnTracks steered by a phone's own answers, over real HTTP: by duty, auto logging and places."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest_asyncio
from aiohttp import ClientSession, encode_basic_auth, web

from core.dispatch import acts, day_acts
from core.dispatch.acts import Act
from core.dispatch.fields import Phase
from core.dispatch.fix import Fix
from replica.commands.device import device_app
from replica.device import Device
from replica.listener import Listener
from replica.location.intake import location_secret
from replica.location.owntracks import Monitoring, provisioning_link
from replica.screens.guard import load_secret
from tests.battery.own_tracks import (
    MANUAL,
    MOVE,
    SIGNIFICANT,
    OwnTracks,
    Request,
    Waypoint,
)
from tests.build import SettableClock, tracks_held
from tests.running import HubAtWork, joined_phone, until

DAY = "2026-03-02"
DUTY = b"duty-one"
HOUR_MS = 3_600_000
LAT_E7, LON_E7 = 601_000_000, 249_000_000
FAR_E7 = 5_000_000


@dataclass
class Pocket:
    """A phone with OwnTracks beside it, and the office's hub."""

    hub: HubAtWork
    device: Device
    worker: bytes
    job: bytes
    clock: SettableClock
    client: ClientSession
    app: OwnTracks

    async def post(self, lat_e7: int = LAT_E7 + FAR_E7, speed_mps: float = 0.0) -> None:
        """A fix as the app posts it, and its answer as the app obeys it; half a minute goes by."""
        self.clock.pass_ms(30_000)
        now_ms = self.clock.now_ms()
        fix = Fix(now_ms, lat_e7, LON_E7, 8, speed_mps, 0)
        url, settings = self.app.settings["url"], self.app.settings
        own = encode_basic_auth(settings["username"], settings["password"])
        for message in (*self.app.transitions(fix), self.app.location(fix, now_ms)):
            async with self.client.post(
                url, json=message, headers={"Authorization": own}
            ) as answer:
                assert answer.status == 200
                commands = await answer.json()
            self.app.obey(commands)

    async def settle(self) -> None:
        """Post until there is nothing more to tell."""
        for _ in range(3):
            await self.post()

    async def knows(self, job: bytes) -> None:
        """Wait until the phone knows where a job is."""

        async def known() -> bool:
            asked = "SELECT 1 FROM assignment JOIN job USING (job) WHERE job = ? AND lat_e7 NOTNULL"
            return bool(await self.device.reader.rows(asked, (job.hex(),)))

        await until(known, "the phone knows the place")

    async def act(self, changes: Act) -> None:
        """An act by hand on the phone, as far as the logger has heeded it."""
        await self.device.act(changes)
        assert self.device._logger is not None
        await self.device._logger.pass_time()

    async def start_duty(self) -> None:
        await self.act(day_acts.start_duty(self.worker, DAY, DUTY))

    @property
    def watched(self) -> set[tuple[int, int, int]]:
        """The circles that the app watches."""
        return {(each.lat_e7, each.lon_e7, each.rad_m) for each in self.app.regions.values()}


@pytest_asyncio.fixture
async def pocket(tmp_path: Path, clock: SettableClock) -> AsyncIterator[Pocket]:
    async with joined_phone(tmp_path, clock) as (hub, device, worker, job):
        await hub.act(acts.set_setting("job_dispatch", True))
        await hub.act(acts.edit_job(job, {"point": [LAT_E7, LON_E7], "radius": 100}))
        secret = load_secret(device.phone_folder, device.entropy)
        runner = web.AppRunner(device_app(device, secret), access_log=None)
        await runner.setup()
        await Listener(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        app = OwnTracks(Random(1))
        app.regions[5] = Waypoint("left over from another life", 0, 0, 50, inside=False)
        app.open_link(
            provisioning_link(port, location_secret(secret), "phone-17", Monitoring.WHEN_MOVED)
        )
        async with ClientSession() as client:
            made = Pocket(hub, device, worker, job, clock, client, app)
            await made.knows(job)
            yield made
        await runner.cleanup()


SLOW = Request(300, 200, exact=False)
PLACE = (LAT_E7, LON_E7, 100)


async def test_the_link_alone_lets_it_speak_and_be_steered(pocket: Pocket) -> None:
    settings = pocket.app.settings
    assert urlsplit(settings["url"]).hostname == "127.0.0.1"
    assert (settings["mode"], settings["cmd"], settings["remoteConfiguration"]) == (3, True, True)
    assert pocket.app.speaks
    assert pocket.app.request == SLOW


async def test_off_duty_it_watches_nothing_and_is_hardly_asked(pocket: Pocket) -> None:
    await pocket.settle()
    assert pocket.watched == set()
    assert pocket.app.request == SLOW
    assert pocket.device.place_told_ms() is None
    assert tracks_held(pocket.device.writer.replica) == []


async def test_on_duty_it_watches_todays_places_and_reports_by_what_the_worker_does(
    pocket: Pocket,
) -> None:
    later, _ = await pocket.hub.job("Next week", pocket.worker)
    begin_ms = pocket.clock.now_ms() + 7 * 24 * HOUR_MS
    window = [begin_ms, begin_ms + HOUR_MS]
    far = {"point": [LAT_E7 + 1_000_000, LON_E7], "radius": 60}
    await pocket.hub.act(acts.edit_job(later, {"window": window, **far}))
    await pocket.knows(later)
    await pocket.start_duty()
    await pocket.settle()
    assert pocket.watched == {PLACE}, "a place of another day is none of today's"
    assert pocket.app.request == Request(120, 0, exact=False), "at rest"
    for step in range(6):
        await pocket.post(LAT_E7 + FAR_E7 - step * 30_000, speed_mps=11.0)
    assert pocket.app.request == Request(10, 0, exact=True), "on the way"
    await pocket.post(LAT_E7 + 40_000, speed_mps=11.0)
    assert pocket.app.request == Request(5, 0, exact=True), "near a place that is not visited yet"


async def test_it_hears_of_the_next_duty_after_it_was_told_to_rest(pocket: Pocket) -> None:
    await pocket.start_duty()
    await pocket.settle()
    assert pocket.watched == {PLACE}
    await pocket.act(day_acts.stop_duty(pocket.worker, DAY, DUTY))
    await pocket.settle()
    assert (pocket.watched, pocket.app.request) == (set(), SLOW)
    # An app that posts nothing would hear nothing any more.
    assert pocket.app.speaks
    pocket.clock.pass_ms(10 * 60_000)
    await pocket.act(day_acts.start_duty(pocket.worker, DAY, b"duty-two"))
    await pocket.settle()
    assert (pocket.watched, pocket.app.speaks) == ({PLACE}, True)


async def test_auto_logging_off_takes_regions_and_reports_away_and_on_brings_them_back(
    pocket: Pocket,
) -> None:
    await pocket.start_duty()
    await pocket.settle()
    await pocket.act(acts.set_app(pocket.worker, auto_on=False))
    await pocket.settle()
    assert (pocket.watched, pocket.app.request) == (set(), SLOW)
    await pocket.act(acts.set_app(pocket.worker, auto_on=True))
    await pocket.settle()
    assert pocket.watched == {PLACE}


async def test_a_finished_jobs_place_goes_and_the_others_stay(pocket: Pocket) -> None:
    other, _ = await pocket.hub.job("Pump", pocket.worker)
    point = [LAT_E7 + 2_000_000, LON_E7]
    await pocket.hub.act(acts.edit_job(other, {"point": point, "radius": 80}))
    await pocket.knows(other)
    await pocket.start_duty()
    await pocket.settle()
    assert pocket.watched == {PLACE, (*point, 80)}
    rows = await pocket.device.reader.rows(
        "SELECT turn FROM assignment WHERE job = ?", (pocket.job.hex(),)
    )
    turn = bytes.fromhex(rows[0]["turn"])
    await pocket.act(acts.set_phase(pocket.job, pocket.worker, turn, Phase.FINISHED))
    await pocket.settle()
    assert pocket.watched == {(*point, 80)}


async def test_what_a_hand_set_in_the_app_is_put_right(pocket: Pocket) -> None:
    await pocket.start_duty()
    await pocket.settle()
    pocket.app.settings |= {"monitoring": MOVE, "moveModeLocatorInterval": 1}
    await pocket.settle()
    assert pocket.app.settings["monitoring"] == SIGNIFICANT
    # In manual mode it posts only when its arrow is tapped, and is put right by the answer.
    pocket.app.settings["monitoring"] = MANUAL
    await pocket.settle()
    assert pocket.app.settings["monitoring"] == SIGNIFICANT
