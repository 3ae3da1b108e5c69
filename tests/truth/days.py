"""Worker-days with an exact truth, made of a scenario and a seed on the roads of central Helsinki.

Holds where jobs lie, what the worker does and what the phone receives; the ways are those of the
hub's own router. Holds no scores. Invariant: the same scenario and seed make the same day, and
nothing that a logger is given tells what kind of day it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from core.dispatch.fix import Fix, usable
from core.dispatch.geometry import RADIUS_M_DEFAULT, Point, distance_m
from core.dispatch.jobplace import JobPlace
from hub.map.extract import read_extract
from hub.map.road_build import build_graph
from hub.map.roads import Roads
from hub.map.travel import route_between
from simulator.draw import Options, chance_for
from simulator.jam import Jam
from simulator.motion import Errand, TrueDay, TrueVisit, moved, plan_day
from simulator.receiver import Mocked, Receiver, Span, Troubles, Tunnel, receive
from tests.truth import mix
from tests.truth.mix import Range, Scenario

EXTRACT: Final = Path(__file__).parents[2] / "simulator" / "data" / "helsinki.osm.pbf"
BEGIN_MS: Final = 1_780_030_800_000
"""Eight in the morning of a working day."""
APART_M: Final = 230.0
"""Doors of jobs lie at least so far apart, where a scenario does not say otherwise."""
MINUTE_MS: Final = 60_000
VISIT_MS_MIN: Final = 5 * MINUTE_MS
TOO_CLOSE_M: Final = 160.0
"""No tunnel is so near to a door that it would make a visit silent."""


class Town(NamedTuple):
    """Where people live and work, and the roads between."""

    roads: Roads
    doors: tuple[Point, ...]

    def route(self, start: Point, end: Point) -> list[tuple[float, int, int]]:
        """The hub's own way from one place to another."""
        way, _ = route_between(self.roads, start, end)
        return [(s, lat, lon) for (lat, lon), s in zip(way.points, way.seconds, strict=True)]


@cache
def town() -> Town:
    """Central Helsinki, read once a process."""
    extract = read_extract(EXTRACT, lambda _: None)
    roads = Roads(build_graph(extract.ways, extract.blocked_refs))
    places = {(address.lat_e7, address.lon_e7) for address in extract.addresses}
    return Town(roads, tuple(sorted(place for place in places if roads.nearest(place))))


@dataclass(frozen=True, slots=True)
class WorkDay:
    """What was (`day`), what the phone received (`fixes`), and what its worker was to do (`jobs`).

    `fixes` stand in the order in which they were measured; `receiver` makes others of the same day.
    """

    scenario: str
    seed: int
    jobs: tuple[JobPlace, ...]
    fixes: tuple[Fix, ...]
    day: TrueDay
    options: Options
    troubles: Troubles

    @property
    def visits(self) -> tuple[TrueVisit, ...]:
        """The true visits of five minutes or more."""
        return tuple(
            visit
            for visit in self.day.visits
            if visit.key and visit.leave_ms - visit.arrive_ms >= VISIT_MS_MIN
        )

    def receiver(self) -> Receiver:
        """A phone's receiver that is asked as its programs ask, not at the scenario's intervals."""
        chance = chance_for(self.seed, "receiver", self.scenario)
        return Receiver(chance, self.day, self.options, self.troubles)

    def was_seen(self, visit: TrueVisit) -> bool:
        """Whether there is a usable fix of a visit at all, not made up by another app."""
        return any(
            visit.arrive_ms <= fix.time_ms <= visit.leave_ms and usable(fix) and not fix.mock
            for fix in self.fixes
        )


def make_day(scenario: Scenario, seed: int) -> WorkDay:
    """The worker-day of a scenario and a seed."""
    return _Maker(scenario, seed).made()


