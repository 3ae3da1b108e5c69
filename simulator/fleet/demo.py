"""The demo: one site with its hub, phones on real roads and a day that is half worked.

Founds the site on the first start, makes up the morning as fast as the machine can, then lets the
day run at a chosen speed; the next start continues. Everything is real but the people: hub, pages,
TLS links, stores. Holds no pages. Invariant: what a page of it shows came through sync.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from aiohttp import web

from core.dispatch import acts
from core.dispatch.geometry import Point
from hub.app import make_app
from hub.hub import Hub
from hub.keys import Account
from hub.map.installing import install_map
from hub.map.region import Region, open_region
from hub.map.travel import route_between
from hub.passwords import hash_password
from replica.clock import SystemClock
from replica.device import Device
from replica.listener import Listener
from replica.occupied import occupied
from simulator.draw import Options
from simulator.fleet.clock import SiteClock
from simulator.fleet.day import Address, Person, Site, days_jobs, found_site
from simulator.fleet.phone import Coverage, LivePhone

HOUR_MS = 3_600_000
MORNING_MS = 5 * HOUR_MS
ACCOUNT, PASSWORD = "demo", "fieldlog-demo"
ZONE = "Europe/Helsinki"
STATE_FILE = "demo.json"

# How a receiver behaves in a town: some drift indoors, some canyons, cars parked round the corner.
TOWN = Options(canyons_per_day=4.0, indoor_drift_m=12.0, car_park_m_max=60.0)

# A call comes in this often while workers have time.
CALL_EVERY_MS = 4 * 60_000

_TO_DO = """
    SELECT worker, count(*) AS jobs FROM job
    WHERE status IN ('open', 'in progress') GROUP BY worker
"""
_PLACES = """
    SELECT customer.customer, customer.name, customer_place.place, customer_place.address,
           customer_place.lat_e7, customer_place.lon_e7, contact.name AS contact, contact.phone
    FROM customer JOIN customer_place USING (customer) JOIN contact USING (customer)
    WHERE customer_place.lat_e7 IS NOT NULL ORDER BY customer.customer
