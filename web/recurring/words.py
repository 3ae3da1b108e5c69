"""A recurrence in words: its rule, its hours, its days, and each value of a conflict.

Pure functions from values to what a dispatcher reads. Holds no clock: what depends on the present
takes the day. Invariant: a pattern that can't be read is told as such, never as another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.recurrence import (
    DAY_MIN,
    LAST_DAY,
    LAST_WEEK,
    WEEK_DAYS,
    Often,
    is_pattern,
)
from replica.projection.conflict import words as text_of
from web import formats
from web.board.words import NOTHING, Names, value_words

WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday"),
    *("Friday", "Saturday", "Sunday"),
)
NTHS: Final = {
    0: "first", 1: "second", 2: "third", 3: "fourth", 4: "fifth", LAST_WEEK: "last",
}  # fmt: skip
UNREADABLE: Final = "a rule that this version can't read"
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_UNITS: Final = {
    Often.DAILY: "day",
    Often.WEEKLY: "week",
    Often.MONTHLY: "month",
    Often.MONTHLY_BY_WEEKDAY: "month",
}


def rule_words(repeats: Sequence[Any]) -> str:
    """`[often, interval, days]` as people say it: `Every 2 weeks on Monday and Thursday`."""
    if len(repeats) != 3 or not is_pattern(*repeats):
        return UNREADABLE
    often, interval, days = Often(repeats[0]), repeats[1], sorted(set(repeats[2]))
    unit = _UNITS[often]
    every = f"Every {unit}" if interval == 1 else f"Every {interval} {unit}s"
    match often:
        case Often.DAILY:
            return every
        case Often.WEEKLY:
            if days == [0, 1, 2, 3, 4]:
                return f"{every}, Monday to Friday"
            return f"{every} on {_listed([WEEKDAYS[day] for day in days])}"
        case Often.MONTHLY:
            named = [_ordinal(day) for day in days if day != LAST_DAY]
            named += ["last day"] if LAST_DAY in days else []
            return f"{every} on the {_listed(named)}"
        case Often.MONTHLY_BY_WEEKDAY:
            in_order = sorted(days, key=lambda day: (day < 0, day))
            return f"{every} on the {_listed([nth_words(day) for day in in_order])}"


def nth_words(day: int) -> str:
    """A month's weekday by its number: `second Tuesday`."""
    nth, weekday = divmod(day, WEEK_DAYS)
    return f"{NTHS[nth]} {WEEKDAYS[weekday]}"


def _ordinal(day: int) -> str:
    tens, ones = divmod(day, 10)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(ones, "th") if tens != 1 else "th"
    return f"{day}{ending}"


def _listed(words: Sequence[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def hours_words(hours: Sequence[int] | None) -> str:
    """Minutes of the local day as a window: `08:00–10:00`."""
    if hours is None:
        return "any time of the day"
    start, end = (formats.minute_of_day_text(minute) for minute in hours)
    return f"{start}–{end}{' on the next day' if hours[1] >= DAY_MIN else ''}"


def date_words(day: date, today: date) -> str:
    """`today`, `tomorrow`, `Mon 23 Nov`, or `Wed 6 Jan 2027` in another year."""
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((day - today).days)
    if near is not None:
        return near
    words = f"{WEEKDAYS[day.weekday()][:3]} {day.day} {_MONTHS[day.month - 1]}"
    return words if day.year == today.year else f"{words} {day.year}"


def side_words(field: str, value: Any, names: Names, zone: ZoneInfo, now_ms: int) -> str:
    """One value of a field of a recurrence, as a conflict lays it beside another."""
    if value is None:
        return "endless" if field == "ends" else NOTHING
    today = formats.local_time(now_ms, zone).date()
    match field:
        case "repeats":
            return rule_words(value)
        case "hours":
            return hours_words(value)
        case "starts" | "ends":
            return date_words(date.fromisoformat(value), today)
        case "horizon":
            return f"{value} days"
        case "worker":
            return names.worker.get(value.hex(), "an unknown worker")
    return value_words(field, text_of(value), names, zone, now_ms)
