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
from core.dispatch.fields import Phase
from hub.hub import Hub
from hub.map.travel import travel_to
from web.board.reach import ASKED_AT_ONCE, Reach, Turn, reach_of
from web.board.reader import Rows

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

    `minutes` is how late it is; where it is only at risk, how late it will be.
    """

    job: str
    level: str
    cause: str
    minutes: int
    unacknowledged: bool


async def compute_alerts(hub: Hub, now_ms: int) -> list[Alert]:
    """The alerts of all jobs that are open or in progress, at `now_ms`."""
    reader = hub.reader
    rows = await reader.rows(_LIVE)
    on_site = {row["job"]: row for row in await reader.rows(_ON_SITE)}
    set_out = await _set_out(reader, [bytes.fromhex(row["job"]) for row in rows])
    reach = await _reach(hub, rows)
    eta_s = _travel_s(hub, rows, now_ms)
    found = []
    for row in rows:
        course = _course(hub, row, now_ms, on_site, set_out, reach, eta_s)
        alert = _alert(row["job"], row["worker"], delays(course, now_ms))
        if alert is not None:
            found.append(alert)
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
    hub: Hub,
    row: Any,
    now_ms: int,
    on_site: dict[str, Any],
    set_out: dict[str, int],
    reach: dict[str, Reach],
    eta_s: dict[str, int],
) -> Course:
    job = row["job"]
    presence = hub.presence.get(row["worker"]) if row["worker"] else None
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
        position_ms=presence.at_ms if presence is not None else None,
        # Without a word of the phone's own nothing is known of duty, and blindness is no fault.
        on_duty=presence.duty if presence is not None else False,
    )


def _alert(job: str, worker: str, troubles: list[Delay]) -> Alert | None:
    untold = any(trouble.cause in _UNTOLD for trouble in troubles)
    worst = next((trouble for trouble in troubles if trouble.cause not in _UNTOLD), None)
    if worst is None:
        return Alert(job, "", "", 0, untold) if untold else None
    level = "delayed" if is_delayed([worst]) else "at risk"
    words = _WORDS_BY_CAUSE.get(worst.cause, worst.cause.value)
    if worst.cause is Cause.NO_SHOW and not worker:
        words = "nobody assigned"
    elif worst.cause is Cause.AT_RISK and not worker:
        words = "unassigned"
    elif worst.cause is Cause.AT_RISK and worst.minutes == 0:
        words = "window ends"
    elif worst.cause is Cause.BLIND:
        return Alert(job, level, f"no position for {worst.minutes} min", 0, untold)
    return Alert(job, level, words, worst.minutes, untold)
