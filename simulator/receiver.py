"""What a phone's receiver makes of a true day: fixes that are late, wrong, missing and sure of it.

The error of a place is correlated in time (a Gauss-Markov process), as real ones are: it drifts
indoors for minutes, jumps between tall houses, and sometimes stands 200 m off with a claim of 3 m.
It judges nothing. Invariant: every fix has the true time of its measurement, and its place follows
from the day and the source of chance alone.

Sources: Tracelet issues 268-294 (an over-confident place 200 m away), Android's location
documentation (Wi-Fi places are within 20 to 50 m), the replay cases of the automatic logger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from core.dispatch.fix import Fix
from core.dispatch.geometry import Point, distance_m
from simulator.draw import CALM, Options
from simulator.motion import Mode, Position, TrueDay, moved

OPEN_SKY_M: Final = 4.0
OPEN_SKY_S: Final = 60.0
"""Size and memory of the error under an open sky."""
CANYON_M: Final = 35.0
CANYON_S: Final = 20.0
INDOORS_S: Final = 600.0
COARSE_M: Final = 30.0
"""What Wi-Fi and cells are off in a town, at the least."""
MOVING_EVERY_S: Final = 10.0
STILL_EVERY_S: Final = 30.0
MOVING_MPS: Final = 0.6
BEARING_MPS_MIN: Final = 1.0
"""Slower than this a receiver does not know which way it goes."""
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Span:
    """A time, from and to in ms, in which something was so."""

    start_ms: int
    end_ms: int

    def covers(self, at_ms: int) -> bool:
        """Whether a moment lies in it."""
        return self.start_ms <= at_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Nobody who drives within `reach_m` of a place has a sky there."""

    lat_e7: int
    lon_e7: int
    reach_m: float


@dataclass(frozen=True, slots=True)
class Mocked:
    """While `span` lasts, an app makes the phone say that it lies at a place, and is sure of it."""

    span: Span
    lat_e7: int
    lon_e7: int


@dataclass(frozen=True, slots=True)
class Troubles:
    """What happens to a receiver at known places and times, besides what the options draw.

    `silences` are times without a fix, as in a garage. `unknown_accuracy_share` is the share of
    fixes that tell none.
    """

    tunnels: tuple[Tunnel, ...] = ()
    silences: tuple[Span, ...] = ()
    mocks: tuple[Mocked, ...] = ()
    unknown_accuracy_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Reception:
    """The fixes in order of time, and why some are missing or bad."""

    fixes: tuple[Fix, ...]
    gaps: tuple[Span, ...]
    canyons: tuple[Span, ...]
    empty_battery: Span | None
    outlier_times_ms: tuple[int, ...]


def receive(
    chance: Random,
    day: TrueDay,
    options: Options = CALM,
    troubles: Troubles = Troubles(),
    *,
    moving_every_s: float = MOVING_EVERY_S,
    still_every_s: float = STILL_EVERY_S,
    source: str = "gps",
) -> Reception:
    """The fixes of a day. Intervals vary by a tenth; nothing comes in gaps or without battery."""
    receiver = Receiver(chance, day, options, troubles, source)
    fixes: list[Fix] = []
    at_ms = day.start_ms
    while at_ms <= day.end_ms:
        fix = receiver.measure(at_ms)
        if fix is not None:
            fixes.append(fix)
        moves = day.position(at_ms).speed_mps >= MOVING_MPS
        every_s = moving_every_s if moves else still_every_s
        at_ms += max(1_000, round(every_s * chance.uniform(0.9, 1.1) * 1_000))
    return Reception(
        tuple(fixes),
        receiver.gaps,
        receiver.canyons,
        receiver.empty_battery,
        tuple(receiver.outlier_times_ms),
    )


class Receiver:
    """A phone's receiver through a day, asked for a fix at whatever moments, in order of time.

    What befalls it is drawn when it is made.
    """

    def __init__(
        self,
        chance: Random,
        day: TrueDay,
        options: Options = CALM,
        troubles: Troubles = Troubles(),
        source: str = "gps",
    ) -> None:
        self.gaps = _spans(chance, day, options.gaps_per_day, 120.0, 1_800.0)
        self.canyons = _spans(chance, day, options.canyons_per_day, 30.0, 400.0)
        self.empty_battery = _empty_battery(chance, day, options.empty_battery_per_day)
        self.outlier_times_ms: list[int] = []
        self._chance = chance
        self._day = day
        self._troubles = troubles
        self._source = source
        self._error = _Error(chance, options)
        self._coarse_error = _Error(chance, options, least_m=COARSE_M)

    def measure(self, at_ms: int, *, exact: bool = True) -> Fix | None:
        """The fix of a moment, None where there is none to be had.

        Not `exact`: by Wi-Fi and cells, which tell no speed and no bearing.
        """
        chance, troubles = self._chance, self._troubles
        position = self._day.position(at_ms)
        error = self._error if exact else self._coarse_error
        error.pass_time(at_ms, position.mode, in_canyon=_any_covers(self.canyons, at_ms))
        empty = self.empty_battery is not None and self.empty_battery.covers(at_ms)
        silent = _any_covers(self.gaps, at_ms) or empty
        silent = silent or _any_covers(troubles.silences, at_ms) or _below(troubles, position)
        mocked = next((mock for mock in troubles.mocks if mock.span.covers(at_ms)), None)
        if mocked is not None and not empty:
            claim_m = chance.randint(1, 5)
            place = (mocked.lat_e7, mocked.lon_e7)
            return Fix(at_ms, *place, claim_m, 0.0, None, self._source, mock=True)
        if mocked is not None or silent:
            return None
        if error.is_sure_and_wrong(at_ms):
            self.outlier_times_ms.append(at_ms)
        fix = _fix(chance, at_ms, position, error, self._source)
        share = troubles.unknown_accuracy_share
        if share and chance.random() < share:
            fix = replace(fix, accuracy_m=None)
        return fix if exact else replace(fix, speed_mps=None, bearing_deg=None)


