"""How long a drive takes, and how that is known.

Holds the ladder of answers: the road graph where it has one, else the air line with a detour. It
does not search roads itself.

Invariant: there is always an answer, and it names its source, so that no screen shows a guess as
if it were a measured road.

Source: a detour of 1.35 at 40 km/h lies among the engines compared over short drives in towns; on
long motorway drives it is too slow, which is why the source is named.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.dispatch.geometry import Point, distance_m
from hub.map.roads import Roads, Route

AIR_DETOUR: Final = 1.35
AIR_KMH: Final = 40.0
SECONDS_MAX: Final = 7_200.0
"""Beyond two hours of driving the search stops, and the air line answers."""


class TravelSource(enum.StrEnum):
    """Where a travel time comes from; the value is what a screen may say."""

    ROADS = "road graph"
    AIR = "air line"


@dataclass(frozen=True, slots=True)
class Travel:
    """How long it takes to get from one place to another, and how that is known."""

    seconds: float
    source: TravelSource


def air_s(metres: float) -> float:
    """Return the seconds that an air line of so many metres takes, with a detour."""
    return metres * AIR_DETOUR / AIR_KMH * 3.6


def air_travel(start: Point, end: Point) -> Travel:
    """Return the time over the air line with a detour."""
    return Travel(air_s(distance_m(*start, *end)), TravelSource.AIR)


def travel_to(
    roads: Roads | None, to: Point, sources: Sequence[Point], seconds_max: float = SECONDS_MAX
) -> list[Travel]:
    """Return the travel time from each source to one place, in the order of the sources."""
    times = (
        [None] * len(sources) if roads is None else roads.travel_times_s(to, sources, seconds_max)
    )
    return [
        air_travel(source, to) if time is None else Travel(time, TravelSource.ROADS)
        for source, time in zip(sources, times, strict=True)
    ]


def route_between(roads: Roads | None, start: Point, end: Point) -> tuple[Route, TravelSource]:
    """Return a route to draw or to drive; without roads it is the straight line."""
    found = None if roads is None else roads.route(start, end)
    if found is not None:
        return found, TravelSource.ROADS
    length_m = distance_m(*start, *end) * AIR_DETOUR
    straight = Route([start, end], [0.0, air_travel(start, end).seconds], length_m)
    return straight, TravelSource.AIR
