"""A worker's phone for tests: a real device with a real store, served over loopback HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from core.dispatch import acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind
from replica.device import Device
from replica.joining import HubAddress, save_hub_address
from replica.link import Link, LinkClosed
from replica.listener import Listener
from replica.replica import Replica
from replica.screens.app import make_screens
from replica.screens.guard import first_link
from tests.build import START_MS, Entropy, SettableClock, Site, hold

HOUR_MS = 3_600_000
# 2026-03-02 is a Monday; the site's clock shows 08:00.
ZONE = "Europe/Prague"
HUB_ADDRESS = "10.0.0.5:8443"
DAY = "2026-03-02"


@asynccontextmanager
async def no_network() -> AsyncIterator[tuple[Link, bytes]]:
    """A dialler in flight mode."""
    raise LinkClosed("no network here")
    yield


@dataclass
class Answer:
    """What a browser got: the page after redirects."""

    status: int
    path: str
    text: str
    headers: Any


@dataclass
class Phone:
    """A phone that has joined `site`, its hub, and a browser that was let in."""

    site: Site
    hub: Replica
    worker: bytes
    clock: SettableClock
    device: Device
    address: str
    browser: aiohttp.ClientSession
    turn_by_job: dict[str, bytes] = field(default_factory=dict)

    # --- the office

    def give_job(self, title: str, **values: object) -> str:
        """A job given to this phone's worker by the office; on the phone after `sync`."""
        job = self.site.new_id(Kind.JOB, self.clock.now_ms())
        turn = self.site.entropy(8)
        changes = acts.create_job(job, {"title": title, **values})
        self.hub.write(changes + acts.assign(job, self.worker, turn))
        self.turn_by_job[job.hex()] = turn
        return job.hex()

    def office(self, changes: Act) -> None:
        """An act of the office."""
        self.hub.write(changes)

    async def sync(self) -> None:
        """Phone and hub meet and tell each other everything."""
        replica = self.device.writer.replica

        def meet() -> None:
            meeting = hold(replica, self.hub)
            assert meeting.live
            rows = replica.store.db.execute("SELECT stream FROM stream").fetchall()
            replica.mark_changed(row[0] for row in rows)

        await self.device.writer.run(meet)

    # --- the worker's browser

    async def get(self, path: str, **headers: str) -> Answer:
        """Open a page."""
        async with self.browser.get(self.address + path, headers=headers) as answer:
            return await _answer(answer)

    async def post(self, path: str, **form: str) -> Answer:
        """Send a form of a page."""
        headers = {"Origin": self.address}
        async with self.browser.post(self.address + path, data=form, headers=headers) as answer:
            return await _answer(answer)

    async def tap(self, job: str, before: str, to: str) -> Answer:
        """Tap a job's button."""
        return await self.post(f"/jobs/{job}/phase", **{"from": before, "to": to})

    async def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the phone's store holds."""
        return [tuple(row) for row in await self.device.reader.rows(sql, parameters)]

    async def phase(self, job: str) -> str:
        """The phase of this worker's turn."""
        ((phase,),) = await self.rows("SELECT phase FROM assignment WHERE job = ?", job)
        return str(phase)

    async def logs(self) -> list[tuple[Any, ...]]:
        """Kind, start, stop, source and whether superseded, of all time logs in order."""
        return await self.rows(
            "SELECT kind, start_at, stop_at, source, superseded FROM time_log "
            "ORDER BY start_at, superseded, log"
        )


async def _answer(answer: aiohttp.ClientResponse) -> Answer:
    return Answer(answer.status, answer.url.path_qs, await answer.text(), answer.headers)


@dataclass
class Served:
    """A device that is served, joined or not."""

    device: Device
    address: str
    link: str
    clock: SettableClock


@asynccontextmanager
async def served(folder: Path, clock: SettableClock, seed: str) -> AsyncIterator[Served]:
    """A device from what its folder holds, and its screens on a loopback port."""
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        device = Device(folder, clock, Entropy(seed), executor, over=lambda dial: no_network)
        await stack.enter_async_context(device)
        runner = web.AppRunner(make_screens(device), access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = Listener(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        link = first_link(folder, device.entropy, port)
        yield Served(device, f"http://127.0.0.1:{port}", link, clock)


@pytest.fixture
async def new_phone(tmp_path: Path) -> AsyncIterator[Served]:
    """A phone that has not joined a site yet."""
    async with served(tmp_path / "new", SettableClock(), "new phone") as found:
        yield found


@asynccontextmanager
async def joined(folder: Path, settings: Act, rights: tuple[str, ...] = ()) -> AsyncIterator[Phone]:
    """A phone of a site with Job Dispatch on and these settings, in sync with its hub."""
    site, clock = Site(folder), SettableClock()
    hub = site.hub(clock=clock)
    worker = site.worker(hub, "Petr Dvorak")
    hub.write(
        acts.set_setting("job_dispatch", True) + acts.set_setting("time_zone", ZONE) + settings
    )
    replica = site.phone(hub, worker, clock=clock, rights=rights)
    hold(replica, hub)
    place = replica.store.path.parent
    save_hub_address(place, HubAddress((HUB_ADDRESS,), bytes(32)))
    replica.close()
    site.opened.remove(replica)
    jar = aiohttp.CookieJar(unsafe=True)
    async with served(place, clock, "phone") as found, aiohttp.ClientSession(cookie_jar=jar) as it:
        async with it.get(found.link) as answer:
            assert answer.status == 200
        yield Phone(site, hub, worker, clock, found.device, found.address, it)
    site.close()


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Phone]:
    """A phone with Job Dispatch on, in sync with its hub, and no jobs yet."""
    async with joined(tmp_path, acts.set_setting("threshold_min", 3)) as found:
        yield found


@pytest.fixture
def at() -> Callable[[float], int]:
    """Hours from the start of the test's day at the site, as ms."""

    def moment(hours: float) -> int:
        return START_MS + round(hours * HOUR_MS)

    return moment
