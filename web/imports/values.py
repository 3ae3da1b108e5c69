"""What single cells say: days, times, positions, durations, priorities, lists.

Each reader takes the text of a cell and gives a value, or an error whose sentence says what was
expected. Days with slashes are read by the order that the person chose. Pure. Invariant: no cell
is read as something that it does not say; what is not understood is an error.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from core.sentence import say
from web import formats
from web.board.job_form import FormError, compose_window, window_of
from web.board.rows import PRIORITY_WORDS
from web.formats import folded

ORDERS: Final = {"dmy": say("day/month/year"), "mdy": say("month/day/year")}
_PRIORITIES: Final = {
    **{words.lower(): index for index, words in enumerate(PRIORITY_WORDS)},
    **{str(index): index for index in range(len(PRIORITY_WORDS))},
    "medium": 1, "standard": 1, "important": 2, "critical": 3, "emergency": 3,
}  # fmt: skip
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(.+))?\Z")
_DOTS: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:,?\s+(.+))?\Z")
_SLASHES: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:,?\s+(.+))?\Z")
_TIME: Final = re.compile(
    r"(\d{1,2})[:.](\d{2})(?::\d{2}(?:\.\d+)?)?\s*(am|pm)?\s*(Z|[+-]\d{2}:?\d{2})?\Z", re.I
)
_SPAN: Final = re.compile(r"(\d{1,2}(?:[:.]\d{2})?)\s*[-–—]\s*(\d{1,2}(?:[:.]\d{2})?)\Z")
_NUMBER: Final = re.compile(r"-?\d{1,3}(?:[.,]\d{1,12})?\Z")


class CellError(ValueError):
    """A cell says nothing that its field can hold; the sentence says what is expected."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A day, a minute of the day and an offset from UTC (minutes), each None where not given."""

    day: dt.date | None
    minute: int | None
    offset_min: int | None


def read_stamp(text: str, order: str) -> Stamp:
    """A day, a time, or both; `order` is a key of `ORDERS`."""
    for form, places in ((_ISO, "ymd"), (_DOTS, "dmy"), (_SLASHES, order + "")):
        match = form.match(text)
        if match is None:
            continue
        parts = dict(zip(places, match.groups()[:3], strict=True))
        try:
            day = dt.date(int(parts["y"]), int(parts["m"]), int(parts["d"]))
        except ValueError as error:
            raise CellError(say("“{text}” is no day of the calendar", text=text)) from error
        minute, offset = _time(match[4]) if match[4] else (None, None)
        return Stamp(day, minute, offset)
    minute, offset = _time(text)
    return Stamp(None, minute, offset)


def _time(text: str) -> tuple[int, int | None]:
    match = _TIME.match(text.strip())
    hour, minute = (int(match[1]), int(match[2])) if match else (24, 0)
    half = match[3].lower() if match and match[3] else ""
    if half and not 1 <= hour <= 12:
        hour = 24
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if match is None or hour > 23 or minute > 59:
        raise CellError(
            say("“{text}” is no day or time; write 2026-11-23, 14:30, or both", text=text)
        )
    return hour * 60 + minute, _offset(match[4])


def _offset(text: str | None) -> int | None:
    if not text:
        return None
    if text in "Zz":
        return 0
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if text[0] == "-" else minutes


def read_window(
    day: str, start: str, end: str, planned_min: int | None, zone: ZoneInfo, order: str
) -> tuple[int, int] | None:
    """A job's window in ms from the cells of day, start and end; None where all are empty."""
    if not (day or start or end):
        return None
    whole = _local(read_stamp(day, order), None, zone) if day else Stamp(None, None, None)
    first = _local(read_stamp(start, order), whole.day, zone) if start else Stamp(None, None, None)
    first_day = first.day or whole.day
    first_minute = first.minute if first.minute is not None else whole.minute
    last = _local(read_stamp(end, order), first_day, zone) if end else Stamp(None, None, None)
    if first_day is None and last.day is not None:
        first_day = last.day
    if first_day is None:
        raise CellError(say("there is a time but no day; give the day too"))
    last_day = last.day if last.day != first_day else None
    try:
        window = window_of(
            compose_window(
                first_day.isoformat(),
                _clock(first_minute),
                last_day.isoformat() if last_day else "",
                _clock(last.minute),
            ),
            zone,
        )
    except FormError as error:
        raise CellError(*error.args) from error
    if window is not None and not end and first_minute is not None and planned_min:
        return window[0], window[0] + planned_min * formats.MINUTE_MS
    return window


