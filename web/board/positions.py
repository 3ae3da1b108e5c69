"""Where workers are, as the map hears it: a frame of those that moved, one a second at most.

A frame is bytes, as a page with thousands of workers would be busy reading anything else:

    8 bytes   float, ms UTC: the hub's clock
    then for each worker 20 bytes, all little-endian:
    4 bytes   the worker's number in this run of the hub; `workers_now` says whose it is
    4 + 4     longitude and latitude, 1e-7 degree, signed
    4 bytes   age of the position at that clock, ms; the largest number for older ones
    2 bytes   heading in degrees, -1: not known
    1 byte    1: it has a place, 2: it moves, 4: it is on duty
    1 byte    nothing

Positions come from memory (`hub.presence`) and are kept nowhere. Holds no sockets. Invariant: a
frame says of each worker what was known last when it was made, whatever came in between.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from hub.hub import Hub
from hub.presence import Presence

MOVES_MPS: Final = 1.0
"""Slower than this is standing: a fix at rest jitters."""

_CLOCK: Final = struct.Struct("<d")
_WORKER: Final = struct.Struct("<IiiIhBx")
_PLACED, _MOVING, _ON_DUTY = 1, 2, 4
_AGE_MS_MAX: Final = 2**32 - 1
_HEADING: Final = range(360)


class Positions:
    """The numbers of workers in this run of a hub, and frames of where they are."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._numbers: dict[str, int] = {}

    def number(self, worker: str) -> int:
        """The number by which frames name a worker (hex id)."""
        return self._numbers.setdefault(worker, len(self._numbers))

    def frame(self, workers: Iterable[str] | None = None) -> bytes:
        """What is known now of these workers, or of all that anything is known of."""
        presence, now_ms = self._hub.presence, self._hub.clock.now_ms()
        parts = [_CLOCK.pack(now_ms)]
        for worker in presence if workers is None else workers:
            known = presence.get(worker)
            if known is not None:
                parts.append(self._record(worker, known, now_ms))
        return b"".join(parts)

    def _record(self, worker: str, known: Presence, now_ms: int) -> bytes:
        flags = _ON_DUTY * known.duty + _MOVING * is_moving(known)
        lat, lon = known.lat_e7, known.lon_e7
        if lat is not None and lon is not None:
            flags += _PLACED
        heading = known.bearing_deg
        return _WORKER.pack(
            self.number(worker),
            lon or 0,
            lat or 0,
            min(max(now_ms - known.at_ms, 0), _AGE_MS_MAX),
            -1 if heading is None else heading % len(_HEADING),
            flags,
        )


def is_moving(known: Presence) -> bool:
    """Whether a worker is on the way, as far as the phone told its speed."""
    return known.speed_mps is not None and known.speed_mps > MOVES_MPS


POSITIONS: Final = web.AppKey("POSITIONS", Positions)
