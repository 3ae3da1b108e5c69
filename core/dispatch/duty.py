"""Duty: when a worker is at work, and what may leave the phone because of it.

Holds spans of duty, what a shift proposes, and the rule of what is sent. Holds no entries and no
fixes' meaning. Invariant: nothing about place leaves a phone whose worker was off duty at the time
of the fix, whatever any setting says.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from core.dispatch.fix import Fix, order_of

DUTY_MS_MAX: Final = 16 * 3_600_000
"""Who forgets to go off duty is off duty after this: no law lets a shift be longer."""
MINUTES_OF_DAY: Final = 24 * 60


class DutyError(ValueError):
    """A shift that is none; the sentence says what to change."""


@dataclass(frozen=True, slots=True)
class DutyMark:
    """One duty as its facts say: when it began and, unless it goes on, when it ended (UTC ms)."""

    duty_id: bytes
    start_ms: int
    stop_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """When a worker usually works, in minutes of the local day; a night shift ends after 24:00."""

    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_minute < MINUTES_OF_DAY:
            raise DutyError("a shift starts between 0:00 and 23:59")
        if not self.start_minute < self.end_minute <= 2 * MINUTES_OF_DAY:
            raise DutyError("a shift ends after it starts; a night shift ends after 24:00")


class Outgoing(enum.Enum):
    """What a phone might send."""

    PLACE = "fixes, tracks, presence with a place"
    PRESENCE = "presence without a place: battery, app state"
    RECORD = "what the worker wrote or did: phases, time logs, notes, files, duty itself"


Span = tuple[int, int | None]


def spans(duties: Iterable[DutyMark], now_ms: int) -> list[Span]:
    """The disjoint spans on duty, in order; None ends one that still goes on.

    A second start or stop of the same duty changes nothing: the earliest of each stands. A duty
    that was never ended ends after sixteen hours.
    """
    start_by_id: dict[bytes, int] = {}
    stop_by_id: dict[bytes, int] = {}
    for duty in duties:
        start_ms = start_by_id.get(duty.duty_id, duty.start_ms)
        start_by_id[duty.duty_id] = min(start_ms, duty.start_ms)
        if duty.stop_ms is not None:
            stop_ms = stop_by_id.get(duty.duty_id, duty.stop_ms)
            stop_by_id[duty.duty_id] = min(stop_ms, duty.stop_ms)
    found: list[Span] = []
    for start_ms, duty_id in sorted((start, each) for each, start in start_by_id.items()):
        end_ms: int | None = stop_by_id.get(duty_id)
        if end_ms is None and now_ms >= start_ms + DUTY_MS_MAX:
            end_ms = start_ms + DUTY_MS_MAX
        if end_ms is not None and end_ms <= start_ms:
            continue
        if found and (found[-1][1] is None or start_ms <= found[-1][1]):
            last_start, last_end = found[-1]
            joined = None if None in (last_end, end_ms) else max(last_end or 0, end_ms or 0)
            found[-1] = (last_start, joined)
        else:
            found.append((start_ms, end_ms))
    return found


def on_duty(duties: Iterable[DutyMark], at_ms: int) -> bool:
    """Whether the worker was on duty at `at_ms`; its last moment is off duty."""
    return _covers(spans(duties, at_ms), at_ms)


def _covers(on: Sequence[Span], at_ms: int) -> bool:
    return any(start <= at_ms and (stop is None or at_ms < stop) for start, stop in on)


def proposed(shift: Shift, day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Start and end (UTC ms) of the duty that a shift proposes for a local day.

    Times are those on the wall: over a night when clocks change, the shift is an hour shorter or
    longer. A time that the change leaves out is the one as many minutes later.
    """
    return wall_ms(day, shift.start_minute, zone), wall_ms(day, shift.end_minute, zone)


def wall_ms(day: date, minute: int, zone: ZoneInfo) -> int:
    """When the clock on the wall shows a minute of a local day, UTC ms."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    # Adding to a time in a zone moves the hands on the wall, not the time that passes.
    moment = (midnight + timedelta(minutes=minute)).astimezone(UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def shift_end_ms(shift: Shift, zone: ZoneInfo, at_ms: int) -> int | None:
    """The end of the shift that is going on at `at_ms`, or that ended last that day; else None."""
    local = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone).date()
    for day in (local, local - timedelta(days=1)):
        start_ms, end_ms = proposed(shift, day, zone)
        if start_ms <= at_ms and (day == local or at_ms < end_ms):
            return end_ms
    return None


def may_leave(what: Outgoing, at_ms: int, duties: Iterable[DutyMark]) -> bool:
    """Whether something that was so at `at_ms` may be sent.

    Jobs off, auto logging off and off duty never hold back what the worker wrote; off duty holds
    back all that tells a place.
    """
    return what is not Outgoing.PLACE or on_duty(duties, at_ms)


def sendable(fixes: Sequence[Fix], duties: Iterable[DutyMark]) -> list[Fix]:
    """Those of the fixes that were taken on duty, in order of time."""
    ordered = sorted(fixes, key=order_of)
    # A duty that nobody ended ends after sixteen hours, so the latest time decides for all.
    on = spans(duties, ordered[-1].time_ms) if ordered else []
    return [fix for fix in ordered if _covers(on, fix.time_ms)]
