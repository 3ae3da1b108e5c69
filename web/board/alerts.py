"""Which live jobs run late, why and by how many minutes, computed for the board at one moment.

Gathers the facts of jobs that are not over and asks `core.dispatch.delay`, which is the same on
every replica; nothing of it is stored. Invariant: a job that is done, rejected or cancelled has no
alert, so a late job leaves the board's exceptions when it is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.delay import Cause, Course, Delay, delays, is_delayed
from core.dispatch.duty import DUTY_MS_MAX
from core.dispatch.fields import Phase
from core.dispatch.snooze import aside_until
from core.sentence import marked
from hub.hub import Hub
from hub.map.travel import travel_to
from web.board.reach import ASKED_AT_ONCE, Reach, Turn, reach_of
from web.board.reader import Rows
from web.phones import phones_of

HORIZON_MS: Final = 4 * 3_600_000
"""Travel times are asked for jobs whose window ends within this; few drives take longer."""

_LIVE: Final = """
    SELECT job.job, job.frontier, job.window_start, job.window_end, job.planned_minutes,
           job.worker, job.phase, job.arrived_at, job.finished_at, job.lat_e7, job.lon_e7,
           assignment.turn, assignment.entry, max(assignment.assigned_at) AS assigned_at
    FROM {jobs} LEFT JOIN assignment ON assignment.job = job.job AND assignment.worker = job.worker
         AND assignment.phase NOT IN ('withdrawn', 'released')
    WHERE job.status IN ('open', 'in progress')
    GROUP BY job.job
"""
_ALL: Final = "job"
_SOME: Final = "json_each(?) AS asked CROSS JOIN job ON job.job = asked.value"
_ON_SITE: Final = """
    SELECT job.job, sum(time_log.seconds) AS seconds,
           max(CASE WHEN time_log.stop_at IS NULL THEN time_log.start_at END) AS open_since
    FROM job JOIN time_log ON time_log.job = job.job
    WHERE job.status = 'in progress' AND time_log.kind = 'on site' AND NOT time_log.superseded
    GROUP BY job.job
"""
_SET_OUT: Final = """
    SELECT job, min(at) AS at FROM phase_time WHERE phase = ? AND job IN ({}) GROUP BY job
"""
# Who is on duty by the log, for phones that have said nothing since this hub was started.
_ON_DUTY: Final = "SELECT DISTINCT worker FROM duty WHERE stop_at IS NULL AND start_at > ?"
_ASIDE: Final = """
    SELECT stream, field, json_extract(shown, '$.value') AS until_ms FROM conflict
    WHERE kind = 'snoozed'
"""
_PHASE_BY_WORDS: Final = {phase.name.lower().replace("_", " "): phase for phase in Phase}
_UNTOLD: Final = frozenset({Cause.UNACKNOWLEDGED})
_WORDS_BY_CAUSE: Final = {
    Cause.NO_SHOW: marked("nobody set out"),
    Cause.LATE_START: marked("late start"),
    Cause.LATE_FINISH: marked("late finish"),
    Cause.OVERRUN: marked("longer than planned"),
    Cause.AT_RISK: marked("arrives too late"),
    Cause.BLIND: marked("no position"),
}


@dataclass(frozen=True, slots=True)
class Alert:
    """One job's trouble. `level` is 'delayed', 'at risk' or ''; `cause` in English.

    `minutes` is how late it is; where it is only at risk, how late it will be. `troubles` are all
    that there are, the worst first, and `course` is what they follow from. `aside_until_ms` says
    until when the office has put the worst aside, 0 where it has not.
    """

    job: str
    level: str
    cause: str
    minutes: int
    unacknowledged: bool
    troubles: tuple[Delay, ...]
    course: Course
    aside_until_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a worker's phone: where its word of a place is from, and whether on duty.

    `is_here` says that the phone is in session: whatever it knows is as new as now.
    """

    at_ms: int | None
    on_duty: bool
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store says of one live job: its row, and what stands beside it.

    `worked_s` are the seconds counted on site, None without any; `works_since_ms` is when a log
    began that is still open.
    """

    row: Any
    set_out_ms: int | None
    reach: Reach | None
    worked_s: int | None = None
    works_since_ms: int | None = None


async def compute_alerts(hub: Hub, now_ms: int) -> list[Alert]:
    """The alerts of all jobs that are open or in progress, at `now_ms`, from nothing."""
    facts = await facts_of(hub.reader)
    heard = await heard_of(hub, now_ms)
    aside = await put_aside(hub.reader)
    found = []
    for job, known in facts.items():
        course = course_of(known, now_ms, travel_s(hub, known.row, now_ms), heard)
        alert = alert_of(known, course, aside.get(job, ()), now_ms)
        if alert is not None:
            found.append(alert)
    return found


async def facts_of(reader: Rows, jobs: Sequence[str] | None = None) -> dict[str, Facts]:
    """The facts of all live jobs, or of those among `jobs` (hex ids) that are live, by job."""
    if jobs is None:
        rows = await reader.rows(_LIVE.format(jobs=_ALL))
    else:
        rows = await reader.rows(_LIVE.format(jobs=_SOME), (json.dumps(list(jobs)),))
    set_out = await _set_out(reader, [bytes.fromhex(row["job"]) for row in rows])
    reach = await reach_of_rows(reader, rows)
    worked = await worked_of(reader)
    return {
        row["job"]: Facts(
            row,
            set_out.get(row["job"]),
            reach.get(row["job"]),
            *worked.get(row["job"], (None, None)),
        )
        for row in rows
    }


async def worked_of(reader: Rows) -> dict[str, tuple[int, int | None]]:
    """Seconds on site, and since when a log is open, of all jobs in progress that have any."""
    rows = await reader.rows(_ON_SITE)
    return {row["job"]: (row["seconds"], row["open_since"]) for row in rows}


async def put_aside(reader: Rows) -> dict[str, list[tuple[str, int]]]:
    """What the office has put aside: kinds of alert and until when (ms), by stream (hex)."""
    found: dict[str, list[tuple[str, int]]] = {}
    for row in await reader.rows(_ASIDE):
        found.setdefault(row["stream"], []).append((row["field"], int(row["until_ms"] or 0)))
    return found


async def heard_of(hub: Hub, now_ms: int) -> dict[str, Heard]:
    """How each worker's phone was last heard.

    A presence says it best. It is in memory alone: after a restart, the log says who is on duty,
    and the sessions say when each phone was met.
    """
    on_duty = await hub.reader.rows(_ON_DUTY, (now_ms - DUTY_MS_MAX,))
    met: dict[str, int] = {}
    here = {author.hex() for author in hub.conversations}
    present: set[str] = set()
    for phone in await phones_of(hub):
        met[phone.worker] = max(met.get(phone.worker, 0), phone.heard_at_ms or 0)
        if phone.author in here:
            present.add(phone.worker)
    found = {
        row["worker"]: Heard(
            None if row["worker"] in present else met.get(row["worker"]) or None,
            True,
            row["worker"] in present,
        )
        for row in on_duty
    }
    found |= {
        worker: Heard(presence.at_ms, presence.duty) for worker, presence in hub.presence.items()
    }
    return found


async def _set_out(reader: Rows, jobs: Sequence[bytes]) -> dict[str, int]:
    """When somebody first set out to each job, ms, as far as anybody did."""
    found = {}
    for start in range(0, len(jobs), ASKED_AT_ONCE):
        some = jobs[start : start + ASKED_AT_ONCE]
        question = _SET_OUT.format(", ".join("?" * len(some)))
        for row in await reader.rows(question, [int(Phase.TRAVELLING), *some]):
            found[row["job"].hex()] = row["at"]
    return found


async def reach_of_rows(reader: Rows, rows: Sequence[Any]) -> dict[str, Reach]:
    """What the phones know of the assignments that lead jobs, by job."""
    turns = [
        Turn(row["job"], row["worker"], row["turn"], row["entry"])
        for row in rows
        if row["worker"] and row["turn"]
    ]
    return {turn.job: level for turn, level in (await reach_of(reader, turns)).items()}


def travel_s(hub: Hub, row: Any, now_ms: int) -> int | None:
    """Travel time that a job's worker still needs, where it is known and due within the horizon."""
    presence = hub.presence.get(row["worker"])
    if presence is None or presence.lat_e7 is None or presence.lon_e7 is None:
        return None
    end = row["window_end"]
    if row["lat_e7"] is None or end is None or not now_ms <= end <= now_ms + HORIZON_MS:
        return None
    roads = hub.region.roads if hub.region is not None else None
    start = (presence.lat_e7, presence.lon_e7)
    (travel,) = travel_to(roads, (row["lat_e7"], row["lon_e7"]), [start])
    return round(travel.seconds)


