"""Acts of a recurrence: what the office says of recurring jobs, as changes to its stream.

Each gives the changes of one act, checked, as `acts` does for everything else; writes nothing.
Invariant: what these functions return, `recurrence.read_recurrence` can read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.acts import NAME_LETTERS_MAX, Act, ActError, Change, job_field, text_of
from core.dispatch.recurrence import (
    FILLS,
    HORIZON_DAYS_MAX,
    INTERVAL_MAX,
    LAST_DAY,
    NUMBER_LETTERS_MAX,
    Often,
    are_hours,
    is_pattern,
)
from core.log.chain import STREAM_BYTES
from core.sentence import say

_CODE_BY_JOBS_CODE: Final = {filled: code for code, filled in FILLS.items()}
_NEEDED: Final = ("title", "repeats", "starts", "zone")


def create_recurrence(recurrence: bytes, values: Mapping[str, object]) -> Act:
    """A new recurrence in a new stream: see `edit_recurrence`; it needs these four at least."""
    for name in _NEEDED:
        if not values.get(name):
            raise ActError(say("a recurring job needs its {name}; give one", name=name))
    return [change for change in edit_recurrence(recurrence, values) if change.value is not None]


def edit_recurrence(recurrence: bytes, values: Mapping[str, object]) -> Act:
    """Change what is made from now on; None clears. What was made already stays as it is.

    Values: repeats (how often, interval, days), starts and ends ('2026-11-23'), hours (minutes of
    the local day), zone (an IANA name), horizon (days), worker (a stream), and fields of a job by
    their names: title, description, customer, place, address, point, radius, outline,
    contact, contact_phone, priority, planned_minutes, skills.
    """
    changes = [
        Change(recurrence, (code,), checked)
        for code, checked in (_field(name, value) for name, value in values.items())
    ]
    if not changes:
        raise ActError(say("nothing was changed"))
    found = {change.path[0]: change.value for change in changes}
    starts, ends = found.get(fields.STARTS), found.get(fields.ENDS)
    if starts and ends and ends < starts:
        raise ActError(say("the last day is before the first; put it after"))
    return changes


def _field(name: str, value: object) -> tuple[int, Any]:
    match name:
        case "repeats":
            return fields.REPEATS, _repeats(value)
        case "starts":
            return fields.STARTS, _day(say("The first day"), value)
        case "ends":
            return fields.ENDS, None if value is None else _day(say("The last day"), value)
        case "hours":
            return fields.HOURS, _hours(value)
        case "zone":
            return fields.ZONE, zone_named(value).key
        case "horizon":
            if value is None or (type(value) is int and 1 <= value <= HORIZON_DAYS_MAX):
                return fields.HORIZON, value
            raise ActError(say("jobs are made from 1 to {most} days ahead", most=HORIZON_DAYS_MAX))
        case "worker":
            if value is None or (isinstance(value, bytes) and len(value) == STREAM_BYTES):
                return fields.EACH_WORKER, value
            raise ActError(say("the worker is not one that is known; choose one from the list"))
        case "window" | "check_items":
            raise ActError(say("a recurring job has no {name}; give its hours", name=name))
    code, checked = job_field(name, value)
    return _CODE_BY_JOBS_CODE[code], checked


def _repeats(value: object) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise ActError(say("say how often it repeats, at which interval, and on which days"))
    often, interval, days = value
    if type(interval) is not int or not 1 <= interval <= INTERVAL_MAX:
        raise ActError(say("the interval is a whole number from 1 to {most:,}", most=INTERVAL_MAX))
    if not isinstance(days, Sequence) or any(type(day) is not int for day in days):
        raise ActError(say("the days are numbers"))
    chosen = sorted(set(days))
    if often == Often.DAILY and chosen:
        raise ActError(say("what repeats daily has no days; say 'weekly on' for some of a week's"))
    if often in tuple(Often) and often != Often.DAILY and not chosen:
        raise ActError(say("say on which days it repeats"))
    if not is_pattern(often, interval, chosen):
        raise ActError(
            say(
                "days of a week are 0 (Monday) to 6, of a month 1 to 31 or {last} for its last, "
                "a month's weekdays -7 to 34",
                last=LAST_DAY,
            )
        )
    return [int(often), interval, chosen]


def _day(what: str, value: object) -> str:
    text = value.isoformat() if isinstance(value, date) else value
    try:
        # Read and written again: ISO has other ways to write a day, and one alone is kept.
        return date.fromisoformat(str(text)).isoformat()
    except ValueError as error:
        raise ActError(say("{what} is no day; write it as 2026-11-23", what=what)) from error


def _hours(value: object) -> list[int] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ActError(say("the hours have a start and an end"))
    start, end = value
    if type(start) is not int or type(end) is not int or not are_hours(start, end):
        raise ActError(
            say("the hours begin within the day, and end after they begin, within two days")
        )
    return [start, end]


def zone_named(value: object) -> ZoneInfo:
    """The time zone of an IANA name. Raises ActError."""
    name = text_of(say("The time zone"), value, NAME_LETTERS_MAX, needed=True)
    assert name is not None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        words = say("there is no time zone '{name}'; write it as Europe/Helsinki", name=name)
        raise ActError(words) from error


def skip_day(recurrence: bytes, day: date, *, skipped: bool = True) -> Act:
    """Leave a day of the recurrence out, or take that back; what was made is another act's."""
    return [Change(recurrence, (fields.SKIPPED, day.isoformat()), skipped)]


def number_recurrence(recurrence: bytes, number: str) -> Act:
    """Give a recurrence its human number; a hub's act."""
    words = text_of(say("The number"), number, NUMBER_LETTERS_MAX, needed=True)
    return [Change(recurrence, (fields.RECURRENCE_NUMBER,), words)]