class _Maker:
    """Lays out one day."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.town = town()
        self.chance = chance_for(seed, "truth", scenario.name)
        self.doors: list[Point] = []
        self.errands: list[Errand] = []
        self.pins: dict[str, tuple[Point, int]] = {}
        self.planned: list[str] = []
        self.jams: list[Jam] = []
        self.tunnels: list[Tunnel] = []
        self.home = self.chance.choice(self.town.doors)

    def made(self) -> WorkDay:
        scenario, chance = self.scenario, self.chance
        for _ in range(chance.randint(*scenario.errands)):
            self.visit()
        for _ in range(scenario.neighbours_with_job):
            self.visit_two_neighbours()
        for _ in range(scenario.neighbours_without_job):
            self.stop_near_a_job((50.0, 75.0), (10.0, 60.0))
        for _ in range(scenario.fuel_stops):
            self.stop_near_a_job((105.0, 220.0), (4.0, 7.0))
        for _ in range(scenario.lunches_near_a_job):
            self.stop_near_a_job((105.0, 220.0), (20.0, 45.0))
        mocked = [self.pretend() for _ in range(scenario.mocked_visits)]
        # Who comes back was somewhere else in between.
        before = [errand for errand in self.errands[:-1] if errand.key]
        if before and chance.random() < mix.AGAIN_SHARE:
            again = chance.choice(before)
            self.errands.append(self.errand(again.key, (again.lat_e7, again.lon_e7)))
        for _ in range(mix.OPEN_JOBS):
            self.job(self.door())
        self.lay_along_the_way()
        options = scenario.options
        day = plan_day(
            chance, self.town.route, self.home, self.errands, BEGIN_MS, options, self.jams
        )
        # Those who pretend hold the phone still elsewhere meanwhile.
        mocks = tuple(
            Mocked(Span(visit.arrive_ms, visit.leave_ms), *self.pins[job][0])
            for job, stop in mocked
            for visit in day.visits
            if not visit.key and (visit.lat_e7, visit.lon_e7) == stop
        )
        troubles = Troubles(
            tuple(self.tunnels), self.garages(day), mocks, scenario.unknown_accuracy_share
        )
        reception = receive(
            chance, day, options, troubles, moving_every_s=scenario.moving_every_s,
            still_every_s=chance.uniform(*scenario.still_every_s),
        )  # fmt: skip
        jobs = self.jobs(day)
        return WorkDay(scenario.name, self.seed, jobs, reception.fixes, day, options, troubles)

    # --- places

    def door(self, apart_m: float = APART_M) -> Point:
        """An address that is not near the others; in a full town it may be a little nearer."""
        for attempt in range(400):
            found = self.chance.choice(self.town.doors)
            if all(distance_m(*found, *door) > apart_m - attempt / 8 for door in self.doors):
                self.doors.append(found)
                return found
        raise ValueError("the town is too small for so many jobs")

    def job(self, door: Point, *, at_door: bool = False) -> str:
        """A job at a door, with its pin somewhere near it."""
        chance, key = self.chance, f"job-{len(self.pins):04}"
        off_m, radius_m = mix.PIN_OFF_M, RADIUS_M_DEFAULT
        drawn = chance.random()
        if drawn < mix.LARGE_SITE_SHARE:
            off_m, radius_m = mix.LARGE_SITE_OFF_M, mix.LARGE_SITE_RADIUS_M
        elif drawn < mix.LARGE_SITE_SHARE + mix.FAR_PIN_SHARE:
            off_m = mix.FAR_PIN_OFF_M
        if at_door:
            off_m, radius_m = (0.0, 0.0), RADIUS_M_DEFAULT
        self.pins[key] = (self.beside(door, off_m), radius_m)
        self.planned.append(key)
        return key

    def beside(self, place: Point, away_m: Range) -> Point:
        """A place some metres away."""
        away, turn = self.chance.uniform(*away_m), self.chance.uniform(0, math.tau)
        return moved(place, away * math.sin(turn), away * math.cos(turn))

    # --- what the worker does

    def errand(self, key: str, door: Point, stay_min: Range | None = None) -> Errand:
        chance, scenario = self.chance, self.scenario
        least, most = stay_min or scenario.stay_min
        if stay_min is None and chance.random() < mix.SHORT_STAY_SHARE:
            minutes = chance.uniform(*mix.SHORT_STAY_MIN)
        elif stay_min is None and least < 60:
            # Most visits take half an hour, some far longer.
            minutes = min(most, max(least, chance.lognormvariate(math.log(33), 0.7)))
        else:
            minutes = chance.uniform(least, most)
        return Errand(key, *door, minutes * 60, scenario.park_m)

    def visit(self) -> None:
        door = self.door()
        self.errands.append(self.errand(self.job(door), door))

    def visit_two_neighbours(self) -> None:
        """Two doors 50 to 70 m apart: the second is gone to on foot, sometimes against the plan."""
        first = self.door()
        second = self.beside(first, (50.0, 70.0))
        keys = [self.job(first, at_door=True), self.job(second, at_door=True)]
        if self.chance.random() < 0.3:
            self.planned[-2:] = reversed(keys)
        one, other = (
            self.errand(key, door, (6.0, 60.0))
            for key, door in zip(keys, (first, second), strict=True)
        )
        on_foot = Errand(other.key, other.lat_e7, other.lon_e7, other.stay_s, on_foot=True)
        self.errands += [one, on_foot]

    def stop_near_a_job(self, away_m: Range, stay_min: Range) -> None:
        """A stop that is no visit, so far from the pin of a job that is open."""
        key = self.job(self.door(), at_door=True)
        stop = self.beside(self.pins[key][0], away_m)
        place = self.chance.randint(0, len(self.errands))
        self.errands.insert(place, self.errand("", stop, stay_min))

    def pretend(self) -> tuple[str, Point]:
        """A rest somewhere while the phone says that it is at a job."""
        stop, key = self.door(), self.job(self.door())
        place = self.chance.randint(0, len(self.errands))
        self.errands.insert(place, self.errand("", stop, (15.0, 60.0)))
        return key, stop

    # --- what lies along the way

    def lay_along_the_way(self) -> None:
        """Open jobs beside the road, jams within their radius, tunnels, lights."""
        scenario, chance = self.scenario, self.chance
        legs = self.legs()
        for _ in range(scenario.drive_bys):
            self.job_beside_the_road(legs)
        for _ in range(scenario.slow_drive_bys):
            lat, lon = self.job_beside_the_road(legs)
            lasts_s = 2 * RADIUS_M_DEFAULT / (chance.uniform(10, 16) / 3.6)
            self.jams.append(Jam(lat, lon, RADIUS_M_DEFAULT, lasts_s, 0.0))
        for _ in range(scenario.jams):
            lat, lon = self.job_beside_the_road(legs)
            lasts_s = chance.uniform(*scenario.jam_s)
            self.jams.append(Jam(lat, lon, 80.0, lasts_s, 40.0))
        if chance.random() < mix.JAM_ANYWHERE_SHARE:
            lasts_s = chance.uniform(*mix.JAM_ANYWHERE_S)
            self.jams.append(Jam(*self.on_the_road(legs), 80.0, lasts_s, 40.0))
        for _ in range(scenario.tunnels):
            for _ in range(40):
                place = self.on_the_road(legs)
                reach_m = chance.uniform(60.0, 150.0)
                if all(distance_m(*place, *door) > reach_m + 40 for door in self.doors):
                    self.tunnels.append(Tunnel(*place, reach_m))
                    break
        for _ in range(round(mix.LIGHTS_PER_LEG * len(legs))):
            lasts_s = chance.uniform(*mix.LIGHT_S)
            self.jams.append(Jam(*self.on_the_road(legs), 12.0, lasts_s, 1_000.0))

    def legs(self) -> list[Sequence[Point]]:
        """The ways between the errands, near enough to lay things beside them."""
        stops = [self.home, *((one.lat_e7, one.lon_e7) for one in self.errands), self.home]
        ways = [
            [(lat, lon) for _, lat, lon in self.town.route(start, end)]
            for start, end in zip(stops, stops[1:], strict=False)
            if distance_m(*start, *end) > 100
        ]
        return [way for way in ways if len(way) > 2]

    def on_the_road(self, legs: Sequence[Sequence[Point]]) -> Point:
        """A point in the middle part of one of the ways."""
        leg = self.chance.choice(legs)
        here = self.chance.randrange(1, len(leg) - 1)
        return leg[here]

    def job_beside_the_road(self, legs: Sequence[Sequence[Point]]) -> Point:
        """An open job 15 to 45 m from the road; the point of the road that it lies at."""
        for _ in range(200):
            road = self.on_the_road(legs)
            pin = self.beside(road, (15.0, 45.0))
            # Not where the worker visits anyway: that would be no drive past.
            if all(distance_m(*pin, *door) > TOO_CLOSE_M for door in self.doors):
                break
        self.doors.append(pin)
        self.job(pin, at_door=True)
        return road

    def garages(self, day: TrueDay) -> tuple[Span, ...]:
        """Silence from the ramp, a minute before the door, until one to four minutes inside."""
        visits = [visit for visit in day.visits if visit.key]
        chosen = self.chance.sample(visits, min(self.scenario.garages, len(visits)))
        return tuple(
            Span(
                visit.arrive_ms - MINUTE_MS,
                visit.arrive_ms + round(self.chance.uniform(1, 4) * MINUTE_MS),
            )
            for visit in chosen
        )

    # --- what the phone knows of the plan

    def jobs(self, day: TrueDay) -> tuple[JobPlace, ...]:
        """The jobs in their planned order, most with a window near the hour they are done at."""
        first_ms: dict[str, int] = {}
        for visit in day.visits:
            first_ms.setdefault(visit.key, visit.arrive_ms)
        places = []
        for position, key in enumerate(self.planned):
            (lat_e7, lon_e7), radius_m = self.pins[key]
            window = self.window(first_ms.get(key), day)
            places.append(
                JobPlace(key.encode(), lat_e7, lon_e7, radius_m, (), *window, position=position)
            )
        return tuple(places)

    def window(self, done_ms: int | None, day: TrueDay) -> tuple[int | None, int | None]:
        chance: Random = self.chance
        if chance.random() < mix.UNDATED_SHARE:
            return None, None
        at_ms = chance.randint(day.start_ms, day.end_ms) if done_ms is None else done_ms
        # Nobody is on time to the minute; windows begin at full quarters of an hour.
        early_ms = round(chance.uniform(-20, 60)) * MINUTE_MS
        start_ms = (at_ms - early_ms) // (15 * MINUTE_MS) * 15 * MINUTE_MS
        return start_ms, start_ms + chance.choice((60, 90, 120)) * MINUTE_MS
