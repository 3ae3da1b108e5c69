"""Outlines as texts: corners one a line, GeoJSON and WKT in; corners one a line out.

GeoJSON (RFC 7946) and WKT (OGC 06-103r4) give longitude first, a line gives latitude first, as
people copy a position. Knows no forms and judges no shape (`outline`). Invariant: what
`outline_text` wrote, `read_outline` reads as the same corners.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from core.dispatch.geometry import LAT_E7_MAX, LON_E7_MAX, PlaceError, Point
from core.dispatch.outline import corners_of, flat
from core.sentence import say

LETTERS_MAX: Final = 20_000
"""A GeoJSON of 64 corners with its properties has some 4,000."""
_LINE: Final = re.compile(
    r"([-+]?\d{1,3}(?:\.\d{1,20})?)(?:\s*[,;]\s*|\s+)([-+]?\d{1,3}(?:\.\d{1,20})?)"
)
_WKT: Final = re.compile(r"(?:SRID=4326;\s*)?POLYGON\s*(?:ZM|Z|M)?\s*\((.*)\)\s*;?", re.I | re.S)
_LINE_SAID: Final = 40
_E7: Final = 10_000_000


def outline_text(outline: Iterable[int]) -> str:
    """An outline as people edit it: a corner a line, `60.1699, 24.9384`."""
    corners = corners_of(list(outline))
    return "\n".join(f"{_degrees(lat)}, {_degrees(lon)}" for lat, lon in corners)


def read_outline(text: str) -> list[int]:
    """The corners of a typed or pasted outline, flat; [] for an empty text.

    A corner that repeats the one before it, and a last one that repeats the first, is left out.

    Raises:
        PlaceError: it can't be read; the sentence says which line or part, and what to do.
    """
    text = text.strip()
    if not text:
        return []
    if len(text) > LETTERS_MAX:
        raise PlaceError(
            say(
                "The outline is longer than {most:,} letters. Draw it with fewer corners.",
                most=LETTERS_MAX,
            )
        )
    if text.startswith(("{", "[")):
        corners = _of_geojson(text)
    elif text[0].isalpha():
        corners = _of_wkt(text)
    else:
        corners = [
            _of_line(at, line) for at, line in enumerate(text.split("\n"), 1) if line.strip()
        ]
    kept = [corner for at, corner in enumerate(corners) if not at or corner != corners[at - 1]]
    if len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    return flat(kept)


def _of_line(number: int, line: str) -> Point:
    match = _LINE.fullmatch(line.strip().strip("()").strip())
    if match is None:
        said = line.strip()
        said = said if len(said) <= _LINE_SAID else f"{said[:_LINE_SAID]}…"
        raise PlaceError(
            say(
                "Line {number} of the outline, “{line}”, is no corner. Write one corner on a line,"
                " latitude, longitude, such as 60.1699, 24.9384, or paste GeoJSON or WKT.",
                number=number,
                line=said,
            )
        )
    lat, lon = (round(float(part) * _E7) for part in match.groups())
    if abs(lat) > LAT_E7_MAX or abs(lon) > LON_E7_MAX:
        raise PlaceError(
            say(
                "Line {number} of the outline lies outside the world. A latitude lies within ±90"
                " and a longitude within ±180; the latitude comes first.",
                number=number,
            )
        )
    return lat, lon


def _of_geojson(text: str) -> list[Point]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise PlaceError(
            say(
                "The outline begins like GeoJSON and can't be read from its line {number} on."
                " Copy all of it, from the first brace to the last.",
                number=place,
            )
        ) from error
    return _ring(_rings_of(found))


def _rings_of(found: Any) -> Any:
    """The rings of the one polygon that a GeoJSON holds."""
    while isinstance(found, dict):
        kind = found.get("type")
        if kind == "Feature":
            found = found.get("geometry")
        elif kind in ("FeatureCollection", "GeometryCollection"):
            members = found.get("features" if kind == "FeatureCollection" else "geometries")
            found = _only(members)
        elif kind == "MultiPolygon":
            return _only(found.get("coordinates"))
        elif kind == "Polygon":
            return found.get("coordinates")
        else:
            break
    return _no_polygon()


def _only(members: Any) -> Any:
    if isinstance(members, list) and len(members) == 1:
        return members[0]
    raise PlaceError(
        say("The outline holds more than one shape, or none. Paste the one that bounds the place.")
    )


def _no_polygon() -> NoReturn:
    raise PlaceError(
        say(
            "The outline holds no polygon. Paste a GeoJSON or WKT polygon, or write one corner on"
            " a line, such as 60.1699, 24.9384."
        )
    )


def _of_wkt(text: str) -> list[Point]:
    match = _WKT.fullmatch(text)
    if match is None:
        _no_polygon()
    rings = re.findall(r"\(([^()]*)\)", match[1])
    return _ring([[_numbers(corner) for corner in ring.split(",")] for ring in rings])


def _numbers(corner: str) -> list[float | None]:
    try:
        return [float(part) for part in corner.split()]
    except ValueError:
        return [None]


def _ring(rings: Any) -> list[Point]:
    """The corners of the outer ring; what has holes is refused rather than filled."""
    if not isinstance(rings, list) or not rings or not isinstance(rings[0], list):
        _no_polygon()
    if len(rings) > 1:
        raise PlaceError(
            say("The outline has a hole. Draw it without; one line goes round a place.")
        )
    corners = []
    for number, corner in enumerate(rings[0], 1):
        is_pair = isinstance(corner, list) and len(corner) >= 2
        if not is_pair or not all(_is_number(part) for part in corner[:2]):
            raise PlaceError(
                say(
                    "Corner {number} of the outline is no pair of numbers. Copy the polygon again,"
                    " or write one corner on a line.",
                    number=number,
                )
            )
        lon, lat = corner[:2]
        if abs(lat) > 90 or abs(lon) > 180:
            raise PlaceError(
                say(
                    "Corner {number} of the outline lies outside the world. GeoJSON and WKT give"
                    " degrees (EPSG:4326), the longitude first.",
                    number=number,
                )
            )
        corners.append((round(lat * _E7), round(lon * _E7)))
    return corners


def _is_number(part: object) -> bool:
    return type(part) is int or (type(part) is float and math.isfinite(part))


def _degrees(degrees_e7: int) -> str:
    """1e-7 degree as a decimal number, exactly and without a float."""
    whole, rest = divmod(abs(degrees_e7), _E7)
    digits = f"{rest:07d}".rstrip("0") or "0"
    return f"{'-' if degrees_e7 < 0 else ''}{whole}.{digits}"
