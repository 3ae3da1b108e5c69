"""The installed region: which one it is, and its open parts.

Holds the folder's layout, the description that lies in it, and its opening. Installing is in
`installing.py`.

    map/current.json                  which region is installed
    map/regions/<hash>/region.json    what it is, where it came from
    map/regions/<hash>/region.pmtiles, gazetteer.sqlite, roads.bin

Invariant: `current.json` names a folder that was verified when it was written, and a folder with a
hash in its name never changes its contents, so that a browser may keep them for ever.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hub.map.errors import MapError, RegionError
from hub.map.gazetteer import Gazetteer
from hub.map.roads import Roads

LOGGER = logging.getLogger(__name__)

CURRENT: Final = "current.json"
REGIONS: Final = "regions"
DESCRIPTION: Final = "region.json"
BASEMAP: Final = "region.pmtiles"
GAZETTEER: Final = "gazetteer.sqlite"
ROADS: Final = "roads.bin"
PARTS: Final = (BASEMAP, GAZETTEER, ROADS)
HASH_PATTERN: Final = re.compile(r"[0-9a-f]{24}\Z")
DESCRIPTION_BYTES_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """Where one part of a region came from: the file, and the date of its data ('' if unknown)."""

    source: str
    date: str


@dataclass(frozen=True, slots=True)
class RegionInfo:
    """What a region is. `bounds` are west, south, east, north in degrees."""

    name: str
    hash: str
    bounds: tuple[float, float, float, float]
    schema: str
    zoom_min: int
    zoom_max: int
    attribution: str
    imported_ms: int
    basemap: Part
    addresses: Part | None
    roads: Part | None

    def to_json(self) -> str:
        """Return the text of `region.json`."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


@dataclass(slots=True)
class Region:
    """An open region. `gazetteer` and `roads` are None where only a basemap was imported."""

    info: RegionInfo
    folder: Path
    gazetteer: Gazetteer | None
    roads: Roads | None

    @property
    def basemap(self) -> Path:
        """The tile archive's path."""
        return self.folder / BASEMAP

    def close(self) -> None:
        """Close what is open."""
        if self.gazetteer is not None:
            self.gazetteer.close()


def read_info(map_folder: Path) -> RegionInfo | None:
    """Return the description of the installed region, or None; raises RegionError."""
    region_hash = _current_hash(map_folder)
    if region_hash is None:
        return None
    return read_description(region_folder(map_folder, region_hash))


def region_folder(map_folder: Path, region_hash: str) -> Path:
    """Return where a region lies, by its hash."""
    return map_folder / REGIONS / region_hash


def open_folder(folder: Path) -> Region:
    """Open a region's parts; raises RegionError if one that it should have is not sound."""
    info = read_description(folder)
    if not (folder / BASEMAP).is_file():
        raise RegionError(f"{folder / BASEMAP} is missing. Import the region again.")
    roads = Roads.open(folder / ROADS) if info.roads is not None else None
    gazetteer = Gazetteer.open(folder / GAZETTEER) if info.addresses is not None else None
    return Region(info, folder, gazetteer, roads)


def open_region(map_folder: Path) -> Region | None:
    """Open the installed region, or return None if there is none or it is damaged.

    A hub without its map still dispatches, so damage is logged and does not stop it.
    """
    try:
        info = read_info(map_folder)
        return None if info is None else open_folder(region_folder(map_folder, info.hash))
    except MapError as error:
        LOGGER.error("The map cannot be used: %s", error)
        return None


def read_description(folder: Path) -> RegionInfo:
    """Read a region's `region.json`; raises RegionError."""
    found = _read_json(folder / DESCRIPTION)
    try:
        west, south, east, north = (float(degree) for degree in found["bounds"])
        return RegionInfo(
            name=str(found["name"]),
            hash=str(found["hash"]),
            bounds=(west, south, east, north),
            schema=str(found["schema"]),
            zoom_min=int(found["zoom_min"]),
            zoom_max=int(found["zoom_max"]),
            attribution=str(found["attribution"]),
            imported_ms=int(found["imported_ms"]),
            basemap=_part(found["basemap"]) or Part("", ""),
            addresses=_part(found["addresses"]),
            roads=_part(found["roads"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RegionError(
            f"{folder / DESCRIPTION} is damaged ({error}). Import the region again."
        ) from error


def _current_hash(map_folder: Path) -> str | None:
    """Return the hash of the installed region, or None if there is none; raises RegionError."""
    path = map_folder / CURRENT
    if not path.exists():
        return None
    found = _read_json(path).get("region")
    if not isinstance(found, str) or not HASH_PATTERN.match(found):
        raise RegionError(f"{path} is damaged. Import the region again.")
    return found


def _read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON object; raises RegionError."""
    try:
        with path.open("rb") as file:
            data = file.read(DESCRIPTION_BYTES_MAX + 1)
        found = json.loads(data) if len(data) <= DESCRIPTION_BYTES_MAX else None
    except OSError as error:
        raise RegionError(
            f"Cannot read {path}: {error.strerror or error}. Import the region again."
        ) from error
    except ValueError as error:
        raise RegionError(f"{path} is damaged. Import the region again.") from error
    if not isinstance(found, dict):
        raise RegionError(f"{path} is damaged. Import the region again.")
    return found


def _part(found: dict[str, Any] | None) -> Part | None:
    """Read where a part came from."""
    return None if found is None else Part(str(found["source"]), str(found["date"]))
