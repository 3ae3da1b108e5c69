"""The places of a worker's jobs, ready for the automatic logger.

Holds which job is where, when it may be visited, and a quick way to those near a fix. Holds no
visits. Invariant: the same jobs in any order make the same `Places` with the same `mark`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from core.dispatch.autofact import Plain
from core.dispatch.fix import ACCURACY_M_MAX
from core.dispatch.geometry import METRES_PER_E7, RADIUS_M_DEFAULT, Area, Point, circle, polygon

EARLY_MS: Final = 2 * 3_600_000
LATE_MS: Final = 6 * 3_600_000
"""A job may be visited from two hours before its window to six hours after it."""
DUE_MS: Final = 30 * 60_000
"""Who comes so much before or after its window still comes for it."""
THRESHOLD_MIN_MAX: Final = 60
PLACES_MAX: Final = 2_000
"""A worker has some dozens of jobs that are not finished; a list longer than this is a mistake."""

ENTRY_ACCURACY_M: Final = 50
MARGIN_M: Final = 25
MARGIN_SHARE: Final = 0.2

_UNDATED_MS: Final = 1 << 60
_MARK_PRIME: Final = (1 << 61) - 1


class AutologError(ValueError):
    """A setting or list of jobs that the logger cannot work with; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class JobPlace:
    """One job that is this worker's and not final, and where it is.

    `corners` (in 1e-7 degree) draws an outline in place of the circle; the point is then only
    where the pin stands. Without a window the job is one of today's undated ones. `position` is the
    planned order. `threshold_min` is the office's own for this place, None for the worker's.
    """

    job: bytes
    lat_e7: int
    lon_e7: int
    radius_m: int = RADIUS_M_DEFAULT
    corners: tuple[Point, ...] = ()
    window_start_ms: int | None = None
    window_end_ms: int | None = None
    position: int = 0
    threshold_min: int | None = None


class Spot:
    """A job's place with all that a fix is compared with worked out. Never changed once made."""

    __slots__ = (
        "area",
        "closes_ms",
        "due_from_ms",
        "due_until_ms",
        "east_e7",
        "entry_accuracy_m",
        "far_m",
        "margin_m",
        "opens_ms",
        "place",
        "rank",
        "travel_opens_ms",
    )

    def __init__(self, place: JobPlace) -> None:
        """Raises PlaceError, AutologError."""
        if place.threshold_min is not None:
            check_threshold(place.threshold_min)
        if place.corners:
            self.area: Area = polygon(place.corners)
        else:
            self.area = circle(place.lat_e7, place.lon_e7, place.radius_m)
        self.place = place
        radius_m = self.area.radius_m
        self.entry_accuracy_m = max(ENTRY_ACCURACY_M, radius_m / 2)
        self.margin_m = max(MARGIN_M, MARGIN_SHARE * radius_m)
        self.far_m = 2 * radius_m
        start, end = place.window_start_ms, place.window_end_ms
        self.opens_ms = 0 if start is None else start - EARLY_MS
        self.closes_ms = _UNDATED_MS if end is None else end + LATE_MS
        self.due_from_ms = None if start is None else start - DUE_MS
        self.due_until_ms = None if end is None else end + DUE_MS
        self.travel_opens_ms = 0 if start is None else start - 3_600_000
        planned_ms = next((ms for ms in (start, end) if ms is not None), _UNDATED_MS)
        self.rank = (planned_ms, place.position, place.job)
        # How far east or west of the centre a fix can matter at all.
        reach_m = self.area.reach_m + self.margin_m + ACCURACY_M_MAX
        self.east_e7 = reach_m / max(self.area.projection.metres_per_lon, 1e-9)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spot) and self.place == other.place

    def __hash__(self) -> int:
        return hash(self.place)

    def due(self, at_ms: int) -> int:
        """1 about the time of its window, -1 at another, 0 if it has none."""
        start_ms, end_ms = self.due_from_ms, self.due_until_ms
        if start_ms is None and end_ms is None:
            return 0
        is_before = start_ms is not None and at_ms < start_ms
        return -1 if is_before or (end_ms is not None and at_ms > end_ms) else 1

    def eligible(self, at_ms: int) -> bool:
        """Whether the job may be visited now."""
        return self.opens_ms <= at_ms <= self.closes_ms


