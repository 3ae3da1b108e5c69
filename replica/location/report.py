"""What a location app's message comes to: a fix, a crossing, a notice, or evidence of no use.

Holds the values that the parsers return and the reading of numbers that they share. Units are
normalised here, once: ms UTC, 1e-7 degrees, metres, metres per second, whole degrees.

Invariant: a parser returns one of these for any bytes at all and raises nothing; what cannot be
used keeps its raw bytes and its reason, so that nothing vanishes unexplained.
"""

from __future__ import annotations

import datetime
import enum
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from core.dispatch.fix import Fix

BODY_BYTES_MAX: Final = 65_536
"""A message is some 500 bytes; a list of many regions is ten thousand."""
RAW_BYTES_KEPT_MAX: Final = 2_048
"""Enough of a message to see what sent it."""

TIME_MS_MAX: Final = 4_102_444_800_000
"""The year 2100: later than any clock gone wrong, and earlier than a number of another kind."""
ACCURACY_M_MAX: Final = 1_000_000
SPEED_MPS_MAX: Final = 500.0
MPS_PER_KMH: Final = 1 / 3.6
MPS_PER_KNOT: Final = 1_852 / 3_600

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?\Z")


class Trouble(enum.Enum):
    """Why a message gives no fix; the value is what a person is told."""

    TOO_LARGE = "the message is larger than any location message"
    NOT_READABLE = "the message is not in the format of this app"
    UNKNOWN_TYPE = "the message is of a type that is not known here"
    ENCRYPTED = "the message is encrypted; take the encryption key out of the app's settings"
    NO_PLACE = "there is no latitude and longitude in the message"
    PLACE_OUT_OF_RANGE = "the latitude and longitude are not on Earth"
    NO_TIME = "there is no time in the message"
    TIME_OUT_OF_RANGE = "the time is before 1970 or after 2100"
    SAID_INVALID = "the app itself says that this is no valid fix"


@dataclass(frozen=True, slots=True)
class Located:
    """Where the phone was; `battery_percent` is 0 to 100 where the app tells.

    `on_mobile_data` is whether its network then was the mobile one, None where nothing tells.
    `app_mode` is the number of the app's own mode, and the ms of the phone's clock at which it was
    in that; None where it does not tell.
    """

    fix: Fix
    battery_percent: int | None = None
    on_mobile_data: bool | None = None
    app_mode: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """The phone's system saw it enter or leave a region; `region` is the number it was told by."""

    fix: Fix
    entered: bool
    region: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is in order and holds no place, such as an app's greeting; `kind` is its."""

    kind: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """Evidence that is kept and never used for anything; `raw` is its first 2,048 bytes."""

    trouble: Trouble
    raw: bytes


Report = Located | Crossing | Notice | Unusable


class Unfit(Exception):
    """Raised between the parsers' own functions; it becomes an `Unusable`."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


def reported(raw: bytes, parse: Callable[[], Report]) -> Report:
    """What `parse` makes of a message, an `Unfit` it raises being turned into evidence."""
    try:
        return parse()
    except Unfit as unfit:
        return Unusable(unfit.trouble, raw[:RAW_BYTES_KEPT_MAX])


def json_object(body: bytes) -> dict[str, object]:
    """The JSON object that a body is. Raises Unfit."""
    if len(body) > BODY_BYTES_MAX:
        raise Unfit(Trouble.TOO_LARGE)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # Not UTF-8, not JSON, too long a number, too deep.
        raise Unfit(Trouble.NOT_READABLE) from None
    if not isinstance(value, dict):
        raise Unfit(Trouble.NOT_READABLE)
    return value


def number_in(value: object) -> float | None:
    """A finite number, or None: for a text, a truth value, NaN, infinity and what is missing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def number_of_text(text: str | None) -> float | None:
    """The number that a text is, or None."""
    # What `strip` takes for space, `float` does not always.
    stripped = "" if text is None else text.strip()
    if _NUMBER.match(stripped) is None:
        return None
    number = float(stripped)
    return number if math.isfinite(number) else None


def place_e7(latitude: float | None, longitude: float | None) -> tuple[int, int]:
    """Degrees as whole 1e-7 degrees. Raises Unfit when missing or not on Earth.

    Exactly 0, 0 is what apps send when they know no place.
    """
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        raise Unfit(Trouble.NO_PLACE)
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise Unfit(Trouble.PLACE_OUT_OF_RANGE)
    return round(latitude * 10_000_000), round(longitude * 10_000_000)


def time_ms_of_seconds(seconds: float | None) -> int:
    """Seconds since 1970 as ms. Raises Unfit when missing or out of range."""
    if seconds is None:
        raise Unfit(Trouble.NO_TIME)
    if not 0 <= seconds * 1_000 <= TIME_MS_MAX:
        raise Unfit(Trouble.TIME_OUT_OF_RANGE)
    return round(seconds * 1_000)


def time_ms_of_text(text: str) -> int:
    """A date and time in ISO 8601, or with a space for the T; UTC unless it says otherwise.

    Raises Unfit.
    """
    try:
        moment = datetime.datetime.fromisoformat(text.strip()[:64])
    except ValueError:
        raise Unfit(Trouble.NO_TIME) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    time_ms = (moment - epoch) // datetime.timedelta(milliseconds=1)
    if not 0 <= time_ms <= TIME_MS_MAX:
        raise Unfit(Trouble.TIME_OUT_OF_RANGE)
    return time_ms


def accuracy_m(metres: float | None) -> int | None:
    """The radius of a fix, rounded up so that none looks better than it is; None if not told."""
    if metres is None or metres < 0:
        return None
    return math.ceil(min(metres, ACCURACY_M_MAX))


def speed_mps(metres_per_second: float | None) -> float | None:
    """A speed, or None if not told (some apps say -1) or faster than anything on wheels."""
    if metres_per_second is None or not 0 <= metres_per_second <= SPEED_MPS_MAX:
        return None
    return metres_per_second


def bearing_deg(degrees: float | None) -> int | None:
    """A direction of travel, 0 (north) to 359, or None if not told (some apps say -1)."""
    if degrees is None or not 0 <= degrees <= 360:
        return None
    return round(degrees) % 360


def battery_percent(percent: float | None) -> int | None:
    """How full the battery is, 0 to 100, or None if not told."""
    return round(percent) if percent is not None and 0 <= percent <= 100 else None
