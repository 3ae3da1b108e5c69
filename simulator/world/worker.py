"""A simulated worker: what a person does on a phone over the days, network or not.

Reads the phone's own store as its screens do and acts through it. What the person knows (which time
log runs, what is on the paper) outlives the phone's program.
Invariant: an act that was not seen as saved is done again with the same ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Final, Generic, Protocol, TypeVar

from core.dispatch import acts, day_acts
from core.dispatch.acts import Act, ActError
from core.dispatch.fields import LogKind, Phase
from replica.clock import Clock
from replica.replica import Replica, Written
from replica.store import StoreError
from simulator.world.truth import Stretch, Truth, mark_of

WORK_BEGINS_H, WORK_ENDS_H = 7, 17
PAUSE_S_MEAN: Final = 1_250.0
# What a worker does next with a job, by the phase in which it stands.
NEXT_PHASE: Final = {
    "assigned": Phase.RECEIVED,
    "received": Phase.OPENED,
    "opened": Phase.ACCEPTED,
    "accepted": Phase.TRAVELLING,
    "travelling": Phase.ON_SITE,
    "paused": Phase.ON_SITE,
    "on site": Phase.FINISHED,
}
_LOG_KIND: Final = {
    Phase.TRAVELLING: LogKind.TRAVEL,
    Phase.ON_SITE: LogKind.ON_SITE,
    Phase.PAUSED: LogKind.BREAK,
}
_MINE: Final = (
    "SELECT job, turn, phase FROM assignment WHERE worker = ? AND phase NOT IN "
    "('withdrawn', 'released', 'finished', 'rejected') ORDER BY assigned_at, job, turn LIMIT 3"
)


class WorkersPhone(Protocol):
    """What a worker needs of a phone, a simulated machine's or a live one's."""

    @property
    def worker(self) -> bytes:
        """Its worker's stream."""

    @property
    def clock(self) -> Clock:
        """Its own clock, right or wrong."""

    @property
    def truth(self) -> Truth:
        """The book of what workers know."""

    async def act(self, make: Callable[[Replica], Act]) -> Written | None:
        """Commit the act that `make` decides on from what the store shows; None if on nothing."""


P = TypeVar("P", bound=WorkersPhone)


