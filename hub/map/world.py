"""The outline of the world, for sites that have no region file yet.

Holds the reading of a TopoJSON file of countries and its repair. It knows no tiles and no styles.

Invariant: every polygon that comes out is valid, so that no sea is ever drawn as land because a
border crosses the date line.

Source: the TopoJSON specification 1.0; Natural Earth's data, which is in the public domain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import shapely
import shapely.geometry

from hub.map.errors import MapFileError

WORLD_BYTES_MAX: Final = 8 * 1024 * 1024
"""The finest outline in use has 3.7 MB; this is read by every page that opens a map."""
_DIGITS: Final = 3
"""A thousandth of a degree is 110 m, finer than the outline itself."""

_VENDOR: Final = Path(__file__).parents[2] / "web" / "static" / "vendor"


def vendored_world() -> Path | None:
    """Return the outline among the browser's assets, or None where they are not installed."""
    found = sorted(_VENDOR.glob("world-atlas-*/countries-110m.json"))
    return found[-1] if found else None


def world_geojson(path: Path) -> bytes:
    """Return the countries of a TopoJSON file as GeoJSON: an area, and a point for the name.

    Raises MapFileError if the file is not such a file.
    """
    try:
        if path.stat().st_size > WORLD_BYTES_MAX:
            raise MapFileError(f"{path.name} is larger than {WORLD_BYTES_MAX // 2**20} MB.")
        topology = json.loads(path.read_bytes())
        features = list(_features(topology))
    except OSError as error:
        raise MapFileError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise MapFileError(f"{path.name} is not a TopoJSON file of countries ({error}).") from error
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _features(topology: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each country's area, and its name in the middle of its largest part."""
    arcs = _arcs(topology)
    for country in topology["objects"]["countries"]["geometries"]:
        polygons = _polygons(country, arcs)
        if not polygons:
            continue
        name = str(country.get("properties", {}).get("name", ""))
        area = shapely.geometry.MultiPolygon(polygons)
        yield {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": _rounded(shapely.geometry.mapping(area)),
        }
        largest = max(polygons, key=lambda polygon: float(polygon.area))
        middle = shapely.point_on_surface(largest)
        yield {
            "type": "Feature",
            "properties": {"name": name, "size": round(float(largest.area), 1)},
            "geometry": _rounded(shapely.geometry.mapping(middle)),
        }


def _arcs(topology: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """Decode the shared lines: whole numbers, each relative to the one before."""
    scale_x, scale_y = topology["transform"]["scale"]
    shift_x, shift_y = topology["transform"]["translate"]
    decoded = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            points.append((x * scale_x + shift_x, y * scale_y + shift_y))
        decoded.append(points)
    return decoded


def _polygons(country: dict[str, Any], arcs: Sequence[list[tuple[float, float]]]) -> list[Any]:
    """Return a country's areas, repaired where a ring crosses itself."""
    kind = country["type"]
    if kind not in ("Polygon", "MultiPolygon"):
        return []
    found: list[Any] = []
    for rings in [country["arcs"]] if kind == "Polygon" else country["arcs"]:
        lines = [_unrolled(_ring(ring, arcs)) for ring in rings]
        polygon = shapely.Polygon(lines[0], lines[1:])
        if not shapely.is_valid(polygon):
            polygon = shapely.make_valid(polygon)
        for turn in (-360, 0, 360):
            # What reaches over the date line is cut there, and its other part put on the far side.
            inside = shapely.intersection(polygon, shapely.box(turn - 180, -90, turn + 180, 90))
            moved = shapely.transform(inside, lambda points, by=turn: points - (by, 0))
            found += [part for part in _parts(moved) if part.geom_type == "Polygon"]
    return found


def _unrolled(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a ring without leaps over the date line: longitudes go on beyond 180 instead."""
    turn = 0.0
    points = [ring[0]]
    for (lon_before, _), (lon, lat) in zip(ring, ring[1:], strict=False):
        if lon - lon_before > 180:
            turn -= 360
        elif lon_before - lon > 180:
            turn += 360
        points.append((lon + turn, lat))
    if turn:
        # A ring that goes once around the earth is closed over its pole: this is Antarctica.
        pole = -90.0 if points[0][1] < 0 else 90.0
        points += [(points[-1][0], pole), (points[0][0], pole), points[0]]
    return points


def _parts(geometry: Any) -> Iterator[Any]:
    """Yield the simple shapes of a geometry, however deep they are nested."""
    if hasattr(geometry, "geoms"):
        for part in geometry.geoms:
            yield from _parts(part)
    elif not shapely.is_empty(geometry):
        yield geometry


def _ring(
    numbers: Sequence[int], arcs: Sequence[list[tuple[float, float]]]
) -> list[tuple[float, float]]:
    """Join the lines of a ring; a negative number is a line walked backwards."""
    points: list[tuple[float, float]] = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc[1:] if points else arc
    return points


def _rounded(geometry: Any) -> Any:
    """Round all coordinates of a GeoJSON geometry."""
    if isinstance(geometry, dict):
        return {key: _rounded(value) for key, value in geometry.items()}
    if isinstance(geometry, (list, tuple)):
        return [_rounded(value) for value in geometry]
    return round(geometry, _DIGITS) if isinstance(geometry, float) else geometry
