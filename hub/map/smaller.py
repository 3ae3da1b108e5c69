"""A smaller archive of the same region, for phones that have no room for the whole one.

Keeps the lower zooms: the nearest ones are most of the bytes, and a map draws what is nearer from
the zoom before, with fewer small things in it. Holds no choice of who gets it. Invariant: the tiles
that are kept have the bytes they had.
"""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from pmtiles.reader import Reader
from pmtiles.tile import deserialize_directory, tileid_to_zxy
from pmtiles.writer import Writer

SMALLER: Final = "smaller.pmtiles"
ZOOMS_LESS: Final = 2
"""Two zooms less are a seventh of the bytes in a town; streets and their names are still there."""
WORTH_BYTES: Final = 8 << 20
"""Below this size a phone has room for the whole one or for none."""
_DEPTH_MAX: Final = 4
"""No archive has directories in more levels (PMTiles 3, section 4)."""

GetBytes = Callable[[int, int], bytes]


def write_smaller(source: Path, target: Path, zoom_max: int) -> None:
    """Write the tiles of `source` up to `zoom_max` to `target`.

    Raises ValueError or KeyError for an archive that is not sound, OSError where the disk refuses.
    """
    with (
        source.open("rb") as file,
        contextlib.closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as data,
    ):

        def piece(offset: int, length: int) -> bytes:
            return data[offset : offset + length]

        reader: Any = Reader(piece)  # type: ignore[no-untyped-call]
        header, metadata = reader.header(), reader.metadata()
        with target.open("wb") as out:
            writer: Any = Writer(out)  # type: ignore[no-untyped-call]
            # Its own temporary file would stay open if a tile could not be read.
            with contextlib.closing(writer.tile_f):
                for number, tile in _tiles(piece, header, zoom_max):
                    writer.write_tile(number, tile)
                kept = {
                    key: header[key]
                    for key in (
                        "tile_type", "tile_compression", "min_lon_e7", "min_lat_e7", "max_lon_e7",
                        "max_lat_e7", "center_zoom", "center_lon_e7", "center_lat_e7",
                    )
                }  # fmt: skip
                kept["center_zoom"] = min(kept["center_zoom"], zoom_max)
                writer.finalize(kept, metadata)


def _tiles(piece: GetBytes, header: dict[str, Any], zoom_max: int) -> Iterator[tuple[int, bytes]]:
    """The tiles up to a zoom, in the order of their numbers, which is that of their zooms."""
    yield from _below(piece, header, header["root_offset"], header["root_length"], zoom_max, 0)


def _below(
    piece: GetBytes, header: dict[str, Any], offset: int, length: int, zoom_max: int, depth: int
) -> Iterator[tuple[int, bytes]]:
    if depth > _DEPTH_MAX:
        raise ValueError("its directories lead to themselves")
    for entry in deserialize_directory(piece(offset, length)):
        if tileid_to_zxy(entry.tile_id)[0] > zoom_max:
            return
        if not entry.run_length:
            start = header["leaf_directory_offset"] + entry.offset
            yield from _below(piece, header, start, entry.length, zoom_max, depth + 1)
            continue
        tile = piece(header["tile_data_offset"] + entry.offset, entry.length)
        for number in range(entry.tile_id, entry.tile_id + entry.run_length):
            if tileid_to_zxy(number)[0] <= zoom_max:
                yield number, tile
