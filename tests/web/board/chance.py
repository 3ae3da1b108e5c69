"""A town in which anything may happen, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from core.dispatch import acts, day_acts
from core.dispatch.fields import LogKind, Phase
from core.dispatch.snooze import snooze, wake
from hub.presence import Presence
from tests.web.board.town import HOUR_MS, MINUTE_MS, Town, Worker

DAY = "2026-11-23"
_PHASES = (
    Phase.RECEIVED, Phase.OPENED, Phase.ACCEPTED, Phase.TRAVELLING, Phase.ON_SITE, Phase.PAUSED,
    Phase.FINISHED, Phase.REJECTED,
)  # fmt: skip


class Chance:
    """A town in which anything may happen."""

    def __init__(self, town: Town, seed: str) -> None:
        self.town, self.chance = town, Random(seed)
        self.workers: list[Worker] = []
        self.jobs: list[tuple[str, bytes, Worker | None]] = []
        self.open_logs: list[tuple[Worker, bytes, bytes]] = []
        self.counted = 0

    async def happens(self) -> None:
        """One thing of many."""
        some: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self.job, self.job, self.assigned, self.phase, self.phase, self.phase, self.met,
            self.moved, self.moved, self.log, self.stop, self.duty, self.aside, self.windowed,
            self.revoked, self.gone, self.silent, self.waited, self.waited, self.waited,
        ]  # fmt: skip
        await self.chance.choice(some)()

    def one(self) -> tuple[str, bytes, Worker | None]:
        return self.chance.choice(self.jobs)

    def id(self) -> bytes:
        self.counted += 1
        return self.counted.to_bytes(8)

    async def job(self) -> None:
        worker = self.chance.choice([None, *self.workers])
        job, turn = await self.town.job(
            f"Job {len(self.jobs)}",
            worker=worker,
            starts_in=self.chance.choice((None, -200, -90, -31, -1, 0, 20, 120, 400)),
            lasts=self.chance.choice((5, 60, 180)),
            planned_minutes=self.chance.choice((None, 10, 60)),
            priority=self.chance.randrange(4),
        )
        self.jobs.append((job, turn, worker))

    async def assigned(self) -> None:
        job, _, _ = self.one()
        worker, turn = self.chance.choice(self.workers), self.id()
        await self.town.office.act(acts.assign(bytes.fromhex(job), worker.stream, turn))
        self.jobs.append((job, turn, worker))

    async def phase(self) -> None:
        job, turn, worker = self.one()
        if worker is None:
            return
        phase = self.chance.choice(_PHASES)
        reason = "no key" if phase is Phase.REJECTED else ""
        stream = bytes.fromhex(job)
        await self.town.meet(worker)
        await self.town.on_phone(worker, acts.set_phase(stream, worker.stream, turn, phase, reason))
        if self.chance.random() < 0.8:
            await self.town.meet(worker)

    async def met(self) -> None:
        await self.town.meet(self.chance.choice(self.workers))

    async def moved(self) -> None:
        """A phone says where it is, or that it is off duty."""
        worker, now_ms = self.chance.choice(self.workers), self.town.clock.now_ms()
        here = self.chance.random() < 0.8
        at = 500_995_000 + self.chance.randrange(-2_000_000, 2_000_000)
        self.town.office.hub.presence[worker.id] = Presence(
            now_ms - self.chance.choice((0, 0, 29 * MINUTE_MS, 2 * HOUR_MS)),
            at if here else None,
            144_250_000 if here else None,
            9, 0, 3.0, 50, self.chance.random() < 0.8, "jobs on",
        )  # fmt: skip

    async def log(self) -> None:
        job, _, worker = self.one()
        if worker is None:
            return
        log, start = self.id(), self.town.clock.now_ms() - self.chance.randrange(90) * MINUTE_MS
        await self.town.office.act(
            day_acts.start_log(
                worker.stream, DAY, bytes.fromhex(job), log, LogKind.ON_SITE, at_ms=start
            )
        )
        self.open_logs.append((worker, bytes.fromhex(job), log))

    async def stop(self) -> None:
        if self.open_logs:
            worker, job, log = self.open_logs.pop()
            await self.town.office.act(day_acts.stop_log(worker.stream, DAY, job, log))

    async def duty(self) -> None:
        worker, duty = self.chance.choice(self.workers), self.id()
        await self.town.on_phone(worker, day_acts.start_duty(worker.stream, DAY, duty))
        await self.town.meet(worker)
        if self.chance.random() < 0.3:
            await self.town.on_phone(worker, day_acts.stop_duty(worker.stream, DAY, duty))

    async def aside(self) -> None:
        stream, now_ms = bytes.fromhex(self.one()[0]), self.town.clock.now_ms()
        kind = self.chance.choice(("no show", "at risk", "unacknowledged", "late start"))
        if self.chance.random() < 0.7:
            until_ms = now_ms + self.chance.choice((1, 7, 60)) * MINUTE_MS
            await self.town.office.act(snooze(stream, kind, until_ms, now_ms=now_ms))
        else:
            await self.town.office.act(wake(stream, kind))

    async def windowed(self) -> None:
        start = self.town.clock.now_ms() + self.chance.randrange(-90, 300) * MINUTE_MS
        window = self.chance.choice((None, (start, start + HOUR_MS)))
        await self.town.office.act(acts.edit_job(bytes.fromhex(self.one()[0]), {"window": window}))

    async def gone(self) -> None:
        job = bytes.fromhex(self.one()[0])
        how = self.chance.choice(("done", "open", None))
        await self.town.office.act(acts.override_status(job, how, "on paper"))

    async def silent(self) -> None:
        """The hub starts anew, and knows of no phone but by its log."""
        self.town.office.hub.presence.clear()

    async def revoked(self) -> None:
        if len(self.workers) < 4 and self.chance.random() < 0.5:
            self.workers.append(await self.town.worker(f"Worker {len(self.workers)}"))
        elif self.chance.random() < 0.2:
            hub, worker = self.town.office.hub, self.workers.pop()
            author = worker.phone.identity.author
            await hub.revoke(await self.town.account("Eva"), author)
            self.workers.append(await self.town.worker(f"Worker for {worker.name}"))
            self.jobs = [each for each in self.jobs if each[2] is not worker]
            await self.job()

    async def waited(self) -> None:
        self.town.clock.at_ms += self.chance.choice(
            (1, 999, 4_000, 5_000, MINUTE_MS - 1, MINUTE_MS, 61_003, 11 * MINUTE_MS, HOUR_MS)
        )
