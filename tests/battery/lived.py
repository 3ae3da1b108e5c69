"""One worker-day lived by a real phone: its app, its receiver, its session, and what they cost.

The phone is the real `Device` with its screens' notifications, its OwnTracks the one of
`own_tracks`, its hub a real replica behind the real `/sync`, its connection the product's own
WebSocket over a calm mobile network (without TLS). The clock is a virtual one, so a day takes
seconds. Holds no table. Invariant: all ways to sample live the same true day.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp
from aiohttp import web

from core.dispatch import acts, day_acts
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix
from core.dispatch.geometry import distance_m
from core.log import messages
from core.log.messages import Presence, Runs
from core.log.packing import Unpacker
from hub.keys import PEERS
from hub.listening import runner_of
from hub.peers import Peers
from hub.sync import SYNC_PATH, sync
from replica.commands.device import device_app, keep_report
from replica.device import Device
from replica.dialling import Dialler, hub_dialler
from replica.driver import Hooks
from replica.joining import HubAddress, save_hub_address
from replica.link import Link
from replica.location.owntracks import Monitoring, parse_owntracks, provisioning_link
from replica.notifying import TermuxNotifier
from replica.preferences import Preferences
from replica.replica import Replica
from replica.screens.guard import load_secret
from replica.screens.notifications import tell_in
from replica.telling import LAT
from replica.writer import Writer
from simulator.draw import Options
from simulator.receiver import Receiver
from simulator.streams import way
from simulator.weather import Weather
from simulator.world.machine import OneThread
from tests.battery.own_tracks import MOVE, PING_S, SIGNIFICANT, OwnTracks
from tests.battery.phone_loop import (
    IDLE_S,
    OWNER,
    PHONE,
    RADIO_TAIL_S,
    CountedStreams,
    PhoneLoop,
    up,
    wake_ups,
)
from tests.build import Entropy, SettableClock, Site, hold, tracks_held
from tests.truth.days import BEGIN_MS, WorkDay
from tests.truth.scoring import Log, Score, judge

HOUR_S: Final = 3_600.0
DAY_S: Final = 24 * HOUR_S
BEFORE_S: Final = 2 * HOUR_S
"""The day is looked at from so long before its worker sets out, and for 24 hours."""
DUTY_S: Final = 300.0
"""Duty begins so long before the worker sets out, and ends as long after the worker is home."""
GEOFENCE_S: Final = 120.0
"""How often Android itself looks whether a region was crossed, in the background."""
LINK_OPTIONS: Final = Options(latency_s_min=0.03, latency_s_max=0.12)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to sample. `app` are settings that OwnTracks keeps whatever it is answered.

    `saving` is the preset that spares the battery, `auto` whether auto logging is on.
    """

    name: str
    app: Mapping[str, object] = field(default_factory=dict)
    saving: bool = False
    auto: bool = True
    on_duty: bool = True


_DEAF: Final = {"cmd": False, "remoteConfiguration": False}

OURS: Final = Way("ours")
WAYS: Final = (
    OURS,
    Way("ours, saving", saving=True),
    Way("ours, auto off", auto=False),
    Way("ours, off duty", on_duty=False),
    Way("fixed 10 s", _DEAF | {"monitoring": MOVE, "moveModeLocatorInterval": 10}),
    Way(
        "significant",
        _DEAF | {"monitoring": SIGNIFICANT, "locatorInterval": 60, "locatorDisplacement": 500},
    ),
)
EVERY_SECOND: Final = Way("fixed 1 s", _DEAF | {"monitoring": MOVE, "moveModeLocatorInterval": 1})


@dataclass(slots=True)
class Lived:
    """What a day cost and what it was worth; counts and seconds, `score` of the phone's own logs.

    `exact` and `coarse` are measurements, `posted` what came of them to the phone's program.
    `of_place_off_duty` are the frames with a place or a track that left while off duty.
    """

    exact: int = 0
    coarse: int = 0
    posted: int = 0
    track_fixes: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    sent_by_kind: Counter[str] = field(default_factory=Counter)
    frames_by_kind: Counter[str] = field(default_factory=Counter)
    woken: Counter[str] = field(default_factory=Counter)
    awake_s: float = 0.0
    radio_times: int = 0
    radio_s: float = 0.0
    of_place_off_duty: int = 0
    score: Score = field(default_factory=Score)


