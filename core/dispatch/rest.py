"""Rest: where a phone came to lie, since when, and whether that is near a place's pin.

A radius says who is about; where the phone came to rest says when somebody arrived and whether it
was next door. A rest goes on while fixes lie within `REST_M` of its middle, and ends with a fix of
somebody who drives, or once another rest has lasted `APART_MS`; wild fixes end none. Holds no jobs
and no visits. Invariant: a rest's middle is the mean of its fixes, each counted once.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from core.dispatch.fix import Fix, speed_cmps
from core.dispatch.geometry import Point, distance_m, turned_e7
from core.dispatch.jobplace import Spot
from core.dispatch.trip import SPEED_CMPS_GATE
from core.dispatch.unseen import moment_in_gap

REST_M: Final = 20
"""Somebody at work goes to and fro within this; on foot one has left it after some 15 s."""
REST_ACCURACY_M: Final = 50
"""A fix is given at most this much benefit of its own doubt."""
APART_MS: Final = 30_000
LONG_REST_MS: Final = 75_000
"""A rest of so long says when somebody arrived, once more is known to call it a visit."""
SETTLED_MS: Final = 150_000
"""A red light and a wave of a jam are shorter: who rests for so long is somewhere."""

WALK_MPS: Final = 1.0
APPROACH_MS: Final = 3 * 60_000
"""The way between the edge of a place and the door takes no longer; it is no time on site."""
TRIM_MS: Final = 20_000
"""Less than this is not worth cutting off: it is as long as two fixes of somebody who moves."""
GET_OUT_MS: Final = 75_000
"""Who parks may sit in the car for so long before getting out."""

NEXT_DOOR_M: Final = 53
INNER_SHARE: Final = 0.47
"""The outer part of a circle is there for a receiver's errors: who rests in it is next door. It is
so wide, and leaves that share of the radius at least."""
DUE_M: Final = 4
"""So much further out a rest is believed where a visit is due, and less where it is not."""
SHARP_M: Final = 20
"""Where fixes claim no better than this, what they say of next door is not held against anybody."""


class Rest(NamedTuple):
    """Where a phone lies now; `since_ms` is 0 where it does not.

    `came_ms` is when it came there as far as can be told, the same or in a gap before `since_ms`.
    `claims` of its fixes claim an accuracy. `way_*` is the last fix that told the speed of a car.

    The middle is `lat_e7 + sum_lat / fixes`, likewise for the longitude. `sum_accuracy_m` adds up
    what the fixes claim. `other_*` is the first fix of what may become the next rest.
    """

    since_ms: int = 0
    last_ms: int = 0
    lat_e7: int = 0
    lon_e7: int = 0
    sum_lat: int = 0
    sum_lon: int = 0
    sum_accuracy_m: int = 0
    fixes: int = 0
    other_ms: int = 0
    other_lat_e7: int = 0
    other_lon_e7: int = 0
    other_came_ms: int = 0
    came_ms: int = 0
    claims: int = 0
    way_ms: int = 0
    way_lat_e7: int = 0
    way_lon_e7: int = 0

    @property
    def middle(self) -> Point:
        """The mean of its fixes, in 1e-7 degree."""
        fixes = max(1, self.fixes)
        return self.lat_e7 + self.sum_lat // fixes, self.lon_e7 + self.sum_lon // fixes

    @property
    def accuracy_m(self) -> int:
        """The mean of what its fixes claim."""
        return self.sum_accuracy_m // max(1, self.claims)

    @property
    def reach_m(self) -> int:
        """How far from its middle another rest is at the same spot."""
        return _reach_m(self.accuracy_m)

    def lasted_ms(self, from_ms: int, at_ms: int) -> int:
        """How long it lasts at a fix, counted from `from_ms`; 0 where that fix is not of it."""
        if not self.since_ms or self.last_ms != at_ms:
            return 0
        return max(0, at_ms - max(self.since_ms, from_ms))


def rest_after(rest: Rest, fix: Fix) -> Rest:
    """The rest after a fix."""
    at = (fix.time_ms, fix.lat_e7, fix.lon_e7)
    if speed_cmps(fix) >= SPEED_CMPS_GATE:
        return Rest(way_ms=at[0], way_lat_e7=at[1], way_lon_e7=at[2])
    way = (rest.way_ms, rest.way_lat_e7, rest.way_lon_e7)
    if not rest.since_ms:
        return _begun(*at, fix, _came_ms(way, at), way)
    reach_m = _reach_m(fix.accuracy_m or 0)
    if distance_m(*rest.middle, fix.lat_e7, fix.lon_e7) <= reach_m:
        return _prolonged(rest, fix)
    if not rest.other_ms:
        # Who lay there no longer than at a red light was on the way.
        was_on_way = rest.last_ms - rest.since_ms < LONG_REST_MS
        came_ms = _came_ms((rest.last_ms, *rest.middle), at) if was_on_way else at[0]
        return rest._replace(
            other_ms=at[0], other_lat_e7=at[1], other_lon_e7=at[2], other_came_ms=came_ms
        )
    other = (rest.other_ms, rest.other_lat_e7, rest.other_lon_e7)
    if distance_m(*other[1:], fix.lat_e7, fix.lon_e7) > reach_m:
        # Two fixes away that lie apart: it moves. The next rest begins with the newer one.
        return _begun(*at, fix, _came_ms(other, at), way)
    if fix.time_ms - rest.other_ms < APART_MS:
        return rest
    return _prolonged(_begun(*other, fix, rest.other_came_ms, way), fix)


def _came_ms(way: tuple[int, int, int], at: tuple[int, int, int]) -> int:
    """When somebody who was on the way at a fix (time 0: nobody was) came to the next one."""
    if not way[0]:
        return at[0]
    came_ms = moment_in_gap(way[0], at[0], distance_m(*way[1:], *at[1:]), leaving=False)
    return at[0] if came_ms is None else came_ms


def _reach_m(accuracy_m: int) -> int:
    return max(REST_M, min(2 * accuracy_m, REST_ACCURACY_M))


def _begun(
    since_ms: int, lat_e7: int, lon_e7: int, fix: Fix, came_ms: int, way: tuple[int, int, int]
) -> Rest:
    return Rest(
        since_ms, since_ms, lat_e7, lon_e7, 0, 0, fix.accuracy_m or 0, 1, 0, 0, 0, 0, came_ms,
        int(fix.accuracy_m is not None), *way,
    )  # fmt: skip


def _prolonged(rest: Rest, fix: Fix) -> Rest:
    return Rest(
        rest.since_ms,
        fix.time_ms,
        rest.lat_e7,
        rest.lon_e7,
        rest.sum_lat + fix.lat_e7 - rest.lat_e7,
        rest.sum_lon + turned_e7(fix.lon_e7 - rest.lon_e7),
        rest.sum_accuracy_m + (fix.accuracy_m or 0),
        rest.fixes + 1,
        0,
        0,
        0,
        0,
        rest.came_ms,
        rest.claims + (fix.accuracy_m is not None),
        *rest[-3:],
    )


def is_walk(start: Point, end: Point, took_ms: int, slack_ms: int = TRIM_MS) -> bool:
    """Whether it took no longer from one place to another than to walk there without a stop."""
    on_foot_ms = distance_m(*start, *end) / WALK_MPS * 1_000
    return took_ms <= APPROACH_MS and took_ms <= on_foot_ms + slack_ms


def beside_m(middle: Point, accuracy_m: float, spot: Spot, at_ms: int) -> float:
    """By how much a rest with this middle lies next door to a place; 0 or less: it is in it.

    An outline says where a place ends, so nobody within it is next door. Of a circle more is
    believed of who is due there at `at_ms` than of who is due at another hour.
    """
    if spot.place.corners:
        return spot.area.outside_m(*middle)
    inner_m = max(spot.area.radius_m - NEXT_DOOR_M, spot.area.radius_m * INNER_SHARE)
    slack_m = 1 + max(0.0, accuracy_m - SHARP_M) + DUE_M * spot.due(at_ms)
    return spot.area.centre_distance_m(*middle) - inner_m - slack_m
