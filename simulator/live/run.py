"""A live run from its beginning to its record: people, phones, the day, and what came of it.

`prepare` makes workers and jobs by the import's pages and lets phones join; `day` lets them work,
with dispatchers beside; `drain` lets all hand in what they have. Holds no judging (`judging`) and
draws nothing. Invariant: whatever ends a run, its processes end and their folders go.
"""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from replica.clock import SystemClock
from simulator.draw import chance_for
from simulator.live.dispatching import LiveDispatcher
from simulator.live.fleet import DRAIN_S_MAX
from simulator.live.fleets import FleetError, Fleets
from simulator.live.office import NoAnswer, OfficePerson, PageError
from simulator.live.samples import Samples
from simulator.live.tally import Tally
from simulator.live.target import Target, TargetError, find_target
from simulator.live.watching import HubGone, HubWatch
from simulator.scenario.scenario import Scenario

JOIN_AT_ONCE = 4
JOIN_AGAIN_S = 1.0
# Around the middle of Helsinki, where the demo's map is; some fifteen kilometres each way.
CENTRE = (60.1699, 24.9384)
SPREAD = 0.13
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run, where and as whom.

    `address` is the hub's TLS port; `processes` hold the phones; `seed` draws what is drawn.
    """

    address: str
    account: str
    password: str
    scenario: Scenario
    processes: int
    seed: int
    fingerprint: str = ""


@dataclass(slots=True)
class Course:
    """How a run stands, for whoever shows it: the stage in words, and all that was counted."""

    stage: str = "beginning"
    began_s: float = field(default_factory=time.monotonic)
    joined: int = 0
    settled: int = 0
    tally: Tally = field(default_factory=Tally)
    samples: Samples = field(default_factory=Samples)
    refusals: list[str] = field(default_factory=list)
    drained: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    is_over: bool = False


class LiveRun:
    """One run: `await LiveRun(plan, say).run()`; `course` can be looked at meanwhile."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self.plan = plan
        self.course = Course()
        self.target: Target | None = None
        self.hub_at_start: dict[str, Any] | None = None
        self.watch: HubWatch | None = None
        self.hub_is_gone = False
        self._say = say
        self._chance = chance_for(plan.seed, "live run")
        # Runs on one hub must not take each other's workers for theirs.
        self._mark = os.urandom(3).hex()
        self._settled_by_process: dict[int, int] = {}
        self._is_day = False
        self._newest_told: dict[str, Any] | None = None

    async def run(self) -> None:
        """Run to the end, or until the hub is gone (`hub_is_gone`).

        Raises:
            TargetError: the hub can't be used as it was named.
            PageError: it refused what the run needs before it begins.
            FleetError: a process of phones ended before its time.
        """
        plan, course = self.plan, self.course
        self.target = await find_target(plan.address, plan.fingerprint)
        memory, disk = _folders()
        try:
            async with AsyncExitStack() as stack:
                person = await stack.enter_async_context(self._person())
                self.hub_at_start = await person.hub_figures(settings=True)
                if (self.hub_at_start or {}).get("job_dispatch") is False:
                    raise TargetError(
                        f"Job Dispatch is off at {self.target.address}, so phones would have no "
                        "jobs: turn it on under Extensions and run again; nothing was added"
                    )
                fleets = Fleets(
                    self.target, plan.scenario, plan.seed, plan.processes, memory, disk, self._hear
                )
                await stack.enter_async_context(fleets)
                self.watch = HubWatch(
                    person.hub_figures, self._told, lambda: course.stage, course.tally.failed
                )
                await self._while_there_is_a_hub(self._stages(person, fleets, stack), self.watch)
        finally:
            course.is_over = True
            shutil.rmtree(memory, ignore_errors=True)
            shutil.rmtree(disk, ignore_errors=True)

    async def _stages(self, person: OfficePerson, fleets: Fleets, stack: AsyncExitStack) -> None:
        workers = await self._prepare(person, fleets)
        await self._day(fleets, list(workers.values()), stack)
        await self._drain(person, fleets)

    async def _while_there_is_a_hub(
        self, stages: Coroutine[Any, Any, None], watch: HubWatch
    ) -> None:
        """Go through the stages; what fails for want of a hub ends them with a record."""
        loop = asyncio.get_running_loop()
        tasks = (loop.create_task(stages), loop.create_task(watch.run()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [each for each in ended if isinstance(each, Exception)]
        if any(isinstance(each, NoAnswer) for each in faults):
            # A page that came too late is not yet a hub that is gone.
            await watch.look()
        if watch.is_refused or any(isinstance(each, HubGone) for each in faults):
            self.hub_is_gone = True
            self._stage(
                "the hub does not answer any more: the report says what there was until then"
            )
        elif faults:
            raise faults[0]

    def _told(self, figures: dict[str, Any]) -> None:
        self._newest_told = figures
        if self._is_day:
            self.course.samples.add_hub(figures)

    def _person(self) -> OfficePerson:
        assert self.target is not None
        plan = self.plan
        return OfficePerson(self.target, plan.account, plan.password, self.course.tally)

    def _stage(self, words: str) -> None:
        self.course.stage = words
        self._say(words)

    # --- before the day

    async def _prepare(self, person: OfficePerson, fleets: Fleets) -> dict[str, str]:
        """Workers with phones that have met the hub, and their jobs; ids by name."""
        phones = self.plan.scenario.live.phones
        jobs = phones * self.plan.scenario.site.jobs_per_phone
        names = [f"Simulated {self._mark} {number:05}" for number in range(1, phones + 1)]
        self._stage(f"adding {phones} workers and {jobs} jobs")
        try:
            await person.import_rows("workers", [{"Name": name} for name in names])
            if jobs:
                await person.import_rows("jobs", self._jobs(names))
        except NoAnswer:
            raise
        except PageError as error:
            raise TargetError(
                f"the hub takes no imports from {self.plan.account!r}: {error}. The account has to "
                "be a dispatcher's or an administrator's, and Job Dispatch has to be on"
            ) from error
        known = await person.workers()
        made = await person.get_json(f"/board/total.json?view=all&q={self._mark}")
        if made["total"] != jobs:
            raise TargetError(
                f"the hub took {made['total']} of {jobs} jobs; look at its import page and its log"
            )
        workers = {name: known[name] for name in names if name in known}
        if len(workers) < len(names):
            raise TargetError("the hub does not list the workers that were added; look at its log")
        self._stage(f"letting {phones} phones join")
        await self._join(person, fleets, list(workers.values()))
        self._stage("phones meet the hub for the first time")
        for told in await fleets.all_do("settle", "settled"):
            self.course.tally.add(told["tally"])
        return workers

    def _jobs(self, names: list[str]) -> list[dict[str, str]]:
        now = datetime.fromtimestamp(SystemClock().now_ms() / 1_000, self._zone())
        chance, rows = self._chance, []
        for number in range(self.plan.scenario.site.jobs_per_phone):
            window = hour_from(now, number)
            for name in names:
                lat, lon = (
                    middle + chance.uniform(-SPREAD, SPREAD) * scale
                    for middle, scale in zip(CENTRE, (1.0, 2.0), strict=True)
                )
                rows.append(
                    {
                        # Two rows that say the same are one job for an import.
                        "Title": f"Visit {number + 1} of {name}",
                        "Position": f"{lat:.5f}, {lon:.5f}",
                        **window,
                        "Duration": "30",
                        "Worker": name,
                    }
                )
        return rows

    def _zone(self) -> tzinfo:
        """The hub's, whose clock the import reads; UTC where an earlier version does not tell."""
        name = (self.hub_at_start or {}).get("time_zone")
        try:
            return ZoneInfo(name) if isinstance(name, str) else UTC
        except (KeyError, ValueError):
            return UTC

    async def _join(self, person: OfficePerson, fleets: Fleets, workers: list[str]) -> None:
        course, left = self.course, list(enumerate(workers))
        # A link is asked for and used at once: it is good for minutes, and few may be open.

        async def some() -> None:
            while left:
                place, worker = left.pop()
                try:
                    link = await person.enrolment_link(worker)
                    refusal = await fleets.join(place, worker, link)
                except NoAnswer:
                    # Whether the hub is gone is the watch's to say.
                    left.append((place, worker))
                    await asyncio.sleep(JOIN_AGAIN_S)
                    continue
                except PageError as error:
                    refusal = str(error)
                if refusal:
                    course.tally.failed(f"a phone could not join: {refusal}"[:200])
                    continue
                course.joined += 1

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(JOIN_AT_ONCE):
                    group.create_task(some())
        except* FleetError as ended:
            raise ended.exceptions[0] from None
        if not course.joined:
            raise TargetError(
                f"no phone could join: {next(iter(course.tally.failures), 'nobody said why')}"
            )

    # --- the day

    async def _day(self, fleets: Fleets, workers: list[str], stack: AsyncExitStack) -> None:
        plan, course = self.plan, self.course
        dispatchers = [
            LiveDispatcher(
                await stack.enter_async_context(self._person()),
                workers,
                Random(f"{plan.seed} dispatcher {number}"),
            )
            for number in range(plan.scenario.site.dispatchers)
        ]
        live = plan.scenario.live
        words = f"{course.joined} phones come on within {live.ramp_up_s:.0f} s, and work"
        self._stage(f"{words} for {live.hold_s:.0f} s")
        course.samples.begin(live)
        self._is_day = True
        loop = asyncio.get_running_loop()
        beside = [loop.create_task(each.dispatch()) for each in dispatchers]
        try:
            await fleets.all_do("run", "ran")
        finally:
            for task in beside:
                task.cancel()
            for ended in await asyncio.gather(*beside, return_exceptions=True):
                if isinstance(ended, Exception):
                    course.tally.failed(f"a dispatcher stopped: {ended!r}"[:200])
            course.samples.end()
            self._is_day = False

    async def _drain(self, person: OfficePerson, fleets: Fleets) -> None:
        course = self.course
        self._stage(f"all hand in what they have, within {DRAIN_S_MAX:.0f} s")
        sums: dict[str, int] = {"wrote": 0, "unsent": 0, "phones left": 0}
        for told in await fleets.all_do("drain", "drained"):
            for name in sums:
                sums[name] += told["drained"][name]
            course.refusals += told["drained"]["refusals"]
            course.tally.add(told["drained"]["tally"])
        course.drained = sums
        try:
            undecided = await person.get_json(f"/board/total.json?view=conflicts&q={self._mark}")
            course.conflicts = {"jobs whose conflict waits for the office": undecided["total"]}
        except PageError as error:
            course.tally.failed(f"conflicts could not be counted: {error}"[:200])
        if self._newest_told is not None:
            course.samples.add_hub(self._newest_told)
        self._stage("over")

    def _hear(self, number: int, told: dict[str, Any]) -> None:
        second = told.get("second")
        if second is not None:
            self.course.samples.add_fleet(number, second)
            self.course.tally.add(second["tally"])
        if "settling" in told or "settled" in told:
            self._settled_by_process[number] = told.get("settled", told.get("settling", 0))
            self.course.settled = sum(self._settled_by_process.values())


def hour_from(now: datetime, number: int) -> dict[str, str]:
    """Day and hours, on the clocks where `now` is, of the job that comes so many hours from now.

    From now on, so that what is late in a run does not hang on when somebody runs it. Where an
    hour later would be no later on the clock, at midnight or as clocks are set back, it lasts
    until the end of its day.
    """
    start, end = (
        (now.astimezone(UTC) + timedelta(hours=more)).astimezone(now.tzinfo)
        for more in (number, number + 1)
    )
    first, last = f"{start:%H:%M}", f"{end:%H:%M}"
    if last <= first:
        first, last = min(first, "23:58"), "23:59"
    return {"Day": start.date().isoformat(), "From": first, "Until": last}


def _folders() -> tuple[Path, Path]:
    """A folder on a disk of memory, where the system has one, and one on the disk."""
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() else None
    return (
        Path(tempfile.mkdtemp(prefix="fieldlog-live-", dir=parent)),
        Path(tempfile.mkdtemp(prefix="fieldlog-live-")),
    )


def usual_processes() -> int:
    """How many processes of phones a machine has room for beside a hub and this program."""
    return max(1, math.ceil((os.cpu_count() or 1) / 2))