class LoopClock(SettableClock):
    """The wall clock that the tests' site asks, moved by a loop."""

    def __init__(self, loop: PhoneLoop, begin_ms: int) -> None:
        super().__init__(begin_ms)
        self._loop = loop

    def now_ms(self) -> int:
        return self.wall_ms + round(self._loop.time() * 1_000)

    def uptime_ms(self) -> int:
        return self.up_ms + round(self._loop.time() * 1_000)


class CountedLink:
    """A link that counts what is sent over it by kind, as it is packed."""

    def __init__(self, link: Link, lived: Lived, is_off_duty: Callable[[], bool]) -> None:
        self._link = link
        self._lived = lived
        self._is_off_duty = is_off_duty
        self._unpacker = Unpacker()

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        plain = self._unpacker.unpacked(frame)
        match message := messages.read(plain):
            case Runs():
                kind = "log"
                of_place = any(run.stream[4] == Kind.TRACK for run in message.runs)
            case Presence():
                kind, of_place = "presence", LAT in message.fields
            case _:
                kind, of_place = "control", False
        self._lived.sent_by_kind[kind] += len(frame)
        self._lived.frames_by_kind[kind] += 1
        if of_place and self._is_off_duty():
            self._lived.of_place_off_duty += 1
        await self._link.send(frame)

    async def receive(self) -> bytes:
        """The next frame."""
        return await self._link.receive()

    async def close(self) -> None:
        """End the link."""
        await self._link.close()


