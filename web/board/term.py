"""One term of the board's filter: what can be filtered by, and how a value of it is written.

Each value has one form in which it is kept (`2h` for `120`, `high` for `2`), so that equal filters
are equal texts. Holds no SQL. Invariant: `read_value` of a value it returned is that value.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from core.sentence import marked, say

STATUSES: Final = (
    marked("open"),
    marked("in progress"),
    marked("done"),
    marked("rejected"),
    marked("cancelled"),
)
PRIORITIES: Final = (marked("low"), marked("normal"), marked("high"), marked("urgent"))
YEAR_MIN, YEAR_MAX = 2000, 2100
"""Days beyond are slips, and reckoning with them would leave the calendar."""

TEXT: Final = "text"
"""The key of a word or of a phrase in quotes, which is written without a key."""
NONE: Final = marked("none")
"""The value of a name for what has none: a job of no customer."""
ID: Final = re.compile(r"[0-9a-f]{24}\Z|[0-9a-f]{16}\Z")
"""A stream's or a group's id as pages write it."""
VALUE_LETTERS_MAX: Final = 200

_MINUTES_BY_UNIT: Final = {"min": 1, "m": 1, "h": 60, "d": 1440, "w": 10080}
_SPAN: Final = re.compile(r"(\d{1,6})(min|m|h|d|w)?\Z")
NEAR_DAYS: Final = (marked("today"), marked("tomorrow"), marked("yesterday"))


class Form(enum.Enum):
    """What the values of a key are."""

    CHOICE = "one of a few words"
    NAME = "the name of a worker, team, customer or skill, or its id"
    TEXT = "a text that is contained"
    SPAN = "minutes, hours, days or weeks"
    DAY = "a day"


class ValueFault(ValueError):
    """A value that its key can't have; the sentence says what it can."""


@dataclass(frozen=True, slots=True)
class Key:
    """Something that can be filtered by; `example` is a value of it, with its sign if it needs one.

    `compares`: it may stand with < and >; `only_compares`: it must. `words` name it on a chip.
    """

    name: str
    words: str
    form: Form
    example: str
    choices: tuple[str, ...] = ()
    compares: bool = False
    only_compares: bool = False

    @property
    def allowed(self) -> str:
        """What may stand as a value, in words."""
        match self.form:
            case Form.CHOICE:
                choices = ", ".join(self.choices)
                return say("{key} is one of {choices}", key=self.name, choices=choices)
            case Form.SPAN:
                return say(
                    "{key} is a number with min, h, d or w, such as {example}",
                    key=self.name,
                    example=self.example,
                )
            case Form.DAY:
                return say(
                    "{key} is today, tomorrow, yesterday, none, or such as 2026-11-28",
                    key=self.name,
                )
            case Form.NAME:
                return say("give a name, in quotes where it has a space, or {none}", none=NONE)
        example = f"{self.name}:{self.example}"
        return say("give a text, such as {example}", example=example)


HAS: Final = (
    marked("conflict"),
    marked("note"),
    marked("position"),
    marked("checklist"),
    marked("reason"),
)
IS: Final = (
    marked("late"),
    marked("at risk"),
    marked("unassigned"),
    marked("unreached"),
    marked("overridden"),
)

KEYS: Final = {
    key.name: key
    for key in (
        Key("status", say("Status"), Form.CHOICE, "open", STATUSES),
        Key("worker", say("Worker"), Form.NAME, '"Ana Berg"'),
        Key("team", say("Team"), Form.NAME, "north"),
        Key("customer", say("Customer"), Form.NAME, "Letná"),
        Key("place", say("Place"), Form.TEXT, "harbour"),
        Key("skill", say("Skill"), Form.NAME, "gas"),
        Key("day", say("Day"), Form.DAY, "today", compares=True),
        Key("delay", say("Delay"), Form.SPAN, ">10min", compares=True, only_compares=True),
        Key("priority", say("Priority"), Form.CHOICE, "high", PRIORITIES, compares=True),
        Key("duration", say("Duration"), Form.SPAN, ">2h", compares=True, only_compares=True),
        Key("changed", say("Changed"), Form.SPAN, "<2h", compares=True, only_compares=True),
        Key("created", say("Made"), Form.SPAN, "<1d", compares=True, only_compares=True),
        Key("number", say("No."), Form.TEXT, "A-17"),
        Key("has", say("Has"), Form.CHOICE, "conflict", HAS),
        Key("is", say("Is"), Form.CHOICE, "late", IS),
    )
}


class Term(NamedTuple):
    """One condition. `sign` is `:`, `<`, `<=`, `>` or `>=`; any of `values` may hold.

    `negated`: the jobs that do not meet it.
    """

    key: str
    sign: str
    values: tuple[str, ...]
    negated: bool = False


def read_value(key: Key, sign: str, raw: str) -> str:
    """A value as it is kept, from how it was typed.

    Raises:
        ValueFault: the key can't have it.
    """
    match key.form:
        case Form.CHOICE:
            return _choice(key, raw)
        case Form.SPAN:
            return _span(key, raw)
        case Form.DAY:
            return _day(key, sign, raw)
    if len(raw) > VALUE_LETTERS_MAX:
        most = VALUE_LETTERS_MAX
        raise ValueFault(say("a value has at most {most} letters; shorten it", most=most))
    return NONE if key.form is Form.NAME and raw.lower() == NONE else raw


def minutes_of(value: str) -> int:
    """A span's minutes: 120 for `2h`."""
    match = _SPAN.match(value)
    if match is None:
        raise ValueFault(say("“{value}” is no span", value=value))
    return int(match[1]) * _MINUTES_BY_UNIT[match[2] or "min"]


def read_day(text: str) -> dt.date | None:
    """A day such as 2026-11-28, None where the text is none that a calendar here holds."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if YEAR_MIN <= day.year <= YEAR_MAX else None


def _choice(key: Key, raw: str) -> str:
    plain = " ".join(raw.lower().replace("-", " ").replace("_", " ").split())
    if key.name == "priority" and plain in ("0", "1", "2", "3"):
        return PRIORITIES[int(plain)]
    if plain not in key.choices:
        raise ValueFault(
            say("“{value}” is no {key}; {allowed}", value=raw, key=key.name, allowed=key.allowed)
        )
    return plain


def _span(key: Key, raw: str) -> str:
    match = _SPAN.match(raw.lower())
    if match is None:
        raise ValueFault(say("“{value}” is no time; {allowed}", value=raw, allowed=key.allowed))
    minutes = minutes_of(raw.lower())
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes and minutes % size == 0 and minutes // size < 1_000_000:
            return f"{minutes // size}{unit}"
    if minutes >= 1_000_000:
        words = say(
            "“{value}” is longer than anything lasts; {allowed}", value=raw, allowed=key.allowed
        )
        raise ValueFault(words)
    return f"{minutes}min"


def _day(key: Key, sign: str, raw: str) -> str:
    plain = raw.lower()
    if plain in NEAR_DAYS or (plain == NONE and sign == ":"):
        return plain
    day = read_day(raw)
    if day is None:
        raise ValueFault(say("“{value}” is no day; {allowed}", value=raw, allowed=key.allowed))
    return day.isoformat()
