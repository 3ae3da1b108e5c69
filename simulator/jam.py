"""Slow traffic at a place: a light, a jam in which cars stop and go, a street of walking pace.

Holds how a drive through it loses time, and no roads. Invariant: the way stays the same, point by
point in the same order; only the times along it grow.

A jam is no long standstill: waves of stop and go run through it, so that a car stands for a while,
rolls some lengths, and stands again (Sugiyama et al., New Journal of Physics 10, 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from core.dispatch.geometry import distance_m

ROLL_MPS: Final = 4.0
STEP_M: Final = 10.0
"""A way is cut into steps this long before its times are changed."""

Step = tuple[float, int, int]
"""Seconds from the start, latitude and longitude in 1e-7 degree, as `motion.Route` gives them."""


@dataclass(frozen=True, slots=True)
class Jam:
    """Where cars within `reach_m` of a place take `lasts_s` seconds from one end to the other.

    They stand for `stand_s` seconds at a time on the average; 0 means that they crawl evenly.
    """

    lat_e7: int
    lon_e7: int
    reach_m: float
    lasts_s: float
    stand_s: float


def held_up(chance: Random, way: Sequence[Step], jam: Jam) -> list[Step] | None:
    """The way with the time that the jam costs; None if it does not lead through the place.

    Only the first stretch within reach is slow. A step at which the car stands has the place of
    the step before it.
    """
    steps = _cut(way)
    near = [distance_m(lat, lon, jam.lat_e7, jam.lon_e7) <= jam.reach_m for _, lat, lon in steps]
    if True not in near:
        return None
    first = near.index(True)
    last = first
    while last + 1 < len(steps) and near[last + 1]:
        last += 1
    inside = steps[first : last + 1]
    free_s = inside[-1][0] - inside[0][0]
    lasts_s = max(jam.lasts_s, free_s)
    slow = _crawled(inside, lasts_s) if jam.stand_s <= 0 else _stopped(chance, inside, lasts_s, jam)
    later_s = slow[-1][0] - inside[-1][0]
    after = [(seconds + later_s, lat, lon) for seconds, lat, lon in steps[last + 1 :]]
    return [*steps[:first], *slow, *after]


def _cut(way: Sequence[Step]) -> list[Step]:
    steps = [way[0]]
    for here, there in zip(way, way[1:], strict=False):
        count = max(1, round(distance_m(*here[1:], *there[1:]) / STEP_M))
        for number in range(1, count + 1):
            share = number / count
            steps.append(
                (
                    here[0] + (there[0] - here[0]) * share,
                    here[1] + round((there[1] - here[1]) * share),
                    here[2] + round((there[2] - here[2]) * share),
                )
            )
    return steps


def _crawled(inside: Sequence[Step], lasts_s: float) -> list[Step]:
    went_m = _lengths_m(inside)
    begun_s, whole_m = inside[0][0], went_m[-1] or 1.0
    return [
        (begun_s + lasts_s * here_m / whole_m, lat, lon)
        for here_m, (_, lat, lon) in zip(went_m, inside, strict=True)
    ]


def _stopped(chance: Random, inside: Sequence[Step], lasts_s: float, jam: Jam) -> list[Step]:
    went_m = _lengths_m(inside)
    left_s = lasts_s - went_m[-1] / ROLL_MPS
    if left_s <= 0:
        return _crawled(inside, lasts_s)
    stands_s: dict[int, float] = {}
    while left_s > 0:
        stand_s = min(left_s, chance.expovariate(1 / jam.stand_s))
        at = chance.randrange(len(inside))
        stands_s[at] = stands_s.get(at, 0.0) + stand_s
        left_s -= stand_s
    now_s, slow = inside[0][0], []
    for number, (_, lat, lon) in enumerate(inside):
        if number:
            now_s += (went_m[number] - went_m[number - 1]) / ROLL_MPS
        slow.append((now_s, lat, lon))
        if number in stands_s:
            now_s += stands_s[number]
            slow.append((now_s, lat, lon))
    return slow


def _lengths_m(steps: Sequence[Step]) -> list[float]:
    went_m = [0.0]
    for here, there in zip(steps, steps[1:], strict=False):
        went_m.append(went_m[-1] + distance_m(*here[1:], *there[1:]))
    return went_m