class _World:
    """One phone, its app and its hub on a loop, for one day."""

    def __init__(self, loop: PhoneLoop, day: WorkDay, how: Way, folder: Path) -> None:
        self.loop, self.day, self.how, self.folder = loop, day, how, folder
        self.lived = Lived()
        self.begin_ms = BEGIN_MS - round(BEFORE_S * 1_000)
        self.duty_from_s = BEFORE_S - DUTY_S
        self.duty_to_s = (day.day.end_ms - self.begin_ms) / 1_000 + DUTY_S
        self.posted: list[Fix] = []
        self.key_by_job: dict[str, str] = {}
        weather = Weather(loop, Random(f"{day.seed}/weather"), LINK_OPTIONS)
        self.streams = loop.network = CountedStreams(weather)

    # --- the site

    def found(self) -> tuple[Replica, Path, bytes]:
        """A hub with the day's jobs and the folder of a phone that holds them; the worker."""
        site = Site(self.folder, seed=f"battery {self.day.seed}")
        clock = LoopClock(self.loop, self.begin_ms)
        hub = site.hub(clock=clock)
        worker = site.worker(hub, "Aino Korhonen")
        hub.write(acts.set_setting("job_dispatch", True) + acts.set_setting("time_zone", "UTC"))
        for place in self.day.jobs:
            job = site.new_id(Kind.JOB, self.begin_ms)
            self.key_by_job[job.hex()] = place.job.decode()
            values: dict[str, object] = {
                "title": place.job.decode(),
                "point": [place.lat_e7, place.lon_e7],
                "radius": place.radius_m,
            }
            if place.window_start_ms is not None:
                values["window"] = [place.window_start_ms, place.window_end_ms]
            turn = site.entropy(8)
            hub.write(acts.create_job(job, values) + acts.assign(job, worker, turn, place.position))
        phone = site.phone(hub, worker, clock=clock)
        hold(phone, hub)
        phone.write(acts.set_app(worker, auto_on=self.how.auto))
        place_of_phone = phone.store.path.parent
        phone.close()
        site.opened.remove(phone)
        save_hub_address(place_of_phone, HubAddress(("hub:8443",), bytes(32)))
        Preferences(place_of_phone).choose("battery", "saving" if self.how.saving else "normal")
        return hub, place_of_phone, worker

    @asynccontextmanager
    async def hub_at_work(self, hub: Replica) -> AsyncIterator[None]:
        """The hub answers at its endpoint."""
        peers = Peers(Writer(hub, OneThread()), bytes(32), lambda _: Hooks(), lambda: None)
        app = web.Application()
        app[PEERS] = peers
        app.router.add_get(SYNC_PATH, sync)
        runner = runner_of(app)
        await runner.setup()
        await web.UnixSite(runner, "hub").start()
        try:
            yield
        finally:
            await peers.hang_up()
            await runner.cleanup()
            await peers.stop()

    def is_off_duty(self) -> bool:
        """Whether the worker is off duty for good now; what was of the duty may still be sent."""
        passed_s = self.loop.time()
        on = self.duty_from_s <= passed_s <= self.duty_to_s + 120
        return not (on and self.how.on_duty)

    def over(self, _: Dialler) -> Dialler:
        """How the phone reaches the hub."""

        async def list_hubs() -> list[HubAddress]:
            return [HubAddress(("hub:8443",), bytes(32))]

        dial = hub_dialler(list_hubs, lambda: aiohttp.UnixConnector(way("phone", "hub")))

        @asynccontextmanager
        async def counted() -> AsyncIterator[tuple[Link, bytes]]:
            async with dial() as (link, channel):
                yield CountedLink(link, self.lived, self.is_off_duty), channel

        return counted

    # --- the day

    async def live(self) -> Lived:
        """Live through it."""
        hub, folder, worker = self.found()
        # What it takes to make the site is none of the phone's day.
        self.loop.moments.clear()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.hub_at_work(hub))
            running = self._task(self.phone_lives(folder, worker))
            await running
        self.lived.track_fixes = sum(len(track.fixes) for track in tracks_held(hub))
        hub.close()
        lived, network = self.lived, self.streams
        lived.bytes_out, lived.bytes_in = network.bytes_out, network.bytes_in
        lived.woken = wake_ups(self.loop.moments)
        lived.radio_times, lived.radio_s = up(network.moments, RADIO_TAIL_S)
        _, lived.awake_s = up((at_s for at_s, _ in self.loop.moments), IDLE_S)
        return lived

    def _task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self.loop.create_task(coroutine)
        return task

    async def phone_lives(self, folder: Path, worker: bytes) -> None:
        """The phone's program, the worker's two taps, and the app beside it."""
        outside = OWNER.set(PHONE)
        clock = LoopClock(self.loop, self.begin_ms)
        device = Device(folder, clock, Entropy("phone"), OneThread(), over=self.over)
        async with device:
            # A map is asked for four times a day, by requests that this loop has no network for.
            await device.choices.prefer("map", "leave")
            app = device_app(device, load_secret(folder, device.entropy))
            tell_in(app, TermuxNotifier(), "http://127.0.0.1:8765")
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            inbox: asyncio.Queue[tuple[bytes, asyncio.Future[list[Any]]]] = asyncio.Queue()
            tasks = [
                self._task(self.take_posts(device, inbox)),
                self._task(self.tap(device, worker)),
            ]
            OWNER.reset(outside)
            await self.app_lives(inbox)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self.lived.score = await self.score(device)
            await runner.cleanup()

    async def take_posts(
        self, device: Device, inbox: asyncio.Queue[tuple[bytes, asyncio.Future[list[Any]]]]
    ) -> None:
        """What the phone's intake does with each message of the app."""
        while True:
            body, answered = await inbox.get()
            await keep_report(device, parse_owntracks(body))
            answered.set_result(json.loads(json.dumps(device.owntracks_commands())))

    async def tap(self, device: Device, worker: bytes) -> None:
        """Duty, from a tap to a tap."""
        if not self.how.on_duty:
            return
        day = "2026-05-29"
        await asyncio.sleep(self.duty_from_s)
        await device.act(day_acts.start_duty(worker, day, b"duty-one"))
        await asyncio.sleep(self.duty_to_s - self.duty_from_s)
        await device.act(day_acts.stop_duty(worker, day, b"duty-one"))

    async def app_lives(
        self, inbox: asyncio.Queue[tuple[bytes, asyncio.Future[list[Any]]]]
    ) -> None:
        """OwnTracks: measures as it was told, posts, obeys; Android looks for regions beside it."""
        app, receiver = OwnTracks(Random(f"{self.day.seed}/app")), self.day.receiver()
        app.open_link(provisioning_link(8765, "x" * 32, "phone-17", Monitoring.WHEN_MOVED))
        app.settings |= self.how.app
        loop, last_s, looked_s, pinged_s = self.loop, loop_began(self.loop), 0.0, 0.0

        async def post(messages: list[dict[str, Any]]) -> None:
            for message in messages:
                answered: asyncio.Future[list[Any]] = loop.create_future()
                loop.stir("fix")
                self.lived.posted += 1
                inbox.put_nowait((json.dumps(message).encode(), answered))
                app.obey(await answered)

        while True:
            due_s = last_s + app.request.every_s
            fence_s = looked_s + GEOFENCE_S if app.regions else DAY_S
            ping_s = pinged_s + PING_S
            now_s = min(due_s, fence_s, ping_s)
            if now_s >= DAY_S:
                await asyncio.sleep(max(0.0, DAY_S - loop.time()))
                return
            await asyncio.sleep(max(0.0, now_s - loop.time()))
            now_ms = self.begin_ms + round(loop.time() * 1_000)
            if now_s == due_s:
                last_s = now_s
                await post(self.measured(app, receiver, now_ms))
            elif now_s == fence_s:
                looked_s = now_s
                seen = receiver.measure(now_ms, exact=False)
                crossed = [] if seen is None else app.transitions(seen, "c")
                await post([*crossed, app.location(seen, now_ms, "c")] if seen and crossed else [])
            else:
                pinged_s = now_s
                if self.posted and app.speaks:
                    await post([app.location(self.posted[-1], now_ms, "p")])

    def measured(self, app: OwnTracks, receiver: Receiver, now_ms: int) -> list[dict[str, Any]]:
        """One measurement as the app asks for it; the messages that it makes of it."""
        request = app.request
        fix = receiver.measure(now_ms, exact=request.exact)
        if request.exact:
            self.lived.exact += 1
        else:
            self.lived.coarse += 1
        if fix is None:
            return []
        last = self.posted[-1] if self.posted else None
        near_m = request.every_m
        if last is not None and near_m:
            away_m = distance_m(last.lat_e7, last.lon_e7, fix.lat_e7, fix.lon_e7)
            if away_m < near_m:
                return []
        self.posted.append(fix)
        if not app.speaks:
            return []
        return [*app.transitions(fix), app.location(fix, now_ms)]

    async def score(self, device: Device) -> Score:
        """The phone's own logs beside the truth; what it never saw counts as not found."""
        rows = await device.reader.rows(
            "SELECT job, start_at, coalesce(stop_at, start_at) AS stop_at FROM time_log "
            "WHERE kind = 'on site' AND source = 'auto' AND superseded = 0"
        )
        logs = [
            Log(self.key_by_job[row["job"]], row["start_at"], row["stop_at"])
            for row in rows
            if row["job"] in self.key_by_job
        ]
        return judge(replace(self.day, fixes=tuple(self.posted)), logs)[0]


def loop_began(loop: PhoneLoop) -> float:
    """The moment from which the app counts."""
    return loop.time()


def lived(day: WorkDay, how: Way) -> Lived:
    """What a day costs and is worth, sampled in one way."""
    loop = PhoneLoop(day.seed)
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        try:
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(_World(loop, day, how, Path(folder)).live())
        finally:
            loop.cancel_all()
            asyncio.set_event_loop(None)
            loop.close()


def _memory() -> str | None:
    """A file system in memory where the machine has one: nothing here is about a disk."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() else None
