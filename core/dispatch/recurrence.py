"""Recurring jobs: on which days a recurrence has one, and what each of them begins with.

A recurrence is a stream of its own: how often, in the wall time of a place, and what every job of
it is. The job of a day is made by hubs; its stream, number and turn follow from the recurrence and
the day alone, so that hubs which are cut off from each other make one job, with one of each value.
Days are those of RFC 5545 (`FREQ`, `INTERVAL`, `BYDAY`, `BYMONTHDAY`, weeks from Monday): a month
without the day, or without a fifth Friday, has none. Holds no clock.
Invariant: the same registers and day give the same job.
"""

from __future__ import annotations

import calendar
import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.acts import Act, Change, assign, number_job
from core.dispatch.fields import Kind
from core.dispatch.show import value_at
from core.log.chain import derived_unique, named_id, stream_id
from core.log.registers import Registers

_DAY_S: Final = 86_400
DAY_MIN: Final = 24 * 60
UNIX_DAY: Final = date(1970, 1, 1).toordinal()

INTERVAL_MAX: Final = 1_000
"""Every so many days, weeks or months at most; ten years are 120 months."""
HORIZON_DAYS: Final = 14
HORIZON_DAYS_MAX: Final = 366
"""A year ahead: of an endless recurrence no more days are ever looked at, and no more made."""

NUMBER_LETTERS_MAX: Final = 9
"""So that with a day behind it it still is a job's number."""

LAST_DAY: Final = -1
"""Stands for the last day of a month, whichever that is."""


class Often(enum.IntEnum):
    """What is counted between two days of a recurrence."""

    DAILY = 1
    WEEKLY = 2
    MONTHLY = 3
    MONTHLY_BY_WEEKDAY = 4
    """A program of before this value reads no pattern in it, and makes no jobs."""


WEEK_DAYS: Final = 7
LAST_WEEK: Final = -1
"""Stands for the last of a weekday in a month, be it the fourth or the fifth."""


def nth_weekday(nth: int, weekday: int) -> int:
    """The number that stands for a weekday's first (0) to fifth (4) or last (-1) in a month."""
    return nth * WEEK_DAYS + weekday


