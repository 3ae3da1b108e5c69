"""Where phones are now: kept in memory, latest wins, never in the log.

Holds the shape of a presence and how it travels as whole numbers by key. Invariant: a presence is
replaced only by one that was said later by its own time or takes a place back, and one off duty has
no place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

PLACE_KEPT_MS: Final = 30 * 60_000
"""So old a place may be to be taken over by a presence that has none."""

_AT, _LAT, _LON, _ACCURACY, _BEARING, _SPEED, _BATTERY, _DUTY, _JOBS = range(9)


@dataclass(frozen=True, slots=True)
class Presence:
    """What a phone last said of itself: place (1e-7 degree), battery, duty, app state.

    `author` is the hex key of the phone that said it: a worker may have had several. `at_ms` is
    when the phone was where it says; `said_ms` when it said so.
    """

    at_ms: int
    lat_e7: int | None
    lon_e7: int | None
    accuracy_m: int | None
    bearing_deg: int | None
    speed_mps: float | None
    battery_percent: int | None
    duty: bool
    app: str
    heard_ms: int = 0
    author: str = ""
    said_ms: int = 0


def read_presence(fields: dict[int, Any], heard_ms: int, author: str = "") -> Presence | None:
    """The presence in a message's fields, None where they make no sense.

    A time ahead of the hub's is taken as now, so that one wrong clock does not hide what follows.
    """
    at = fields.get(_AT)
    if at is None or not 0 <= at < 2**48:
        return None
    duty = bool(fields.get(_DUTY))
    lat, lon = fields.get(_LAT), fields.get(_LON)
    outside = lat is None or lon is None or abs(lat) > 900_000_000 or abs(lon) > 1_800_000_000
    if outside or not duty:
        lat = lon = None
    speed = fields.get(_SPEED)
    return Presence(
        min(at, heard_ms),
        lat,
        lon,
        fields.get(_ACCURACY),
        fields.get(_BEARING),
        None if speed is None else speed / 100,
        fields.get(_BATTERY),
        duty,
        "jobs on" if fields.get(_JOBS, 1) else "jobs off",
        heard_ms,
        author,
        min(at, heard_ms),
    )


def newest(known: Presence | None, told: Presence) -> Presence | None:
    """What is known once a phone has told `told`; None where that is older than what is known.

    A phone whose program or connection began anew says that it is on duty before it has a fix: it
    is taken to be where it was when it was last seen, unless that is long ago, and to stand there.
    Off duty takes the place back whatever clocks say: they may differ by seconds.
    """
    if known is None:
        return told
    is_same_phone = known.author == told.author
    if not told.duty and is_same_phone:
        return told
    if known.said_ms > told.said_ms:
        return None
    is_placed = known.duty and is_same_phone and known.lat_e7 is not None
    if told.lat_e7 is not None or not is_placed or told.said_ms - known.at_ms > PLACE_KEPT_MS:
        return told
    battery = known.battery_percent if told.battery_percent is None else told.battery_percent
    return replace(
        told,
        at_ms=known.at_ms,
        lat_e7=known.lat_e7,
        lon_e7=known.lon_e7,
        accuracy_m=known.accuracy_m,
        battery_percent=battery,
    )
