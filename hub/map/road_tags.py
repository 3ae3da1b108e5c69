"""Which ways a car or van may drive, in which direction, and how fast.

Holds the rules from tags to driving and no graph. Turn restrictions, opening hours and the height
of a van are not looked at.

Invariant: the answer depends on the tags alone; a way answered with None carries no traffic.

Source: the OpenStreetMap wiki on access, oneway and maxspeed. The speeds are those people reach,
not the legal ones; with the factor of 1.15 they lie between two other engines on the same pair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Tags = Mapping[str, str]

SPEED_KMH_MIN: Final = 5.0
SPEED_KMH_MAX: Final = 130.0
DELAY_FACTOR: Final = 1.15
"""What junctions, lights and other traffic add to the time of an empty road."""

_SPEED_KMH: Final = {
    "motorway": 110.0,
    "trunk": 90.0,
    "primary": 70.0,
    "secondary": 60.0,
    "tertiary": 50.0,
    "unclassified": 45.0,
    "residential": 30.0,
    "living_street": 10.0,
    "road": 30.0,
    "service": 15.0,
    "track": 15.0,
    "motorway_link": 60.0,
    "trunk_link": 50.0,
    "primary_link": 45.0,
    "secondary_link": 40.0,
    "tertiary_link": 35.0,
}
_FERRY_KMH: Final = 15.0
_LIMIT_IS_PACE: Final = frozenset(
    {"motorway", "trunk", "primary", "secondary", "tertiary", "unclassified"}
)
"""On these a signed limit replaces the class's speed; on others it can only lower it."""

_ACCESS_KEYS: Final = ("motorcar", "motor_vehicle", "vehicle", "access")
_SHUT: Final = frozenset({"no", "private", "agricultural", "forestry", "emergency", "military"})
_OPEN: Final = frozenset({"yes", "designated", "permissive", "destination"})
_ZONE_KMH: Final = {"urban": 50.0, "rural": 80.0, "motorway": 120.0, "living_street": 10.0}
_MPH_KMH: Final = 1.609344
_LIMIT: Final = re.compile(r"(\d{1,3}(?:\.\d)?)\s*(km/h|kmh|kph|mph)?\Z")
_BLOCKING: Final = frozenset(
    {"bollard", "block", "jersey_barrier", "debris", "log", "cycle_barrier", "planter", "chain"}
)
_GATES: Final = frozenset({"gate", "lift_gate", "swing_gate", "sliding_gate", "hampshire_gate"})


@dataclass(frozen=True, slots=True)
class Drive:
    """How a way is driven: the pace in km/h, delays included, and the permitted directions."""

    speed_kmh: float
    forward: bool
    backward: bool


def drive(tags: Tags) -> Drive | None:
    """Return how a car drives along the way with these tags, or None where it may not."""
    highway = tags.get("highway")
    ferry = tags.get("route") == "ferry"
    if not ferry and highway not in _SPEED_KMH:
        return None
    access = next((tags[key] for key in _ACCESS_KEYS if key in tags), None)
    if access in _SHUT or (ferry and access not in _OPEN):
        return None
    if highway == "track" and tags.get("tracktype") in ("grade4", "grade5"):
        return None
    pace = _FERRY_KMH if ferry or highway is None else _pace_kmh(tags, highway)
    forward, backward = _directions(tags, highway)
    return Drive(pace / DELAY_FACTOR, forward, backward)


def is_blocked(tags: Tags) -> bool:
    """Return whether a node with these tags stops a car that comes along the way."""
    barrier = tags.get("barrier")
    if barrier not in _BLOCKING and barrier not in _GATES:
        return False
    access = next((tags[key] for key in _ACCESS_KEYS if key in tags), None)
    return access in _SHUT if barrier in _GATES else access not in _OPEN


def _pace_kmh(tags: Tags, highway: str) -> float:
    """Return the speed on the open way: its class's, corrected by a signed limit."""
    pace = _SPEED_KMH[highway]
    limit = speed_limit_kmh(tags.get("maxspeed", ""))
    if limit is not None:
        pace = limit if highway in _LIMIT_IS_PACE else min(pace, limit)
    if tags.get("service") in ("driveway", "parking_aisle", "drive-through"):
        pace = min(pace, 10.0)
    return min(SPEED_KMH_MAX, max(SPEED_KMH_MIN, pace))


def speed_limit_kmh(text: str) -> float | None:
    """Return the lowest limit in a maxspeed tag in km/h, or None where it names no number."""
    limits = []
    for part in text.split(";"):
        word = part.strip().lower()
        found = _LIMIT.match(word)
        if found is not None:
            limits.append(float(found[1]) * (_MPH_KMH if found[2] == "mph" else 1.0))
        elif word == "walk":
            limits.append(7.0)
        elif word.rpartition(":")[2] in _ZONE_KMH:
            limits.append(_ZONE_KMH[word.rpartition(":")[2]])
    return min(limits) if limits else None


def _directions(tags: Tags, highway: str | None) -> tuple[bool, bool]:
    """Return whether the way may be driven forwards and backwards."""
    oneway = next(
        (tags[key] for key in ("oneway:motorcar", "oneway:motor_vehicle", "oneway") if key in tags),
        None,
    )
    if oneway is None and (
        tags.get("junction") in ("roundabout", "circular")
        or highway in ("motorway", "motorway_link")
    ):
        oneway = "yes"
    if oneway in ("yes", "true", "1"):
        return True, False
    if oneway in ("-1", "reverse"):
        return False, True
    return True, True
