"""Local days and clocks: between ms UTC and what a worker reads, as sentences, and types.

Pure functions; a zone is a `tzinfo`, or None for the phone's own. Invariant: a time that the clock
change repeats is never guessed silently: `instants` gives both.
"""

from __future__ import annotations

import datetime as dt
import json
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core import date_words as dates
from core.date_words import DAYS, MONTHS
from core.sentence import capital, say

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

Zone = dt.tzinfo | None

# Where datetime ends; a phone's absurd date is bent to it rather than breaking a page.
_INSTANT_MS_MAX = 253_402_214_400_000


class TimeMistyped(ValueError):
    """A typed day or time is none; the sentence says what is expected."""


def zone_of(setting: str | None) -> Zone:
    """The site's zone from its setting (JSON text); the phone's own where none is known."""
    if setting is None:
        return None
    try:
        name = json.loads(setting)
        return ZoneInfo(name) if isinstance(name, str) else None
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return None


def local(at_ms: int, zone: Zone) -> dt.datetime:
    """The instant on the local clock."""
    bent = min(max(at_ms, 0), _INSTANT_MS_MAX)
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=bent)
    return moment.astimezone(zone)


def day_of(at_ms: int, zone: Zone) -> str:
    """The local day of an instant, '2026-11-23'."""
    return local(at_ms, zone).date().isoformat()


def minute_of_day(at_ms: int, zone: Zone) -> int:
    """Minutes of the local day that have gone."""
    moment = local(at_ms, zone)
    return moment.hour * 60 + moment.minute


def read_day(text: str) -> dt.date:
    """A day as 2026-11-23.

    Raises:
        TimeMistyped: it is none.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise TimeMistyped(say("Give the day as 2026-11-23.")) from None


def day_start_ms(day: dt.date, zone: Zone) -> int:
    """The first instant of a local day."""
    midnight = dt.datetime.combine(day, dt.time())
    return _instant(midnight, 0, zone)


def field_text(at_ms: int, zone: Zone) -> str:
    """An instant as a `datetime-local` input takes it, to the minute."""
    return local(at_ms, zone).strftime("%Y-%m-%dT%H:%M")


def instants(text: str, zone: Zone) -> list[int]:
    """The instants (ms) that a typed local time can mean: one; two in an hour that comes twice.

    Raises:
        TimeMistyped: it is no time, or one that the clock change leaves out.
    """
    try:
        naive = dt.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise TimeMistyped(say("Give the time as day and hours:minutes.")) from None
    if not 1970 < naive.year < 9999:
        raise TimeMistyped(say("Give a day of this century."))
    found = sorted({_instant(naive, fold, zone) for fold in (0, 1)})
    real = [at for at in found if local(at, zone).replace(tzinfo=None, fold=0) == naive]
    if not real:
        raise TimeMistyped(
            say(
                "{clock} does not exist on {day}: the clock was put forward.",
                clock=f"{naive:%H:%M}",
                day=dates.month_day_words(naive.date()),
            )
        )
    return real


def _instant(naive: dt.datetime, fold: int, zone: Zone) -> int:
    moment = naive.replace(fold=fold)
    aware = moment.astimezone(dt.UTC) if zone is None else moment.replace(tzinfo=zone)
    return round(aware.timestamp() * 1000)


def clock_words(at_ms: int, zone: Zone) -> str:
    """Hours and minutes, `14:02`."""
    return local(at_ms, zone).strftime("%H:%M")


def day_words(at_ms: int, zone: Zone, now_ms: int) -> str:
    """`today`, `tomorrow`, `Mon 23 Nov`, or `23 Nov 2025` in another year."""
    return dates.day_words(local(at_ms, zone).date(), local(now_ms, zone).date())


def weekday_words(day: dt.date) -> str:
    """`Mon 23`."""
    return say("{weekday} {day}", weekday=DAYS[day.weekday()], day=day.day)


def span_words(first: dt.date, last: dt.date) -> str:
    """`23–29 Nov`, `28 Dec – 3 Jan`."""
    if first.month == last.month:
        month = MONTHS[last.month - 1]
        return say("{first}–{last} {month}", first=first.day, last=last.day, month=month)
    begins, ends = dates.month_day_words(first), dates.month_day_words(last)
    return say("{first} – {last}", first=begins, last=ends)


def moment_words(at_ms: int, zone: Zone, now_ms: int) -> str:
    """`14:02` today, else `yesterday 14:02`, `Mon 23 Nov 14:02`."""
    day = day_words(at_ms, zone, now_ms)
    clock = clock_words(at_ms, zone)
    return clock if day is dates.TODAY else say("{day} {clock}", day=day, clock=clock)


def window_words(start_ms: int | None, end_ms: int | None, zone: Zone, now_ms: int) -> str:
    """A job's window: `10:00–11:30` today, else with its day; `Any time` where it has none."""
    if start_ms is None or end_ms is None:
        at_ms = end_ms if start_ms is None else start_ms
        if at_ms is None:
            return say("Any time")
        when = moment_words(at_ms, zone, now_ms)
        return say("By {when}", when=when) if start_ms is None else say("From {when}", when=when)
    day = day_words(start_ms, zone, now_ms)
    start = clock_words(start_ms, zone)
    same_day = day_of(start_ms, zone) == day_of(end_ms, zone)
    end = clock_words(end_ms, zone) if same_day else moment_words(end_ms, zone, now_ms)
    if day is dates.TODAY:
        return say("{start}–{end}", start=start, end=end)
    return say("{day} {start}–{end}", day=capital(day), start=start, end=end)
