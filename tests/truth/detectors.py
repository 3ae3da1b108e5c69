"""Those who turn fixes into logs: ours, and the rules that others use, all on the same fixes.

- `ours`: the automatic logger as a phone runs it, in its mode AUTOMATIC with nobody pressing a
  button; suggestions are no logs.
- `bare radius`: Traccar's rule. At each position a place is entered if it lies inside and was not
  before, left if it does not, and nothing else is asked (its GeofenceEventHandler; by default it
  filters no position by accuracy).
- `radius with dwell`: Android's geofences. ENTER inside the radius; DWELL once the phone stayed for
  the loitering delay; EXIT outside. A visit counts from ENTER if it came to DWELL. Its guide asks
  for a radius of 100 to 150 m at least and its examples loiter for five minutes.

Stay points, by a published library, are in `stay_points`. Invariant: no detector sees the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.dispatch.autolog import Places, Settings, Start, State, Stop, replay, standing, tick
from core.dispatch.fields import LogKind
from core.dispatch.fix import Fix
from core.dispatch.geometry import distance_m
from core.dispatch.jobplace import JobPlace
from tests.truth.scoring import Log

AFTER_MS: Final = 3 * 3_600_000
"""So long after the last fix the day is judged: by then silence has ended what was open."""


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which fixes a rule of others looks at; as it stands, all of them, as their defaults are."""

    accuracy_m_max: int | None = None
    made_up_too: bool = True

    def kept(self, fixes: Sequence[Fix]) -> Iterator[Fix]:
        """Those that pass."""
        for fix in fixes:
            if fix.mock and not self.made_up_too:
                continue
            if self.accuracy_m_max is not None and (
                fix.accuracy_m is None or fix.accuracy_m > self.accuracy_m_max
            ):
                continue
            yield fix


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of others with its numbers. `radius_m` None is the job's own radius."""

    radius_m: int | None = None
    dwell_s: int = 0
    sieve: Sieve = Sieve()

    def __str__(self) -> str:
        radius = "own radius" if self.radius_m is None else f"{self.radius_m} m"
        dwell = f", {self.dwell_s} s" if self.dwell_s else ""
        most = self.sieve.accuracy_m_max
        accuracy = "" if most is None else f", accuracy up to {most} m"
        return f"{radius}{dwell}{accuracy}" + ("" if self.sieve.made_up_too else ", none made up")


def ours(fixes: Sequence[Fix], jobs: Sequence[JobPlace]) -> list[Log]:
    """The logs on site that our logger writes by itself."""
    places, settings = Places(jobs), Settings()
    state, facts = replay(State(), fixes, places, settings)
    end_ms = max((fix.time_ms for fix in fixes), default=0) + AFTER_MS
    _, more = tick(state, end_ms, places, settings)
    held = standing([*facts, *more])
    stop_by_key = {fact.key: fact for fact in held if isinstance(fact, Stop)}
    return [
        Log((fact.job or b"").decode(), fact.at_ms, stop_by_key[fact.key].at_ms)
        for fact in held
        if isinstance(fact, Start) and fact.kind is LogKind.ON_SITE
    ]


def by_radius(fixes: Sequence[Fix], jobs: Sequence[JobPlace], rule: Rule) -> list[Log]:
    """Bare radius without a dwell, radius with dwell with one; open logs end at the last fix."""
    entered_ms: dict[str, int] = {}
    last_ms: dict[str, int] = {}
    logs: list[Log] = []

    def leave(job: str, at_ms: int) -> None:
        start_ms = entered_ms.pop(job)
        if last_ms[job] - start_ms >= rule.dwell_s * 1_000:
            logs.append(Log(job, start_ms, at_ms))

    named = [(job.job.decode(), job) for job in jobs]
    for fix in rule.sieve.kept(fixes):
        for job, place in named:
            radius_m = place.radius_m if rule.radius_m is None else rule.radius_m
            away_m = distance_m(fix.lat_e7, fix.lon_e7, place.lat_e7, place.lon_e7)
            if away_m <= radius_m:
                entered_ms.setdefault(job, fix.time_ms)
                last_ms[job] = fix.time_ms
            elif job in entered_ms:
                leave(job, fix.time_ms)
    for job in list(entered_ms):
        leave(job, last_ms[job])
    return sorted(logs, key=lambda log: (log.start_ms, log.job))


BARE: Final = Rule()
"""Traccar's: the place's own radius, no dwell, no filter."""
BARE_SWEEP: Final = tuple(
    Rule(radius_m, 0, Sieve(accuracy_m_max, made_up))
    for radius_m in (None, 50, 75, 150, 200)
    for accuracy_m_max in (None, 100, 50)
    for made_up in (True, False)
)
DWELL: Final = Rule(None, 300)
"""Android's: 100 m where nothing else is set, and the loitering delay of its examples."""
DWELL_SWEEP: Final = tuple(
    Rule(radius_m, dwell_s, Sieve(accuracy_m_max, made_up))
    for radius_m in (None, 75, 125, 150, 200)
    for dwell_s in (30, 60, 120, 180, 240, 300)
    for accuracy_m_max in (None, 100, 50)
    for made_up in (True, False)
)