def course_of(known: Facts, now_ms: int, eta_s: int | None, heard: Mapping[str, Heard]) -> Course:
    """How a job goes at a moment."""
    row = known.row
    phone = heard.get(row["worker"]) if row["worker"] else None
    phase = _PHASE_BY_WORDS.get(row["phase"]) if row["worker"] else None
    received = known.reach is not None and known.reach.level != "assigned"
    worked_ms = None
    if known.worked_s is not None:
        since_ms = known.works_since_ms
        worked_ms = known.worked_s * 1000 + (max(now_ms - since_ms, 0) if since_ms else 0)
    position_ms = None
    if phone is not None:
        position_ms = now_ms if phone.is_here else phone.at_ms
    return Course(
        window_start_ms=row["window_start"],
        window_end_ms=row["window_end"],
        planned_min=row["planned_minutes"],
        phase=phase,
        sent_ms=row["assigned_at"] if row["worker"] else None,
        received_ms=row["assigned_at"] if received else None,
        travelling_ms=known.set_out_ms,
        arrived_ms=row["arrived_at"],
        finished_ms=row["finished_at"],
        on_site_ms=worked_ms,
        eta_s=eta_s,
        position_ms=position_ms,
        # Where nothing says that anybody is on duty, blindness is no fault.
        on_duty=phone is not None and phone.on_duty,
    )


def alert_of(
    known: Facts, course: Course, aside: Iterable[tuple[str, int]], now_ms: int
) -> Alert | None:
    """The alert of a job that goes so, None where it has no trouble."""
    troubles = delays(course, now_ms)
    if not troubles:
        return None
    row = known.row
    untold = any(trouble.cause in _UNTOLD for trouble in troubles)
    worst = next((trouble for trouble in troubles if trouble.cause not in _UNTOLD), None)
    until_ms = aside_until(troubles[0].cause.value, aside, now_ms)
    level, words, minutes = "", "", 0
    if worst is not None:
        level = "delayed" if is_delayed([worst]) else "at risk"
        words = _words(worst, row["worker"])
        minutes = 0 if worst.cause is Cause.BLIND else worst.minutes
    return Alert(row["job"], level, words, minutes, untold, tuple(troubles), course, until_ms)


def _words(worst: Delay, worker: str) -> str:
    match worst.cause:
        case Cause.NO_SHOW if not worker:
            return marked("nobody assigned")
        case Cause.AT_RISK if not worker:
            return marked("unassigned")
        case Cause.AT_RISK if worst.minutes == 0:
            return marked("window ends")
        case Cause.BLIND:
            return f"no position for {worst.minutes} min"
    return _WORDS_BY_CAUSE.get(worst.cause, worst.cause.value)
