"""Local days of the site: their bounds in time, and the words for those near today.

Pure. Invariant: a day's end is the next one's start, also where clocks are put forward.
"""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from core.dispatch.duty import wall_ms
from core.sentence import say
from web import formats

_NEAR: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_FIRST_WORDS: Final = {
    "yesterday": say("Yesterday"),
    "today": say("Today"),
    "tomorrow": say("Tomorrow"),
}
_WORKDAY_MINUTE: Final = 8 * 60


def midnight_ms(day: dt.date, zone: ZoneInfo) -> int:
    """The instant at which a local day begins, ms UTC."""
    return wall_ms(day, 0, zone)


def day_bounds(day: str | dt.date, zone: ZoneInfo) -> tuple[int, int]:
    """Start and end (ms UTC) of a local day, as text '2026-11-23'; 23 to 25 hours apart."""
    date = dt.date.fromisoformat(day) if isinstance(day, str) else day
    return midnight_ms(date, zone), midnight_ms(date + dt.timedelta(days=1), zone)


def workday_ms(day: str | dt.date, zone: ZoneInfo) -> int:
    """When a local day of work begins (ms UTC) for somebody without a shift: at eight."""
    date = dt.date.fromisoformat(day) if isinstance(day, str) else day
    return wall_ms(date, _WORKDAY_MINUTE, zone)


def today(now_ms: int, zone: ZoneInfo) -> str:
    """The site's local day, '2026-11-23'."""
    return dt.datetime.fromtimestamp(now_ms / 1000, zone).date().isoformat()


def first_day_words(at_ms: int, zone: ZoneInfo, now_ms: int) -> str:
    """The day of an instant as a line begins with it: `Today`, `Mon 23 Nov`, `23 Nov 2025`."""
    words = formats.day_words(at_ms, zone, now_ms)
    return _FIRST_WORDS.get(words, words)


def day_text(day: str, now_ms: int, zone: ZoneInfo) -> str:
    """A day as a date: '2026-11-23' for itself and for `today`, `tomorrow`, `yesterday`."""
    if day not in _NEAR:
        return day
    date = dt.date.fromisoformat(today(now_ms, zone)) + dt.timedelta(days=_NEAR[day])
    return date.isoformat()