# The job's field that a field of the recurrence fills in.
FILLS: Final[Mapping[int, int]] = {
    fields.EACH_TITLE: fields.TITLE,
    fields.EACH_DESCRIPTION: fields.DESCRIPTION,
    fields.EACH_CUSTOMER: fields.CUSTOMER,
    fields.EACH_PLACE: fields.PLACE,
    fields.EACH_ADDRESS: fields.ADDRESS,
    fields.EACH_POINT: fields.POINT,
    fields.EACH_RADIUS: fields.RADIUS,
    fields.EACH_OUTLINE: fields.OUTLINE,
    fields.EACH_CONTACT: fields.CONTACT,
    fields.EACH_CONTACT_CALL: fields.CONTACT_CALL,
    fields.EACH_PRIORITY: fields.PRIORITY,
    fields.EACH_PLANNED_MINUTES: fields.PLANNED_MINUTES,
    fields.EACH_SKILLS: fields.NEEDED_SKILLS,
}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A recurrence as its registers show it.

    `days` are weekdays from 0 (Monday) where it is weekly, days of the month where it is monthly,
    and `nth_weekday`s where it is monthly by weekday.
    `hours` are minutes of the local day, the end past 24:00 where the window ends on the day after.
    `each` holds a job's values by its field codes.
    """

    stream: bytes
    number: str
    often: Often
    interval: int
    days: frozenset[int]
    starts: date
    ends: date | None
    hours: tuple[int, int] | None
    zone: str
    horizon_days: int
    skipped: frozenset[date]
    worker: bytes | None
    each: Mapping[int, Any]

    @property
    def title(self) -> str:
        """The title of each job."""
        return str(self.each[fields.TITLE])

    def occurs_on(self, day: date) -> bool:
        """Whether the recurrence has a job on a day."""
        return self.falls_on(day) and day not in self.skipped

    def falls_on(self, day: date) -> bool:
        """Whether a day is one of the recurrence's, skipped or not."""
        if day < self.starts or (self.ends is not None and day > self.ends):
            return False
        match self.often:
            case Often.DAILY:
                return (day - self.starts).days % self.interval == 0
            case Often.WEEKLY:
                weeks = (_monday(day) - _monday(self.starts)) // 7
                return day.weekday() in self.days and weeks % self.interval == 0
            case Often.MONTHLY:
                is_last = day.day == _month_days(day)
                falls = day.day in self.days or (is_last and LAST_DAY in self.days)
                return falls and self._months_to(day) % self.interval == 0
            case Often.MONTHLY_BY_WEEKDAY:
                nth = nth_weekday((day.day - 1) // WEEK_DAYS, day.weekday())
                is_last = day.day + WEEK_DAYS > _month_days(day)
                last = nth_weekday(LAST_WEEK, day.weekday())
                falls = nth in self.days or (is_last and last in self.days)
                return falls and self._months_to(day) % self.interval == 0

    def _months_to(self, day: date) -> int:
        return (day.year - self.starts.year) * 12 + day.month - self.starts.month

    def due(self, today: date) -> Iterator[date]:
        """The days with a job from `today` to the horizon; no day of the past is among them."""
        for ahead in range(self.horizon_days + 1):
            if today.toordinal() + ahead > date.max.toordinal():
                return
            day = today + timedelta(days=ahead)
            if self.occurs_on(day):
                yield day

    def falling(self, first: date, days_max: int) -> Iterator[date]:
        """The recurrence's days from `first` on, skipped ones too, of the next `days_max` days."""
        first = max(first, self.starts)
        for ahead in range(min(days_max, date.max.toordinal() - first.toordinal() + 1)):
            day = first + timedelta(days=ahead)
            if self.falls_on(day):
                yield day


def _month_days(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _monday(day: date) -> int:
    """The ordinal of the Monday of a day's week."""
    return day.toordinal() - day.weekday()


def read_recurrence(stream: bytes, registers: Registers) -> Recurrence | None:
    """The recurrence that `registers` of its stream show; None where it makes no jobs.

    That is so without a title, a first day or a number, and where a program wrote what no act
    makes: one that can't be read the same everywhere makes no jobs anywhere.
    """
    skipped = [
        path[1] for path in registers if path[0] == fields.SKIPPED and value_at(registers, path)
    ]
    return recurrence_with(
        stream,
        number=value_at(registers, (fields.RECURRENCE_NUMBER,)),
        repeats=value_at(registers, (fields.REPEATS,)),
        starts=value_at(registers, (fields.STARTS,)),
        ends=value_at(registers, (fields.ENDS,)),
        hours=value_at(registers, (fields.HOURS,)),
        zone=value_at(registers, (fields.ZONE,), "UTC"),
        horizon_days=value_at(registers, (fields.HORIZON,), HORIZON_DAYS),
        skipped=skipped,
        worker=value_at(registers, (fields.EACH_WORKER,)),
        each={FILLS[code]: value_at(registers, (code,)) for code in FILLS},
    )


def recurrence_with(
    stream: bytes,
    *,
    number: str | None,
    repeats: Sequence[Any] | None,
    starts: str | None,
    ends: str | None,
    hours: Sequence[int] | None,
    zone: str,
    horizon_days: int,
    skipped: Iterable[str],
    worker: bytes | None,
    each: Mapping[int, Any],
) -> Recurrence | None:
    """The recurrence of these values, as registers or a row hold them; None as `read_recurrence`.

    Days are texts as in '2026-11-23'; `each` are a job's values by its field codes.
    """
    if not (number and starts and repeats and each.get(fields.TITLE) and horizon_days >= 0):
        return None
    if len(number) > NUMBER_LETTERS_MAX:
        return None
    often, interval, days = repeats
    if not is_pattern(often, interval, days) or (hours is not None and not are_hours(*hours)):
        return None
    return Recurrence(
        stream,
        number,
        Often(often),
        interval,
        frozenset(days),
        date.fromisoformat(starts),
        date.fromisoformat(ends) if ends else None,
        None if hours is None else (hours[0], hours[1]),
        zone,
        min(horizon_days, HORIZON_DAYS_MAX),
        frozenset(map(date.fromisoformat, skipped)),
        worker,
        {code: value for code, value in each.items() if value is not None},
    )


def is_pattern(often: int, interval: int, days: list[int]) -> bool:
    """Whether the three say on which days a recurrence falls."""
    if not 1 <= interval <= INTERVAL_MAX:
        return False
    match often:
        case Often.DAILY:
            return not days
        case Often.WEEKLY:
            return bool(days) and all(0 <= day <= 6 for day in days)
        case Often.MONTHLY:
            return bool(days) and all(1 <= day <= 31 or day == LAST_DAY for day in days)
        case Often.MONTHLY_BY_WEEKDAY:
            lowest, highest = nth_weekday(LAST_WEEK, 0), nth_weekday(4, 6)
            return bool(days) and all(lowest <= day <= highest for day in days)
    return False


def are_hours(start_min: int, end_min: int) -> bool:
    """Whether two minutes of a local day are a window; it may end on the day after."""
    return 0 <= start_min < DAY_MIN and start_min <= end_min <= 2 * DAY_MIN


# --- the job of a day


def occurrence_stream(recurrence: bytes, day: date) -> bytes:
    """The stream of a recurrence's job on a local day: the same on every hub."""
    at_s = (day.toordinal() - UNIX_DAY) * _DAY_S
    unique = derived_unique(b"occurrence", recurrence, day.isoformat().encode())
    return stream_id(Kind.JOB, at_s, unique)


def occurrence_number(number: str, day: date) -> str:
    """The number of that job: the recurrence's own, which one hub gave, and the day."""
    return f"{number}-{day.isoformat()}"


def occurrence_turn(recurrence: bytes, day: date, worker: bytes) -> bytes:
    """The turn for which that job's worker is assigned."""
    return named_id("occurrence turn", recurrence, day.isoformat().encode(), worker)


def window_on(day: date, hours: tuple[int, int], zone: ZoneInfo) -> list[int]:
    """When hours of a local day begin and end, ms UTC.

    08:00 is 08:00 in winter and in summer. A time that a change of the clock leaves out is told by
    the offset from before it, and of one that comes twice the first is meant, as in RFC 5545.
    """
    start_ms, end_ms = (_local_ms(day, minute, zone) for minute in hours)
    return [start_ms, max(start_ms, end_ms)]


def _local_ms(day: date, minute: int, zone: ZoneInfo) -> int:
    wall = datetime.combine(day, time(), zone) + timedelta(minutes=minute)
    return int(wall.timestamp()) * 1000


def occurrence(recurrence: Recurrence, day: date, zone: ZoneInfo, *, assigned: bool = True) -> Act:
    """The values that a recurrence's job of a day begins with, for a hub to write by its rule.

    `assigned`: to the recurrence's worker, if it has one.
    """
    job = occurrence_stream(recurrence.stream, day)
    changes = [Change(job, (fields.CREATED,), True)]
    changes += number_job(job, occurrence_number(recurrence.number, day))
    changes += [Change(job, (code,), value) for code, value in sorted(recurrence.each.items())]
    if recurrence.hours is not None:
        window = window_on(day, recurrence.hours, zone)
        changes.append(Change(job, (fields.WINDOW,), window))
    if recurrence.worker is not None and assigned:
        turn = occurrence_turn(recurrence.stream, day, recurrence.worker)
        changes += assign(job, recurrence.worker, turn)
    return changes
