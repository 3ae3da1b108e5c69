"""What lies in a gap between two fixes: when somebody came to rest, or went away, unseen.

A phone that saves its battery, or has no sky, says nothing for minutes. Who was on the way before
such a gap and lies at a spot after it came there as soon as the way takes, and who lay at a spot
before it and is on the way after it left as late. Holds no fixes and no visits. Invariant: what is
guessed lies within the gap, and a gap shorter than `SPARSE_MS` is not guessed about.
"""

from __future__ import annotations

from typing import Final

SPARSE_MS: Final = 45_000
"""Fixes that come more often say when somebody came or went."""
SPARSE_MS_MAX: Final = 6 * 60_000
"""A phone that lies still reports every five minutes at least; a longer gap is silence."""
SILENT_MS_MAX: Final = 60 * 60_000
SILENT_WAY_MS_MAX: Final = 3 * 60_000
"""Of silence up to an hour something can be said where the way takes no longer than this."""

_ON_FOOT_M: Final = 40
"""The usual way between a car and a door."""
_ON_FOOT_MPS: Final = 1.2
_BY_CAR_MPS: Final = 4.0
"""Along streets, lights included, by the distance as the crow flies."""


def way_ms(distance_m: float) -> int:
    """How long somebody takes to a place so far away, the walk from the car included."""
    on_foot_s = min(distance_m, _ON_FOOT_M) / _ON_FOOT_MPS
    return round(1_000 * (on_foot_s + max(0.0, distance_m - _ON_FOOT_M) / _BY_CAR_MPS))


def moment_in_gap(
    from_ms: int, to_ms: int, distance_m: float, *, leaving: bool, on_way: bool = True
) -> int | None:
    """When somebody came to rest (or left it, `leaving`) between two fixes that lie so far apart.

    `on_way`: whether the fix that is not at rest is of somebody who moves. None where the gap is
    too short to say more than the fixes do, or too long to say anything.
    """
    gap_ms, took_ms = to_ms - from_ms, way_ms(distance_m)
    if gap_ms < SPARSE_MS or gap_ms > SILENT_MS_MAX:
        return None
    if gap_ms > SPARSE_MS_MAX and (took_ms > SILENT_WAY_MS_MAX or not on_way):
        return None
    took_ms = min(took_ms, gap_ms)
    return to_ms - took_ms if leaving else from_ms + took_ms
