"""Making the basemap: features become a pyramid of vector tiles in one .pmtiles file.

Holds projection, generalising, clipping and the file's writing. It does not say what is drawn
(`tags.py`) or how a tile is encoded (`vector_tile.py`).

Invariant: the same features give the same bytes, so that the same extract gets the same name; a
feature is in every tile that it touches, from its first zoom up to the last one.

Source: PMTiles 3 specification; Web Mercator as in the OpenStreetMap wiki on slippy map tiles.
"""

from __future__ import annotations

import contextlib
import gzip
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from hub.map.extract import Bounds, Feature, Progress
from hub.map.strokes import join_strokes
from hub.map.tags import ZOOM_MAX, ZOOM_MIN, Value
from hub.map.vector_tile import EXTENT, TileFeature, encode_tile

ATTRIBUTION: Final = "© OpenStreetMap contributors"
SCHEMA: Final = "fieldlog"
"""Says in the archive whose layers these are, whichever of them a region has."""

_BUFFER_UNITS: Final = 64
"""Lines and areas reach this far into the neighbouring tiles, so that no seam is seen."""
_TOLERANCE_UNITS: Final = 4.0
"""Half a pixel. The last zoom is stretched up to sixteen times and is kept eight times finer."""
_SPECK_UNITS: Final = 14.0
"""An area smaller than about two pixels across is left out before the last zoom."""
_NAMES_ZOOM_MIN: Final = 12
"""Below, roads of one kind and number are joined whatever they are called."""
_MARGIN_SHARE: Final = 0.02
_LATITUDE_MAX: Final = 85.05

_LAYER_ORDER: Final = (
    "landuse", "water", "waterways", "boundaries", "buildings", "roads", "labels", "pois",
    "places", "addresses",
)  # fmt: skip

Tile = tuple[int, int, int]


def write_basemap(
    features: Sequence[Feature], bounds: Bounds, path: Path, name: str, progress: Progress
) -> int:
    """Write the features as `path` and return the number of tiles."""
    order = {layer: place for place, layer in enumerate(_LAYER_ORDER)}
    ordered = sorted(features, key=lambda feature: order[feature.layer])
    shapes = _Shapes(ordered, bounds)
    with path.open("wb") as file:
        writer: Any = Writer(file)  # type: ignore[no-untyped-call]
        # Its own temporary file would stay open if a tile could not be made.
        with contextlib.closing(writer.tile_f):
            count = 0
            for zoom in range(ZOOM_MIN, ZOOM_MAX + 1):
                tiles = dict(shapes.tiles(zoom))
                for key in sorted(tiles, key=lambda tile: zxy_to_tileid(*tile)):
                    writer.write_tile(zxy_to_tileid(*key), gzip.compress(tiles[key], 6, mtime=0))
                count += len(tiles)
                progress(f"  zoom {zoom}: {len(tiles):,} tiles")
            writer.finalize(_header(bounds), _metadata(ordered, name))
    return count


def _header(bounds: Bounds) -> dict[str, Any]:
    """Return the archive's header fields that the writer does not fill in."""
    west, south, east, north = (round(degree * 1e7) for degree in bounds)
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_zoom": ZOOM_MIN,
        "max_zoom": ZOOM_MAX,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": 12,
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }


def _metadata(features: Sequence[Feature], name: str) -> dict[str, Any]:
    """Describe the layers, as PMTiles readers expect it."""
    keys: dict[str, dict[str, str]] = {}
    for feature in features:
        fields = keys.setdefault(feature.layer, {})
        for key, value in feature.properties.items():
            fields[key] = "String" if isinstance(value, str) else "Number"
    return {
        "name": name,
        "attribution": ATTRIBUTION,
        "schema": SCHEMA,
        "vector_layers": [
            {"id": layer, "fields": dict(sorted(fields.items()))} for layer, fields in keys.items()
        ],
    }


def mercator(degrees: Any) -> Any:
    """Project an array of (lon, lat) to the unit square, y downwards."""
    latitude = np.clip(degrees[:, 1], -_LATITUDE_MAX, _LATITUDE_MAX)
    sine = np.sin(np.radians(latitude))
    y = 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * math.pi)
    return np.column_stack([(degrees[:, 0] + 180) / 360, y])


