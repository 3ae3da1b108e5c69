"""The facts that a planner draws and plans with: who works, which jobs a day has, who has them.

Holds the SQL of the planner and makes `PlanStop`s of it, and nothing that is shown. Every question
is bounded: by what is not over, by a week before the day, by the logs of these workers' days. What
a limit leaves out is the same each time, and is said.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.geometry import Point
from core.sentence import say
from hub.map.roads import Roads
from hub.map.travel import air_travel, travel_to
from web import formats
from web.board.days import day_bounds
from web.board.plan_lines import Legs, PlanStop, Span
from web.board.plan_sql import IN_PLAN, POINT, SITE
from web.board.state import Moment
from web.board.workers import workers
from web.phones import HEARD_MS_MAX, phones_of

JOBS_MAX: Final = 5_000
"""More than a day of the largest site; what is beyond is said, not drawn."""
LONG_WINDOW_MS: Final = 8 * formats.DAY_MS
"""A job that is over and whose window began longer before belongs to no later day's plan."""
ROAD_LEGS_MAX: Final = 24
"""Searches of roads for one preview; what is more is reckoned by the air line."""

# What begins later is left out by the index alone, before a row of it is read.
_DUE: Final = f"""
    SELECT job.job FROM job WHERE job.status IN ('open', 'in progress')
        AND coalesce(job.window_start, 0) < ?2
        AND {IN_PLAN.format(start="?1", end="?2", present="?4")}
    UNION
    SELECT job FROM job WHERE status IN ('done', 'rejected')
        AND window_start < ?2 AND window_start >= ?3 AND coalesce(window_end, window_start) >= ?1
    UNION
    SELECT value FROM json_each(?5)
"""
_COLUMNS: Final = f"""
    job.job, job.number, job.title, job.status, job.priority, job.window_start, job.window_end,
    job.planned_minutes, {POINT}, job.frontier, job.skills, job.arrived_at,
    coalesce(turn.worker, ''), coalesce(turn.turn, ''), coalesce(turn.phase, ''),
    coalesce(turn.position, 0)
    FROM job {SITE}
    LEFT JOIN assignment AS turn ON turn.job = job.job
        AND turn.phase NOT IN ('withdrawn', 'released', 'rejected')
"""
_STOPS: Final = f"""
    SELECT {_COLUMNS} WHERE job.job IN ({_DUE}) AND job.status <> 'cancelled'
        AND CASE WHEN turn.worker IS NULL THEN ?6 AND job.status IN ('open', 'rejected')
            ELSE turn.worker IN (SELECT value FROM json_each(?7)) END
    ORDER BY job.job, turn.worker, turn.turn LIMIT ?8
"""
_LOGS: Final = """
    SELECT its.word AS worker, named.word AS job, kind.word AS kind, log.start_at, log.stop_at
    FROM json_each(?1) AS wanted JOIN word AS its ON its.word = wanted.value
    JOIN word AS days JOIN time_log_row AS log ON log.worker = its.number AND log.day = days.number
    JOIN word AS named ON named.number = log.job JOIN word AS kind ON kind.number = log.kind
    WHERE days.word IN (SELECT value FROM json_each(?2)) AND NOT log.superseded
    ORDER BY log.start_at, log.log
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """A time log as a plan draws it: ms UTC, `stop_ms` None while it goes on."""

    job: str
    kind: str
    start_ms: int
    stop_ms: int | None


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What some days hold: `stops` by worker, those that nobody has under '', logs by worker.

    `full` says that there was more than is held here.
    """

    people: tuple[Any, ...]
    stops: dict[str, list[PlanStop]]
    logs: dict[str, list[Logged]]
    full: bool


