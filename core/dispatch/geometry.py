"""Distances, local metric projection, circles and polygons, in pure Python.

Holds what a phone needs to know whether it is at a place, since there is no wheel of shapely for
it. Holds no fixes, no jobs and no maps. Places are integers of 1e-7 degree, distances are metres.
Invariant: the same integers give the same answer on every machine, and shapely agrees with it
(the tests ask it) to within rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from core.sentence import say

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius (IUGG); against the WGS84 geodesic it is at most 0.5 % off."""
RADIUS_M_MIN: Final = 30
"""Below this a phone's own error is larger than the place."""
RADIUS_M_MAX: Final = 1_000
"""Above this a circle says nothing about being at a customer's; draw a polygon."""
RADIUS_M_ADVISED: Final = 75
"""Below this visits are missed where signal is poor, so people are warned."""
RADIUS_M_DEFAULT: Final = 100
VERTICES_MAX: Final = 200
"""A yard's outline has some dozens; each costs a phone time at every fix."""
POLYGON_M_MAX: Final = 20_000
"""The local projection is exact to a metre within this size."""
POLYGON_M2_MIN: Final = 400.0
"""About the size of a house; smaller outlines are meant as a point with a radius."""

LAT_E7_MAX: Final = 900_000_000
LON_E7_MAX: Final = 1_800_000_000
_TURN_E7: Final = 3_600_000_000
_RADIANS_PER_E7: Final = math.pi / LON_E7_MAX
METRES_PER_E7: Final = EARTH_RADIUS_M * _RADIANS_PER_E7

Point = tuple[int, int]
"""Latitude and longitude, each in 1e-7 degree."""


class PlaceError(ValueError):
    """A place or outline that cannot be used; the sentence says what to change."""


def check_point(lat_e7: int, lon_e7: int) -> None:
    """Raise PlaceError unless this is a place on Earth."""
    if abs(lat_e7) > LAT_E7_MAX or abs(lon_e7) > LON_E7_MAX:
        raise PlaceError("the place is not on Earth; latitude is -90 to 90, longitude -180 to 180")


def check_radius(radius_m: int) -> None:
    """Raise PlaceError unless `radius_m` can tell a visit from a pass."""
    if not RADIUS_M_MIN <= radius_m <= RADIUS_M_MAX:
        raise PlaceError(f"a radius is {RADIUS_M_MIN} to {RADIUS_M_MAX} m, not {radius_m} m")


def radius_advice(radius_m: int) -> str:
    """A sentence of warning about a radius that is allowed but small; '' if it is fine."""
    if radius_m < RADIUS_M_ADVISED:
        return f"below {RADIUS_M_ADVISED} m visits are missed where signal is poor"
    return ""


def distance_m(lat1_e7: int, lon1_e7: int, lat2_e7: int, lon2_e7: int) -> float:
    """Great-circle distance of two places, by the haversine formula."""
    lat1, lat2 = lat1_e7 * _RADIANS_PER_E7, lat2_e7 * _RADIANS_PER_E7
    half_lat = math.sin((lat2 - lat1) / 2)
    half_lon = math.sin((lon2_e7 - lon1_e7) * _RADIANS_PER_E7 / 2)
    chord = half_lat * half_lat + math.cos(lat1) * math.cos(lat2) * half_lon * half_lon
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def turned_e7(lon_e7: int) -> int:
    """A difference of longitudes taken the short way round, so that it may cross 180 degrees."""
    return (lon_e7 + LON_E7_MAX) % _TURN_E7 - LON_E7_MAX


@dataclass(frozen=True, slots=True)
class Projection:
    """A flat map in metres around one place: x to the east, y to the north."""

    lat_e7: int
    lon_e7: int
    metres_per_lon: float = field(init=False)

    def __post_init__(self) -> None:
        scale = METRES_PER_E7 * math.cos(self.lat_e7 * _RADIANS_PER_E7)
        object.__setattr__(self, "metres_per_lon", scale)

    def xy_m(self, lat_e7: int, lon_e7: int) -> tuple[float, float]:
        """Where a place lies on the flat map; exact to a metre within some 20 km."""
        east_e7 = lon_e7 - self.lon_e7
        if not -LON_E7_MAX <= east_e7 < LON_E7_MAX:
            east_e7 = turned_e7(east_e7)
        return east_e7 * self.metres_per_lon, (lat_e7 - self.lat_e7) * METRES_PER_E7


Ring = Sequence[tuple[float, float]]
"""The corners of a polygon in metres, each once, in order."""


def contains(ring: Ring, x_m: float, y_m: float) -> bool:
    """Whether the point lies inside the polygon, by counting the edges east of it."""
    inside = False
    before_x, before_y = ring[-1]
    for here_x, here_y in ring:
        if (here_y > y_m) != (before_y > y_m):
            crossing_x = here_x + (before_x - here_x) * (y_m - here_y) / (before_y - here_y)
            if x_m < crossing_x:
                inside = not inside
        before_x, before_y = here_x, here_y
    return inside