class _Error:
    """How far the receiver is off, in metres east and north, and how far it thinks it is."""

    def __init__(self, chance: Random, options: Options, least_m: float = 0.0) -> None:
        self._least_m = least_m
        self._chance = chance
        self._options = options
        self._last_ms: int | None = None
        self._east_m = self._north_m = 0.0
        self._size_m = OPEN_SKY_M
        self._wrong_until_ms = 0
        self._wrong: Point = (0, 0)
        self._sure = False

    def pass_time(self, at_ms: int, mode: Mode, *, in_canyon: bool) -> None:
        """Let the error wander to a moment; an unseen sky makes it larger."""
        size_m, memory_s = OPEN_SKY_M, OPEN_SKY_S
        if mode is Mode.STAYS:
            size_m, memory_s = max(OPEN_SKY_M, self._options.indoor_drift_m), INDOORS_S
        elif in_canyon:
            size_m, memory_s = CANYON_M, CANYON_S
        size_m = max(size_m, self._least_m)
        passed_s = 0.0 if self._last_ms is None else (at_ms - self._last_ms) / 1_000
        kept = math.exp(-passed_s / memory_s)
        fresh_m = size_m / math.sqrt(2) * math.sqrt(1 - kept * kept)
        self._east_m = self._east_m * kept + self._chance.gauss(0.0, fresh_m)
        self._north_m = self._north_m * kept + self._chance.gauss(0.0, fresh_m)
        self._size_m = size_m
        self._begin_outlier(at_ms, passed_s)
        self._last_ms = at_ms

    def is_sure_and_wrong(self, at_ms: int) -> bool:
        """Whether the receiver now claims a place where the phone is not, and is sure of it."""
        self._sure = at_ms < self._wrong_until_ms
        return self._sure

    def offset_m(self) -> tuple[float, float]:
        """How far off it is, east and north."""
        if self._sure:
            return float(self._wrong[0]), float(self._wrong[1])
        return self._east_m, self._north_m

    def claim_m(self) -> int:
        """The accuracy that it claims: mostly honest, sometimes rosy."""
        if self._sure:
            return self._chance.randint(2, 6)
        return max(2, round(self._size_m * self._chance.lognormvariate(0.25, 0.35)))

    def _begin_outlier(self, at_ms: int, passed_s: float) -> None:
        if at_ms < self._wrong_until_ms or not self._options.outliers_per_hour:
            return
        if self._chance.random() < passed_s / 3_600 * self._options.outliers_per_hour:
            away_m, turn = self._chance.uniform(100, 400), self._chance.uniform(0, math.tau)
            self._wrong = (round(away_m * math.sin(turn)), round(away_m * math.cos(turn)))
            self._wrong_until_ms = at_ms + self._chance.randint(1, 45_000)


def _fix(chance: Random, at_ms: int, position: Position, error: _Error, source: str) -> Fix:
    lat_e7, lon_e7 = moved((position.lat_e7, position.lon_e7), *error.offset_m())
    speed_mps = max(0.0, round(position.speed_mps + chance.gauss(0.0, 0.3), 2))
    bearing_deg = None
    if speed_mps >= BEARING_MPS_MIN:
        bearing_deg = round(position.bearing_deg + chance.gauss(0.0, 60.0 / speed_mps)) % 360
    return Fix(at_ms, lat_e7, lon_e7, error.claim_m(), speed_mps, bearing_deg, source)


def _spans(
    chance: Random, day: TrueDay, per_day: float, least_s: float, most_s: float
) -> tuple[Span, ...]:
    """When something is so, `per_day` times in 24 hours on the average."""
    spans = []
    at_ms = float(day.start_ms)
    while per_day > 0:
        at_ms += chance.expovariate(per_day / DAY_S) * 1_000
        if at_ms >= day.end_ms:
            break
        end_ms = at_ms + chance.uniform(least_s, most_s) * 1_000
        spans.append(Span(round(at_ms), round(end_ms)))
        at_ms = end_ms
    return tuple(spans)


def _empty_battery(chance: Random, day: TrueDay, per_day: float) -> Span | None:
    """From some time in the day's second half until it is charged, perhaps only at home."""
    if chance.random() >= per_day:
        return None
    start_ms = round(chance.uniform((day.start_ms + day.end_ms) / 2, day.end_ms))
    return Span(start_ms, start_ms + round(chance.uniform(600, 14_400) * 1_000))


def _below(troubles: Troubles, position: Position) -> bool:
    """Whether a car is in a tunnel."""
    if position.mode not in (Mode.DRIVES, Mode.STANDS):
        return False
    return any(
        distance_m(position.lat_e7, position.lon_e7, tunnel.lat_e7, tunnel.lon_e7) <= tunnel.reach_m
        for tunnel in troubles.tunnels
    )


def _any_covers(spans: Sequence[Span], at_ms: int) -> bool:
    return any(span.covers(at_ms) for span in spans)
