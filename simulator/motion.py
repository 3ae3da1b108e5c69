"""A worker's day as it truly was: driving on real roads, walking from the car, staying, leaving.

Holds the exact path and the visits in it, against which everything that a phone concludes can be
judged. It makes no fixes (see `receiver`) and finds no roads: a route is asked of whoever is given.
Invariant: the path is unbroken in place and time, and whoever is inside a visit is within
`ROOM_M` of its place.
"""

from __future__ import annotations

import enum
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from core.dispatch.geometry import METRES_PER_E7, Point, Projection, distance_m
from simulator.draw import CALM, Options
from simulator.jam import Jam, held_up

Route = Callable[[Point, Point], Sequence[tuple[float, int, int]]]
"""From one place to another: seconds from the start, latitude and longitude in 1e-7 degree."""

WALK_MPS: Final = 1.3
STRAIGHT_MPS: Final = 7.0
"""Where no road leads: by ferry, over a field."""
ROOM_M: Final = 12.0
"""How far from its place a worker goes inside a building."""
NEAR_CAR_M: Final = 12.0
SECONDS_PER_DAY: Final = 86_400.0


class Mode(enum.Enum):
    """What the worker does between one waypoint and the next."""

    DRIVES = "drives"
    STANDS = "stands in the car"
    WALKS = "walks"
    STAYS = "is inside"


@dataclass(frozen=True, slots=True)
class Errand:
    """Where to go and for how long; `key` is empty for a stop that is no job, such as lunch.

    `park_m` is how far from the door the car stands, from and to; None as the options say. Who goes
    `on_foot` leaves the car where it stood for the errand before.
    """

    key: str
    lat_e7: int
    lon_e7: int
    stay_s: float
    park_m: tuple[float, float] | None = None
    on_foot: bool = False


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where the worker truly was at a moment, and what it does until the next one."""

    at_ms: int
    lat_e7: int
    lon_e7: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class TrueVisit:
    """A stay as it was: from the door in to the door out."""

    key: str
    lat_e7: int
    lon_e7: int
    arrive_ms: int
    leave_ms: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody is, how fast, which way (degrees from north), and doing what."""

    lat_e7: int
    lon_e7: int
    speed_mps: float
    bearing_deg: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class TrueDay:
    """The whole day: `waypoints` in order of time, `visits` in order."""

    waypoints: tuple[Waypoint, ...]
    visits: tuple[TrueVisit, ...]

    @property
    def start_ms(self) -> int:
        """When it begins."""
        return self.waypoints[0].at_ms

    @property
    def end_ms(self) -> int:
        """When it ends."""
        return self.waypoints[-1].at_ms

    def position(self, at_ms: int) -> Position:
        """Where the worker is; before the beginning and after the end it stands still there."""
        index = bisect_right(self.waypoints, at_ms, key=lambda waypoint: waypoint.at_ms)
        if index == 0 or index == len(self.waypoints):
            still = self.waypoints[min(index, len(self.waypoints) - 1)]
            return Position(still.lat_e7, still.lon_e7, 0.0, 0, still.mode)
        here, there = self.waypoints[index - 1], self.waypoints[index]
        lasts_ms = there.at_ms - here.at_ms
        share = (at_ms - here.at_ms) / lasts_ms
        x_m, y_m = Projection(here.lat_e7, here.lon_e7).xy_m(there.lat_e7, there.lon_e7)
        return Position(
            here.lat_e7 + round((there.lat_e7 - here.lat_e7) * share),
            here.lon_e7 + round((there.lon_e7 - here.lon_e7) * share),
            math.hypot(x_m, y_m) * 1_000 / lasts_ms,
            round(math.degrees(math.atan2(x_m, y_m))) % 360,
            here.mode,
        )

    def within(self, lat_e7: int, lon_e7: int, radius_m: float) -> tuple[tuple[int, int], ...]:
        """The times, from and to in ms, at which the worker truly was in a circle."""
        flat = Projection(lat_e7, lon_e7)
        spans: list[tuple[int, int]] = []
        for here, there in zip(self.waypoints, self.waypoints[1:], strict=False):
            a, b = flat.xy_m(here.lat_e7, here.lon_e7), flat.xy_m(there.lat_e7, there.lon_e7)
            shares = _shares_in_circle(a, b, radius_m)
            if shares is None:
                continue
            lasts_ms = there.at_ms - here.at_ms
            start_ms = here.at_ms + round(shares[0] * lasts_ms)
            end_ms = here.at_ms + round(shares[1] * lasts_ms)
            if spans and start_ms <= spans[-1][1] + 1:
                spans[-1] = (spans[-1][0], max(end_ms, spans[-1][1]))
            else:
                spans.append((start_ms, end_ms))
        return tuple(spans)


