"""A recurrence in words: its rule, its hours, its days, and each value of a conflict.

Pure functions from values to what a dispatcher reads. Holds no clock: what depends on the present
takes the day. Invariant: a pattern that can't be read is told as such, never as another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from core.date_words import near_words, weekday_words
from core.dispatch.recurrence import (
    DAY_MIN,
    LAST_DAY,
    LAST_WEEK,
    WEEK_DAYS,
    Often,
    is_pattern,
)
from core.sentence import Sentence, marked, say, say_n
from replica.projection.conflict import words as text_of
from web import formats
from web.board.words import NOTHING, Names, value_words
from web.formats import WEEKDAYS, and_words

NTHS: Final = {
    0: say("first"), 1: say("second"), 2: say("third"), 3: say("fourth"), 4: say("fifth"),
    LAST_WEEK: say("last"),
}  # fmt: skip
UNREADABLE: Final = say("a rule that this version can't read")
ENDED_WORDS: Final = marked("the recurring job has ended")
"""The reason, kept with each job, of jobs that are cancelled because their recurring job ended."""


def rule_words(repeats: Sequence[Any]) -> Sentence:
    """`[often, interval, days]` as people say it: `Every 2 weeks on Monday and Thursday`."""
    if len(repeats) != 3 or not is_pattern(*repeats):
        return UNREADABLE
    often, interval, days = Often(repeats[0]), repeats[1], sorted(set(repeats[2]))
    match often:
        case Often.DAILY:
            return every_words("daily", interval)
        case Often.WEEKLY:
            every = every_words("weekly", interval)
            if days == [0, 1, 2, 3, 4]:
                return say("{every}, Monday to Friday", every=every)
            named = and_words([WEEKDAYS[day] for day in days])
            return say("{every} on {days}", every=every, days=named)
        case Often.MONTHLY:
            numbers = [_ordinal(day) for day in days if day != LAST_DAY]
            numbers += [say("last day")] if LAST_DAY in days else []
            named = and_words(numbers)
        case Often.MONTHLY_BY_WEEKDAY:
            in_order = sorted(days, key=lambda day: (day < 0, day))
            named = and_words([nth_words(day) for day in in_order])
    return say("{every} on the {days}", every=every_words("monthly", interval), days=named)


def every_words(often: Literal["daily", "weekly", "monthly"], interval: int) -> Sentence:
    """`Every day`, `Every 2 weeks`."""
    match often:
        case "daily":
            return say_n("Every day", "Every {n} days", interval)
        case "weekly":
            return say_n("Every week", "Every {n} weeks", interval)
        case "monthly":
            return say_n("Every month", "Every {n} months", interval)


def nth_words(day: int) -> Sentence:
    """A month's weekday by its number: `second Tuesday`."""
    nth, weekday = divmod(day, WEEK_DAYS)
    return say("{nth} {weekday}", nth=NTHS[nth], weekday=WEEKDAYS[weekday])


def _ordinal(day: int) -> Sentence:
    tens, ones = divmod(day, 10)
    match 0 if tens == 1 else ones:
        case 1:
            return say("{n}st", n=day)
        case 2:
            return say("{n}nd", n=day)
        case 3:
            return say("{n}rd", n=day)
    return say("{n}th", n=day)


def hours_words(hours: Sequence[int] | None) -> Sentence:
    """Minutes of the local day as a window: `08:00–10:00`."""
    if hours is None:
        return say("any time of the day")
    start, end = (formats.minute_of_day_text(minute) for minute in hours)
    if hours[1] >= DAY_MIN:
        return say("{start}–{end} on the next day", start=start, end=end)
    return say("{start}–{end}", start=start, end=end)


def date_words(day: date, today: date) -> Sentence:
    """`today`, `tomorrow`, `Mon 23 Nov`, or `Wed 6 Jan 2027` in another year."""
    return near_words(day, today) or (
        weekday_words(day) if day.year == today.year else formats.weekday_date_words(day)
    )


def horizon_words(days: int) -> Sentence:
    """How many days ahead jobs are made: `14 days`."""
    return say_n("{n} day", "{n} days", days)


def side_words(field: str, value: Any, names: Names, zone: ZoneInfo, now_ms: int) -> str:
    """One value of a field of a recurrence, as a conflict lays it beside another."""
    if value is None:
        return say("endless") if field == "ends" else NOTHING
    today = formats.local_time(now_ms, zone).date()
    match field:
        case "repeats":
            return rule_words(value)
        case "hours":
            return hours_words(value)
        case "starts" | "ends":
            return date_words(date.fromisoformat(value), today)
        case "horizon":
            return horizon_words(value)
        case "worker":
            return names.worker.get(value.hex(), say("an unknown worker"))
    return value_words(field, text_of(value), names, zone, now_ms)
