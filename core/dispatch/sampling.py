"""How often a phone should learn where it is: by what it does, to spend no battery on waiting.

Pure. Holds no location app and no switches: off duty, or with auto logging off, `IDLE` is all that
anybody asks for.
Invariant: what is asked for never decides what is logged; the rules of a visit hold for fixes
however often they come.

Source: Google's Fleet Engine driver guide (10 s while driving), Android's documentation of location
(balanced power within 100 m), a field-tuned tracker's 2, 10 and 30 s; a log is uncertain after 20
minutes without a fix (`core.dispatch.visit`), so who lies still is heard several times before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.dispatch.autolog import State
from core.dispatch.fix import Fix
from core.dispatch.jobplace import Places

NEAR_M: Final = 500
"""Within this of a place of today that is not yet visited each fix may decide."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """A fix every `every_s` seconds, and no oftener than each `every_m` metres (0: by time alone).

    `exact` asks for the satellites' place, else what costs less is enough.
    """

    every_s: int
    every_m: int
    exact: bool


IDLE: Final = Sampling(300, 200, exact=False)
"""So that an app which hears of a new duty in an answer alone hears of it soon after its worker has
set out; a phone that lies at home all night tells nothing."""

STILL: Final = Sampling(120, 0, exact=False)
MOVING: Final = Sampling(10, 25, exact=True)
DECIDING: Final = Sampling(5, 0, exact=True)

STILL_SAVING: Final = Sampling(300, 0, exact=False)
MOVING_SAVING: Final = Sampling(60, 100, exact=False)
DECIDING_SAVING: Final = Sampling(20, 0, exact=True)


def sampling_for(state: State, fix: Fix | None, places: Places, *, saving: bool) -> Sampling:
    """What to ask for after `fix`, the newest one; `saving` is the preset that spares the battery.

    A place that is visited, or whose visit has ended, needs no decision.
    """
    if fix is not None and _decides(state, fix, places):
        return DECIDING_SAVING if saving else DECIDING
    if state.open_job is None and state.core.motion.moving:
        return MOVING_SAVING if saving else MOVING
    return STILL_SAVING if saving else STILL


def _decides(state: State, fix: Fix, places: Places) -> bool:
    if state.open_job is not None:
        visit = state.core.visit
        assert visit is not None
        # Whoever begins to leave is watched until it is sure.
        return bool(visit.away_ms)
    quiet = {muted[0] for muted in state.core.muted} | {state.core.last_job}
    near, moving = state.near_jobs, state.core.motion.moving
    return any(
        spot.place.job not in quiet
        # Whoever lives beside a job of tonight does not come to it all day.
        and (moving or spot.place.job in near)
        and spot.eligible(fix.time_ms)
        and spot.area.centre_distance_m(fix.lat_e7, fix.lon_e7) <= NEAR_M + spot.area.reach_m
        for spot in places.by_rank
    )
