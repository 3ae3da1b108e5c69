"""Writing vector tiles (MVT 2.1): integer geometry and attributes as protocol buffers.

Holds the encoder only. It does not clip, simplify or project: it takes geometry that already is in
tile units. Reading tiles is the browser's work (and that of the tests, with a decoder of their
own).

Invariant: the same features in the same order give the same bytes; every ring that is written has
an area, outer rings run clockwise on the screen and inner ones the other way.

Source: the Vector Tile Specification 2.1, sections 4.1 to 4.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely

from hub.map.tags import Value

EXTENT: Final = 4096
"""Units along one side of a tile: 0.3 m at zoom 14 in Helsinki, 0.6 m on the equator."""

_POINT: Final = 1
_LINE: Final = 2
_POLYGON: Final = 3
_MOVE: Final = 1
_LINE_TO: Final = 2
_CLOSE: Final = 15

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TileFeature:
    """One feature of a tile: its properties, and its geometry in tile units, y downwards."""

    properties: Mapping[str, Value]
    geometry: Any


def encode_tile(features_by_layer: Mapping[str, Sequence[TileFeature]]) -> bytes:
    """Return the tile's bytes, uncompressed; empty if nothing of it is left after rounding."""
    tile = bytearray()
    for layer, features in features_by_layer.items():
        body = _encode_layer(layer, features)
        if body:
            tile += _field(3, body)
    return bytes(tile)


def _encode_layer(name: str, features: Iterable[TileFeature]) -> bytes:
    """Encode one layer, or return nothing if none of its features has any extent."""
    key_index: dict[str, int] = {}
    value_index: dict[Value, int] = {}
    body = bytearray()
    for feature in features:
        kind, commands = _commands(feature.geometry)
        if not commands:
            continue
        tags = bytearray()
        for key, value in feature.properties.items():
            tags += _varint(key_index.setdefault(key, len(key_index)))
            tags += _varint(value_index.setdefault(value, len(value_index)))
        packed = b"".join(map(_varint, commands))
        message = (_field(2, bytes(tags)) if tags else b"") + b"\x18" + _varint(kind)
        body += _field(2, message + _field(4, packed))
    if not body:
        return b""
    keys = b"".join(_field(3, key.encode()) for key in key_index)
    values = b"".join(_field(4, _value(value)) for value in value_index)
    version = b"\x78\x02"
    extent = b"\x28" + _varint(EXTENT)
    return version + _field(1, name.encode()) + bytes(body) + keys + values + extent


def _value(value: Value) -> bytes:
    """Encode an attribute: a text, or an integer as a signed variable-length number."""
    if isinstance(value, str):
        return _field(1, value.encode())
    return b"\x30" + _varint(_zigzag(value))


def _varint(number: int) -> bytes:
    """Encode an unsigned integer in groups of seven bits."""
    if number < 128:
        return bytes((number,))
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _zigzag(number: int) -> int:
    """Map signed integers to unsigned ones so that small ones stay small."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def _field(number: int, payload: bytes) -> bytes:
    """Encode a length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _rounded(geometry: Any) -> list[Point]:
    """Return the geometry's points as whole tile units, without immediate repetitions."""
    points: list[Point] = []
    previous: Point | None = None
    for x, y in np.rint(shapely.get_coordinates(geometry)).astype(np.int64).tolist():
        if (x, y) != previous:
            previous = (x, y)
            points.append(previous)
    return points


def _twice_area(ring: Sequence[Point]) -> int:
    """Return twice the signed area; positive runs clockwise where y grows downwards."""
    total = 0
    for (x0, y0), (x1, y1) in zip(ring, ring[1:], strict=False):
        total += x0 * y1 - x1 * y0
    return total


def _commands(geometry: Any) -> tuple[int, list[int]]:
    """Return the feature's type and its drawing commands; none if nothing is left to draw."""
    out: list[int] = []
    cursor = (0, 0)
    kind = 0
    for part in shapely.get_parts(geometry):
        if shapely.is_empty(part):
            continue
        if part.geom_type == "Polygon":
            kind = _POLYGON
            cursor = _polygon(out, cursor, part)
        elif part.geom_type == "LineString" and kind in (0, _LINE):
            kind = _LINE
            points = _rounded(part)
            if len(points) > 1:
                cursor = _path(out, cursor, points)
        elif part.geom_type == "Point" and kind in (0, _POINT):
            kind = _POINT
            cursor = _path(out, cursor, _rounded(part))
    return kind, out


def _polygon(out: list[int], cursor: Point, polygon: Any) -> Point:
    """Write a polygon's rings; a polygon whose outer ring has no area is left out whole."""
    outer = _rounded(polygon.exterior)
    area = _twice_area(outer)
    if area == 0:
        return cursor
    cursor = _ring(out, cursor, outer if area > 0 else outer[::-1])
    for interior in polygon.interiors:
        inner = _rounded(interior)
        area = _twice_area(inner)
        if area != 0:
            cursor = _ring(out, cursor, inner if area < 0 else inner[::-1])
    return cursor


def _ring(out: list[int], cursor: Point, ring: list[Point]) -> Point:
    """Write a closed ring, whose last point the format leaves out."""
    cursor = _path(out, cursor, ring[:-1])
    out.append(_CLOSE)
    return cursor


def _path(out: list[int], cursor: Point, points: list[Point]) -> Point:
    """Write a move to the first point and lines to the others; return where the pen stands."""
    (x, y), (x_last, y_last) = points[0], cursor
    out += (1 << 3 | _MOVE, _zigzag(x - x_last), _zigzag(y - y_last))
    if len(points) > 1:
        out.append(len(points) - 1 << 3 | _LINE_TO)
        for x_next, y_next in points[1:]:
            out += (_zigzag(x_next - x), _zigzag(y_next - y))
            x, y = x_next, y_next
    return x, y
