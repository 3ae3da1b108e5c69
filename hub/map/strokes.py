"""Joining the pieces of a street into long lines, so that its name has room.

Holds one pure function on lines. Where more than two pieces of a street meet, as on every crossing
of a street with two carriageways, the pair that goes on most nearly straight is one line.

Invariant: every piece is in exactly one of the lines that come out, and none is bent sharply.

Source: the "strokes" of Thomson and Richardson, "The good continuation principle" (1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely

_STRAIGHT_MIN: Final = 0.75
"""Cosine of the bend that still counts as going on: about 40 degrees."""

Place = tuple[float, float]
End = tuple[int, int]
"""Number of a line, and 0 for its beginning or 1 for its end."""


def join_strokes(lines: Sequence[Any]) -> list[Any]:
    """Return the lines joined to longer ones; lines are shapely line strings."""
    coords = [shapely.get_coordinates(line) for line in lines]
    partner = _partners(coords)
    done: set[int] = set()
    joined = []
    for free_first in (True, False):
        # Chains with a free end first; what is left then are rings, which may begin anywhere.
        for number in range(len(coords)):
            free = [side for side in (0, 1) if (number, side) not in partner]
            if number in done or (free_first and not free):
                continue
            start = (number, free[0] if free else 0)
            joined.append(shapely.linestrings(_walk(start, coords, partner, done)))
    return joined


def _partners(coords: Sequence[Any]) -> dict[End, End]:
    """Return, for each end of a line that goes on, the end of the line that goes on from it."""
    meeting: dict[Place, list[tuple[End, Any]]] = {}
    for number, points in enumerate(coords):
        for side, (here, next_one) in enumerate(((0, 1), (-1, -2))):
            step = points[next_one] - points[here]
            length = np.hypot(*step)
            if length > 0:
                place = (float(points[here][0]), float(points[here][1]))
                meeting.setdefault(place, []).append(((number, side), step / length))
    partner: dict[End, End] = {}
    for ends in meeting.values():
        pairs = sorted(
            (float(np.dot(one, other)), first, second)
            for place, (first, one) in enumerate(ends, 1)
            for second, other in ends[place:]
        )
        for cosine, first, second in pairs:
            if -cosine >= _STRAIGHT_MIN and first not in partner and second not in partner:
                partner[first], partner[second] = second, first
    return partner


def _walk(start: End, coords: Sequence[Any], partner: dict[End, End], done: set[int]) -> Any:
    """Return the points of the chain that begins at an end of a line."""
    pieces: list[Any] = []
    end: End | None = start
    while end is not None and end[0] not in done:
        number, side = end
        done.add(number)
        points = coords[number] if side == 0 else coords[number][::-1]
        pieces.append(points if not pieces else points[1:])
        end = partner.get((number, 1 - side))
    return np.concatenate(pieces)
