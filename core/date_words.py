"""Days in words, which an edge can say in another language: `today`, `Mon 23 Nov`.

Pure functions from dates; an instant is made a local day by whoever shows it. Holds no clock and
no zone. Invariant: each is one sentence, so that a language may put day and month as it does.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from core.sentence import Sentence, say

# A language that numbers its months in short dates says numbers for these.
MONTHS: Final = (
    *(say("Jan"), say("Feb"), say("Mar"), say("Apr"), say("May"), say("Jun")),
    *(say("Jul"), say("Aug"), say("Sep"), say("Oct"), say("Nov"), say("Dec")),
)
DAYS: Final = (
    *(say("Mon"), say("Tue"), say("Wed"), say("Thu")),
    *(say("Fri"), say("Sat"), say("Sun")),
)
TODAY: Final = say("today")
_NEAR: Final = {0: TODAY, -1: say("yesterday"), 1: say("tomorrow")}


def near_words(day: dt.date, today: dt.date) -> Sentence | None:
    """`today`, `yesterday` or `tomorrow`; None for a day further away."""
    return _NEAR.get((day - today).days)


def day_words(day: dt.date, today: dt.date) -> Sentence:
    """`today`, `yesterday`, `tomorrow`, `Mon 23 Nov`, or `23 Nov 2025` in another year."""
    return near_words(day, today) or (
        weekday_words(day) if day.year == today.year else full_date_words(day)
    )


def weekday_words(day: dt.date) -> Sentence:
    """`Mon 23 Nov`."""
    return say(
        "{weekday} {day} {month}",
        weekday=DAYS[day.weekday()], day=day.day, month=MONTHS[day.month - 1],
    )  # fmt: skip


def month_day_words(day: dt.date) -> Sentence:
    """`23 Nov`."""
    return say("{day} {month}", day=day.day, month=MONTHS[day.month - 1])


def full_date_words(day: dt.date) -> Sentence:
    """`23 Nov 2026`."""
    return say("{day} {month} {year}", day=day.day, month=MONTHS[day.month - 1], year=day.year)
