"""Travel times between many places at once, for whoever puts jobs in order.

Holds the work that one matrix may cost and what stands where no road was searched: the air line, by
the ratio of road to air that the searched pairs of the same matrix have. Holds no jobs.

Invariant: the same roads and places give the same times; no clock decides how far a search goes.

Source: pure Python settles some 400,000 nodes a second on one core, so a whole matrix is seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from core.dispatch.geometry import Point, distance_m
from hub.map.roads import Roads
from hub.map.travel import air_s

NODES_MAX: Final = 3_000_000
"""Nodes that all searches of one matrix may settle: 8 s of one core."""
NODES_MAX_EACH: Final = 60_000
"""Nodes of one search: a quarter of an hour's drive and more round a place in a town."""
PLACES_MAX: Final = 400
RATIO_MIN, RATIO_MAX = 0.4, 4.0
"""Of the road's time to the air line's: beyond, the few pairs that were searched say nothing."""

Progress = Callable[[int, int], None]
"""Called with how many places are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Milliseconds from each place to each: `times_ms[start][end]`; `by_road` says which are."""

    times_ms: list[list[int]]
    by_road: list[list[bool]]
    metres: list[list[int]]


class TooManyPlaces(ValueError):
    """More places than one matrix takes; the sentence says what to do."""


def matrix(
    roads: Roads | None, places: Sequence[Point], progress: Progress | None = None
) -> Matrix:
    """The travel times between places, each to each. Takes seconds: ask away from the loop.

    Raises:
        TooManyPlaces: more than `PLACES_MAX`.
    """
    count = len(places)
    if count > PLACES_MAX:
        raise TooManyPlaces(f"a plan takes at most {PLACES_MAX} places, not {count}; choose fewer")
    air = [[round(distance_m(*one, *other)) for other in places] for one in places]
    road: list[list[int | None]] = [[None] * count for _ in places]
    if roads is not None:
        snaps = [roads.nearest(place) for place in places]
        nodes_max = min(NODES_MAX_EACH, NODES_MAX // max(count, 1))
        for start, snap in enumerate(snaps):
            if snap is not None:
                road[start] = roads.times_between_ms(snap, snaps, nodes_max)
            if progress is not None:
                progress(start + 1, count)
    ratio = _ratio(road, air)
    times_ms = [
        [
            0 if start == end else _time_ms(road[start][end], air[start][end], ratio)
            for end in range(count)
        ]
        for start in range(count)
    ]
    return Matrix(times_ms, [[time is not None for time in row] for row in road], air)


def _time_ms(road_ms: int | None, metres: int, ratio: float) -> int:
    if metres == 0:
        return 0
    return round(air_s(metres) * 1000 * ratio) if road_ms is None else road_ms


def _ratio(road: Sequence[Sequence[int | None]], air: Sequence[Sequence[int]]) -> float:
    """How the searched pairs' times stand to the air line's, over drives worth the name."""
    found = [
        time / (air_s(metres) * 1000)
        for times, row in zip(road, air, strict=True)
        for time, metres in zip(times, row, strict=True)
        if time is not None and metres > 300
    ]
    return min(max(median(found), RATIO_MIN), RATIO_MAX) if found else 1.0
