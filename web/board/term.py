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

STATUSES: Final = ("open", "in progress", "done", "rejected", "cancelled")
PRIORITIES: Final = ("low", "normal", "high", "urgent")
YEAR_MIN, YEAR_MAX = 2000, 2100
"""Days beyond are slips, and reckoning with them would leave the calendar."""

TEXT: Final = "text"
"""The key of a word or of a phrase in quotes, which is written without a key."""
NONE: Final = "none"
"""The value of a name for what has none: a job of no customer."""
ID: Final = re.compile(r"[0-9a-f]{24}\Z|[0-9a-f]{16}\Z")
"""A stream's or a group's id as pages write it."""
VALUE_LETTERS_MAX: Final = 200

_MINUTES_BY_UNIT: Final = {"min": 1, "m": 1, "h": 60, "d": 1440, "w": 10080}
_SPAN: Final = re.compile(r"(\d{1,6})(min|m|h|d|w)?\Z")
_NEAR_DAYS: Final = ("today", "tomorrow", "yesterday")


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
                return f"{self.name} is one of {', '.join(self.choices)}"
            case Form.SPAN:
                return f"{self.name} is a number with min, h, d or w, such as {self.example}"
            case Form.DAY:
                return f"{self.name} is today, tomorrow, yesterday, none, or such as 2026-11-28"
            case Form.NAME:
                return f"give a name, in quotes where it has a space, or {NONE}"
        return f"give a text, such as {self.name}:{self.example}"


HAS: Final = ("conflict", "note", "position", "checklist", "reason")
IS: Final = ("late", "at risk", "unassigned", "unreached", "overridden")

KEYS: Final = {
    key.name: key
    for key in (
        Key("status", "Status", Form.CHOICE, "open", STATUSES),
        Key("worker", "Worker", Form.NAME, '"Ana Berg"'),
        Key("team", "Team", Form.NAME, "north"),
        Key("customer", "Customer", Form.NAME, "Letná"),
        Key("place", "Place", Form.TEXT, "harbour"),
        Key("skill", "Skill", Form.NAME, "gas"),
        Key("day", "Day", Form.DAY, "today", compares=True),
        Key("delay", "Delay", Form.SPAN, ">10min", compares=True, only_compares=True),
        Key("priority", "Priority", Form.CHOICE, "high", PRIORITIES, compares=True),
        Key("duration", "Duration", Form.SPAN, ">2h", compares=True, only_compares=True),
        Key("changed", "Changed", Form.SPAN, "<2h", compares=True, only_compares=True),
        Key("created", "Made", Form.SPAN, "<1d", compares=True, only_compares=True),
        Key("number", "No.", Form.TEXT, "A-17"),
        Key("has", "Has", Form.CHOICE, "conflict", HAS),
        Key("is", "Is", Form.CHOICE, "late", IS),
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
        raise ValueFault(f"a value has at most {VALUE_LETTERS_MAX} letters; shorten it")
    return NONE if key.form is Form.NAME and raw.lower() == NONE else raw


def minutes_of(value: str) -> int:
    """A span's minutes: 120 for `2h`."""
    match = _SPAN.match(value)
    if match is None:
        raise ValueFault(f"“{value}” is no span")
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
        raise ValueFault(f"“{raw}” is no {key.name}; {key.allowed}")
    return plain


def _span(key: Key, raw: str) -> str:
    match = _SPAN.match(raw.lower())
    if match is None:
        raise ValueFault(f"“{raw}” is no time; {key.allowed}")
    minutes = minutes_of(raw.lower())
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes and minutes % size == 0 and minutes // size < 1_000_000:
            return f"{minutes // size}{unit}"
    if minutes >= 1_000_000:
        raise ValueFault(f"“{raw}” is longer than anything lasts; {key.allowed}")
    return f"{minutes}min"


def _day(key: Key, sign: str, raw: str) -> str:
    plain = raw.lower()
    if plain in _NEAR_DAYS or (plain == NONE and sign == ":"):
        return plain
    day = read_day(raw)
    if day is None:
        raise ValueFault(f"“{raw}” is no day; {key.allowed}")
    return day.isoformat()