class Places:
    """The jobs' places, sorted by latitude. Never changed once made."""

    __slots__ = ("_lats", "_reach_e7", "_spots", "by_rank", "mark", "spot_by_job")

    def __init__(self, jobs: Iterable[JobPlace] = ()) -> None:
        """Raises PlaceError for a place, AutologError for a list that cannot be used."""
        spots = sorted(map(Spot, jobs), key=lambda spot: spot.place.job)
        if len(spots) > PLACES_MAX:
            raise AutologError(f"the logger takes at most {PLACES_MAX} jobs; give this week's")
        self.spot_by_job = {spot.place.job: spot for spot in spots}
        if len(self.spot_by_job) != len(spots):
            raise AutologError("a job stands twice in the list of places; give each once")
        self.mark = _mark_of(plain_place(spot.place) for spot in spots)
        self.by_rank = sorted(spots, key=lambda spot: spot.rank)
        self._spots = sorted(spots, key=lambda spot: spot.area.projection.lat_e7)
        self._lats = [spot.area.projection.lat_e7 for spot in self._spots]
        reach_m = max((spot.area.reach_m + spot.margin_m for spot in spots), default=0.0)
        self._reach_e7 = round((reach_m + ACCURACY_M_MAX) / METRES_PER_E7)

    def near(self, lat_e7: int, lon_e7: int) -> list[Spot]:
        """Every place that the fix could be inside of, or at the edge of, and some more."""
        first = bisect_left(self._lats, lat_e7 - self._reach_e7)
        last = bisect_right(self._lats, lat_e7 + self._reach_e7)
        return [
            spot
            for spot in self._spots[first:last]
            if abs(lon_e7 - spot.area.projection.lon_e7) <= spot.east_e7
            or abs(lon_e7) > 1_790_000_000
        ]


def check_threshold(threshold_min: int) -> None:
    """Raise AutologError unless this can be a minimum auto-logging time."""
    if not 0 <= threshold_min <= THRESHOLD_MIN_MAX:
        raise AutologError(
            f"the minimum auto-logging time is 0 to {THRESHOLD_MIN_MAX} minutes,"
            f" not {threshold_min}"
        )


def plain_place(place: JobPlace) -> Plain:
    """The place as lists of numbers and texts."""
    corners = [number for corner in place.corners for number in corner]
    return [
        place.job.hex(), place.lat_e7, place.lon_e7, place.radius_m, corners,
        place.window_start_ms, place.window_end_ms, place.position, place.threshold_min,
    ]  # fmt: skip


def place_of_plain(plain: Plain) -> JobPlace:
    """The place that `plain_place` made lists of."""
    job, lat_e7, lon_e7, radius_m, corners, start, end, position, threshold_min = plain
    pairs = tuple(zip(corners[::2], corners[1::2], strict=True))
    return JobPlace(
        bytes.fromhex(job), lat_e7, lon_e7, radius_m, pairs, start, end, position, threshold_min
    )


def _mark_of(rows: Iterable[Plain]) -> int:
    """A number that changes when the places do; the same after a restart, unlike Python's hash."""
    mark = 7
    for row in rows:
        for number in _numbers_in(row):
            mark = (mark * 1_000_003 + number + 1) % _MARK_PRIME
    return mark


def _numbers_in(row: Plain) -> Iterator[int]:
    for value in row:
        if value is None:
            yield -1
        elif isinstance(value, str):
            yield from (len(value), int(value or "0", 16))
        elif isinstance(value, list):
            yield from (len(value), *value)
        else:
            yield value
