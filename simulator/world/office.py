"""A simulated dispatcher: what a person does at a hub's pages over the days.

Reads the hub's store as the pages do; often acts from a page that was drawn a while ago, whose
frontier tokens go with the act. Invariant: it acts through `Machine.act` alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from core.dispatch import acts
from core.dispatch.acts import Act, ActError
from core.dispatch.fields import Kind
from replica.replica import Replica, Written
from replica.store import StoreError
from simulator.world.machine import Machine
from simulator.world.truth import mark_of

PAUSE_S_MEAN: Final = 1_500.0
HOURS: Final = (6, 18)
STALE_S_MAX: Final = 5_400.0
_OPEN: Final = (
    "SELECT job, frontier FROM job WHERE status IN ('open', 'in progress') "
    "ORDER BY created_at DESC, job LIMIT 12"
)
_UNASSIGNED: Final = (
    "SELECT job, frontier FROM job WHERE attention = 'unassigned' ORDER BY job LIMIT 6"
)
_TURNS: Final = (
    "SELECT worker, turn FROM assignment WHERE job = ? AND phase NOT IN "
    "('withdrawn', 'released', 'finished') ORDER BY worker, turn"
)

# (job, frontier token) as a page showed them.
Shown = tuple[bytes, str]


class Dispatcher:
    """One person at one hub's pages.

    Args:
        hub: the machine.
        workers, customers: whom and what there is to choose from.
    """

    def __init__(
        self, hub: Machine, workers: list[bytes], customers: list[bytes], chance: Random
    ) -> None:
        self.hub = hub
        self.acts_done = 0
        self._account = chance.randbytes(8)
        self._workers = workers
        self._customers = customers
        self._chance = chance
        self._numbered = 0

    async def dispatch(self) -> None:
        """Act through the office hours of each day until it is cancelled."""
        loop = asyncio.get_running_loop()
        begins_h, ends_h = HOURS
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / PAUSE_S_MEAN))
            hour = loop.time() / 3_600 % 24
            if not begins_h <= hour < ends_h:
                await asyncio.sleep((begins_h - hour) % 24 * 3_600)
            await self.step()

    async def step(self) -> None:
        """One thing that a dispatcher does."""
        doing = self._chance.choices(
            (
                self._new_job, self._assign, self._edit, self._reassign, self._cancel,
                self._reopen, self._note, self._override, self._customer, self._worker,
                self._settle, self._setting,
            ),
            (38, 16, 14, 9, 4, 4, 6, 3, 4, 3, 6, 1),
        )[0]  # fmt: skip
        try:
            await doing()
        except StoreError:
            self.hub.truth.points["a dispatcher could not save"] += 1
        except ActError as error:
            self.hub.note("refused act", str(error))

    async def _act(
        self, make: Callable[[Replica], Act], basis: dict[bytes, str] | None = None
    ) -> Written | None:
        written = await self.hub.act(make, actor=self._account, basis=basis)
        if written is not None:
            self.acts_done += 1
        return written

    async def _on_job(self, sql: str, make: Callable[[Replica, bytes], Act]) -> None:
        """Look at a page, choose a job on it, think, and act from what the page showed."""
        rows = self.hub.replica.store.db.execute(sql).fetchall()
        if not rows:
            return
        name, token = self._chance.choice(rows)
        job, basis = bytes.fromhex(name), None
        if self._chance.random() < 0.6:
            basis = {job: token}
            if self._chance.random() < 0.4:
                await asyncio.sleep(self._chance.uniform(1.0, STALE_S_MAX))
                self.hub.truth.points["acted from a stale page"] += 1
        await self._act(lambda replica: make(replica, job), basis)

    def shown(self) -> dict[bytes, str]:
        """The open jobs that the page of the hub shows, with their frontier tokens."""
        rows = self.hub.replica.store.db.execute(_OPEN).fetchall()
        return {bytes.fromhex(name): token for name, token in rows}

    async def act_on(self, job: bytes, token: str) -> bool:
        """Change a job or give it to another worker, from what a page showed; whether it was done.

        Raises ActError or StoreError where it could not be.
        """
        chance = self._chance
        if chance.random() < 0.5:
            values = {"title": f"title by phone {chance.randrange(1_000)}{mark_of(job)}"}
            written = await self._act(lambda _: acts.edit_job(job, values), {job: token})
        else:
            worker, turn = chance.choice(self._workers), self._turn()
            written = await self._act(lambda _: acts.assign(job, worker, turn), {job: token})
        return written is not None

    def _turn(self) -> bytes:
        return self._chance.randbytes(8)

    async def _new_job(self) -> None:
        chance, hub = self._chance, self.hub
        at_ms = hub.clock.now_ms()
        job = acts.new_stream_id(Kind.JOB, at_ms, chance.randbytes(7))
        start_ms = at_ms + chance.randrange(48) * 1_800_000
        values: dict[str, object] = {
            "title": f"job {chance.randrange(100_000)}{mark_of(job)}",
            "customer": chance.choice(self._customers),
            "window": (start_ms, start_ms + 7_200_000),
            "check_items": [f"item {number}" for number in range(chance.randrange(5))],
        }
        self._numbered += 1
        number = f"{hub.replica.subject.decode()}-{self._account.hex()[:2]}{self._numbered}"
        act = [*acts.create_job(job, values), *acts.number_job(job, number)]
        if chance.random() < 0.75:
            act += acts.assign(job, chance.choice(self._workers), self._turn())
        await self._act(lambda _: act)

    async def _assign(self) -> None:
        worker, turn = self._chance.choice(self._workers), self._turn()
        await self._on_job(_UNASSIGNED, lambda _, job: acts.assign(job, worker, turn))

    async def _edit(self) -> None:
        chance = self._chance
        values = chance.choice(
            (
                {"title": f"better title {chance.randrange(1_000)}"},
                {"description": f"mind the dog {chance.randrange(1_000)}", "priority": 3},
                {"planned_minutes": chance.randrange(10, 300), "radius": 120},
                {"customer": chance.choice(self._customers)},
                {"point": (600_000_000 + chance.randrange(999_999), 249_000_000)},
            )
        )

        def make(_: Replica, job: bytes) -> Act:
            marked = {
                field: value + mark_of(job) if isinstance(value, str) else value
                for field, value in values.items()
            }
            return acts.edit_job(job, marked)

        await self._on_job(_OPEN, make)

    async def _reassign(self) -> None:
        worker, turn = self._chance.choice(self._workers), self._turn()

        def make(replica: Replica, job: bytes) -> Act:
            rows = replica.store.db.execute(_TURNS, (job.hex(),)).fetchall()
            act: Act = []
            for other, old in rows:
                act += acts.withdraw(job, bytes.fromhex(other), bytes.fromhex(old), "busy")
            return [*act, *acts.assign(job, worker, turn)]

        await self._on_job(_OPEN, make)

    async def _cancel(self) -> None:
        await self._on_job(_OPEN, lambda _, job: acts.cancel_job(job, "no longer wanted"))

    async def _reopen(self) -> None:
        sql = "SELECT job, frontier FROM job WHERE status = 'cancelled' ORDER BY job LIMIT 6"
        await self._on_job(sql, lambda _, job: acts.reopen_job(job))

    async def _note(self) -> None:
        text = f"office note {self._chance.randrange(10_000)}"
        await self._on_job(_OPEN, lambda _, job: acts.add_note(job, text + mark_of(job)))

    async def _override(self) -> None:
        status = self._chance.choice(("done", "open", None))
        reason = "" if status is None else "told by phone"
        await self._on_job(_OPEN, lambda _, job: acts.override_status(job, status, reason))

    async def _customer(self) -> None:
        customer = self._chance.choice(self._customers)
        values = {"note": f"ring twice {self._chance.randrange(1_000)}"}
        await self._act(lambda _: acts.edit_customer(customer, values))

    async def _worker(self) -> None:
        worker = self._chance.choice(self._workers)
        values = {"phone": f"+358 {self._chance.randrange(10**7)}"}
        await self._act(lambda _: acts.edit_worker(worker, values))

    async def _setting(self) -> None:
        value = self._chance.randrange(3, 20)
        await self._act(lambda _: acts.set_setting("threshold_min", value))

    async def _settle(self) -> None:
        """Clear a conflict: a field's by writing the field again, another's by a decision."""

        def make(replica: Replica) -> Act:
            rows = replica.store.db.execute(
                "SELECT stream, conflict, kind, field FROM conflict WHERE kind <> 'snoozed' "
                "ORDER BY stream, conflict LIMIT 4"
            ).fetchall()
            if not rows:
                return []
            stream, conflict, kind, field = self._chance.choice(rows)
            job = bytes.fromhex(stream)
            if kind != "field":
                return acts.decide(job, bytes.fromhex(conflict), "as shown")
            if field == "title" and job[4] == Kind.JOB:
                return acts.edit_job(job, {"title": f"settled title{mark_of(job)}"})
            return []

        if await self._act(make) is not None:
            self.hub.truth.points["a conflict was settled"] += 1
