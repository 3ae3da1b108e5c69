"""Outlines of places: what may be written as one, and where one counts.

An outline is kept flat, `[lat_e7, lon_e7, lat_e7, ...]` in 1e-7 degree, beside a place's point and
radius, which stay: the point is where the pin stands, and the circle is what counts where there is
no outline. Holds no texts that people paste (`outline_text`) and no rules of visits.
Invariant: `standing_corners` raises for no row, whatever a peer's program wrote.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from core.dispatch.geometry import (
    LAT_E7_MAX,
    LON_E7_MAX,
    Area,
    PlaceError,
    Point,
    distance_m,
    polygon,
)
from core.sentence import say

CORNERS_MIN: Final = 3
CORNERS_MAX: Final = 64
"""A yard has a dozen; each corner costs some ten bytes in the log and a phone time at every fix."""
ACROSS_M_MAX: Final = 5_000
"""A quarry or a wood; what is wider is a district, and to be in it says nothing."""
FROM_POINT_M_MAX: Final = 1_000
"""So far outside of the outline its pin may stand (the greatest radius of a circle), at a gate
say. Farther off one of the two was meant for another place."""


def is_outline(value: object) -> bool:
    """Whether this has an outline's shape: 3 to 64 corners on Earth. Whole numbers alone decide,
    so every machine says the same."""
    if not isinstance(value, list) or len(value) % 2:
        return False
    if not 2 * CORNERS_MIN <= len(value) <= 2 * CORNERS_MAX:
        return False
    return all(
        type(number) is int and abs(number) <= (LON_E7_MAX if at % 2 else LAT_E7_MAX)
        for at, number in enumerate(value)
    )


def flat(corners: Sequence[Point]) -> list[int]:
    """Corners as they are kept."""
    return [number for corner in corners for number in corner]


def corners_of(outline: Sequence[int]) -> tuple[Point, ...]:
    """The corners of what is kept."""
    return tuple(zip(outline[::2], outline[1::2], strict=True))


def checked_outline(value: object) -> list[int] | None:
    """What is kept of an outline that a person gives, None for none.

    Raises:
        PlaceError: it can be no outline; the sentence says what to change.
    """
    if value is None or value == []:
        return None
    if not isinstance(value, (list, tuple)) or len(value) % 2:
        raise PlaceError(say("an outline is a list of latitudes and longitudes"))
    count = len(value) // 2
    if not CORNERS_MIN <= count <= CORNERS_MAX:
        raise PlaceError(
            say(
                "an outline has {least} to {most} corners, not {count}",
                least=CORNERS_MIN,
                most=CORNERS_MAX,
                count=count,
            )
        )
    kept = list(value)
    if not is_outline(kept):
        raise PlaceError(say("a corner lies outside the world: latitude 90, longitude 180"))
    corners = corners_of(kept)
    if max(distance_m(*one, *other) for one, other in combinations(corners, 2)) > ACROSS_M_MAX:
        raise PlaceError(
            say(
                "two corners of the outline are more than {most} km apart; draw it smaller, and"
                " look whether latitude stands before longitude in each corner",
                most=ACROSS_M_MAX // 1_000,
            )
        )
    polygon(corners)
    return kept


def check_beside_point(outline: Sequence[int], point: Point | None) -> None:
    """Raise PlaceError unless a pin at `point` can be that of a place with this outline."""
    if point is None:
        raise PlaceError(say("an outline needs the position as well, where the pin stands"))
    away_m = polygon(corners_of(outline)).outside_m(*point)
    if away_m > FROM_POINT_M_MAX:
        raise PlaceError(
            say(
                "the outline lies {away:,.1f} km from the position; correct one of the two, and"
                " look whether latitude stands before longitude in each corner",
                away=away_m / 1_000,
            )
        )


def standing_corners(outline: str, lat_e7: int | None, lon_e7: int | None) -> tuple[Point, ...]:
    """The corners that bound a place whose pin stands here; none where the circle does.

    `outline` is JSON, as rows hold it; '' is none.

    Two people may have moved the pin and drawn the outline apart, or an import the pin alone: an
    outline that lies elsewhere, or that no polygon can be made of, bounds nothing.
    """
    if not outline or lat_e7 is None or lon_e7 is None:
        return ()
    found = json.loads(outline)
    if not is_outline(found):
        return ()
    corners = corners_of(found)
    try:
        area: Area = polygon(corners)
    except PlaceError:
        return ()
    return corners if area.outside_m(lat_e7, lon_e7) <= FROM_POINT_M_MAX else ()
