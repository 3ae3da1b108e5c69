"""Periods of local days: read from a URL, stepped through, and turned into instants.

A local day has 23 to 25 hours, so a period's ends are instants of its own zone, and which day an
instant falls on goes by the offset that was in force then. Holds no SQL and no clock. Invariant:
each instant of a period falls on one of its days, and `offsets` says the same as the zone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from core.date_words import full_date_words
from core.sentence import Sentence, say
from web.board.days import midnight_ms
from web.formats import month_words

DAYS_MAX: Final = 366
"""A year; longer is better asked in parts, so that one question cannot hold up the others."""
YEAR_MIN, YEAR_MAX = 2000, 2100
_ONE_DAY: Final = dt.timedelta(days=1)
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    @property
    def query(self) -> str:
        """As it stands in a URL."""
        return f"from={self.first}&to={self.last}"

    @property
    def words(self) -> Sentence:
        """`23 Nov 2026`, `November 2026`, or the first and the last day."""
        if self.first == self.last:
            return full_date_words(self.first)
        if self == month_of(self.first):
            return month_words(self.first)
        first, last = full_date_words(self.first), full_date_words(self.last)
        return say("{first} – {last}", first=first, last=last)

    def bounds_ms(self, zone: ZoneInfo) -> tuple[int, int]:
        """The instants at which the period begins and is over, ms UTC."""
        return midnight_ms(self.first, zone), midnight_ms(self.last + _ONE_DAY, zone)

    def days(self) -> list[dt.date]:
        """All its days, in order."""
        count = (self.last - self.first).days + 1
        return [self.first + dt.timedelta(days=index) for index in range(count)]

    def step(self, by: int) -> Period:
        """The period before (-1) or after (1): the month beside a month, else as many days."""
        if self == month_of(self.first):
            beside = self.first - _ONE_DAY if by < 0 else self.last + _ONE_DAY
            return month_of(beside)
        length = dt.timedelta(days=(self.last - self.first).days + 1)
        return Period(self.first + by * length, self.last + by * length)

    def offsets(self, zone: ZoneInfo) -> list[tuple[int, int, int]]:
        """Stretches `(start_ms, end_ms, offset_ms)` of one offset from UTC: the whole period.

        With them SQL, which knows no zones, finds the local day of an instant.
        """
        found: list[tuple[int, int, int]] = []
        for day in self.days():
            start, end = midnight_ms(day, zone), midnight_ms(day + _ONE_DAY, zone)
            before, after = _offset_ms(start, zone), _offset_ms(end - 1, zone)
            pieces = [(start, end, before)]
            if before != after:
                change = _change_ms(start, end, before, zone)
                pieces = [(start, change, before), (change, end, after)]
            for piece in pieces:
                if found and found[-1][2] == piece[2]:
                    found[-1] = (found[-1][0], piece[1], piece[2])
                else:
                    found.append(piece)
        return found


def _offset_ms(at_ms: int, zone: ZoneInfo) -> int:
    offset = dt.datetime.fromtimestamp(at_ms / 1000, zone).utcoffset()
    return int((offset or dt.timedelta()).total_seconds() * 1000)


def _change_ms(start_ms: int, end_ms: int, before_ms: int, zone: ZoneInfo) -> int:
    """The first minute between two instants with another offset than `before_ms`."""
    low, high = start_ms // _MINUTE_MS, end_ms // _MINUTE_MS
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_ms(middle * _MINUTE_MS, zone) == before_ms:
            low = middle
        else:
            high = middle
    return high * _MINUTE_MS


def month_of(day: dt.date) -> Period:
    """The whole month of a day."""
    first = day.replace(day=1)
    return Period(first, (first + dt.timedelta(days=31)).replace(day=1) - _ONE_DAY)


def week_of(day: dt.date) -> Period:
    """The week of a day, from Monday."""
    monday = day - dt.timedelta(days=day.weekday())
    return Period(monday, monday + dt.timedelta(days=6))


def presets(today: dt.date) -> list[tuple[str, Period]]:
    """The periods that people ask for most, with their words."""
    week, month = week_of(today), month_of(today)
    return [
        (say("This week"), week),
        (say("Last week"), week.step(-1)),
        (say("This month"), month),
        (say("Last month"), month.step(-1)),
        (say("Today"), Period(today, today)),
    ]


class PeriodError(ValueError):
    """The days that a URL names are no period; the sentence says why."""


def period_asked(query: Mapping[str, str]) -> Period | None:
    """The period that a URL names, None where it names none.

    Raises:
        PeriodError: there is no such period.
    """
    if not query.get("from") and not query.get("to"):
        return None
    try:
        first = dt.date.fromisoformat(query.get("from") or query.get("to", ""))
        last = dt.date.fromisoformat(query.get("to") or query.get("from", ""))
    except ValueError as error:
        raise PeriodError(say("Give both days as 2026-11-23.")) from error
    if last < first:
        raise PeriodError(say("The period ends before it begins."))
    if not YEAR_MIN <= first.year <= last.year <= YEAR_MAX:
        words = say(
            "A day lies between the years {first} and {last}.", first=YEAR_MIN, last=YEAR_MAX
        )
        raise PeriodError(words)
    if (last - first).days >= DAYS_MAX:
        raise PeriodError(say("A report covers a year at most."))
    return Period(first, last)


def read_period(query: Mapping[str, str], usual: Period, usual_words: str) -> tuple[Period, str]:
    """The period that a URL names, or the usual one with the reason why it was not taken."""
    try:
        return period_asked(query) or usual, ""
    except PeriodError as error:
        words = say("{why} {period} is shown instead.", why=str(error), period=usual_words)
        return usual, words