def plan_day(
    chance: Random,
    route: Route,
    home: Point,
    errands: Sequence[Errand],
    start_ms: int,
    options: Options = CALM,
    jams: Sequence[Jam] = (),
) -> TrueDay:
    """A day from `home` to each errand in turn and back, by roads where there are any.

    Cars park up to `options.car_park_m_max` from the door, if the errand does not say where; roads
    jam at `options.jams_per_day` anywhere, and once in each of `jams`, where the way leads there.
    """
    walker = _Walker(chance, route, home, start_ms, options, len(errands) + 1, jams)
    visits = []
    parked: Point | None = None
    for errand in errands:
        place = (errand.lat_e7, errand.lon_e7)
        if parked is None or not errand.on_foot:
            if parked is not None:
                walker.walk(parked)
            away_m = errand.park_m or (0.0, max(NEAR_CAR_M, options.car_park_m_max))
            walker.drive(_parking(chance, place, away_m))
            parked = walker.here
        walker.walk(place)
        arrive_ms = walker.now_ms
        walker.stay(place, errand.stay_s)
        visits.append(TrueVisit(errand.key, *place, arrive_ms, walker.now_ms))
    if parked is not None:
        walker.walk(parked)
    walker.drive(home)
    walker.stop()
    return TrueDay(tuple(walker.waypoints), tuple(visits))


def moved(place: Point, east_m: float, north_m: float) -> Point:
    """The place some metres away."""
    lat_e7, lon_e7 = place
    scale = METRES_PER_E7 * max(0.01, math.cos(math.radians(lat_e7 / 1e7)))
    return lat_e7 + round(north_m / METRES_PER_E7), lon_e7 + round(east_m / scale)


