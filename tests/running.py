"""Running hubs and phones for tests: real listeners on loopback, pinned TLS, real stores.

The clocks are the tests' own; nothing else is put in anything's place. Holds no assertions.
Invariant: whatever was started is closed with its `async with`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from core.dispatch import acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind
from hub.app import make_app
from hub.enrolment import Offer
from hub.hub import Hub
from hub.keys import Account
from replica.device import Device
from replica.dialling import Dialler
from replica.listener import Listener
from replica.meeting import NO_MEETINGS, Meetings
from tests.build import START_MS, Entropy, SettableClock

OFFICE = Account("00" * 8, "the office", "admin")
PATIENCE_S = 20.0


async def until(condition: Callable[[], Awaitable[bool] | bool], what: str) -> None:
    """Wait until something is so; it fails in words."""
    for _ in range(int(PATIENCE_S / 0.01)):
        found = condition()
        if not isinstance(found, bool):
            found = await found
        if found:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it never came to this: {what}")


@dataclass
class HubAtWork:
    """A hub that listens with TLS as phones see it."""

    hub: Hub
    address: str
    clock: SettableClock
    entropy: Entropy

    async def act(self, changes: Act) -> None:
        """An act of the office."""
        await self.hub.act(OFFICE, changes)

    async def worker(self, name: str) -> bytes:
        """A new worker."""
        worker = acts.new_stream_id(Kind.WORKER, START_MS, self.entropy(7))
        await self.act(acts.edit_worker(worker, {"name": name}))
        return worker

    async def offer(self, worker: bytes) -> Offer:
        """A code and a link by which a worker's phone joins."""
        return await self.hub.writer.run(self.hub.enrolments.offer, worker)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    async def job(self, title: str, *workers: bytes, **values: object) -> tuple[bytes, bytes]:
        """A new job for workers; its stream and the first worker's turn."""
        job = acts.new_stream_id(Kind.JOB, self.clock.now_ms(), self.entropy(7))
        turns = [self.entropy(8) for _ in workers] or [b""]
        changes = acts.create_job(job, {"title": title, **values})
        for worker, turn in zip(workers, turns, strict=False):
            changes += acts.assign(job, worker, turn)
        await self.act(changes)
        return job, turns[0]

    async def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the hub's store holds."""
        return [tuple(row) for row in await self.hub.reader.rows(sql, parameters)]


@asynccontextmanager
async def running_hub(
    folder: Path, clock: SettableClock, *, seed: str = "hub", port: int = 0
) -> AsyncIterator[HubAtWork]:
    """A hub on `folder`, listening on a loopback port."""
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        entropy = Entropy(seed)
        hub = await stack.enter_async_context(Hub(folder, clock, entropy, executor))
        runner = web.AppRunner(make_app(hub, secure=True), access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        tls = hub.transport.server_context()
        await Listener(runner, "127.0.0.1", port, ssl_context=tls).start()
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        hub.addresses = (address,)
        yield HubAtWork(hub, address, clock, Entropy(f"{seed} office"))


@asynccontextmanager
async def running_phone(
    folder: Path,
    clock: SettableClock,
    *,
    seed: str = "phone",
    over: Callable[[Dialler], Dialler] = lambda dial: dial,
    meetings: Meetings = NO_MEETINGS,
) -> AsyncIterator[Device]:
    """A device on `folder`; it syncs as soon as it has joined."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        entropy = Entropy(seed)
        async with Device(folder, clock, entropy, executor, over=over, meetings=meetings) as device:
            yield device


async def synced(device: Device) -> None:
    """Wait until a phone and its hub hold the same, and the hub has confirmed all of the phone."""

    async def agreed() -> bool:
        syncer = device._syncer
        live = syncer is not None and syncer.figures.live
        if not live:
            device.sync_now()
        return live and (await device.sync_state()).unsent_count == 0

    await until(agreed, "phone and hub agree")


@asynccontextmanager
async def joined_phone(
    folder: Path, clock: SettableClock
) -> AsyncIterator[tuple[HubAtWork, Device, bytes, bytes]]:
    """A hub, a phone of its worker Aino that has joined, Aino, and a job of hers that both hold."""
    async with (
        running_hub(folder / "hub", clock) as hub,
        running_phone(folder / "phone", clock) as phone,
    ):
        aino = await hub.worker("Aino")
        job, _ = await hub.job("Boiler", aino)
        await phone.enrol(link=(await hub.offer(aino)).link)
        await synced(phone)
        yield hub, phone, aino, job
