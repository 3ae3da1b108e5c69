"""Which live jobs run late, why and by how many minutes, computed for the board at one moment.

Gathers the facts of jobs that are not over and asks `core.dispatch.delay`, which is the same on
every replica; nothing of it is stored. Invariant: a job that is done, rejected or cancelled has no
alert, so a late job leaves the board's exceptions when it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.delay import Cause, Course, Delay, delays, is_delayed
from core.dispatch.duty import DUTY_MS_MAX
from core.dispatch.fields import Phase
from core.dispatch.snooze import aside_until
from hub.hub import Hub
from hub.map.travel import travel_to
from web.board.reach import ASKED_AT_ONCE, Reach, Turn, reach_of
from web.board.reader import Rows
from web.phones import phones_of

HORIZON_MS: Final = 4 * 3_600_000
"""Travel times are asked for jobs whose window ends within this; few drives take longer."""

_LIVE: Final = """
    SELECT job.job, job.window_start, job.window_end, job.planned_minutes, job.worker, job.phase,
           job.arrived_at, job.finished_at, job.lat_e7, job.lon_e7,
           assignment.turn, assignment.entry, max(assignment.assigned_at) AS assigned_at
    FROM job LEFT JOIN assignment ON assignment.job = job.job AND assignment.worker = job.worker
         AND assignment.phase NOT IN ('withdrawn', 'released')
    WHERE job.status IN ('open', 'in progress')
    GROUP BY job.job
"""
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
    Cause.NO_SHOW: "nobody set out",
    Cause.LATE_START: "late start",
    Cause.LATE_FINISH: "late finish",
    Cause.OVERRUN: "longer than planned",
    Cause.AT_RISK: "arrives too late",
    Cause.BLIND: "no position",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """One job's trouble. `level` is 'delayed', 'at risk' or ''; `cause` in words.

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
class _Heard:
    """What is known of a worker's phone: where its word of a place is from, and whether on duty."""

    at_ms: int | None
    on_duty: bool


async def compute_alerts(hub: Hub, now_ms: int) -> list[Alert]:
    """The alerts of all jobs that are open or in progress, at `now_ms`."""
    reader = hub.reader
    rows = await reader.rows(_LIVE)
    on_site = {row["job"]: row for row in await reader.rows(_ON_SITE)}
    set_out = await _set_out(reader, [bytes.fromhex(row["job"]) for row in rows])
    reach = await _reach(hub, rows)
    eta_s = _travel_s(hub, rows, now_ms)
    heard = await _heard(hub, now_ms)
    aside = await put_aside(reader)
    found = []
    for row in rows:
        course = _course(row, now_ms, on_site, set_out, reach, eta_s, heard)
        alert = _alert(row, course, delays(course, now_ms), aside, now_ms)
        if alert is not None:
            found.append(alert)
    return found


async def put_aside(reader: Rows) -> dict[str, list[tuple[str, int]]]:
    """What the office has put aside: kinds of alert and until when (ms), by stream (hex)."""
    found: dict[str, list[tuple[str, int]]] = {}
    for row in await reader.rows(_ASIDE):
        found.setdefault(row["stream"], []).append((row["field"], int(row["until_ms"] or 0)))
    return found


