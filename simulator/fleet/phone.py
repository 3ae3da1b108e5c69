"""A live phone: a real device that a simulated worker carries through a day on real roads.

The device is the production one, with its store, key and TLS link. The worker takes the next job,
drives, stays, taps what workers tap, leaves the rest to auto logging, and is offline at times.
Holds no schedule of its own: `life` says when it wants to be woken. Invariant: everything that it
does to the device goes through what a screen or a location app would call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

from core.dispatch import acts, day_acts
from core.dispatch.fields import Phase
from core.dispatch.fix import Fix
from core.dispatch.geometry import Point
from core.log.entry import MINT
from replica.device import Device
from replica.dialling import Dialler
from replica.link import Link, LinkClosed
from replica.screens.progress import OpenLog, Turn, move
from simulator.draw import Options
from simulator.fleet.clock import SiteClock
from simulator.motion import Errand, Route, TrueDay, plan_day
from simulator.receiver import receive

MINUTE_MS = 60_000

_NEXT = """
    SELECT job.job, job.title, job.lat_e7, job.lon_e7, job.planned_minutes, job.window_start,
           assignment.turn, assignment.phase
    FROM assignment JOIN job USING (job)
    WHERE assignment.worker = ? AND job.status IN ('open', 'in progress')
      AND assignment.phase NOT IN ('withdrawn', 'released', 'finished', 'rejected')
      AND job.lat_e7 IS NOT NULL
    ORDER BY assignment.phase NOT IN ('travelling', 'on site', 'paused'),
             job.window_start IS NULL, job.window_start, job.job
    LIMIT 1
