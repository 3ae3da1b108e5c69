"""Numbers, amounts, lengths of time and moments as people read them.

Holds no drawing. Invariant: a number keeps at least three of its digits, and one that is none (a
mean of nothing) reads as a dash.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

NOTHING: Final = "–"
SPACE: Final = "\u00a0"
"""Holds a number and its unit together."""
BYTES: Final = ("B", "kB", "KB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "bytes")
TIMES: Final = ("µs", "us", "ms", "s", "min", "h", "d")
_TIME_WORDS: Final = (*TIMES, "second", "minute", "hour", "day", "sec")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
# From which amount on a unit is another one, and how many of it that is.
_LARGER: Final = {
    "B": ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")),
    "bytes": ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")),
    "ms": ((1e3, "s"),),
    "s": ((60.0, "min"), (3_600.0, "h")),
}
# Seconds are plain to everybody for longer than kilobytes: a unit changes at ten of the next.
_TIMES_NEXT: Final = 10


@dataclass(frozen=True, slots=True)
class Scale:
    """How amounts of a unit are shown: divided by `divisor`, in `unit`."""

    divisor: float = 1.0
    unit: str = ""


def scale_of(unit: str, most: float) -> Scale:
    """The scale in which amounts up to `most` of a unit are short: 3,200,000 B are 3.2 MB."""
    head, slash, rest = unit.partition("/")
    found = Scale(1.0, unit)
    for divisor, name in _LARGER.get(head, ()):
        ten = _TIMES_NEXT if head in TIMES else 1
        if math.isfinite(most) and abs(most) >= divisor * ten:
            found = Scale(divisor, f"{name}{slash}{rest}")
    return found


def number(value: float) -> str:
    """A number in four digits or all of its whole ones: `1,234,567`, `12.35`, `0.001`."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    size = float(f"{size:.4g}") if 1e-4 <= size < 1_000 else size
    if size >= 1e15:
        words = f"{size:.3g}"
    elif size == int(size) or size >= 1_000:
        words = f"{round(size):,}"
    elif size < 1e-4:
        words = f"{size:.2g}"
    else:
        words = f"{size:.{max(0, 3 - math.floor(math.log10(size)))}f}".rstrip("0").rstrip(".")
    return f"−{words}" if value < 0 else words


def exact(value: float, unit: str) -> str:
    """An amount in the unit that it has: `1,423,123 B`."""
    return f"{number(value)}{SPACE}{unit}" if unit else number(value)


def amount(value: float, unit: str) -> str:
    """An amount in the unit in which it is short: `1.423 MB`, `12.4 s`."""
    scale = scale_of(unit, value)
    return exact(value / scale.divisor, scale.unit)


def difference(value: float, unit: str) -> str:
    """An amount with its sign; a plus-minus zero for none."""
    sign = "±" if value == 0 else "+" if value > 0 else ""
    return f"{sign}{amount(value, unit)}"


def ratio(one: float, other: float) -> str:
    """How many times `one` the `other` is: `× 1.25`; a dash where that says nothing."""
    if not (math.isfinite(one) and math.isfinite(other)) or one == 0 or (one < 0) != (other < 0):
        return NOTHING
    times = other / one
    return f"×{SPACE}{times:.2f}" if 0.1 <= times < 100 else f"×{SPACE}{times:.2g}"


def length(seconds: float) -> str:
    """A length of time in its two largest units: `10 min 32 s`."""
    if not math.isfinite(seconds):
        return NOTHING
    if abs(seconds) < 60:
        return exact(round(seconds, 1), "s")
    whole = round(abs(seconds))
    sign = "−" if seconds < 0 else ""
    parts = [(whole // 86_400, "d"), (whole // 3_600 % 24, "h"), (whole // 60 % 60, "min")]
    parts.append((whole % 60, "s"))
    first = next(at for at, (count, _) in enumerate(parts) if count)
    shown = [f"{count:,}{SPACE}{unit}" for count, unit in parts[first : first + 2] if count]
    return sign + " ".join(shown)


def moment(text: str) -> str:
    """An ISO moment as `30 November 2026, 11:12:53 UTC`; any other text as it stands."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = f"{found:%z}"
    if found.tzinfo is not None:
        zone = " UTC" if zone in ("+0000", "-0000") else f" UTC{zone[:3]}:{zone[3:5]}"
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}, {found:%H:%M:%S}{zone}"


def family(unit: str) -> str:
    """What a unit measures: 'bytes', 'rate', 'time' or 'number'."""
    words = unit.replace("/", " per ").replace(" a ", " per ").replace(" an ", " per ")
    head, _, per = (part.strip() for part in words.partition(" per "))
    timed = per.rstrip("s") in _TIME_WORDS or per in _TIME_WORDS
    if head in BYTES and not timed:
        return "bytes"
    if per:
        return "rate"
    return "time" if head in TIMES else "number"
