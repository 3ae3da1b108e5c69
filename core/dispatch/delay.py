"""Delays: which jobs run late or will, why, by how many minutes and since when.

Holds pure definitions on plain values; nothing of it is ever stored. Holds no query and no routes:
the travel time still needed is an input. Invariant: the same values and the same `now_ms` give the
same delays on a hub and on a phone, and a job that is over has none but those that happened.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from core.dispatch.fields import Phase
from core.sentence import marked

MINUTE_MS: Final = 60_000
SLACK_MIN: Final = 10
"""An arrival predicted this close to the end of the window is at risk."""
OVERRUN_SHARE_PERCENT: Final = 125
OVERRUN_MIN: Final = 10
"""On site for more than a quarter over plan, and for ten minutes over it."""
UNACKNOWLEDGED_MIN: Final = 15
BLIND_MIN: Final = 30


class Cause(enum.StrEnum):
    """Why a job needs somebody's eye, the worst first."""

    NO_SHOW = marked("no show")
    """The window is over and nobody set out."""
    LATE_START = marked("late start")
    """Work began, or the worker is still on the way, after the end of the window."""
    LATE_FINISH = marked("late finish")
    """Work ended, or goes on, after it was due."""
    OVERRUN = marked("overrun")
    """On site for much longer than planned."""
    AT_RISK = marked("at risk")
    """The worker is predicted to arrive too close to the end of the window, or after it."""
    BLIND = marked("blind")
    """No position for half an hour while the window is open."""
    UNACKNOWLEDGED = marked("unacknowledged")
    """Sent, and a quarter of an hour later not on the phone."""


DELAYED: Final = frozenset({Cause.NO_SHOW, Cause.LATE_START, Cause.LATE_FINISH, Cause.OVERRUN})
"""The causes that make a job 'delayed'; the others are a warning."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a job goes: what was planned and what is known (UTC ms; None: not planned, not known).

    `phase` is that of the leading assignment, None while nobody is assigned. `eta_s` is the travel
    time still needed from the worker's last position. `on_site_ms` is the time on site with
    breaks cut out; without it, time since the arrival is taken. `sent_ms` is when the assignment
    was made, `received_ms` when the phone had it. `position_ms` is the time of the worker's last
    fix. `due_ms` is when work must be over, without it the window's end and the planned minutes.
    `over` says that the job is cancelled, or its status is done or rejected.
    """

    window_start_ms: int | None = None
    window_end_ms: int | None = None
    planned_min: int | None = None
    due_ms: int | None = None
    phase: Phase | None = None
    sent_ms: int | None = None
    received_ms: int | None = None
    travelling_ms: int | None = None
    arrived_ms: int | None = None
    finished_ms: int | None = None
    on_site_ms: int | None = None
    eta_s: int | None = None
    position_ms: int | None = None
    on_duty: bool = True
    over: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """One trouble: `minutes` late (predicted, where at risk; waited, where nothing was heard)."""

    cause: Cause
    minutes: int
    since_ms: int


def delays(course: Course, now_ms: int) -> list[Delay]:
    """All troubles of a job at `now_ms`, the worst first."""
    found = (
        no_show(course, now_ms),
        late_start(course, now_ms),
        late_finish(course, now_ms),
        overrun(course, now_ms),
        at_risk(course, now_ms),
        blind(course, now_ms),
        unacknowledged(course, now_ms),
    )
    return [delay for delay in found if delay is not None]


def is_delayed(troubles: list[Delay]) -> bool:
    """Whether the job counts as delayed, and is not only at risk of it."""
    return any(delay.cause in DELAYED for delay in troubles)


def waits(course: Course) -> bool:
    """Whether work has still to begin."""
    return not course.over and course.arrived_ms is None and course.finished_ms is None