def edge_distance_m(ring: Ring, x_m: float, y_m: float) -> float:
    """How far the point is from the nearest edge of the polygon, from inside or outside."""
    nearest_squared = math.inf
    before_x, before_y = ring[-1]
    for here_x, here_y in ring:
        run_x, run_y = here_x - before_x, here_y - before_y
        length_squared = run_x * run_x + run_y * run_y
        along = (x_m - before_x) * run_x + (y_m - before_y) * run_y
        share = min(1.0, max(0.0, along / length_squared)) if length_squared else 0.0
        off_x, off_y = x_m - before_x - share * run_x, y_m - before_y - share * run_y
        nearest_squared = min(nearest_squared, off_x * off_x + off_y * off_y)
        before_x, before_y = here_x, here_y
    return math.sqrt(nearest_squared)


def area_m2(ring: Ring) -> float:
    """The area of a polygon, whichever way round its corners go."""
    doubled = 0.0
    before_x, before_y = ring[-1]
    for here_x, here_y in ring:
        doubled += before_x * here_y - here_x * before_y
        before_x, before_y = here_x, here_y
    return abs(doubled) / 2


def _side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> int:
    turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (turn > 0) - (turn < 0)


def _within(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether `c`, known to lie on the line through `a` and `b`, lies between them."""
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])


def _touch(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> bool:
    """Whether the edges a-b and c-d have a point in common."""
    abc, abd, cda, cdb = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    if abc * abd < 0 and cda * cdb < 0:
        return True
    return (
        (abc == 0 and _within(a, b, c))
        or (abd == 0 and _within(a, b, d))
        or (cda == 0 and _within(c, d, a))
        or (cdb == 0 and _within(c, d, b))
    )


def crosses_itself(ring: Ring) -> bool:
    """Whether two edges that are no neighbours touch, or two neighbours fold back."""
    count = len(ring)
    edges = [(ring[i], ring[(i + 1) % count]) for i in range(count)]
    for i, (a, b) in enumerate(edges):
        c = edges[(i + 1) % count][1]
        dot = (a[0] - b[0]) * (c[0] - b[0]) + (a[1] - b[1]) * (c[1] - b[1])
        if _side(a, b, c) == 0 and dot > 0:
            return True
        for j in range(i + 2, count):
            if (i, j) != (0, count - 1) and _touch(a, b, *edges[j]):
                return True
    return False


@dataclass(frozen=True, slots=True)
class Area:
    """A circle, or a polygon with no holes, ready to be asked. Make it by `circle` or `polygon`.

    `radius_m` of a polygon is that of a circle as large; `reach_m` is how far from the centre
    its farthest corner lies.
    """

    projection: Projection
    radius_m: float
    reach_m: float
    ring: tuple[tuple[float, float], ...]

    def outside_m(self, lat_e7: int, lon_e7: int) -> float:
        """How far outside the edge a place lies; negative inside."""
        x_m, y_m = self.projection.xy_m(lat_e7, lon_e7)
        if not self.ring:
            return math.sqrt(x_m * x_m + y_m * y_m) - self.radius_m
        edge_m = edge_distance_m(self.ring, x_m, y_m)
        return -edge_m if contains(self.ring, x_m, y_m) else edge_m

    def centre_distance_m(self, lat_e7: int, lon_e7: int) -> float:
        """How far a place lies from the centre."""
        x_m, y_m = self.projection.xy_m(lat_e7, lon_e7)
        return math.sqrt(x_m * x_m + y_m * y_m)


def circle(lat_e7: int, lon_e7: int, radius_m: int = RADIUS_M_DEFAULT) -> Area:
    """The places within `radius_m` of a point. Raises PlaceError."""
    check_point(lat_e7, lon_e7)
    check_radius(radius_m)
    return Area(Projection(lat_e7, lon_e7), float(radius_m), float(radius_m), ())


def polygon(corners: Sequence[Point]) -> Area:
    """The places inside an outline of 3 to 200 corners, the last joined to the first.

    A last corner that repeats the first is left out. Raises PlaceError.
    """
    points = list(corners)
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    if not 3 <= len(points) <= VERTICES_MAX:
        raise PlaceError(
            say(
                "an outline has {least} to {most} corners, not {count}",
                least=3,
                most=VERTICES_MAX,
                count=len(points),
            )
        )
    for lat_e7, lon_e7 in points:
        check_point(lat_e7, lon_e7)
    first_lon = points[0][1]
    east_e7 = [turned_e7(lon - first_lon) for _, lon in points]
    lats = [lat for lat, _ in points]
    centre_lon = turned_e7(first_lon + (min(east_e7) + max(east_e7)) // 2)
    projection = Projection((min(lats) + max(lats)) // 2, centre_lon)
    ring = tuple(projection.xy_m(lat, lon) for lat, lon in points)
    reach_m = max(math.hypot(x, y) for x, y in ring)
    if reach_m > POLYGON_M_MAX / 2:
        raise PlaceError(
            say(
                "the outline is larger than {most} km; draw it smaller",
                most=POLYGON_M_MAX // 1_000,
            )
        )
    if crosses_itself(ring):
        raise PlaceError(say("the outline crosses or touches itself; draw it again without a loop"))
    surface_m2 = area_m2(ring)
    if surface_m2 < POLYGON_M2_MIN:
        raise PlaceError(
            say("the outline is smaller than a house; leave it empty and use the radius")
        )
    return Area(projection, math.sqrt(surface_m2 / math.pi), reach_m, ring)
