"""Where and when phones have a network at all: coverage, a depot's Wi-Fi, mornings, portals.

Times are drawn for each phone from its own chance, and lived through in the weather. Holds no
tunnels, dead zones or days offline (see `simulator.weather`). Invariant: outages of one kind come
in order and do not overlap.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final

from simulator.draw import Options
from simulator.weather import Outage, Weather

HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0
# How long a phone is without coverage at a time, at the mean.
UNCOVERED_S_MEAN: Final = 1_200.0
# A depot's Wi-Fi reaches a phone before it drives off and once it is back.
DRIVES_OFF_H, COMES_BACK_H = 7.0, 16.5
NIGHT_BEGINS_H, NIGHT_ENDS_H = 18.0, 7.0
PORTAL_S: Final = (300.0, 3_600.0)

# (what is counted whenever an outage of this kind is over, the outages)
Kind = tuple[str, Sequence[Outage]]


def draw_coverage(chance: Random, options: Options, until_s: float) -> Iterable[Kind]:
    """The outages of one phone by kind, for those kinds that its world has."""
    if options.coverage_share < 1.0:
        gaps = _uncovered(chance, options.coverage_share, until_s)
        yield "a phone came back into coverage", gaps
    if options.depot_wifi_h_per_day:
        away = _away_from_depot(chance, options.depot_wifi_h_per_day, until_s)
        yield "a phone came into the depot's network", away
    if options.morning_rush_s:
        nights = _nights(chance, options.morning_rush_s, until_s)
        yield "a phone came on in the morning rush", nights


def _uncovered(chance: Random, share: float, until_s: float) -> list[Outage]:
    """Spells without coverage between spells with it, which have this share of the time."""
    if share == 0.0:
        return [Outage(0.0, until_s)]
    covered_s_mean = UNCOVERED_S_MEAN * share / (1.0 - share)
    gaps, at_s = list[Outage](), 0.0
    while True:
        at_s += chance.expovariate(1 / covered_s_mean)
        if at_s >= until_s:
            return gaps
        start_s = at_s
        at_s += chance.expovariate(1 / UNCOVERED_S_MEAN)
        gaps.append(Outage(start_s, at_s))


def _away_from_depot(chance: Random, hours: float, until_s: float) -> list[Outage]:
    """All but two times a day at the depot, so many hours together."""
    half_s = hours * HOUR_S / 2
    away, at_s = list[Outage](), 0.0
    for day in range(int(until_s // DAY_S) + 1):
        for end_s in (
            day * DAY_S + DRIVES_OFF_H * HOUR_S + chance.uniform(-900.0, 900.0),
            day * DAY_S + COMES_BACK_H * HOUR_S + half_s + chance.uniform(-900.0, 900.0),
        ):
            begins_s = end_s - half_s
            if begins_s > at_s:
                away.append(Outage(at_s, begins_s))
            at_s = max(at_s, end_s)
    away.append(Outage(at_s, at_s + DAY_S))
    return [outage for outage in away if outage.start_s < until_s]


def _nights(chance: Random, rush_s: float, until_s: float) -> list[Outage]:
    """From each evening until the morning, when all come on within `rush_s`."""
    nights = []
    for day in range(int(until_s // DAY_S) + 1):
        start_s = max(0.0, (day - 1) * DAY_S + NIGHT_BEGINS_H * HOUR_S)
        end_s = day * DAY_S + NIGHT_ENDS_H * HOUR_S + chance.uniform(0.0, rush_s)
        nights.append(Outage(start_s, end_s))
    return [night for night in nights if night.start_s < until_s]


async def follow(
    weather: Weather, name: str, outages: Sequence[Outage], point: str, points: Counter[str]
) -> None:
    """Live through outages; each that is over is counted under `point`."""
    for outage in outages:
        await weather.follow(name, [outage])
        points[point] += 1


async def pass_portals(weather: Weather, name: str, chance: Random, per_day: float) -> None:
    """Come behind a captive portal now and then, until cancelled; somebody signs in in the end."""
    while True:
        await asyncio.sleep(chance.expovariate(per_day / DAY_S))
        weather.capture(name)
        try:
            await asyncio.sleep(chance.uniform(*PORTAL_S))
        finally:
            weather.release(name)
