"""The plans of workers on one day: what they are at, what comes next, when they are free.

Gathers the living assignments of a day in the order in which the phones list them, with the shift
and the last position. Holds no choice and no HTML; the ETAs are `core.dispatch.itinerary`'s.
Invariant: what is begun comes first and is never moved; a plan holds no job that is over.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.duty import DutyError, Shift, proposed
from core.dispatch.geometry import Point
from core.dispatch.itinerary import MINUTE_MS, Stop, length_ms, turn_of_day
from web.board.days import day_bounds, today
from web.board.phases import WORKING
from web.board.plan_sql import IN_PLAN, POINT, SITE
from web.board.state import Moment
from web.board.workers import workers

OLD_MS: Final = 30 * MINUTE_MS
"""A position older than this says little about where somebody is now."""

_HELD: Final = f"""
    SELECT job.job, job.number, job.title, job.status, job.priority, job.window_start,
           job.window_end, job.planned_minutes, {POINT}, job.skills, job.frontier,
           job.arrived_at, assignment.worker, assignment.turn, assignment.phase,
           assignment.position
    FROM assignment JOIN job ON job.job = assignment.job {SITE}
    WHERE job.status IN ('open', 'in progress')
      AND assignment.phase NOT IN ('withdrawn', 'released', 'rejected', 'finished')
      AND {IN_PLAN.format(start="?1", end="?2", present="?3")}
"""


@dataclass(frozen=True, slots=True)
class Held:
    """One job in a worker's plan. Times in ms UTC, `point` in 1e-7 degree; None: not known."""

    job: str
    number: str
    title: str
    priority: int
    window_start: int | None
    window_end: int | None
    planned_min: int | None
    point: Point | None
    skills: tuple[str, ...]
    frontier: str
    arrived_at: int | None
    turn: str
    phase: str
    position: int

    @property
    def is_begun(self) -> bool:
        """Whether the worker is at it, or on the way."""
        return self.phase in WORKING

    @property
    def length_ms(self) -> int:
        """How long it takes, ms."""
        return length_ms(self.planned_min, self.window_start, self.window_end)

    def stop(self, place: int | None) -> Stop:
        """The job as a stop at the place of this number."""
        return Stop(self.job, place, self.length_ms, self.window_start, self.window_end)


@dataclass(frozen=True, slots=True)
class Plan:
    """A worker's day: `begun` (what is under way), then `ahead` in order.

    `shift` are its ends on the day, ms UTC, None without one. `point` is the last position with its
    time `seen_ms`, None where none is known. `skills` are ids.
    """

    worker: str
    name: str
    team: str
    vehicle: str
    skills: frozenset[str]
    jobs_on: bool
    shift: tuple[int, int] | None
    point: Point | None
    seen_ms: int | None
    begun: tuple[Held, ...]
    ahead: tuple[Held, ...]

    def is_old(self, now_ms: int) -> bool:
        """Whether the position is too old to go by."""
        return self.seen_ms is not None and now_ms - self.seen_ms > OLD_MS

    def left_ms(self, now_ms: int) -> int:
        """How long the job that is under way still takes by its plan, 0 over it or without one."""
        left = 0
        for held in self.begun:
            worked = 0 if held.arrived_at is None else max(now_ms - held.arrived_at, 0)
            left = max(left, held.length_ms - worked)
        return left


async def plans_of_day(moment: Moment, day: str = "") -> dict[str, Plan]:
    """The plans of all workers who are not archived, by worker; today's where no day is given.

    Which jobs a day's plan holds is `plan_sql.IN_PLAN`'s to say.
    """
    now_day = today(moment.now_ms, moment.zone)
    day = day or now_day
    start, end = day_bounds(day, moment.zone)
    reader = moment.hub.reader
    found: dict[str, list[Held]] = {}
    for row in await reader.rows(_HELD, (start, end, day == now_day)):
        found.setdefault(row["worker"], []).append(_held(row))
    plans = {}
    for row in await workers(reader):
        held = sorted(found.get(row["worker"], ()), key=turn_of_day)
        plans[row["worker"]] = _plan(moment, row, held, day, is_today=day == now_day)
    return plans


def _held(row: Any) -> Held:
    return Held(
        job=row["job"],
        number=row["number"],
        title=row["title"],
        priority=row["priority"],
        window_start=row["window_start"],
        window_end=row["window_end"],
        planned_min=row["planned_minutes"],
        point=None if row["lat_e7"] is None else (row["lat_e7"], row["lon_e7"]),
        skills=tuple(json.loads(row["skills"])),
        frontier=row["frontier"],
        arrived_at=row["arrived_at"],
        turn=row["turn"],
        phase=row["phase"],
        position=row["position"],
    )


def _plan(moment: Moment, row: Any, held: list[Held], day: str, *, is_today: bool) -> Plan:
    presence = moment.hub.presence.get(row["worker"]) if is_today else None
    place = None
    if presence is not None and presence.lat_e7 is not None and presence.lon_e7 is not None:
        place = (presence.lat_e7, presence.lon_e7)
    return Plan(
        worker=row["worker"],
        name=row["name"],
        team=row["team_name"],
        vehicle=row["vehicle_name"],
        skills=frozenset(json.loads(row["skills"])),
        jobs_on=bool(row["jobs_on"]),
        shift=shift_of(row["shift"], day, moment.zone),
        point=place,
        seen_ms=presence.at_ms if presence is not None else None,
        begun=tuple(one for one in held if one.is_begun),
        ahead=tuple(one for one in held if not one.is_begun),
    )


def shift_of(text: str, day: str, zone: ZoneInfo) -> tuple[int, int] | None:
    """A worker's shift, as the store has it, on a local day: its ends in ms UTC, None without."""
    minutes = json.loads(text) if text else None
    if minutes is None:
        return None
    try:
        return proposed(Shift(*minutes), dt.date.fromisoformat(day), zone)
    except DutyError:
        # A shift that an older program let through; it shades nothing and holds nobody back.
        return None
