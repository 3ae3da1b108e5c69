"""Stops of a track: where somebody stayed in one place for some minutes, found afterwards.

A stop goes from a fix to the last of those after it that lie within `STOP_M` of it without a gap,
if that is `STOP_MS` or more; where a phone said nothing, nobody knows, so nothing is added. Fixes
that can't be used are left out. Holds no customers and no rules of auto logging, which decides as
fixes come. Invariant: stops share no more than an instant, stand in order of time, and follow from
the fixes alone, in whatever order these are given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from core.dispatch.fix import Fix, order_of, usable
from core.dispatch.geometry import distance_m

STOP_M: Final = 100
"""As wide as the place of a customer is by default: a drift within it is no movement."""
STOP_MS: Final = 5 * 60_000
"""A traffic light is shorter, a visit worth a line is longer."""


class Stop(NamedTuple):
    """Somebody was at a place (1e-7 degree, the first fix's) from `start_ms` to `end_ms`."""

    start_ms: int
    end_ms: int
    lat_e7: int
    lon_e7: int


def stops_in(fixes: Iterable[Fix]) -> list[Stop]:
    """The stops of these fixes, in order of time."""
    ordered = sorted((fix for fix in fixes if usable(fix)), key=order_of)
    found: list[Stop] = []
    index = 0
    while index < len(ordered):
        first = ordered[index]
        beyond = index + 1
        while beyond < len(ordered) and _is_near(first, ordered[beyond]):
            beyond += 1
        last = ordered[beyond - 1]
        if last.time_ms - first.time_ms >= STOP_MS:
            found.append(Stop(first.time_ms, last.time_ms, first.lat_e7, first.lon_e7))
            index = beyond
        else:
            index += 1
    return found


def _is_near(one: Fix, other: Fix) -> bool:
    return distance_m(one.lat_e7, one.lon_e7, other.lat_e7, other.lon_e7) <= STOP_M
