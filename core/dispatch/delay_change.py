"""When a job's delays can be others than they are now, if nothing is heard meanwhile.

A board of thousands of jobs looks at each again when its time has come, and not at every commit.
Holds one bound for each rule of `core.dispatch.delay`. Invariant: between `now_ms` and the moment
before the answer, `delays` of the same course says the same; the answer may be too early, never
too late.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.dispatch.delay import (
    BLIND_MIN,
    MINUTE_MS,
    SLACK_MIN,
    UNACKNOWLEDGED_MIN,
    Course,
    due_ms,
    overrun_limit_ms,
    waits,
)
from core.dispatch.fields import Phase


def next_change_ms(course: Course, now_ms: int, *, is_working: bool = False) -> int | None:
    """The first moment (UTC ms, after `now_ms`) at which `delays` may say another thing.

    `is_working` says that `on_site_ms` is known and grows with the clock, as a time log is open.
    None where the clock alone changes nothing any more.
    """
    return min(
        (at_ms for at_ms in _moments(course, now_ms, is_working) if at_ms > now_ms), default=None
    )


def _moments(course: Course, now_ms: int, is_working: bool) -> Iterator[int]:
    end_ms, is_waited_for = course.window_end_ms, waits(course)
    if end_ms is not None and is_waited_for:
        # Both that nobody came and that somebody comes late count their minutes from the end.
        yield _next_late(end_ms, now_ms)
        yield from _risk(course, end_ms, now_ms)
        yield from _blind(course, end_ms, now_ms)
    until_ms = due_ms(course)
    if until_ms is not None and course.arrived_ms is not None and course.finished_ms is None:
        yield _next_late(until_ms, now_ms)
    yield from _overrun(course, now_ms, is_working)
    yield from _unacknowledged(course, now_ms)


def _next_late(limit_ms: int, now_ms: int) -> int:
    """When what counts begun minutes from a limit on counts one more."""
    begun = max(0, -(-(now_ms - limit_ms) // MINUTE_MS))
    return limit_ms + begun * MINUTE_MS + 1


def _next_whole(since_ms: int, now_ms: int) -> int:
    """When what counts whole minutes since a moment counts one more."""
    return since_ms + ((now_ms - since_ms) // MINUTE_MS + 1) * MINUTE_MS


def _risk(course: Course, end_ms: int, now_ms: int) -> Iterator[int]:
    travel_ms = (course.eta_s or 0) * 1_000
    limit_ms = end_ms - SLACK_MIN * MINUTE_MS
    if course.position_ms is not None and course.position_ms > now_ms:
        # A clock was set back: until then, since when depends on the moment of asking.
        yield now_ms + 1
    yield limit_ms + 1
    yield limit_ms - travel_ms + 1
    yield _next_late(end_ms - travel_ms, now_ms)


def _blind(course: Course, end_ms: int, now_ms: int) -> Iterator[int]:
    start_ms = course.window_start_ms
    if course.phase is None or not course.on_duty or start_ms is None:
        return
    yield start_ms
    yield end_ms + 1
    if not start_ms <= now_ms <= end_ms:
        return
    silent_ms = BLIND_MIN * MINUTE_MS
    heard_ms = start_ms - silent_ms if course.position_ms is None else course.position_ms
    yield heard_ms + silent_ms + 1
    if now_ms - heard_ms > silent_ms:
        yield _next_whole(heard_ms, now_ms)


def _overrun(course: Course, now_ms: int, is_working: bool) -> Iterator[int]:
    finished_ms, worked_ms = course.finished_ms, course.on_site_ms
    if course.planned_min is None or course.arrived_ms is None:
        return
    if finished_ms is None and course.over:
        return
    if finished_ms is not None and not is_working:
        return
    limit_ms = overrun_limit_ms(course.planned_min)
    if worked_ms is not None and worked_ms > limit_ms and is_working == (finished_ms is not None):
        # One of what is worked and until when stands still while the other moves on, so how long
        # ago the limit was passed is another at each moment: in a break, say.
        yield now_ms + 1
    elif worked_ms is None or is_working:
        began_ms = course.arrived_ms if worked_ms is None else now_ms - worked_ms
        yield began_ms + limit_ms + 1
        yield _next_late(began_ms + course.planned_min * MINUTE_MS, now_ms)


def _unacknowledged(course: Course, now_ms: int) -> Iterator[int]:
    if course.over or course.sent_ms is None or course.received_ms is not None:
        return
    if course.phase not in (None, Phase.ASSIGNED):
        return
    limit_ms = course.sent_ms + UNACKNOWLEDGED_MIN * MINUTE_MS
    yield limit_ms + 1
    if now_ms > limit_ms:
        yield _next_whole(course.sent_ms, now_ms)