class _Walker:
    """Makes the path, waypoint by waypoint."""

    def __init__(
        self,
        chance: Random,
        route: Route,
        home: Point,
        start_ms: int,
        options: Options,
        drives: int,
        jams: Sequence[Jam],
    ) -> None:
        self.here = home
        self.now_ms = start_ms
        self.waypoints: list[Waypoint] = []
        self._chance = chance
        self._route = route
        self._jam_per_drive = min(1.0, options.jams_per_day / drives)
        self._jams = list(jams)

    def drive(self, target: Point) -> None:
        """By road to a place; a person is slower or faster than the map thinks."""
        pace = self._chance.uniform(0.9, 1.3)
        steps = list(self._route(self.here, target))
        if not steps:
            steps = [(0.0, *self.here), (distance_m(*self.here, *target) / STRAIGHT_MPS, *target)]
        jam_at = None
        if self._chance.random() < self._jam_per_drive:
            jam_at = self._chance.randrange(len(steps))
        begun_ms = self.now_ms
        steps = self._jammed([(seconds * pace, lat, lon) for seconds, lat, lon in steps])
        for number, (seconds, lat_e7, lon_e7) in enumerate(steps):
            place = (lat_e7, lon_e7)
            mode = Mode.STANDS if place == self.here and number else Mode.DRIVES
            self._go(place, begun_ms + round(seconds * 1_000), mode)
            if number == jam_at:
                jam_ms = round(self._chance.uniform(60, 300) * 1_000)
                self._go(self.here, self.now_ms + jam_ms, Mode.STANDS)
                begun_ms += jam_ms
        self._go_straight(target, STRAIGHT_MPS, Mode.DRIVES)

    def _jammed(self, steps: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
        """The way with the jams that it leads through, each of which holds nobody up twice."""
        for jam in list(self._jams):
            slow = held_up(self._chance, steps, jam)
            if slow is not None:
                self._jams.remove(jam)
                steps = slow
        return steps

    def walk(self, target: Point) -> None:
        """On foot, straight."""
        self._go_straight(target, WALK_MPS, Mode.WALKS)

    def stay(self, place: Point, stay_s: float) -> None:
        """Be inside, going to and fro, and leave from the door."""
        end_ms = self.now_ms + round(stay_s * 1_000)
        while True:
            pause_ms = round(self._chance.uniform(60, 600) * 1_000)
            if self.now_ms + pause_ms + 60_000 >= end_ms:
                break
            self._go(self.here, self.now_ms + pause_ms, Mode.STAYS)
            turn, away_m = self._chance.uniform(0, math.tau), self._chance.uniform(0, ROOM_M)
            spot = moved(place, away_m * math.sin(turn), away_m * math.cos(turn))
            self._go(spot, self.now_ms + 30_000, Mode.STAYS)
        back_ms = min(20_000, end_ms - self.now_ms)
        self._go(self.here, end_ms - back_ms, Mode.STAYS)
        self._go(place, end_ms, Mode.STAYS)

    def stop(self) -> None:
        """The last waypoint: nothing comes after it."""
        self.waypoints.append(Waypoint(self.now_ms, *self.here, Mode.STAYS))

    def _go_straight(self, target: Point, speed_mps: float, mode: Mode) -> None:
        away_m = distance_m(*self.here, *target)
        self._go(target, self.now_ms + round(away_m / speed_mps * 1_000), mode)

    def _go(self, target: Point, arrive_ms: int, mode: Mode) -> None:
        """Be at a place at a time; a step that takes no time is taken with the next one."""
        arrive_ms = max(arrive_ms, self.now_ms)
        if target != self.here:
            # No one jumps: a step is at most as fast as a car on a free road.
            arrive_ms = max(arrive_ms, self.now_ms + self._least_ms(target))
        if arrive_ms == self.now_ms:
            return
        self.waypoints.append(Waypoint(self.now_ms, *self.here, mode))
        self.here, self.now_ms = target, arrive_ms

    def _least_ms(self, target: Point) -> int:
        return max(1, math.ceil(distance_m(*self.here, *target) / 40.0 * 1_000))


def _parking(chance: Random, place: Point, from_to_m: tuple[float, float]) -> Point:
    away_m = chance.uniform(*from_to_m)
    turn = chance.uniform(0, math.tau)
    return moved(place, away_m * math.sin(turn), away_m * math.cos(turn))


def _shares_in_circle(
    a: tuple[float, float], b: tuple[float, float], radius_m: float
) -> tuple[float, float] | None:
    """Which part of the way from `a` to `b` lies in a circle around 0, 0; None if no part does."""
    run_x, run_y = b[0] - a[0], b[1] - a[1]
    square = run_x * run_x + run_y * run_y
    inside_by = radius_m * radius_m - a[0] * a[0] - a[1] * a[1]
    if square == 0.0:
        return (0.0, 1.0) if inside_by >= 0 else None
    along = -(a[0] * run_x + a[1] * run_y) / square
    reach = along * along + inside_by / square
    if reach < 0:
        return None
    root = math.sqrt(reach)
    first, last = max(0.0, along - root), min(1.0, along + root)
    return (first, last) if first <= last else None
