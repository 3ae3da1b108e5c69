"""Reading what a tile archive says of itself, and turning .mbtiles into .pmtiles.

Holds the checks of basemaps that were made elsewhere. It draws nothing and builds no tiles.

Invariant: an archive that passes has a sound header, readable metadata, tiles that a browser can
show, and a first tile that decodes.

Source: PMTiles 3 and MBTiles 1.3 specifications.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import sqlite3
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pmtiles.reader import Reader
from pmtiles.tile import Compression, TileType, tileid_to_zxy, zxy_to_tileid
from pmtiles.writer import Writer

from hub.map.errors import MapFileError

METADATA_BYTES_MAX: Final = 8 * 1024 * 1024
"""Names of layers and fields; the largest in use have some hundred kilobytes."""
TILES_MAX: Final = 20_000_000
"""The numbers of all tiles are sorted in memory; this many make a country to zoom 16."""
TILE_BYTES_MAX: Final = 16 * 1024 * 1024

_HEADER_BYTES: Final = 127
_MAGIC: Final = b"PMTiles\x03"
_PICTURES: Final = {
    TileType.PNG: "png",
    TileType.JPEG: "jpg",
    TileType.WEBP: "webp",
}
_SCHEMA_LAYERS: Final = (
    ("protomaps", frozenset({"roads", "earth", "places"})),
    ("openmaptiles", frozenset({"transportation", "place"})),
)
"""Whose layers they are is told by their names; this program's own archives say it."""
_FORMATS: Final = {
    "pbf": TileType.MVT,
    "png": TileType.PNG,
    "jpg": TileType.JPEG,
    "jpeg": TileType.JPEG,
    "webp": TileType.WEBP,
}
_WORLD: Final = (-180.0, -85.0, 180.0, 85.0)

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ArchiveInfo:
    """What a basemap holds. `schema` names whose layers they are; pictures have `raster`."""

    name: str
    schema: str
    bounds: Bounds
    zoom_min: int
    zoom_max: int
    attribution: str