async def _heard(hub: Hub, now_ms: int) -> dict[str, _Heard]:
    """How each worker's phone was last heard.

    A presence says it best. It is in memory alone: after a restart, the log says who is on duty,
    and the sessions say when each phone was met.
    """
    on_duty = await hub.reader.rows(_ON_DUTY, (now_ms - DUTY_MS_MAX,))
    met: dict[str, int] = {}
    for phone in await phones_of(hub):
        met[phone.worker] = max(met.get(phone.worker, 0), phone.heard_at_ms or 0)
    found = {row["worker"]: _Heard(met.get(row["worker"]) or None, True) for row in on_duty}
    found |= {
        worker: _Heard(presence.at_ms, presence.duty) for worker, presence in hub.presence.items()
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


async def _reach(hub: Hub, rows: Sequence[Any]) -> dict[str, Reach]:
    """What the phones know of assignments that nobody has reacted to yet."""
    turns = [
        Turn(row["job"], row["worker"], row["turn"], row["entry"])
        for row in rows
        if row["worker"] and row["turn"] and row["phase"] == "assigned"
    ]
    return {turn.job: level for turn, level in (await reach_of(hub.reader, turns)).items()}


def _travel_s(hub: Hub, rows: Sequence[Any], now_ms: int) -> dict[str, int]:
    """Travel time still needed, by job, for those that are due within the horizon."""
    roads = hub.region.roads if hub.region is not None else None
    found = {}
    for row in rows:
        presence = hub.presence.get(row["worker"])
        if presence is None or presence.lat_e7 is None or presence.lon_e7 is None:
            continue
        end = row["window_end"]
        if row["lat_e7"] is None or end is None or not now_ms <= end <= now_ms + HORIZON_MS:
            continue
        start = (presence.lat_e7, presence.lon_e7)
        (travel,) = travel_to(roads, (row["lat_e7"], row["lon_e7"]), [start])
        found[row["job"]] = round(travel.seconds)
    return found


def _course(
    row: Any,
    now_ms: int,
    on_site: dict[str, Any],
    set_out: dict[str, int],
    reach: dict[str, Reach],
    eta_s: dict[str, int],
    heard: dict[str, _Heard],
) -> Course:
    job = row["job"]
    phone = heard.get(row["worker"]) if row["worker"] else None
    known = reach.get(job)
    phase = _PHASE_BY_WORDS.get(row["phase"]) if row["worker"] else None
    received = known is not None and known.level != "assigned"
    worked = on_site.get(job)
    worked_ms = None
    if worked is not None:
        running = worked["open_since"]
        worked_ms = worked["seconds"] * 1000 + (max(now_ms - running, 0) if running else 0)
    return Course(
        window_start_ms=row["window_start"],
        window_end_ms=row["window_end"],
        planned_min=row["planned_minutes"],
        phase=phase,
        sent_ms=row["assigned_at"] if row["worker"] else None,
        received_ms=row["assigned_at"] if received else None,
        travelling_ms=set_out.get(job),
        arrived_ms=row["arrived_at"],
        finished_ms=row["finished_at"],
        on_site_ms=worked_ms,
        eta_s=eta_s.get(job),
        position_ms=phone.at_ms if phone is not None else None,
        # Where nothing says that anybody is on duty, blindness is no fault.
        on_duty=phone is not None and phone.on_duty,
    )


def _alert(
    row: Any,
    course: Course,
    troubles: list[Delay],
    aside: dict[str, list[tuple[str, int]]],
    now_ms: int,
) -> Alert | None:
    if not troubles:
        return None
    untold = any(trouble.cause in _UNTOLD for trouble in troubles)
    worst = next((trouble for trouble in troubles if trouble.cause not in _UNTOLD), None)
    until_ms = aside_until(troubles[0].cause.value, aside.get(row["job"], ()), now_ms)
    level, words, minutes = "", "", 0
    if worst is not None:
        level = "delayed" if is_delayed([worst]) else "at risk"
        words = _words(worst, row["worker"])
        minutes = 0 if worst.cause is Cause.BLIND else worst.minutes
    return Alert(row["job"], level, words, minutes, untold, tuple(troubles), course, until_ms)


def _words(worst: Delay, worker: str) -> str:
    match worst.cause:
        case Cause.NO_SHOW if not worker:
            return "nobody assigned"
        case Cause.AT_RISK if not worker:
            return "unassigned"
        case Cause.AT_RISK if worst.minutes == 0:
            return "window ends"
        case Cause.BLIND:
            return f"no position for {worst.minutes} min"
    return _WORDS_BY_CAUSE.get(worst.cause, worst.cause.value)
