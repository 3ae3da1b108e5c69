"""The sea, from the coast lines of an extract.

OpenStreetMap has no polygon for the sea: it draws coast lines with the land on their left and the
water on their right. This module cuts the extract's rectangle along them and finds out which pieces
are water. It holds no tags and no files.

Invariant: a piece whose two kinds of evidence contradict each other, or that has none, is land; no
false sea ever covers a street.

Source: the OpenStreetMap wiki on natural=coastline (direction of the ways).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely

_NUDGE_DEGREES: Final = 1e-6
"""About ten centimetres: enough to step off the line, too little to cross another one."""
_GAP_SHARE: Final = 0.06
"""Extracts cut ways at their last node inside the rectangle, which can lie this far from its edge,
measured in widths of the rectangle."""
_CERTAIN_SHARE: Final = 0.8


def sea_polygons(
    coast_lines: Sequence[Any], bounds: tuple[float, float, float, float]
) -> list[Any]:
    """Return the water inside `bounds` (west, south, east, north, in degrees) as polygons.

    `coast_lines` are shapely line strings in degrees, in their original direction.
    """
    if not coast_lines:
        return []
    box = shapely.box(*bounds)
    merged = shapely.line_merge(shapely.union_all(list(coast_lines)))
    inside = shapely.intersection(merged, box)
    cuts = [
        part
        for part in shapely.get_parts(inside)
        if part.geom_type == "LineString" and not part.is_empty
    ]
    if not cuts:
        return []
    cuts += _bridges(cuts, box)
    net = shapely.union_all([*cuts, box.boundary])
    faces = list(shapely.get_parts(shapely.polygonize(shapely.get_parts(net))))
    votes = _votes(coast_lines, faces)
    return [
        face
        for face, (sea, land) in zip(faces, votes, strict=True)
        if sea > 0 and sea >= _CERTAIN_SHARE * (sea + land)
    ]


def _bridges(lines: Sequence[Any], box: Any) -> list[Any]:
    """Return short lines from loose ends near the rectangle's edge to that edge."""
    west, south, east, north = box.bounds
    gap = _GAP_SHARE * max(east - west, north - south)
    ends: dict[tuple[float, float], int] = {}
    for line in lines:
        for end in (line.coords[0], line.coords[-1]):
            ends[end] = ends.get(end, 0) + 1
    bridges = []
    for end, count in ends.items():
        point = shapely.Point(end)
        distance = shapely.distance(point, box.boundary)
        if count == 1 and 0 < distance <= gap:
            x, y = end
            edge = min(
                ((west, y), (east, y), (x, south), (x, north)),
                key=lambda other: abs(other[0] - x) + abs(other[1] - y),
            )
            bridges.append(shapely.LineString([end, edge]))
    return bridges


def _votes(coast_lines: Sequence[Any], faces: Sequence[Any]) -> list[tuple[float, float]]:
    """Return for each face how much coast says that it is water, and how much that it is land.

    Each segment votes with its length, from a point just right of it and one just left of it.
    """
    coords = [shapely.get_coordinates(line) for line in coast_lines]
    start = np.concatenate([line[:-1] for line in coords])
    step = np.concatenate([np.diff(line, axis=0) for line in coords])
    length = np.hypot(step[:, 0], step[:, 1])
    kept = length > 0
    start, step, length = start[kept], step[kept], length[kept]
    middle = start + step / 2
    right = np.column_stack([step[:, 1], -step[:, 0]]) / length[:, None] * _NUDGE_DEGREES
    tree = shapely.STRtree(list(faces))
    totals = []
    for points in (middle + right, middle - right):
        segment, face = tree.query(shapely.points(points), predicate="within")
        totals.append(np.bincount(face, weights=length[segment], minlength=len(faces)))
    return [(float(sea), float(land)) for sea, land in zip(*totals, strict=True)]
