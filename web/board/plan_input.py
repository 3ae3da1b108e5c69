"""What a proposal is made of: the jobs to place, the workers of the day, the places between.

Gathers values for `core.dispatch.proposing` and what a page needs to tell its answer. Writes
nothing. Invariant: what is begun is no job to place; a job that is left out is named with why.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from core.dispatch.geometry import Point
from core.dispatch.itinerary import Stop, length_ms
from core.dispatch.proposing import Crew, Task
from core.sentence import say
from web.board.days import day_bounds, today, workday_ms
from web.board.nearest import doing_of, start_of
from web.board.plan_sql import IN_PLAN, POINT, SITE
from web.board.plans import Plan, plans_of_day
from web.board.state import Moment
from web.roster import roster_on

ASKED_MAX: Final = 200

_COLUMNS: Final = f"""
    job.job, job.number, job.title, job.status, job.priority, job.window_start, job.window_end,
    job.planned_minutes, {POINT}, job.skills, job.frontier, job.worker
    FROM job {SITE}
"""
_UNASSIGNED: Final = f"""
    SELECT {_COLUMNS}
    WHERE job.status = 'open' AND job.worker = ''
      AND {IN_PLAN.format(start="?1", end="?2", present="?3")}
    ORDER BY job.priority DESC, coalesce(job.window_end, job.window_start, ?2), job.job
    LIMIT {ASKED_MAX + 1}
"""
_CHOSEN: Final = f"""
    SELECT {_COLUMNS} WHERE job.job IN (SELECT value FROM json_each(?))
    ORDER BY job.priority DESC, job.job
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A job as the page tells of it. `frontier` is what the proposal was made from."""

    job: str
    number: str
    title: str
    window: tuple[int | None, int | None]
    frontier: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose a job is now: worker, turn and planned place."""

    worker: str
    turn: str
    position: int


@dataclass(slots=True)
class PlanInput:
    """All that one proposal starts from. `out` are jobs left out, each with why."""

    day: str
    tasks: list[Task] = field(default_factory=list)
    crews: list[Crew] = field(default_factory=list)
    places: list[Point] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    out: list[tuple[Row, str]] = field(default_factory=list)

    def place_of(self, point: Point | None) -> int | None:
        """The number of a place, the same for the same point; None for none."""
        if point is None:
            return None
        if point not in self.places:
            self.places.append(point)
        return self.places.index(point)


async def gather(moment: Moment, day: str, jobs: Sequence[str] = ()) -> PlanInput:
    """The input for a day: the given jobs, or without any what nobody has on that day."""
    found = PlanInput(day)
    is_today = day == today(moment.now_ms, moment.zone)
    plans = await plans_of_day(moment, day)
    names = await _skill_names(moment)
    asked = await _asked(moment, day, jobs, is_today=is_today)
    roster = await roster_on(moment.hub.reader, day)
    held = {one.job: plan for plan in plans.values() for one in plan.ahead}
    begun = {one.job for plan in plans.values() for one in plan.begun}
    twice = _held_twice(plans)
    for row in asked:
        told = _row(row)
        why = _why_out(row, found, begun, twice, held) or _of_another_day(row, day, moment)
        if why:
            found.out.append((told, why))
            continue
        found.rows[row["job"]] = told
        point = None if row["lat_e7"] is None else (row["lat_e7"], row["lon_e7"])
        start, end = row["window_start"], row["window_end"]
        stop = Stop(
            row["job"],
            found.place_of(point),
            length_ms(row["planned_minutes"], start, end),
            start,
            end,
        )
        skills = frozenset(names.get(skill, skill) for skill in json.loads(row["skills"]))
        found.tasks.append(Task(stop, skills, row["priority"]))
    for plan in plans.values():
        away = roster[plan.worker].absence is not None
        _add_crew(found, moment, plan, names, is_today=is_today, is_away=away)
    return found


