"""How times, durations, places and names are written on pages.

Pure functions from stored values (integer ms UTC, minutes, 1e-7 degree) to words or to a `<time>`
element. No clock: what depends on the present takes `now_ms`. Invariant: a `<time>` element always
carries the full instant with its offset, whatever short form it shows.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_INSTANT_MS_MAX: Final = 253_402_214_400_000  # the last day of 9999, where datetime ends


def sentence(words: str) -> str:
    """What an error says, as a page says it: with a capital and a full stop."""
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


def local_time(at_ms: int, zone: ZoneInfo) -> dt.datetime:
    """The instant on the site's clock; an absurd date is bent to the ends of the calendar."""
    bent = min(max(at_ms, 0), _INSTANT_MS_MAX)
    return dt.datetime.fromtimestamp(bent / 1000, dt.UTC).astimezone(zone)


def day_words(at_ms: int, zone: ZoneInfo, now_ms: int) -> str:
    """`today`, `yesterday`, `tomorrow`, `Mon 23 Nov`, or `23 Nov 2025` in another year."""
    day, today = local_time(at_ms, zone).date(), local_time(now_ms, zone).date()
    near = {0: "today", -1: "yesterday", 1: "tomorrow"}.get((day - today).days)
    if near:
        return near
    if day.year == today.year:
        return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def date_words(day: str, today: str) -> str:
    """A local day as `3 Dec`, or `3 Dec 2027` in another year than today's; both as 2026-12-03."""
    date = dt.date.fromisoformat(day)
    words = f"{date.day} {_MONTHS[date.month - 1]}"
    return words if day[:4] == today[:4] else f"{words} {date.year}"


def clock_words(at_ms: int, zone: ZoneInfo) -> str:
    """Hours and minutes of the local day, `14:02`."""
    return local_time(at_ms, zone).strftime("%H:%M")


def moment_words(at_ms: int, zone: ZoneInfo, now_ms: int) -> str:
    """`14:02` today, `yesterday 14:02`, `Mon 23 Nov 14:02`, `23 Nov 2025 14:02`."""
    day = day_words(at_ms, zone, now_ms)
    clock = clock_words(at_ms, zone)
    return clock if day == "today" else f"{day} {clock}"


def ago_words(at_ms: int, now_ms: int) -> str:
    """How long ago, in the largest unit that says enough: `just now`, `4 min ago`, `3 days ago`."""
    gone = now_ms - at_ms
    if gone < -MINUTE_MS:
        return f"in {span_words(-gone)}"
    return "just now" if gone < MINUTE_MS else f"{span_words(gone)} ago"


def span_words(span_ms: int) -> str:
    """A length of time in one unit: `4 min`, `3 h`, `1 day`, `12 days`."""
    if span_ms < HOUR_MS:
        return f"{max(span_ms // MINUTE_MS, 0)} min"
    if span_ms < DAY_MS:
        return f"{span_ms // HOUR_MS} h"
    days = span_ms // DAY_MS
    return "1 day" if days == 1 else f"{days} days"


def minutes_words(minutes: int) -> str:
    """Working time: `45 min`, `2 h`, `2 h 05 min`."""
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else ""
    if not hours:
        return f"{sign}{rest} min"
    return f"{sign}{hours} h" if not rest else f"{sign}{hours} h {rest:02d} min"


def time_element(at_ms: int, words: str, zone: ZoneInfo, *, ages: bool = False) -> Markup:
    """A `<time>` that shows `words`, machine-readable and with the full instant as its title.

    `ages`: the words say how long ago it was, and the page keeps them true while it is open.
    """
    local = local_time(at_ms, zone)
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        local.isoformat(timespec="milliseconds"),
        local.strftime("%Y-%m-%d %H:%M:%S %z"),
        Markup(" data-ago") if ages else "",
        words,
    )


def window_words(start_ms: int | None, end_ms: int | None, zone: ZoneInfo, now_ms: int) -> str:
    """A job's window: `today 10:00–11:30`; a dash in words where it has none."""
    if start_ms is None and end_ms is None:
        return "no date"
    if start_ms is None or end_ms is None:
        at_ms = start_ms if start_ms is not None else end_ms
        word = "from" if end_ms is None else "by"
        return f"{word} {day_words(at_ms or 0, zone, now_ms)} {clock_words(at_ms or 0, zone)}"
    start = f"{day_words(start_ms, zone, now_ms)} {clock_words(start_ms, zone)}"
    same_day = local_time(start_ms, zone).date() == local_time(end_ms, zone).date()
    end_day = "" if same_day else f"{day_words(end_ms, zone, now_ms)} "
    return f"{start}–{end_day}{clock_words(end_ms, zone)}"


def distance_words(metres: float) -> str:
    """`80 m`, `1.4 km`, `23 km`."""
    if metres < 1000:
        return f"{round(metres)} m"
    kilometres = metres / 1000
    return f"{kilometres:.1f} km" if kilometres < 10 else f"{round(kilometres)} km"


def point_words(lat_e7: int | None, lon_e7: int | None) -> str:
    """A place as people paste it, `50.0874654, 14.4212535`; empty where it is not known."""
    if lat_e7 is None or lon_e7 is None:
        return ""
    return f"{degrees_text(lat_e7)}, {degrees_text(lon_e7)}"


def degrees_text(degrees_e7: int) -> str:
    """1e-7 degree as a decimal number, exactly and without a float."""
    whole, rest = divmod(abs(degrees_e7), 10_000_000)
    digits = f"{rest:07d}".rstrip("0") or "0"
    return f"{'-' if degrees_e7 < 0 else ''}{whole}.{digits}"


_POINT: Final = re.compile(
    r"\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*\Z"
)


def parse_point(text: str) -> tuple[int, int]:
    """Read `lat, lon` in decimal degrees as 1e-7 degree.

    Raises:
        ValueError: it is no such pair, or lies off the globe; the text says what is expected.
    """
    match = _POINT.match(text)
    if match is None:
        raise ValueError("Give the position as latitude, longitude, such as 50.0875, 14.4213.")
    lat_e7, lon_e7 = (_to_e7(part) for part in match.groups())
    if abs(lat_e7) > 900_000_000 or abs(lon_e7) > 1_800_000_000:
        raise ValueError("A latitude lies within ±90 and a longitude within ±180.")
    return lat_e7, lon_e7


def _to_e7(text: str) -> int:
    whole, _, rest = text.lstrip("-").partition(".")
    value = int(whole) * 10_000_000 + int((rest + "0" * 7)[:7])
    return -value if text.startswith("-") else value


def initials(name: str) -> str:
    """One or two capital letters that stand for a person: `EN` for *Eva Nováková*."""
    words = [word for word in re.split(r"[\s@._-]+", name) if word[:1].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def minute_of_day_text(minute: int) -> str:
    """Minutes since local midnight as `08:30`, the form a time input takes."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def parse_minute_of_day(text: str) -> int:
    """Read `08:30`, or `8`, as minutes since local midnight. Raises ValueError in words."""
    match = re.fullmatch(r"([01]?\d|2[0-3])(?::([0-5]\d))?", text.strip())
    if match is None:
        raise ValueError("Give the time as hours and minutes, such as 08:30.")
    return int(match[1]) * 60 + int(match[2] or 0)


@lru_cache(maxsize=16_384)
def folded(text: str) -> str:
    """Lower case without accents, to compare and sort by; a site's names are asked for again."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def matches(words: list[str], *texts: str) -> bool:
    """Whether each of the (folded) words stands somewhere in the texts."""
    hay = folded("\n".join(texts))
    return all(word in hay for word in words)