"""
_OPEN_LOGS = "SELECT * FROM time_log WHERE worker = ? AND stop_at IS NULL AND superseded = 0"
_ITEMS = "SELECT item FROM check_item WHERE job = ? AND ticked = 0 ORDER BY item"


@dataclass(frozen=True, slots=True)
class Task:
    """The job that the worker is about to do."""

    job: str
    title: str
    place: Point
    minutes: int
    window_start: int | None
    turn: str
    phase: str


class Coverage:
    """Whether a phone has a network; wraps how it dials its hub."""

    def __init__(self) -> None:
        self.online = True

    def over(self, dial: Dialler) -> Dialler:
        """Dial only where there is a network."""

        @asynccontextmanager
        async def dial_if_covered() -> AsyncIterator[tuple[Link, bytes]]:
            if not self.online:
                raise LinkClosed("there is no network here")
            async with dial() as found:
                yield found

        return dial_if_covered


class LivePhone:
    """A worker with a phone.

    Args:
        device: the open device, enrolled.
        coverage: what its dialler was wrapped in.
        route: seconds, latitude and longitude along roads from one place to another.
        here: where the worker is.
    """

    def __init__(
        self,
        device: Device,
        coverage: Coverage,
        clock: SiteClock,
        chance: Random,
        route: Route,
        here: Point,
        options: Options,
        zone: ZoneInfo,
    ) -> None:
        self.device = device
        self.coverage = coverage
        self.here = here
        self.battery_percent = chance.randint(70, 100)
        self._clock = clock
        self._chance = chance
        self._route = route
        self._options = options
        self._zone = zone

    # --- the day

    async def life(self, until: Callable[[], int]) -> AsyncIterator[int]:
        """Live; yields the moments (ms) at which to go on. `until` says when the shift ends."""
        yield self._now() + self._chance.randrange(10) * MINUTE_MS
        await self._start_duty()
        while self._now() < until():
            task = await self._next_task()
            if task is None:
                await self._wait_here()
                yield self._now() + 2 * MINUTE_MS
                continue
            if task.phase in ("assigned", "received", "opened"):
                await self._move(task, Phase.OPENED)
                yield self._now() + self._chance.randrange(20, 120) * 1000
                if self._chance.random() < 0.03:
                    await self._move(task, Phase.REJECTED, self._chance.choice(_REASONS))
                    continue
                await self._move(task, Phase.ACCEPTED)
            if task.window_start is not None:
                early = task.window_start - 20 * MINUTE_MS
                if self._now() < early:
                    yield min(early, until())
            async for at_ms in self._do(task):
                yield at_ms
        await self._stop_duty()

    async def _do(self, task: Task) -> AsyncIterator[int]:
        """Drive there, do it, finish it."""
        by_hand = self._chance.random() < 0.3
        silent = self._chance.random() < 0.3
        if by_hand:
            await self._move(task, Phase.TRAVELLING)
        stay_s = task.minutes * 60 * self._chance.uniform(0.8, 1.4)
        errand = Errand(task.job, *task.place, stay_s)
        day = plan_day(self._chance, self._route, self.here, [errand], self._now(), self._options)
        visit = day.visits[0]
        way = TrueDay(tuple(w for w in day.waypoints if w.at_ms <= visit.leave_ms), day.visits)
        moments: list[tuple[int, int, str | Fix]] = [
            (fix.time_ms, 1, fix) for fix in receive(self._chance, way, self._options).fixes
        ]
        arrived_ms = visit.arrive_ms + self._chance.randrange(20, 90) * 1000
        ticks = await self.device.reader.rows(_ITEMS, (task.job,))
        moments += [(visit.arrive_ms, 0, "arrive"), (visit.leave_ms, 2, "leave")]
        moments += [
            (arrived_ms + (index + 1) * int(stay_s * 100), 0, f"tick {row['item']}")
            for index, row in enumerate(ticks)
        ]
        for at_ms, _, what in sorted(moments, key=lambda moment: moment[:2]):
            yield at_ms
            if isinstance(what, str):
                await self._step(task, what, by_hand=by_hand, silent=silent)
            else:
                used = 1 if self._chance.random() < 0.1 else 0
                self.battery_percent = max(5, self.battery_percent - used)
                await self.device.take_fix(what, self.battery_percent)
        self.here = task.place

    async def _step(self, task: Task, what: str, *, by_hand: bool, silent: bool) -> None:
        if what == "arrive":
            if silent:
                await self.lose_network()
            if by_hand:
                await self._move(task, Phase.ON_SITE)
        elif what == "leave":
            if self._chance.random() < 0.25:
                await self.device.act(acts.add_note(_id(task.job), self._chance.choice(_NOTES)))
            await self._move(task, Phase.FINISHED)
            self.find_network()
        else:
            item = int(what.removeprefix("tick "))
            await self.device.act(acts.set_tick(_id(task.job), item, True))

    async def lose_network(self) -> None:
        """From here no frame goes either way."""
        self.coverage.online = False
        await self.device.hang_up()

    def find_network(self) -> None:
        """The network is back."""
        self.coverage.online = True
        self.device.sync_now()

    async def _wait_here(self) -> None:
        """With nothing to do the phone still knows where it lies."""
        accuracy_m = self._chance.randint(5, 20)
        fix = Fix(self._now(), *self.here, accuracy_m, 0.0, None, "gps", False)
        await self.device.take_fix(fix, self.battery_percent)

    # --- what the worker taps

    def _now(self) -> int:
        return self._clock.now_ms()

    def _today(self) -> str:
        moment = datetime.fromtimestamp(self._now() / 1000, UTC).astimezone(self._zone)
        return moment.date().isoformat()

    async def _next_task(self) -> Task | None:
        row = await self.device.reader.row(_NEXT, (self.device.worker,))
        if row is None:
            return None
        return Task(
            row["job"],
            row["title"],
            (row["lat_e7"], row["lon_e7"]),
            row["planned_minutes"] or 30,
            row["window_start"],
            row["turn"],
            row["phase"],
        )

    async def _move(self, task: Task, phase: Phase, reason: str = "") -> None:
        """The act of the screen's own button."""
        row = await self.device.reader.row(
            "SELECT phase FROM assignment WHERE job = ? AND worker = ? AND turn = ?",
            (task.job, self.device.worker, task.turn),
        )
        if row is None or row["phase"] in ("withdrawn", "released"):
            return
        open_logs = [
            OpenLog(
                log["day"],
                _id(log["log"]),
                _id(log["job"]) or None,
                log["kind"],
                log["source"],
                log["start_at"],
            )
            for log in await self.device.reader.rows(_OPEN_LOGS, (self.device.worker,))
        ]
        turn = Turn(_id(task.job), _id(self.device.worker), _id(task.turn), row["phase"])
        moved = move(
            turn,
            phase,
            open_logs=open_logs,
            today=self._today(),
            entropy=self.device.entropy,
            reason=reason,
        )
        await self.device.act(moved.changes)

    async def _start_duty(self) -> None:
        worker = self.device.worker
        row = await self.device.reader.row(
            "SELECT 1 FROM duty WHERE worker = ? AND day = ? AND stop_at IS NULL",
            (worker, self._today()),
        )
        if row is None:
            await self.device.act(day_acts.start_duty(_id(worker), self._today(), MINT))

    async def _stop_duty(self) -> None:
        worker = self.device.worker
        rows = await self.device.reader.rows(
            "SELECT day, duty FROM duty WHERE worker = ? AND stop_at IS NULL", (worker,)
        )
        for row in rows:
            await self.device.act(day_acts.stop_duty(_id(worker), row["day"], _id(row["duty"])))


def _id(text: str) -> bytes:
    return bytes.fromhex(text)


_REASONS = ("No access to the building", "Customer not there", "Wrong parts on board")
_NOTES = (
    "Key is with the caretaker, ring flat 1.",
    "Replaced the seal, pressure is steady at 1.6 bar.",
    "Customer asks for a call before the next visit.",
    "Parts ordered, one more visit needed.",
    "Parking only from the yard side.",
)