async def _skill_names(moment: Moment) -> dict[str, str]:
    """A name for each skill by its id; where two have one name, the id tells them apart."""
    rows = await moment.hub.reader.rows("SELECT skill, name FROM skill")
    names = [row["name"] for row in rows]
    return {
        row["skill"]: row["name"]
        if names.count(row["name"]) == 1
        else f"{row['name']} ({row['skill'][:4]})"
        for row in rows
    }


async def _asked(moment: Moment, day: str, jobs: Sequence[str], *, is_today: bool) -> list[Any]:
    reader = moment.hub.reader
    if jobs:
        return await reader.rows(_CHOSEN, (json.dumps(list(jobs)),))
    start, end = day_bounds(day, moment.zone)
    return await reader.rows(_UNASSIGNED, (start, end, is_today))


def _row(row: Any) -> Row:
    window = (row["window_start"], row["window_end"])
    return Row(row["job"], row["number"], row["title"], window, row["frontier"])


def _held_twice(plans: dict[str, Plan]) -> set[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for plan in plans.values():
        for one in (*plan.begun, *plan.ahead):
            (twice if one.job in seen else seen).add(one.job)
    return twice


def _why_out(
    row: Any, found: PlanInput, begun: set[str], twice: set[str], held: dict[str, Plan]
) -> str:
    job = row["job"]
    if job in begun or row["status"] == "in progress":
        return say("it is begun, and stays as it is")
    if row["status"] != "open":
        return say("it is {status}", status=say(row["status"]))
    if job in twice:
        return say("several workers have it; decide first whose it is")
    if row["worker"] and job not in held:
        return say("it is planned for another day")
    if len(found.tasks) >= ASKED_MAX:
        return say("a proposal takes {jobs} jobs; make another for the rest", jobs=ASKED_MAX)
    return ""


def _of_another_day(row: Any, day: str, moment: Moment) -> str:
    """Why a job with a window is none of this day's, in words; '' where it is, or has none.

    As `plan_sql.IN_PLAN` says; but a job without a window that somebody chose fits any day.
    """
    start, end = row["window_start"], row["window_end"]
    start, end = (end if start is None else start), (start if end is None else end)
    from_ms, to_ms = day_bounds(day, moment.zone)
    if start is not None and start >= to_ms:
        return say("its window is on a later day")
    is_past = end is not None and end < from_ms and day != today(moment.now_ms, moment.zone)
    return say("its window is on an earlier day") if is_past else ""


def _add_crew(
    found: PlanInput,
    moment: Moment,
    plan: Plan,
    names: dict[str, str],
    *,
    is_today: bool,
    is_away: bool,
) -> None:
    now_ms = moment.now_ms
    for held in plan.ahead:
        turn = Turn(plan.worker, held.turn, held.position)
        found.turns.setdefault(held.job, turn)
        told = Row(
            held.job,
            held.number,
            held.title,
            (held.window_start, held.window_end),
            held.frontier,
        )
        found.rows.setdefault(held.job, told)
    is_over = is_today and plan.shift is not None and plan.shift[1] <= now_ms
    closed = is_over or is_away or not plan.jobs_on
    if closed and not plan.ahead:
        return
    found.names[plan.worker] = plan.name
    begins_ms = plan.shift[0] if plan.shift else workday_ms(found.day, moment.zone)
    free_ms, start = begins_ms, None
    if is_today:
        free_ms = doing_of(plan, now_ms)[1]
        fresh = plan.begun or not plan.is_old(now_ms)
        start = found.place_of(start_of(plan)) if fresh else None
    known = frozenset(names.get(skill, skill) for skill in plan.skills)
    found.crews.append(
        Crew(
            plan.worker,
            plan.name,
            start,
            free_ms,
            0 if closed else plan.shift[1] if plan.shift else None,
            known,
            tuple(held.stop(found.place_of(held.point)) for held in plan.ahead),
        )
    )
