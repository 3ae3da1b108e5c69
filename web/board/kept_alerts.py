"""The alerts of live jobs, kept from one look to the next: only what may have changed is made anew.

A job is looked at again when its stream changed, when its worker's phone was heard or moved, or
when its time has come: each has a moment before which the clock changes nothing of it. Holds no SQL
of its own. Invariant: after `renew` the alerts are those that `compute_alerts` would make from
nothing, whatever happened before; `tests/web/board/test_kept_alerts.py` compares the two.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from core.dispatch.delay_change import next_change_ms
from core.dispatch.fields import Kind
from hub.hub import Hub
from web.board.alerts import (
    HORIZON_MS,
    Alert,
    Facts,
    Heard,
    alert_of,
    course_of,
    facts_of,
    heard_of,
    put_aside,
    reach_of_rows,
    travel_s,
    worked_of,
)
from web.board.reach import Reach
from web.phones import phones_of

BREATH_JOBS: Final = 100
"""So many jobs are looked at before others have their turn at the loop."""

# Of a kind that a later version may have nothing is known: then anything may have changed.
_KINDS: Final = frozenset(Kind)

Place = tuple[int | None, int | None, int]
"""Where a worker is (1e-7 degree), and by which roads the way from there is reckoned."""


@dataclass(slots=True)
class _Job:
    """A live job: its facts, the travel time and from where to where it was taken, and when to look
    again (ms, None: never by the clock)."""

    facts: Facts
    travel_s: int | None = None
    travelled: tuple[Place, bool] | None = None
    due_ms: int | None = None


class KeptAlerts:
    """The alerts of one hub's live jobs."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._jobs: dict[str, _Job] = {}
        self._jobs_by_worker: dict[str, set[str]] = defaultdict(set)
        self._heard: dict[str, Heard] = {}
        self._places: dict[str, Place] = {}
        # Whose phone is whose, as pairs of worker and key.
        self._phones: set[tuple[str, str]] = set()
        self._aside: dict[str, list[tuple[str, int]]] = {}
        self._due: list[tuple[int, str]] = []
        self._looked_ms = 0
        self.alert_by_job: dict[str, Alert] = {}

    async def renew(
        self, now_ms: int, streams: Collection[bytes] | None, *, listens: bool
    ) -> frozenset[str]:
        """Bring the alerts up to `now_ms`; the jobs (hex ids) whose alert is another or none now.

        `streams` have changed since the last time (None: anything may have); `listens` says to hear
        of the phones anew, which else is as it was.
        """
        kinds = {stream[4] for stream in streams or ()}
        if streams is None or now_ms < self._looked_ms or not kinds <= _KINDS:
            return await self._begin(now_ms)
        self._looked_ms = now_ms
        jobs = {stream.hex() for stream in streams if stream[4] == Kind.JOB}
        looked_at = set(jobs)
        if jobs:
            await self._take(jobs)
            looked_at |= await self._take_aside()
        if Kind.SITE in kinds:
            looked_at |= await self._take_reach()
        if kinds & {Kind.SITE, Kind.DAY}:
            looked_at |= await self._take_worked()
        if listens or kinds & {Kind.SITE, Kind.DAY}:
            looked_at |= await self._listen(now_ms)
        looked_at |= self._come_due(now_ms)
        return await self._look(looked_at, now_ms)

    @property
    def busy(self) -> frozenset[str]:
        """The workers (hex ids) who have live jobs."""
        return frozenset(who for who, jobs in self._jobs_by_worker.items() if who and jobs)

    def reach_of(self, job: str, frontier: str) -> Reach | None:
        """What the phone knows of the assignment that leads a live job, as it was at `frontier`.

        None where nobody has it, and where another commit came in between.
        """
        known = self._jobs.get(job)
        if known is None or known.facts.row["frontier"] != frontier:
            return None
        return known.facts.reach

    async def _begin(self, now_ms: int) -> frozenset[str]:
        """Everything from nothing."""
        before = self.alert_by_job
        # Before what is read of them, so that what changes meanwhile is another the next time.
        self._phones = await self._phones_now()
        facts = await facts_of(self._hub.reader)
        self._jobs = {job: _Job(known) for job, known in facts.items()}
        self._jobs_by_worker.clear()
        for job, known in facts.items():
            self._jobs_by_worker[known.row["worker"]].add(job)
        self._aside = await put_aside(self._hub.reader)
        self._places, self._due, self.alert_by_job = {}, [], {}
        await self._listen(now_ms)
        self._looked_ms = now_ms
        await self._look(facts, now_ms)
        after = self.alert_by_job
        return frozenset(
            job for job in before.keys() | after.keys() if before.get(job) != after.get(job)
        )

    # --- what is known

    async def _take(self, jobs: Collection[str]) -> None:
        """The facts of jobs whose streams changed; those that are over are looked at no more."""
        facts = await facts_of(self._hub.reader, sorted(jobs))
        for job in jobs:
            before = self._jobs.pop(job, None)
            if before is not None:
                self._jobs_by_worker[before.facts.row["worker"]].discard(job)
            known = facts.get(job)
            if known is not None:
                self._jobs[job] = _Job(known, due_ms=before.due_ms if before else None)
                self._jobs_by_worker[known.row["worker"]].add(job)

    async def _take_aside(self) -> set[str]:
        before, self._aside = self._aside, await put_aside(self._hub.reader)
        return {
            job
            for job in before.keys() | self._aside.keys()
            if before.get(job) != self._aside.get(job)
        }

    async def _take_reach(self) -> set[str]:
        """Whose phone is whose, and which were shut out, stands in the site's stream."""
        before, self._phones = self._phones, await self._phones_now()
        found = self._jobs_of({worker for worker, _ in before ^ self._phones})
        rows = [self._jobs[job].facts.row for job in found]
        reach = await reach_of_rows(self._hub.reader, rows)
        for job in found:
            known = self._jobs[job]
            known.facts = replace(known.facts, reach=reach.get(job))
        return found

    async def _phones_now(self) -> set[tuple[str, str]]:
        return {(phone.worker, phone.author) for phone in await phones_of(self._hub)}

    async def _take_worked(self) -> set[str]:
        """Time logs stand in workers' days; which jobs they name is asked of the jobs."""
        worked = await worked_of(self._hub.reader)
        found = set()
        for job, each in self._jobs.items():
            seconds, since_ms = worked.get(job, (None, None))
            if (each.facts.worked_s, each.facts.works_since_ms) != (seconds, since_ms):
                each.facts = replace(each.facts, worked_s=seconds, works_since_ms=since_ms)
                found.add(job)
        return found

    async def _listen(self, now_ms: int) -> set[str]:
        """Hear of the phones anew; the jobs of those of which something else is known now."""
        heard = await heard_of(self._hub, now_ms)
        places = {worker: self._place(worker) for worker in self._hub.presence}
        others = {
            worker
            for worker in heard.keys() | self._heard.keys()
            if heard.get(worker) != self._heard.get(worker)
        }
        others |= {
            worker
            for worker in places.keys() | self._places.keys()
            if places.get(worker) != self._places.get(worker)
        }
        self._heard, self._places = heard, places
        return self._jobs_of(others)

    def _jobs_of(self, workers: Iterable[str]) -> set[str]:
        return {job for worker in workers for job in self._jobs_by_worker.get(worker, ())}

    def _come_due(self, now_ms: int) -> set[str]:
        found = set()
        while self._due and self._due[0][0] <= now_ms:
            due_ms, job = heapq.heappop(self._due)
            known = self._jobs.get(job)
            if known is not None and known.due_ms == due_ms:
                found.add(job)
        return found

    # --- what follows from it

    async def _look(self, jobs: Iterable[str], now_ms: int) -> frozenset[str]:
        """Make the alerts of these jobs anew; those that are others than before."""
        changed = set()
        for number, job in enumerate(sorted(jobs)):
            if number % BREATH_JOBS == BREATH_JOBS - 1:
                await asyncio.sleep(0)
            known = self._jobs.get(job)
            alert = None if known is None else self._alert(job, known, now_ms)
            if alert == self.alert_by_job.get(job):
                continue
            changed.add(job)
            if alert is None:
                del self.alert_by_job[job]
            else:
                self.alert_by_job[job] = alert
        return frozenset(changed)

    def _alert(self, job: str, known: _Job, now_ms: int) -> Alert | None:
        facts = known.facts
        row, working_ms = facts.row, facts.works_since_ms
        course = course_of(facts, now_ms, self._travel_s(known, now_ms), self._heard)
        aside = self._aside.get(job, ())
        phone = self._heard.get(row["worker"])
        moving = course
        if phone is not None and phone.is_here:
            # What is here is as new as now, and so it stays: it never becomes silent by the clock.
            moving = replace(course, position_ms=None, on_duty=False)
        moments = [next_change_ms(moving, now_ms, is_working=0 < (working_ms or 0) <= now_ms)]
        moments += [until_ms for _, until_ms in aside]
        moments.append(working_ms)
        if row["window_end"] is not None:
            moments.append(row["window_end"] - HORIZON_MS)
        due_ms = min(
            (at_ms for at_ms in moments if at_ms is not None and at_ms > now_ms), default=None
        )
        # Looked at every few seconds, as its worker moves, a job of next week waits once.
        if due_ms is not None and due_ms != known.due_ms:
            heapq.heappush(self._due, (due_ms, job))
        known.due_ms = due_ms
        return alert_of(facts, course, aside, now_ms)

    def _travel_s(self, known: _Job, now_ms: int) -> int | None:
        """The travel time by now; the same two places are not asked about again."""
        row = known.facts.row
        end_ms = row["window_end"]
        is_near = end_ms is not None and now_ms <= end_ms <= now_ms + HORIZON_MS
        asked = (self._place(row["worker"]), is_near)
        if known.travelled != asked:
            known.travel_s, known.travelled = travel_s(self._hub, row, now_ms), asked
        return known.travel_s

    def _place(self, worker: str) -> Place:
        presence, region = self._hub.presence.get(worker), self._hub.region
        roads = id(region.roads) if region is not None else 0
        if presence is None:
            return None, None, roads
        return presence.lat_e7, presence.lon_e7, roads