class _Shapes:
    """The features, projected and cut to the region, ready to be tiled zoom by zoom."""

    def __init__(self, features: Sequence[Feature], bounds: Bounds) -> None:
        west, south, east, north = bounds
        margin = _MARGIN_SHARE * max(east - west, north - south)
        geometry = np.array([feature.geometry for feature in features], dtype=object)
        # Whole ways reach out of an extract, ferries and borders by hundreds of kilometres.
        geometry = shapely.clip_by_rect(
            geometry, west - margin, south - margin, east + margin, north + margin
        )
        kept = np.nonzero(~shapely.is_empty(geometry))[0]
        self._geometry = shapely.transform(geometry[kept], mercator)
        self._features = [features[place] for place in kept.tolist()]
        self._zoom_min = np.array([feature.zoom_min for feature in self._features])
        self._dimension = shapely.get_dimensions(self._geometry)

    def tiles(self, zoom: int) -> Iterator[tuple[Tile, bytes]]:
        """Yield every tile of a zoom that has something in it, uncompressed."""
        chosen = np.nonzero(self._zoom_min <= zoom)[0]
        if not len(chosen):
            return
        unit = 1.0 / (EXTENT << zoom)
        tolerance = _TOLERANCE_UNITS * unit / (8 if zoom == ZOOM_MAX else 1)
        lines = chosen[self._dimension[chosen] == 1]
        others = chosen[self._dimension[chosen] != 1]
        if zoom < ZOOM_MAX:
            west, south, east, north = shapely.bounds(self._geometry[others]).T
            big = (east - west) + (north - south) > _SPECK_UNITS * unit
            others = others[big | (self._dimension[others] == 0)]
        joined = self._joined(lines, zoom)
        items = [(self._features[p].layer, self._features[p].properties) for p in others]
        items += [(layer, properties) for layer, properties, _line in joined]
        geometry = np.concatenate(
            [
                self._geometry[others],
                np.array([line for _layer, _properties, line in joined], dtype=object),
            ]
        )
        geometry = shapely.simplify(geometry, tolerance)
        yield from _Cutter(items, zoom).cut(geometry)

    def _joined(self, places: Any, zoom: int) -> list[tuple[str, dict[str, Value], Any]]:
        """Join lines that are drawn alike where they meet.

        Streets come in pieces from crossing to crossing; a name needs a long line to stand on, and
        a motorway in pieces of a pixel would vanish from the small zooms.
        """
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for place in places:
            feature = self._features[place]
            properties = _for_zoom(feature.properties, zoom)
            key = (feature.layer, *sorted(properties.items()))
            groups.setdefault(key, []).extend(shapely.get_parts(self._geometry[place]))
        joined = []
        for key, lines in groups.items():
            properties = dict(key[1:])
            merged = shapely.line_merge(shapely.multilinestrings(lines))
            parts = list(shapely.get_parts(merged))
            if "name" in properties and len(parts) > 1:
                parts = join_strokes(parts)
            joined += [(key[0], properties, line) for line in parts]
        return joined


def _for_zoom(properties: dict[str, Value], zoom: int) -> dict[str, Value]:
    """Leave out what no style shows at a small zoom, so that more lines can be joined."""
    if zoom >= _NAMES_ZOOM_MIN:
        return properties
    return {key: value for key, value in properties.items() if key not in ("name", "tunnel")}


class _Cutter:
    """Cuts the shapes of one zoom into tiles, by halving: each shape is only where it can be."""

    def __init__(self, items: Sequence[tuple[str, dict[str, Value]]], zoom: int) -> None:
        self._items = items
        self._zoom = zoom
        self._buffer = _BUFFER_UNITS / (EXTENT << zoom)

    def cut(self, geometry: Any) -> Iterator[tuple[Tile, bytes]]:
        """Yield all tiles of the given shapes, one for each item."""
        yield from self._square(np.arange(len(geometry)), geometry, 0, 0, 0)

    def _square(
        self, places: Any, geometry: Any, level: int, column: int, row: int
    ) -> Iterator[tuple[Tile, bytes]]:
        """Cut to one square of a level, and go on with its four quarters."""
        side = 1.0 / (1 << level)
        west, north = column * side - self._buffer, row * side - self._buffer
        east, south = (column + 1) * side + self._buffer, (row + 1) * side + self._buffer
        box = shapely.bounds(geometry)
        near = (box[:, 0] <= east) & (box[:, 2] >= west)
        near &= (box[:, 1] <= south) & (box[:, 3] >= north)
        places, geometry, box = places[near], geometry[near], box[near]
        if not len(places):
            return
        within = (box[:, 0] >= west) & (box[:, 2] <= east)
        within &= (box[:, 1] >= north) & (box[:, 3] <= south)
        if not within.all():
            geometry = geometry.copy()
            geometry[~within] = shapely.clip_by_rect(geometry[~within], west, north, east, south)
            kept = ~shapely.is_empty(geometry)
            places, geometry = places[kept], geometry[kept]
        if level == self._zoom:
            yield from self._tile(places, geometry, column, row)
            return
        for down in (0, 1):
            for right in (0, 1):
                yield from self._square(
                    places, geometry, level + 1, 2 * column + right, 2 * row + down
                )

    def _tile(
        self, places: Any, geometry: Any, column: int, row: int
    ) -> Iterator[tuple[Tile, bytes]]:
        """Encode one tile, if anything of it is left."""
        if not len(places):
            return
        count = 1 << self._zoom
        scaled = shapely.transform(
            geometry, lambda points: (points * count - (column, row)) * EXTENT
        )
        layers: dict[str, list[TileFeature]] = {}
        for place, shape in zip(places, scaled, strict=True):
            layer, properties = self._items[place]
            layers.setdefault(layer, []).append(TileFeature(properties, shape))
        body = encode_tile(layers)
        if body:
            yield (self._zoom, column, row), body