class Worker(Generic[P]):
    """One person with one phone.

    Args:
        phone: the machine.
        colleagues: the other workers' streams.
        makes_jobs: whether the site lets workers make jobs of their own.
    """

    def __init__(
        self,
        phone: P,
        colleagues: list[bytes],
        chance: Random,
        *,
        makes_jobs: bool = True,
    ) -> None:
        self.phone = phone
        self.worker = phone.worker
        self.acts_done = 0
        self._colleagues = colleagues
        self._makes_jobs = makes_jobs
        self._chance = chance
        self._running: Stretch | None = None
        self._duty: tuple[str, bytes] | None = None

    async def work(self) -> None:
        """Act through the working hours of each day until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / PAUSE_S_MEAN))
            hour = loop.time() / 3_600 % 24
            if not WORK_BEGINS_H <= hour < WORK_ENDS_H:
                await self._try(self._end_day)
                wait_h = (WORK_BEGINS_H - hour) % 24
                await asyncio.sleep(wait_h * 3_600)
                await self._try(self._begin_day)
            await self.step()

    async def step(self) -> None:
        """One thing that a worker does; a phone that can't save is tried again later."""
        chance = self._chance
        doing = chance.choices(
            (self._go_on, self._note, self._tick, self._fixes, self._correct, self._pause),
            (60, 8, 14, 10, 5, 6),
        )[0]
        if chance.random() < 0.04:
            doing = chance.choice((self._hand_over, self._new_job, self._reject, self._settings))
        await self._try(doing)

    async def live_day(self, acts: int) -> None:
        """A day of work from its beginning on, of so many things to do."""
        await self._try(self._begin_day)
        for _ in range(acts):
            await asyncio.sleep(self._chance.expovariate(1 / PAUSE_S_MEAN))
            await self.step()
        await self._try(self._end_day)

    async def _try(self, doing: Callable[[], Awaitable[None]]) -> None:
        """Do one thing; where it can't be saved, or not any more, the person goes on without."""
        points = self.phone.truth.points
        try:
            await doing()
        except StoreError:
            points["a worker could not save"] += 1
        except ActError as refusal:
            if "erased" not in str(refusal):
                raise
            # The day itself was erased under the worker's hands: whatever ran in it is no more.
            points["a worker was told that it is erased"] += 1
            self._running = self._duty = None

    # --- the parts of a day

    def _today(self) -> str:
        """The local day by the phone's own clock, which may be wrong by years."""
        return datetime.fromtimestamp(self.phone.clock.now_ms() / 1_000, UTC).date().isoformat()

    async def _act(self, act: Act) -> Written | None:
        written = await self.phone.act(lambda _: act)
        self.acts_done += 1
        return written

    async def _begin_day(self) -> None:
        if self._duty is not None:
            day, duty = self._duty
            await self._act(day_acts.stop_duty(self.worker, day, duty))
            self._duty = None
        day, duty = self._today(), self._chance.randbytes(8)
        await self._act(day_acts.start_duty(self.worker, day, duty))
        self._duty = (day, duty)

    async def _end_day(self) -> None:
        """Stop the time log that runs, as most people remember to."""
        if self._running is None or self._chance.random() < 0.15:
            return
        changes, stretches = self._log_changes(None, None)
        await self._act(changes)
        self._keep(stretches)

    def _log_changes(self, job: bytes | None, kind: LogKind | None) -> tuple[Act, list[Stretch]]:
        """Stop the time log that runs, and start one of `kind`."""
        now_s, changes, stretches = asyncio.get_running_loop().time(), list[acts.Change](), []
        running = self._running
        if running is not None:
            worker, day = self.worker, running.day
            changes += day_acts.stop_log(worker, day, running.job or None, running.log)
            ended = replace(running, stop_s=now_s, stop_boot=self.phone.clock.boot())
            stretches.append(ended)
        if kind is not None:
            day, log = self._today(), self._chance.randbytes(8)
            changes += day_acts.start_log(self.worker, day, job, log, kind)
            boot = self.phone.clock.boot()
            stretches.append(Stretch(self.worker, day, log, job or b"", boot, now_s))
        return changes, stretches

    def _keep(self, stretches: list[Stretch]) -> None:
        """What was saved is what the person believes to run."""
        for stretch in stretches:
            self.phone.truth.stretches[stretch.log] = stretch
            self._running = stretch if stretch.stop_s is None else None

    async def _go_on(self) -> None:
        """Take the next step of a job; without one, log other work."""
        phase: Phase | None = None
        stretches: list[Stretch] = []

        def make(replica: Replica) -> Act:
            nonlocal phase, stretches
            rows = replica.store.db.execute(_MINE, (self.worker.hex(),)).fetchall()
            if not rows:
                kind = None if self._running is not None else LogKind.OTHER
                changes, stretches = self._log_changes(None, kind)
                return changes
            at = 0 if self._chance.random() < 0.8 else self._chance.randrange(len(rows))
            job, turn = bytes.fromhex(rows[at][0]), bytes.fromhex(rows[at][1])
            phase = NEXT_PHASE.get(rows[at][2])
            if phase is None:
                return []
            changes = acts.set_phase(job, self.worker, turn, phase)
            if phase in _LOG_KIND or phase is Phase.FINISHED:
                logged, stretches = self._log_changes(job, _LOG_KIND.get(phase))
                changes = [*changes, *logged]
            return changes

        if await self.phone.act(make) is not None:
            self.acts_done += 1
            self._keep(stretches)

    def _one_of_mine(self, replica: Replica) -> tuple[bytes, bytes] | None:
        rows = replica.store.db.execute(_MINE, (self.worker.hex(),)).fetchall()
        if not rows:
            return None
        row = self._chance.choice(rows)
        return bytes.fromhex(row[0]), bytes.fromhex(row[1])

    async def _note(self) -> None:
        text = f"note {self._chance.randrange(10_000)}"

        def make(replica: Replica) -> Act:
            mine = self._one_of_mine(replica)
            return [] if mine is None else acts.add_note(mine[0], text + mark_of(mine[0]))

        if await self.phone.act(make) is not None:
            self.acts_done += 1

    async def _tick(self) -> None:
        def make(replica: Replica) -> Act:
            mine = self._one_of_mine(replica)
            if mine is None:
                return []
            return acts.set_tick(mine[0], self._chance.randrange(4), self._chance.random() < 0.8)

        if await self.phone.act(make) is not None:
            self.acts_done += 1

    async def _fixes(self) -> None:
        at_ms = self.phone.clock.now_ms() // 1_000 * 1_000
        fixes = [
            at_ms,
            601_700_000,
            249_400_000,
            8,
            *(self._chance.randrange(-99, 99) for _ in "x" * 20),
        ]
        await self._act(day_acts.add_fixes(self.worker, self._today(), fixes))

    async def _pause(self) -> None:
        def make(replica: Replica) -> Act:
            rows = replica.store.db.execute(_MINE, (self.worker.hex(),)).fetchall()
            at_work = [row for row in rows if row[2] == "on site"]
            if not at_work:
                return []
            job, turn = bytes.fromhex(at_work[0][0]), bytes.fromhex(at_work[0][1])
            return acts.set_phase(job, self.worker, turn, Phase.PAUSED)

        if await self.phone.act(make) is not None:
            self.acts_done += 1

    async def _reject(self) -> None:
        def make(replica: Replica) -> Act:
            mine = self._one_of_mine(replica)
            if mine is None:
                return []
            return acts.set_phase(mine[0], self.worker, mine[1], Phase.REJECTED, "no way in")

        if await self.phone.act(make) is not None:
            self.acts_done += 1

    async def _hand_over(self) -> None:
        if not self._colleagues:
            return
        colleague = self._chance.choice(self._colleagues)

        def make(replica: Replica) -> Act:
            mine = self._one_of_mine(replica)
            if mine is None:
                return []
            return acts.hand_over(mine[0], self.worker, mine[1], colleague)

        if await self.phone.act(make) is not None:
            self.acts_done += 1
            self.phone.truth.points["a job was handed on"] += 1

    async def _new_job(self) -> None:
        if not self._makes_jobs:
            return
        at_ms = self.phone.clock.now_ms()
        job = acts.own_job_stream(self.worker, at_ms, self._chance.randbytes(3))
        await self._act(acts.create_job(job, {"title": f"found on the way{mark_of(job)}"}))

    async def _settings(self) -> None:
        mode = self._chance.choice(("off", "suggest", "timed", "automatic"))
        await self._act(acts.set_app(self.worker, auto_mode=mode))

    async def _correct(self) -> None:
        """Replace or remove an own time log that has ended."""
        ended = [
            stretch
            for stretch in self.phone.truth.stretches.values()
            if stretch.worker == self.worker and stretch.stop_s is not None
        ]
        if not ended:
            return
        stretch = self._chance.choice(ended[-5:])
        if self._chance.random() < 0.2:
            act = day_acts.remove_log(
                self.worker, stretch.day, stretch.job or None, stretch.log, "by mistake"
            )
        else:
            stop_ms = self.phone.clock.now_ms() // 1_000 * 1_000
            act = day_acts.correct_log(
                self.worker,
                stretch.day,
                old_job=stretch.job or None,
                old=stretch.log,
                new=self._chance.randbytes(8),
                job=stretch.job or None,
                kind=LogKind.ON_SITE,
                start_ms=max(0, stop_ms - self._chance.randrange(60_000, 7_200_000)),
                stop_ms=stop_ms,
                reason="forgotten",
            )
        await self._act(act)
        self.phone.truth.corrected.add(stretch.log)
