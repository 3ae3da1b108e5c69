"""Local days of the site: their bounds in time, and the words for those near today.

Pure. Invariant: a day's end is the next one's start, also where clocks are put forward.
"""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

_NEAR: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}


def day_bounds(day: str, zone: ZoneInfo) -> tuple[int, int]:
    """Start and end (ms UTC) of a local day '2026-11-23'; 23 to 25 hours apart."""
    date = dt.date.fromisoformat(day)
    start = dt.datetime.combine(date, dt.time(), zone)
    end = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), zone)
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000)


def today(now_ms: int, zone: ZoneInfo) -> str:
    """The site's local day, '2026-11-23'."""
    return dt.datetime.fromtimestamp(now_ms / 1000, zone).date().isoformat()


def day_text(day: str, now_ms: int, zone: ZoneInfo) -> str:
    """A day as a date: '2026-11-23' for itself and for `today`, `tomorrow`, `yesterday`."""
    if day not in _NEAR:
        return day
    date = dt.date.fromisoformat(today(now_ms, zone)) + dt.timedelta(days=_NEAR[day])
    return date.isoformat()
