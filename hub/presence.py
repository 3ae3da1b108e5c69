"""Where phones are now: kept in memory, latest wins, never in the log.

Holds the shape of a presence and how it travels as whole numbers by key. Invariant: a presence is
replaced only by one that is newer by its own time, and one off duty has no place. The time of one
that has a place is when the phone was there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

_AT, _LAT, _LON, _ACCURACY, _BEARING, _SPEED, _BATTERY, _DUTY, _JOBS = range(9)


@dataclass(frozen=True, slots=True)
class Presence:
    """What a phone last said of itself: place (1e-7 degree), battery, duty, app state.

    `author` is the hex key of the phone that said it: a worker may have had several.
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
    )


def newest(known: Presence | None, told: Presence) -> Presence | None:
    """What is known once a phone has told `told`; None where that is older than what is known.

    A phone whose program or connection began anew says that it is on duty before it has a fix:
    it is taken to be where it was when it was last seen, at that time.
    """
    if known is None:
        return told
    if known.at_ms > told.at_ms:
        return None
    is_same_duty = known.duty and told.duty and known.author == told.author
    if not is_same_duty or told.lat_e7 is not None or known.lat_e7 is None:
        return told
    battery = known.battery_percent if told.battery_percent is None else told.battery_percent
    return replace(known, battery_percent=battery, app=told.app, heard_ms=told.heard_ms)