async def facts_of(
    moment: Moment,
    days: Sequence[dt.date],
    wanted: Callable[[Any], bool],
    *,
    unassigned: bool,
    jobs_max: int = JOBS_MAX,
) -> DayFacts:
    """The facts of these days, which follow each other, for the workers that `wanted` lets pass.

    With `unassigned` also the jobs that nobody has.
    """
    reader = moment.hub.reader
    people = tuple(row for row in await workers(reader) if wanted(row))
    ids = [row["worker"] for row in people]
    start, end = day_bounds(days[0], moment.zone)[0], day_bounds(days[-1], moment.zone)[1]
    eve = days[0] - dt.timedelta(days=1)
    logs: dict[str, list[Logged]] = defaultdict(list)
    for row in await reader.rows(
        _LOGS, (json.dumps(ids), json.dumps([day.isoformat() for day in (eve, *days)]))
    ):
        if row["start_at"] < end and (row["stop_at"] is None or row["stop_at"] > start):
            one = Logged(row["job"], row["kind"], row["start_at"], row["stop_at"])
            logs[row["worker"]].append(one)
    logged = sorted({one.job for some in logs.values() for one in some if one.job})
    present = start <= moment.now_ms < end
    since = start - LONG_WINDOW_MS
    rows = await reader.rows(
        _STOPS,
        (start, end, since, present, json.dumps(logged), unassigned, json.dumps(ids), jobs_max + 1),
    )
    stops: dict[str, list[PlanStop]] = defaultdict(list)
    for row in rows[:jobs_max]:
        stop = PlanStop._make(row)
        stops[stop.worker].append(stop)
    return DayFacts(people, dict(stops), dict(logs), len(rows) > jobs_max)


async def stops_of_job(moment: Moment, job: str) -> list[PlanStop]:
    """A job with each of the workers who have it; one stop of nobody's where none has."""
    rows = await moment.hub.reader.rows(f"SELECT {_COLUMNS} WHERE job.job = ?", (job,))
    return [PlanStop._make(row) for row in rows]


def air_legs(start: Point | None, end: Point | None) -> int:
    """Seconds by the air line with a detour: quick enough for every leg of every day."""
    return 0 if start is None or end is None else round(air_travel(start, end).seconds)


def road_legs(roads: Roads | None) -> tuple[Legs, set[str]]:
    """Seconds by these roads where there are some, and the sources that were used so far.

    A leg may take a tenth of a second: ask away from the loop.
    """
    known: dict[tuple[Point, Point], int] = {}
    sources: set[str] = set()

    def legs(start: Point | None, end: Point | None) -> int:
        if start is None or end is None:
            return 0
        if (start, end) not in known:
            (travel,) = travel_to(roads if len(known) < ROAD_LEGS_MAX else None, end, [start])
            known[(start, end)] = round(travel.seconds)
            sources.add(travel.source.value)
        return known[(start, end)]

    return legs, sources


async def silence_of(moment: Moment) -> dict[str, str]:
    """Workers whose phones have said nothing for a while, with that in a sentence, by worker."""
    heard: dict[str, int] = {}
    for phone in await phones_of(moment.hub):
        heard[phone.worker] = max(heard.get(phone.worker, 0), phone.heard_at_ms or 0)
    found: dict[str, str] = {}
    for worker, at_ms in heard.items():
        if at_ms == 0:
            found[worker] = say("phone never heard")
        elif moment.now_ms - at_ms > HEARD_MS_MAX:
            words = formats.moment_words(at_ms, moment.zone, moment.now_ms)
            found[worker] = say("phone silent since {moment}", moment=words)
    for row in await workers(moment.hub.reader):
        if row["worker"] not in heard:
            found[row["worker"]] = say("no phone yet")
    return found


def shift_minutes(row: Any) -> object:
    """The shift of a worker's row: [start, end] in minutes of the day, or None."""
    return json.loads(row["shift"]) if row["shift"] else None


def span_words(span: Span, zone: ZoneInfo) -> str:
    """`10:00–11:00` on the site's clock."""
    start, end = span
    return f"{formats.clock_words(start, zone)}–{formats.clock_words(end, zone)}"