"""

Say = Callable[[str], None]


@dataclass(slots=True)
class Plan:
    """What the demo is to be."""

    folder: Path
    port: int
    local_port: int
    phones: int
    jobs: int
    speed: float
    seed: int


class Demo:
    """A running demo: `async with Demo(plan, say) as demo`, then `await demo.run()`."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan = plan
        self._say = say
        self._stack = contextlib.AsyncExitStack()
        self._state_path = plan.folder / STATE_FILE
        kept = json.loads(self._state_path.read_text()) if self._state_path.exists() else {}
        real_ms = _real_now_ms()
        # The site's clock never goes back; after a long pause it takes up the world's again.
        begin_ms = real_ms if kept else real_ms - MORNING_MS
        self.clock = SiteClock(max(begin_ms, kept.get("at", 0)))
        self._fresh = not kept
        self._chance = Random(plan.seed + len(kept.get("days", [])))
        self._kept = kept or {"days": [], "places": {}}
        self.phones: list[LivePhone] = []

    async def __aenter__(self) -> Demo:
        plan = self._plan
        plan.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._kept["at"] = self.clock.now_ms()
        for phone in self.phones:
            self._kept["places"][phone.device.worker] = list(phone.here)
        await self._stack.aclose()
        self._state_path.write_text(json.dumps(self._kept))

    async def _open(self) -> None:
        plan, data = self._plan, self._plan.folder / "hub"
        self._stack.enter_context(occupied(data))
        if open_region(data / "map") is None:
            self._say("Building the map of central Helsinki ...")
            extract = Path(__file__).parents[1] / "data" / "helsinki.osm.pbf"
            install_map(
                extract,
                data / "map",
                name="Helsinki",
                now_ms=self.clock.now_ms(),
                progress=lambda _: None,
            )
        region = open_region(data / "map")
        assert region is not None
        self.region: Region = region
        executor = self._stack.enter_context(ThreadPoolExecutor(1, "hub"))
        hub = Hub(data, self.clock, os.urandom, executor, (f"127.0.0.1:{plan.port}",))
        hub.region = region
        self.hub = await self._stack.enter_async_context(hub)
        await self._listen("127.0.0.1", plan.port, secure=True)
        await self._listen("127.0.0.1", plan.local_port, secure=False)
        if self._fresh:
            await self._found()
        await self._open_phones()

    async def _listen(self, host: str, port: int, *, secure: bool) -> None:
        runner = web.AppRunner(
            make_app(self.hub, secure=secure), access_log=None, shutdown_timeout=2
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        context = self.hub.transport.server_context() if secure else None
        await Listener(runner, host, port, ssl_context=context).start()

    # --- the site

    @property
    def _account(self) -> Account:
        return Account(self._kept["account"], ACCOUNT, "admin")

    def _addresses(self) -> list[Address]:
        gazetteer = self.region.gazetteer
        assert gazetteer is not None
        return [Address(words, lat, lon) for words, lat, lon in gazetteer.addresses()]

    async def _found(self) -> None:
        self._say("Founding the site ...")
        hub, now = self.hub, self.clock.now_ms()
        account_id = hub.replica.entropy(8)
        self._kept["account"] = account_id.hex()
        made = acts.set_setting("site_name", "Helsinki Field Service")
        made += acts.set_setting("time_zone", ZONE) + acts.set_setting("job_dispatch", True)
        encoded = hash_password(PASSWORD, hub.replica.entropy(16))
        made += acts.set_account(account_id, name=ACCOUNT, password=encoded, role="admin")
        await hub.act(self._account, made)
        site, people = found_site(self._chance, self._addresses(), self._plan.phones, now)
        for act in people:
            await hub.act(self._account, act)
        self._kept["workers"] = [[p.worker.hex(), p.name] for p in site.workers]
        await self._new_day(site, now)

    async def _new_day(self, site: Site, begin_ms: int) -> None:
        begin = begin_ms + 20 * 60_000
        for act in days_jobs(self._chance, site, self._addresses(), begin, self._plan.jobs):
            await self.hub.act(self._account, act)
        self._kept["days"].append(begin_ms)

    async def _open_phones(self) -> None:
        self._say(f"Starting {self._plan.phones} phones ...")
        zone = ZoneInfo(ZONE)
        spots = self._addresses()
        for index, (worker, _) in enumerate(self._kept["workers"]):
            folder = self._plan.folder / "phones" / f"{index + 1:02}"
            self._stack.enter_context(occupied(folder))
            executor = self._stack.enter_context(ThreadPoolExecutor(1, f"phone-{index}"))
            coverage = Coverage()
            device = Device(folder, self.clock, os.urandom, executor, coverage.over)
            await self._stack.enter_async_context(device)
            if not device.worker:
                offer = await self.hub.writer.run(self.hub.enrolments.offer, bytes.fromhex(worker))
                await device.enrol(link=offer.link)
            spot = self._chance.choice(spots)
            here = self._kept["places"].get(worker, [spot.lat_e7, spot.lon_e7])
            chance = Random(f"{self._plan.seed}-{index}-{self.clock.now_ms()}")
            self.phones.append(
                LivePhone(
                    device, coverage, self.clock, chance, self._route, tuple(here), TOWN, zone
                )
            )

    def _route(self, start: Point, end: Point) -> list[tuple[float, int, int]]:
        route, _ = route_between(self.region.roads, start, end)
        return [
            (seconds, lat, lon)
            for (lat, lon), seconds in zip(route.points, route.seconds, strict=True)
        ]

    # --- the day

    async def run(self) -> None:
        """Make up the morning, on the first start, then live until cancelled."""
        shift_end = self.clock.now_ms() + 24 * HOUR_MS
        lives = [phone.life(lambda: shift_end) for phone in self.phones]
        await self._synced()
        if self._fresh:
            await self._hurry(lives, _real_now_ms())
        self.clock.go(self._plan.speed)
        self._say("The day goes on.")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dispatch())
            for life in lives:
                group.create_task(self._live(life))

    async def _dispatch(self) -> None:
        """Be the office: as jobs get done, new calls come in and go to whoever has least to do."""
        site = await self._known_site()
        while True:
            rows = await self.hub.reader.rows(_TO_DO)
            load = {person.worker: 0 for person in site.workers}
            load |= {bytes.fromhex(row["worker"]): row["jobs"] for row in rows if row["worker"]}
            if sum(load.values()) < 2 * len(load):
                least = min(sorted(load), key=lambda worker: load[worker])
                call = Site([p for p in site.workers if p.worker == least], site.customers)
                begin = self.clock.now_ms() + 20 * 60_000
                for act in days_jobs(self._chance, call, self._addresses(), begin, 1):
                    await self.hub.act(self._account, act)
            await self.clock.sleep_until(self.clock.now_ms() + CALL_EVERY_MS)

    async def _known_site(self) -> Site:
        """The people and customers as the hub knows them."""
        people = await self.hub.reader.rows("SELECT worker, name FROM worker ORDER BY worker")
        places = await self.hub.reader.rows(_PLACES)
        return Site(
            [Person(bytes.fromhex(row["worker"]), row["name"]) for row in people],
            [
                (
                    bytes.fromhex(row["customer"]),
                    row["name"],
                    bytes.fromhex(row["place"]),
                    Address(row["address"], row["lat_e7"], row["lon_e7"]),
                    row["contact"],
                    row["phone"],
                )
                for row in places
            ],
        )

    async def _synced(self) -> None:
        """Let every phone come into session with the hub once."""
        for phone in self.phones:
            for _ in range(200):
                if (await phone.device.sync_state()).met_at_ms is not None:
                    break
                await asyncio.sleep(0.05)

    async def _hurry(self, lives: list[AsyncIterator[int]], until_ms: int) -> None:
        """Live all phones in order of their moments, as fast as the machine can."""
        self._say("Making up the morning, about a minute ...")
        due: list[tuple[int, int]] = []
        for index, life in enumerate(lives):
            heapq.heappush(due, (await anext(life), index))
        told = self.clock.now_ms()
        while due and due[0][0] < until_ms:
            at_ms, index = heapq.heappop(due)
            self.clock.pin(at_ms)
            with contextlib.suppress(StopAsyncIteration):
                heapq.heappush(due, (await anext(lives[index]), index))
            if at_ms - told > HOUR_MS // 2:
                told = at_ms
                moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(ZONE))
                self._say(f"  {moment:%H:%M}")
        self.clock.pin(until_ms)

    async def _live(self, life: AsyncIterator[int]) -> None:
        async for at_ms in life:
            await self.clock.sleep_until(at_ms)


def _real_now_ms() -> int:
    return SystemClock().now_ms()