def read_archive(path: Path) -> ArchiveInfo:
    """Read a .pmtiles file's description; raises MapFileError if a browser could not show it."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise MapFileError(
                    f"{path.name} is not a PMTiles archive of version 3. Download it again, or "
                    "import the region's .osm.pbf instead."
                )

            def piece(offset: int, length: int) -> bytes:
                if length > METADATA_BYTES_MAX:
                    raise MapFileError(f"{path.name} is damaged: a part of it is too large.")
                file.seek(offset)
                found = file.read(length)
                if len(found) != length:
                    raise MapFileError(
                        f"{path.name} was cut short. Copy or download it again and compare its "
                        "size with the original's."
                    )
                return found

            reader = Reader(piece)  # type: ignore[no-untyped-call]
            return _checked(path.name, reader, path.stat().st_size)
    except OSError as error:
        raise MapFileError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, IndexError, EOFError, zlib.error) as error:
        raise MapFileError(f"{path.name} is damaged ({error}). Download it again.") from error


def _checked(name: str, reader: Any, size: int) -> ArchiveInfo:
    """Check the header, the metadata and the first tile."""
    header = reader.header()
    if header["tile_data_offset"] + header["tile_data_length"] > size:
        raise MapFileError(
            f"{name} was cut short: it should have "
            f"{header['tile_data_offset'] + header['tile_data_length']:,} bytes and has {size:,}. "
            "Copy or download it again."
        )
    kind = header["tile_type"]
    if kind != TileType.MVT and kind not in _PICTURES:
        raise MapFileError(f"{name} holds tiles of a kind that browsers cannot show here.")
    if header["tile_compression"] not in (Compression.NONE, Compression.GZIP):
        raise MapFileError(f"{name} is compressed in a way that not all browsers read; use gzip.")
    metadata = reader.metadata()
    layers = {str(layer["id"]) for layer in metadata.get("vector_layers", [])}
    schema = str(metadata.get("schema", ""))
    if kind in _PICTURES:
        schema = "raster"
    elif schema != "fieldlog":
        schema = _schema_of(name, layers)
    bounds = tuple(
        header[key] / 1e7 for key in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")
    )
    west, south, east, north = bounds
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise MapFileError(f"{name} says that it covers no part of the earth; it is damaged.")
    _check_first_tile(name, reader, header)
    return ArchiveInfo(
        name=str(metadata.get("name", ""))[:200],
        schema=schema,
        bounds=(west, south, east, north),
        zoom_min=int(header["min_zoom"]),
        zoom_max=int(header["max_zoom"]),
        attribution=str(metadata.get("attribution", ""))[:500],
    )


def _schema_of(name: str, layers: set[str]) -> str:
    """Return whose layers these are; raises MapFileError for an unknown set."""
    for schema, needed in _SCHEMA_LAYERS:
        if needed <= layers:
            return schema
    raise MapFileError(
        f"{name} has layers that this program has no style for ({', '.join(sorted(layers)[:8])}). "
        "OpenMapTiles, Protomaps and picture tiles can be used, or import the region's .osm.pbf."
    )


def _check_first_tile(name: str, reader: Any, header: Mapping[str, Any]) -> None:
    """Read the tile in the middle of the region at the lowest zoom, if there is one."""
    zoom = int(header["min_zoom"])
    lon, lat = header["center_lon_e7"] / 1e7, header["center_lat_e7"] / 1e7
    column, row = _tile_at(lon, lat, zoom)
    tile = reader.get(zoom, column, row)
    if (
        tile is not None
        and header["tile_compression"] == Compression.GZIP
        and not gzip.decompress(tile)
    ):
        raise MapFileError(f"{name} is damaged: a tile of it is empty.")


def _tile_at(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Return the column and row of the tile at a place."""
    count = 1 << zoom
    sine = math.sin(math.radians(max(-85.0, min(85.0, lat))))
    row = (0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * count
    return min(count - 1, int((lon + 180) / 360 * count)), min(count - 1, max(0, int(row)))


def convert_mbtiles(source: Path, target: Path) -> None:
    """Write the tiles of a .mbtiles file as .pmtiles; raises MapFileError."""
    try:
        database = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
        try:
            _convert(database, source.name, target)
        finally:
            database.close()
    except sqlite3.Error as error:
        raise MapFileError(
            f"{source.name} is not a readable MBTiles file ({error}). Copy or download it again."
        ) from error


def _convert(database: sqlite3.Connection, name: str, target: Path) -> None:
    """Copy all tiles in the order of their numbers."""
    metadata = {
        str(key): str(value)
        for key, value in database.execute("SELECT name, value FROM metadata LIMIT 1000")
    }
    kind = _FORMATS.get(metadata.get("format", ""))
    if kind is None:
        raise MapFileError(
            f"{name} has tiles in the format '{metadata.get('format', '')}'. "
            "Vector tiles (pbf), png, jpg and webp can be imported."
        )
    count = database.execute("SELECT count(*) FROM tiles").fetchone()[0]
    if count == 0:
        raise MapFileError(f"{name} holds no tiles. Copy or download it again.")
    if count > TILES_MAX:
        raise MapFileError(
            f"{name} holds {count:,} tiles; at most {TILES_MAX:,} can be converted. "
            "Convert it to .pmtiles with another tool and import that."
        )
    numbers = sorted(
        zxy_to_tileid(zoom, column, (1 << zoom) - 1 - row)
        for zoom, column, row in database.execute(
            "SELECT zoom_level, tile_column, tile_row FROM tiles WHERE zoom_level <= 22"
        )
    )
    with target.open("wb") as file:
        writer: Any = Writer(file)  # type: ignore[no-untyped-call]
        # Its own temporary file would stay open if a tile could not be read.
        with contextlib.closing(writer.tile_f):
            for number in numbers:
                zoom, column, row = tileid_to_zxy(number)
                writer.write_tile(number, _tile(database, kind, zoom, column, row, name))
            writer.finalize(_header(metadata, kind), _described(metadata))


def _tile(
    database: sqlite3.Connection, kind: TileType, zoom: int, column: int, row: int, name: str
) -> bytes:
    """Return one tile, in gzip if it is a vector tile. MBTiles counts rows from the south."""
    data = bytes(
        database.execute(
            "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
            (zoom, column, (1 << zoom) - 1 - row),
        ).fetchone()[0]
    )
    if len(data) > TILE_BYTES_MAX:
        raise MapFileError(f"{name} holds a tile of {len(data):,} bytes; it is damaged.")
    if kind == TileType.MVT and data[:2] != b"\x1f\x8b":
        return gzip.compress(data, 6, mtime=0)
    return data


def _header(metadata: Mapping[str, str], kind: TileType) -> dict[str, Any]:
    """Return the header fields that the writer does not fill in."""
    try:
        numbers = [float(part) for part in metadata["bounds"].split(",")]
        west, south, east, north = numbers
    except (KeyError, ValueError):
        west, south, east, north = _WORLD
    return {
        "tile_type": kind,
        "tile_compression": Compression.GZIP if kind == TileType.MVT else Compression.NONE,
        "min_lon_e7": round(west * 1e7),
        "min_lat_e7": round(south * 1e7),
        "max_lon_e7": round(east * 1e7),
        "max_lat_e7": round(north * 1e7),
        "center_zoom": 10,
        "center_lon_e7": round((west + east) / 2 * 1e7),
        "center_lat_e7": round((south + north) / 2 * 1e7),
    }


def _described(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the metadata in the shape that PMTiles readers expect."""
    described: dict[str, Any] = {
        key: metadata[key] for key in ("name", "attribution", "description") if key in metadata
    }
    try:
        found = json.loads(metadata.get("json", "{}"))
    except ValueError:
        found = {}
    if isinstance(found, dict) and isinstance(found.get("vector_layers"), list):
        described["vector_layers"] = found["vector_layers"]
    return described
