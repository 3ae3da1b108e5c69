"""How times, durations, places and names are written on pages.

Pure functions from stored values (integer ms UTC, minutes, 1e-7 degree) to words, which are
sentences that a page says in its reader's language, or to a `<time>` element. No clock: what
depends on the present takes `now_ms`. Invariant: a `<time>` element always carries the full instant
with its offset, whatever short form it shows.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from core import date_words as dates
from core.date_words import DAYS, MONTHS
from core.sentence import Sentence, listed, marked, say, say_n, whole

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

WEEKDAYS: Final = (
    *(say("Monday"), say("Tuesday"), say("Wednesday"), say("Thursday")),
    *(say("Friday"), say("Saturday"), say("Sunday")),
)
_MONTHS_OF_YEARS: Final = (
    *(marked("January {year}"), marked("February {year}"), marked("March {year}")),
    *(marked("April {year}"), marked("May {year}"), marked("June {year}")),
    *(marked("July {year}"), marked("August {year}"), marked("September {year}")),
    *(marked("October {year}"), marked("November {year}"), marked("December {year}")),
)
_DAYS_OF_MONTHS: Final = (
    *(marked("{day} January {year}"), marked("{day} February {year}")),
    *(marked("{day} March {year}"), marked("{day} April {year}")),
    *(marked("{day} May {year}"), marked("{day} June {year}")),
    *(marked("{day} July {year}"), marked("{day} August {year}")),
    *(marked("{day} September {year}"), marked("{day} October {year}")),
    *(marked("{day} November {year}"), marked("{day} December {year}")),
)
_INSTANT_MS_MAX: Final = 253_402_214_400_000  # the last day of 9999, where datetime ends


def sentence(words: str) -> str:
    """What an error says, as a page says it: with a capital and a full stop."""
    return whole(words)


# A table says several things of each instant, and many rows are of one day.
@lru_cache(maxsize=4_096)
def local_time(at_ms: int, zone: ZoneInfo) -> dt.datetime:
    """The instant on the site's clock; an absurd date is bent to the ends of the calendar."""
    bent = min(max(at_ms, 0), _INSTANT_MS_MAX)
    return dt.datetime.fromtimestamp(bent / 1000, dt.UTC).astimezone(zone)


@lru_cache(maxsize=4_096)
def local_minute(at_ms: int, zone: ZoneInfo) -> str:
    """The minute on the site's clock, `2026-11-23T10:00`."""
    return local_time(at_ms, zone).isoformat()[:16]


def day_words(at_ms: int, zone: ZoneInfo, now_ms: int) -> str:
    """`today`, `yesterday`, `tomorrow`, `Mon 23 Nov`, or `23 Nov 2025` in another year."""
    return dates.day_words(local_time(at_ms, zone).date(), local_time(now_ms, zone).date())


def weekday_date_words(day: dt.date) -> Sentence:
    """`Mon 23 Nov 2026`."""
    return say(
        "{weekday} {day} {month} {year}",
        weekday=DAYS[day.weekday()], day=day.day, month=MONTHS[day.month - 1], year=day.year,
    )  # fmt: skip


def long_date_words(day: dt.date) -> Sentence:
    """`23 November 2026`."""
    return say(_DAYS_OF_MONTHS[day.month - 1], day=day.day, year=day.year)


def long_day_words(day: dt.date) -> Sentence:
    """`Monday 23 November 2026`."""
    return say("{weekday} {date}", weekday=WEEKDAYS[day.weekday()], date=long_date_words(day))


def month_words(day: dt.date) -> Sentence:
    """A day's month, `November 2026`."""
    return say(_MONTHS_OF_YEARS[day.month - 1], year=day.year)


def date_words(day: str, today: str) -> str:
    """A local day as `3 Dec`, or `3 Dec 2027` in another year than today's; both as 2026-12-03."""
    date = dt.date.fromisoformat(day)
    other = day[:4] != today[:4]
    return dates.full_date_words(date) if other else dates.month_day_words(date)


def clock_words(at_ms: int, zone: ZoneInfo) -> str:
    """Hours and minutes of the local day, `14:02`."""
    return local_minute(at_ms, zone)[11:]


def moment_words(at_ms: int, zone: ZoneInfo, now_ms: int) -> str:
    """`14:02` today, `yesterday 14:02`, `Mon 23 Nov 14:02`, `23 Nov 2025 14:02`."""
    day = day_words(at_ms, zone, now_ms)
    clock = clock_words(at_ms, zone)
    return clock if day is dates.TODAY else say("{day} {clock}", day=day, clock=clock)


def ago_words(at_ms: int, now_ms: int) -> str:
    """How long ago, in the largest unit that says enough: `just now`, `4 min ago`, `3 days ago`."""
    gone = now_ms - at_ms
    if gone < -MINUTE_MS:
        return say("in {span}", span=span_words(-gone))
    if gone < MINUTE_MS:
        return say("just now")
    if gone < DAY_MS:
        return say("{span} ago", span=span_words(gone))
    return say_n("{n} day ago", "{n} days ago", gone // DAY_MS)


def span_words(span_ms: int) -> str:
    """A length of time in one unit: `4 min`, `3 h`, `1 day`, `12 days`."""
    if span_ms < HOUR_MS:
        return say("{minutes} min", minutes=max(span_ms // MINUTE_MS, 0))
    if span_ms < DAY_MS:
        return say("{hours} h", hours=span_ms // HOUR_MS)
    return say_n("{n} day", "{n} days", span_ms // DAY_MS)


def minutes_words(minutes: int) -> str:
    """Working time: `45 min`, `2 h`, `2 h 05 min`."""
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else ""
    most = f"{sign}{hours or rest}"
    if not hours:
        return say("{minutes} min", minutes=most)
    if not rest:
        return say("{hours} h", hours=most)
    return say("{hours} h {minutes:02d} min", hours=most, minutes=rest)


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

    def at(at_ms: int) -> Sentence:
        day = day_words(at_ms, zone, now_ms)
        return say("{day} {clock}", day=day, clock=clock_words(at_ms, zone))

    if end_ms is None:
        return say("no date") if start_ms is None else say("from {when}", when=at(start_ms))
    if start_ms is None:
        return say("by {when}", when=at(end_ms))
    same_day = local_time(start_ms, zone).date() == local_time(end_ms, zone).date()
    end = clock_words(end_ms, zone) if same_day else at(end_ms)
    return say("{start}–{end}", start=at(start_ms), end=end)


def distance_words(metres: float) -> str:
    """`80 m`, `1.4 km`, `23 km`."""
    if metres < 1000:
        return say("{metres} m", metres=round(metres))
    if metres < 10_000:
        whole, _, tenths = f"{metres / 1000:.1f}".partition(".")
        return say("{whole}.{tenths} km", whole=whole, tenths=tenths)
    return say("{kilometres} km", kilometres=round(metres / 1000))


def and_words(words: Sequence[str]) -> str:
    """Several texts in a row, the last after an *and*: `Mon, Tue and Fri`."""
    *before, last = words
    return say("{before} and {last}", before=listed(before), last=last) if before else last


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
        raise ValueError(say("Give the position as latitude, longitude, such as 50.0875, 14.4213."))
    lat_e7, lon_e7 = (_to_e7(part) for part in match.groups())
    if abs(lat_e7) > 900_000_000 or abs(lon_e7) > 1_800_000_000:
        raise ValueError(say("A latitude lies within ±90 and a longitude within ±180."))
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
        raise ValueError(say("Give the time as hours and minutes, such as 08:30."))
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
