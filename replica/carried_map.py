"""The region's map on a phone: a tile archive beside the store, and the one that is on its way.

    map/map.json          what is carried: name, bounds, attribution, styles, which archive
    map/<hash>-z<zoom>.pmtiles
    map/coming.json       what is on its way, with the hash of each piece
    map/coming.pmtiles    as much of it as has come

Holds the files and no network. They can be fetched again at any time, so they are in no log and in
no backup. Invariant: what `map.json` names is whole, and each of its pieces had its hash.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from replica.files import MACHINE_FILES, Files
from replica.health import SPACE_BYTES_LOW
from replica.identity import write_private

LOGGER = logging.getLogger(__name__)

FOLDER: Final = "map"
PIECE_BYTES: Final = 1 << 20
HASH_BYTES: Final = 32
MAP_BYTES_MAX: Final = 4 << 30
DESCRIPTION_BYTES_MAX: Final = 4 << 20
"""Hashes of pieces are the most of it: 64 letters for each MB of tiles."""
ROOM_LEFT_BYTES: Final = SPACE_BYTES_LOW
"""What has to stay free once a map is here: with less the health check says that space is short."""

SCHEMAS: Final = frozenset({"fieldlog", "openmaptiles", "protomaps", "raster"})
THEMES: Final = ("light", "dark")

_HERE, _COMING, _TILES = "map.json", "coming.json", "coming.pmtiles"
_HEX: Final = frozenset("0123456789abcdef")


class NotThisMap(Exception):
    """What came is not what was described; the sentence says what."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive that a hub offers: all zooms up to `zoom_max`, and the hashes of its pieces."""

    zoom_max: int
    size: int
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MapOffer:
    """A region as a hub describes it to phones. Degrees are west, south, east, north.

    `styles` has a MapLibre style for each of `THEMES`, whose tiles the phone names by itself.
    `archives` come with the whole region first.
    """

    hash: str
    name: str
    schema: str
    bounds: tuple[float, float, float, float]
    attribution: str
    archives: tuple[Archive, ...]
    styles: Mapping[str, Any]

    def to_json(self) -> str:
        """The offer as it travels and is kept."""
        return json.dumps(
            {
                "hash": self.hash,
                "name": self.name,
                "schema": self.schema,
                "bounds": list(self.bounds),
                "attribution": self.attribution,
                "archives": [
                    {"zoom_max": each.zoom_max, "bytes": each.size, "pieces": list(each.pieces)}
                    for each in self.archives
                ],
                "styles": dict(self.styles),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True)
class Carried:
    """A map that is here, or on its way: the offer that it is of, and which archive."""

    offer: MapOffer
    archive: Archive

    @property
    def file(self) -> str:
        """The name of its archive once it is here."""
        return f"{self.offer.hash}-z{self.archive.zoom_max}.pmtiles"


def read_offer(data: bytes | str) -> MapOffer:
    """Read what `MapOffer.to_json` wrote; a hub's word is checked like anybody's.

    Raises NotThisMap.
    """
    try:
        found = json.loads(data)
        west, south, east, north = (float(each) for each in found["bounds"])
        archives = tuple(map(_archive, found["archives"]))
        styles = {theme: dict(found["styles"][theme]) for theme in THEMES}
        offer = MapOffer(
            hash=str(found["hash"]),
            name=str(found["name"])[:200],
            schema=str(found["schema"]),
            bounds=(west, south, east, north),
            attribution=str(found["attribution"])[:500],
            archives=archives,
            styles=styles,
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise NotThisMap(f"the map's description is none ({error})") from error
    sound = -180 <= west < east <= 180 and -90 <= south < north <= 90
    named = 0 < len(offer.hash) <= 64 and _HEX.issuperset(offer.hash)
    if not (sound and named and archives and offer.schema in SCHEMAS):
        raise NotThisMap("the map's description is none that this program understands")
    return offer


def _archive(found: Mapping[str, Any]) -> Archive:
    zoom, size, pieces = int(found["zoom_max"]), int(found["bytes"]), found["pieces"]
    count = -(-size // PIECE_BYTES)
    sound = 0 <= zoom <= 30 and 0 < size <= MAP_BYTES_MAX and len(pieces) == count
    if not sound or not all(len(p) == 2 * HASH_BYTES and _HEX.issuperset(p) for p in pieces):
        raise ValueError("an archive's size and pieces do not fit")
    return Archive(zoom, size, tuple(map(str, pieces)))


def piece_hash(data: bytes) -> str:
    """The hash of a piece, as an offer says it."""
    return blake2b(data, digest_size=HASH_BYTES).hexdigest()


class CarriedMap:
    """The map of one phone.

    Args:
        folder: of the phone; all workers of it share the map.
        files: the disk that it lies on.
    """

    def __init__(self, folder: Path, files: Files = MACHINE_FILES) -> None:
        self.folder = folder / FOLDER
        self._files = files
        self.here = self._read(_HERE)
        if self.here is not None and not self._is_whole(self.here):
            LOGGER.warning("the map on this phone is not as it was; it is fetched again")
            self.here = None
        self.coming = self._read(_COMING)
        self._checked = 0

    @property
    def path(self) -> Path | None:
        """The archive that is here."""
        return None if self.here is None else self.folder / self.here.file

    @property
    def size(self) -> int:
        """Bytes of what is here, 0 for nothing."""
        return 0 if self.here is None else self.here.archive.size

    @property
    def come(self) -> int:
        """Bytes of what is on its way that are here already."""
        try:
            return (self.folder / _TILES).stat().st_size if self.coming is not None else 0
        except OSError:
            return 0

    def lacking_room(self, archive: Archive) -> int:
        """Bytes that have to be made free before an archive may come; 0 where there is room."""
        known = self.coming is not None and self.coming.archive == archive
        missing = archive.size - (self.come if known else 0)
        # What is on its way and not wanted any more makes room.
        free = self._files.free_bytes(self._there()) + (0 if known else self.come)
        return max(0, missing + ROOM_LEFT_BYTES - free)

    def fitting(self, offer: MapOffer) -> Archive | None:
        """The largest archive of an offer that there is room for, or that is here already."""
        for archive in offer.archives:
            if self.here is not None and self._is(self.here, offer, archive):
                return archive
            if not self.lacking_room(archive):
                return archive
        return None

    def is_here(self, offer: MapOffer, archive: Archive) -> bool:
        """Whether this very archive is here."""
        return self.here is not None and self._is(self.here, offer, archive)

    def expect(self, offer: MapOffer, archive: Archive) -> None:
        """Go on with an archive that was begun, or begin it. Raises OSError."""
        wanted = Carried(offer, archive)
        if self.coming != wanted:
            self.drop_coming()
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self._write(_COMING, wanted)
            self.coming = wanted
        if self.come > archive.size:
            os.truncate(self.folder / _TILES, archive.size)

    def check_next(self) -> bool:
        """Check a piece that came before this program began; whether there may be more of them.

        A power cut may have left anything in the file. From the first piece on that is not what it
        should be all is taken away. One piece at a time, since who calls this holds up the writer.
        """
        assert self.coming is not None, "nothing is expected"
        end = min((self._checked + 1) * PIECE_BYTES, self.coming.archive.size)
        # The last one may be half here; it is checked once it is whole.
        if end > self.come or self._checked >= len(self.coming.archive.pieces):
            return False
        if self._hash_of(self._checked) != self.coming.archive.pieces[self._checked]:
            os.truncate(self.folder / _TILES, self._checked * PIECE_BYTES)
            return False
        self._checked += 1
        return True

    def take(self, data: bytes) -> None:
        """Put bytes behind those that have come; a piece that is complete is checked.

        Raises:
            NotThisMap: a piece had another hash, and is taken away again.
            OSError: the disk refused.
        """
        assert self.coming is not None, "nothing is expected"
        come = self.come
        room = PIECE_BYTES - come % PIECE_BYTES
        while data:
            part, data = data[:room], data[room:]
            with (self.folder / _TILES).open("ab") as file:
                file.write(part)
                if len(part) == room:
                    file.flush()
                    os.fsync(file.fileno())
            come += len(part)
            room = PIECE_BYTES - come % PIECE_BYTES
            if come % PIECE_BYTES == 0 or come >= self.coming.archive.size:
                self._check_piece((come - 1) // PIECE_BYTES)

    def finish(self) -> None:
        """Let what has come whole be the map of this phone. Raises NotThisMap, OSError."""
        coming, path = self.coming, self.folder / _TILES
        if coming is None or self.come != coming.archive.size:
            raise NotThisMap("the map has not come whole")
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(self.folder / coming.file)
        self._write(_HERE, coming)
        self.here, self.coming, self._checked = coming, None, 0
        (self.folder / _COMING).unlink(missing_ok=True)
        self._remove_others()

    def drop_coming(self) -> None:
        """Give up what was on its way, and its room."""
        self.coming, self._checked = None, 0
        for name in (_COMING, _TILES):
            (self.folder / name).unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete all of it from this phone. Raises OSError."""
        self.here = None
        self.drop_coming()
        (self.folder / _HERE).unlink(missing_ok=True)
        self._remove_others()

    # --- the files

    @staticmethod
    def _is(carried: Carried, offer: MapOffer, archive: Archive) -> bool:
        return carried.offer.hash == offer.hash and carried.archive == archive

    def _there(self) -> Path:
        return self.folder if self.folder.exists() else self.folder.parent

    def _read(self, name: str) -> Carried | None:
        try:
            with (self.folder / name).open("rb") as file:
                data = file.read(2 * DESCRIPTION_BYTES_MAX)
            kept = json.loads(data)
            offer = read_offer(kept["offer"])
            return Carried(offer, offer.archives[kept["archive"]])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, IndexError, NotThisMap) as error:
            LOGGER.warning("%s is not readable: %s", self.folder / name, error)
            return None

    def _write(self, name: str, carried: Carried) -> None:
        number = carried.offer.archives.index(carried.archive)
        kept = {"offer": carried.offer.to_json(), "archive": number}
        write_private(self.folder / name, json.dumps(kept).encode())

    def _is_whole(self, carried: Carried) -> bool:
        try:
            return (self.folder / carried.file).stat().st_size == carried.archive.size
        except OSError:
            return False

    def _check_piece(self, number: int) -> None:
        assert self.coming is not None, "nothing is expected"
        pieces = self.coming.archive.pieces
        if number >= len(pieces) or self._hash_of(number) != pieces[number]:
            os.truncate(self.folder / _TILES, number * PIECE_BYTES)
            raise NotThisMap(f"piece {number + 1} of the map is not what the hub said of it")
        self._checked = number + 1

    def _hash_of(self, number: int) -> str:
        with (self.folder / _TILES).open("rb") as file:
            file.seek(number * PIECE_BYTES)
            return piece_hash(file.read(PIECE_BYTES))

    def _remove_others(self) -> None:
        kept = "" if self.here is None else self.here.file
        for path in self.folder.glob("*.pmtiles"):
            if path.name not in (kept, _TILES):
                with suppress(OSError):
                    path.unlink()