def _clock(minute: int | None) -> str:
    return "" if minute is None else formats.minute_of_day_text(minute)


def _local(stamp: Stamp, day: dt.date | None, zone: ZoneInfo) -> Stamp:
    """The stamp on the site's clock, where it says how far it stands from UTC."""
    on = stamp.day or day
    if stamp.offset_min is None or on is None or stamp.minute is None:
        return stamp
    try:
        given = dt.datetime(
            on.year, on.month, on.day, *divmod(stamp.minute, 60),
            tzinfo=dt.timezone(dt.timedelta(minutes=stamp.offset_min)),
        ).astimezone(zone)  # fmt: skip
    except (ValueError, OverflowError) as error:
        raise CellError(say("the time lies outside the calendar")) from error
    return Stamp(given.date(), given.hour * 60 + given.minute, None)


def read_point(point: str, lat: str, lon: str) -> tuple[int, int] | None:
    """A position in 1e-7 degree from one cell or two, with decimal points or commas."""
    if lat or lon:
        if not (_NUMBER.match(lat) and _NUMBER.match(lon)):
            raise CellError(say("give both latitude and longitude, such as 50.0875 and 14.4213"))
        point = f"{lat.replace(',', '.')}, {lon.replace(',', '.')}"
    if not point:
        return None
    try:
        return formats.parse_point(point)
    except ValueError as error:
        raise CellError(
            say("“{text}” is no position such as 50.0875, 14.4213", text=point)
        ) from error


def read_radius(text: str) -> int | None:
    """A radius in whole metres; None for an empty cell."""
    return _whole(text, say("the radius “{text}” is no whole number", text=text))


def _whole(text: str, wrong: str) -> int | None:
    """A whole number, None for an empty cell; a decimal nought behind it does not matter."""
    plain = re.sub(r"[.,]0+\Z", "", text)
    if not plain:
        return None
    if not plain.isdecimal() or len(plain) > 6:
        raise CellError(wrong)
    return int(plain)


def read_minutes(text: str) -> int | None:
    """A duration in minutes: `90`, `1:30` or `1.5 h`."""
    if not text:
        return None
    if match := re.match(r"(\d{1,2}):(\d{2})\Z", text):
        return int(match[1]) * 60 + int(match[2])
    if match := re.match(r"(\d{1,3}(?:[.,]\d{1,2})?)\s*(?:h|hours?|hrs?)\Z", text, re.I):
        return round(float(match[1].replace(",", ".")) * 60)
    plain = re.sub(r"\s*(min|minutes)\.?\Z", "", text, flags=re.I)
    return _whole(plain, say("the duration “{text}” is no whole number", text=plain))


def read_priority(text: str) -> int | None:
    """A priority by its word or number; None for an empty cell."""
    if not text:
        return None
    found = _PRIORITIES.get(folded(text))
    if found is None:
        known = ", ".join(PRIORITY_WORDS).lower()
        raise CellError(say("the priority “{text}” is none of {known}", text=text, known=known))
    return found


def read_shift(shift: str, start: str, end: str) -> list[int] | None:
    """A shift as minutes of the local day; an end that is not after the start is the next day's."""
    if shift:
        match = _SPAN.match(shift)
        if match is None:
            raise CellError(
                say("the shift “{shift}” is none; write it as 07:00-15:30", shift=shift)
            )
        start, end = match[1], match[2]
    if not start and not end:
        return None
    if not start or not end:
        raise CellError(say("a shift needs a start and an end"))
    first, last = (_hour(text) for text in (start, end))
    return [first, last if last > first else last + 24 * 60]


def _hour(text: str) -> int:
    if text.isdecimal() and len(text) <= 2:
        text = f"{text}:00"
    return _time(text)[0]


def read_list(text: str) -> list[str]:
    """The names in a cell that lists some, each once."""
    names = [name.strip() for name in re.split(r"[;,|\n]", text)]
    return list(dict.fromkeys(name for name in names if name))


def plain(text: str) -> str:
    """A text to compare by: without case, accents, punctuation and double spaces."""
    return re.sub(r"\W+", " ", folded(text)).strip()


def digits(text: str) -> str:
    """The digits of a phone number by which two are the same: the last nine, spaces aside."""
    return re.sub(r"\D", "", text)[-9:]