def _minutes(late_ms: int) -> int:
    return -(-late_ms // MINUTE_MS)


def _late(cause: Cause, at_ms: int, limit_ms: int) -> Delay | None:
    return Delay(cause, _minutes(at_ms - limit_ms), limit_ms) if at_ms > limit_ms else None


def no_show(course: Course, now_ms: int) -> Delay | None:
    """The window is over, and nobody has set out, or nobody is assigned."""
    if not waits(course) or course.window_end_ms is None or course.travelling_ms is not None:
        return None
    return _late(Cause.NO_SHOW, now_ms, course.window_end_ms)


def late_start(course: Course, now_ms: int) -> Delay | None:
    """Work began after the window, or has not begun and somebody is on the way."""
    if course.window_end_ms is None:
        return None
    if course.arrived_ms is not None:
        return _late(Cause.LATE_START, course.arrived_ms, course.window_end_ms)
    if not waits(course) or course.travelling_ms is None:
        return None
    return _late(Cause.LATE_START, now_ms, course.window_end_ms)


def due_ms(course: Course) -> int | None:
    """When work must be over (UTC ms): what was said, else the window's end and the plan."""
    if course.due_ms is not None:
        return course.due_ms
    if course.window_end_ms is None or course.planned_min is None:
        return None
    return course.window_end_ms + course.planned_min * MINUTE_MS


def late_finish(course: Course, now_ms: int) -> Delay | None:
    """Work ended after it was due, or goes on after that."""
    until_ms = due_ms(course)
    if until_ms is None:
        return None
    if course.finished_ms is not None:
        return _late(Cause.LATE_FINISH, course.finished_ms, until_ms)
    if course.over or course.arrived_ms is None:
        return None
    return _late(Cause.LATE_FINISH, now_ms, until_ms)


def overrun_limit_ms(planned_min: int) -> int:
    """So long on site, in ms, is no overrun yet."""
    planned_ms = planned_min * MINUTE_MS
    return max(planned_ms * OVERRUN_SHARE_PERCENT // 100, planned_ms + OVERRUN_MIN * MINUTE_MS)


def overrun(course: Course, now_ms: int) -> Delay | None:
    """On site for more than 125 % of the plan, and for more than ten minutes over it."""
    if course.planned_min is None or course.arrived_ms is None:
        return None
    if course.over and course.finished_ms is None:
        return None
    until_ms = now_ms if course.finished_ms is None else course.finished_ms
    worked_ms = until_ms - course.arrived_ms if course.on_site_ms is None else course.on_site_ms
    planned_ms = course.planned_min * MINUTE_MS
    limit_ms = overrun_limit_ms(course.planned_min)
    if worked_ms <= limit_ms:
        return None
    since_ms = until_ms - (worked_ms - limit_ms)
    return Delay(Cause.OVERRUN, _minutes(worked_ms - planned_ms), since_ms)


def at_risk(course: Course, now_ms: int) -> Delay | None:
    """The predicted arrival is later than ten minutes before the end of the window.

    The prediction is from now, or from the last position where that is known and the worker is on
    the way; without a travel time the end of the window itself comes near. `minutes` is how far the
    arrival is predicted after the end (0: before it); since when: when setting out became too late.
    """
    if not waits(course) or course.window_end_ms is None:
        return None
    eta_ms = (course.eta_s or 0) * 1_000
    from_ms = now_ms
    if course.travelling_ms is not None and course.position_ms is not None:
        from_ms = course.position_ms
    limit_ms = course.window_end_ms - SLACK_MIN * MINUTE_MS
    arrival_ms = max(from_ms + eta_ms, now_ms)
    if arrival_ms <= limit_ms or now_ms > course.window_end_ms:
        return None
    return Delay(
        Cause.AT_RISK,
        max(0, _minutes(arrival_ms - course.window_end_ms)),
        min(now_ms, limit_ms - eta_ms),
    )


def blind(course: Course, now_ms: int) -> Delay | None:
    """Nothing heard of the worker's place for half an hour, inside the window and on duty."""
    if not waits(course) or course.phase is None or not course.on_duty:
        return None
    start_ms, end_ms = course.window_start_ms, course.window_end_ms
    if start_ms is None or end_ms is None or not start_ms <= now_ms <= end_ms:
        return None
    # A phone that never told a place is blind since the window began.
    heard_ms = (
        start_ms - BLIND_MIN * MINUTE_MS if course.position_ms is None else course.position_ms
    )
    since_ms = max(heard_ms + BLIND_MIN * MINUTE_MS, start_ms)
    if now_ms - heard_ms <= BLIND_MIN * MINUTE_MS:
        return None
    return Delay(Cause.BLIND, (now_ms - heard_ms) // MINUTE_MS, since_ms)


def unacknowledged(course: Course, now_ms: int) -> Delay | None:
    """Assigned for a quarter of an hour, and the phone has not said that it has it."""
    if course.over or course.sent_ms is None or course.received_ms is not None:
        return None
    if course.phase not in (None, Phase.ASSIGNED):
        return None
    limit_ms = course.sent_ms + UNACKNOWLEDGED_MIN * MINUTE_MS
    if now_ms <= limit_ms:
        return None
    return Delay(Cause.UNACKNOWLEDGED, (now_ms - course.sent_ms) // MINUTE_MS, limit_ms)
