"""Who could take a job: workers with how far they are, how long they need, and how that is known.

Distances are from the last position that a phone sent, which may be old: the age is always part of
the answer. Travel times come from the hub's own roads where it has a region, else from the air line
with a detour. Invariant: every distance names its source and its age.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.geometry import Point, distance_m
from hub.map.travel import travel_to
from web import formats
from web.board.days import today
from web.board.questions import workers
from web.board.state import Moment
from web.formats import folded
from web.roster import absent_words, days_of_job, roster_on

OLD_MS: Final = 30 * formats.MINUTE_MS
"""A position older than this says little about where somebody is now."""
SHOWN_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker as the assign list shows one. Distances in metres, times in seconds.

    `absent` says until when, where the worker is absent on a day of the job; `vehicle` is that
    day's.
    """

    worker: str
    name: str
    team: str
    vehicle: str
    missing_skills: tuple[str, ...]
    absent: str
    jobs_on: bool
    live_jobs: int
    distance_m: float | None
    travel_s: int | None
    source: str
    position_at: int | None
    position_old: bool
    assigned: bool

    @property
    def near_words(self) -> str:
        """How near, in words, with the source."""
        if self.distance_m is None:
            return "position not known"
        distance = formats.distance_words(self.distance_m)
        if self.travel_s is None:
            return f"{distance} away"
        minutes = formats.minutes_words(max(round(self.travel_s / 60), 1))
        return f"{minutes} {self.source}, {distance} away"


async def candidates(moment: Moment, job: Any, text: str) -> tuple[Candidate, ...]:
    """Workers whose name, team or vehicle has `text`, the nearest fit one first."""
    reader = moment.hub.reader
    people = await workers(reader)
    live = {
        row["worker"]: row["n"]
        for row in await reader.rows(
            "SELECT worker, count(*) AS n FROM job WHERE status IN ('open', 'in progress')"
            " AND worker <> '' GROUP BY worker"
        )
    }
    assigned = {
        row["worker"]
        for row in await reader.rows(
            "SELECT worker FROM assignment WHERE job = ?"
            " AND phase NOT IN ('withdrawn', 'released', 'rejected')",
            (job["job"],),
        )
    }
    skills = {
        row["skill"]: row["name"] for row in await reader.rows("SELECT skill, name FROM skill")
    }
    needed = json.loads(job["skills"])
    to = None if job["lat_e7"] is None else (job["lat_e7"], job["lon_e7"])
    reckoned = reckon(moment, [row["worker"] for row in people], to)
    present = today(moment.now_ms, moment.zone)
    roster = await roster_on(reader, *days_of_job(job, moment.zone, moment.now_ms))
    words = folded(text).split()
    found = []
    for row in people:
        on = roster[row["worker"]]
        searched = folded(f"{row['name']} {row['team_name']} {on.vehicle_name}")
        if not all(word in searched for word in words):
            continue
        own = set(json.loads(row["skills"]))
        missing = tuple(skills.get(skill, "?") for skill in needed if skill not in own)
        near = reckoned[row["worker"]]
        at_ms = near.position_at
        found.append(
            Candidate(
                worker=row["worker"],
                name=row["name"],
                team=row["team_name"],
                vehicle=on.vehicle_name,
                missing_skills=missing,
                absent=absent_words(on.absence, present),
                jobs_on=bool(row["jobs_on"]),
                live_jobs=live.get(row["worker"], 0),
                distance_m=near.distance_m,
                travel_s=near.travel_s,
                source=near.source,
                position_at=at_ms,
                position_old=at_ms is not None and moment.now_ms - at_ms > OLD_MS,
                assigned=row["worker"] in assigned,
            )
        )
    found.sort(key=_order)
    return tuple(found[:SHOWN_MAX])


def _order(one: Candidate) -> tuple[Any, ...]:
    far = one.travel_s if one.travel_s is not None else (one.distance_m or 0) / 8
    known = one.distance_m is not None and not one.position_old
    return (
        one.assigned,
        bool(one.absent),
        bool(one.missing_skills),
        not known,
        far,
        one.name.lower(),
    )


@dataclass(frozen=True, slots=True)
class Reckoning:
    """From a worker to a place: metres by air, seconds of driving where known, and how."""

    distance_m: float | None
    travel_s: int | None
    source: str
    position_at: int | None


UNKNOWN: Final = Reckoning(None, None, "", None)


def reckon(moment: Moment, ids: Sequence[str], to: Point | None) -> dict[str, Reckoning]:
    """How far each of these workers is from a place; one search for all of them."""
    found = {}
    known = []
    for worker in ids:
        presence = moment.hub.presence.get(worker)
        if presence is None or presence.lat_e7 is None or presence.lon_e7 is None:
            found[worker] = UNKNOWN
        elif to is None:
            found[worker] = Reckoning(None, None, "", presence.at_ms)
        else:
            known.append((worker, (presence.lat_e7, presence.lon_e7), presence.at_ms))
    if to is None or not known:
        return found
    region = moment.hub.region
    roads = region.roads if region is not None else None
    travels = travel_to(roads, to, [point for _, point, _ in known])
    for (worker, point, at_ms), travel in zip(known, travels, strict=True):
        air = distance_m(*point, *to)
        found[worker] = Reckoning(air, round(travel.seconds), f"by {travel.source}", at_ms)
    return found
