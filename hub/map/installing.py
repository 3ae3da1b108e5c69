"""Installing a region: build beside, verify, then swap.

Holds the steps from a file that somebody brings to the region that the hub uses. Reading and
building are in the modules that are named after their results.

Invariant: until the one rename that swaps, the region that was installed is untouched; after it,
the new one is complete, verified and on the disk. A failure at any step leaves the old one in use.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hub.map.archive import ArchiveInfo, convert_mbtiles, read_archive
from hub.map.errors import MapError, MapFileError
from hub.map.extract import Bounds, Progress, check_extract_file, read_extract
from hub.map.gazetteer_build import write_gazetteer
from hub.map.region import (
    BASEMAP,
    CURRENT,
    DESCRIPTION,
    GAZETTEER,
    PARTS,
    REGIONS,
    ROADS,
    Part,
    Region,
    RegionInfo,
    open_folder,
    read_info,
    region_folder,
)
from hub.map.road_build import build_graph
from hub.map.smaller import SMALLER, WORTH_BYTES, ZOOMS_LESS, write_smaller
from hub.map.tiles import ATTRIBUTION, write_basemap

HASH_BYTES: Final = 12
NAME_CHARACTERS_MAX: Final = 80
_BUILDING: Final = "building-"
_ABANDONED_MS: Final = 24 * 3600 * 1000
"""A folder of an import that died is removed after a day; until then it may still be running."""


@dataclass(frozen=True, slots=True)
class _Built:
    """What a build says of its result, before it has a name and a hash."""

    bounds: Bounds
    archive: ArchiveInfo
    basemap: Part
    addresses: Part | None
    roads: Part | None


def install_map(
    file: Path, map_folder: Path, *, name: str | None, now_ms: int, progress: Progress
) -> RegionInfo:
    """Import a file as the site's region and return what is installed now.

    Takes `.osm.pbf` (basemap, addresses and roads), and `.pmtiles` or `.mbtiles` (the basemap
    alone; addresses and roads stay as they were). Raises MapFileError, and then nothing changed;
    OSError where the disk fails.
    """
    kind = _kind(file)
    if kind == "pbf":
        check_extract_file(file)
    elif not file.is_file():
        raise MapFileError(f"There is no file {file}.")
    map_folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(map_folder, now_ms)
    _check_space(file, map_folder)
    folder = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=map_folder))
    try:
        if kind == "pbf":
            built = _build_from_extract(file, folder, progress)
        else:
            built = _build_from_archive(file, kind, folder, map_folder, progress)
        info = RegionInfo(
            name=(name or built.archive.name or _plain_name(file))[:NAME_CHARACTERS_MAX],
            hash=_hash(folder),
            bounds=built.bounds,
            schema=built.archive.schema,
            zoom_min=built.archive.zoom_min,
            zoom_max=built.archive.zoom_max,
            attribution=built.archive.attribution,
            imported_ms=now_ms,
            basemap=built.basemap,
            addresses=built.addresses,
            roads=built.roads,
        )
        _make_smaller(folder, info, progress)
        (folder / DESCRIPTION).write_text(info.to_json(), encoding="utf-8")
        progress("Checking what was built ...")
        _verify(folder)
        _swap(folder, map_folder, info)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return info


def _make_smaller(folder: Path, info: RegionInfo, progress: Progress) -> None:
    """Put a map with fewer zooms beside a large one, for phones; raises MapFileError."""
    zoom_max = info.zoom_max - ZOOMS_LESS
    if (folder / BASEMAP).stat().st_size < WORTH_BYTES or zoom_max < info.zoom_min:
        return
    progress("Making a smaller map for phones with little room ...")
    try:
        write_smaller(folder / BASEMAP, folder / SMALLER, zoom_max)
    except (ValueError, KeyError, IndexError, EOFError) as error:
        raise MapFileError(f"The map is damaged ({error}). Download it again.") from error


def _kind(file: Path) -> str:
    """Tell by its name what a file is; its contents are checked when it is read."""
    name = file.name.lower()
    for ending, kind in ((".pbf", "pbf"), (".pmtiles", "pmtiles"), (".mbtiles", "mbtiles")):
        if name.endswith(ending):
            return kind
    raise MapFileError(
        f"{file.name} is none of the files that can be imported: .osm.pbf (map, addresses and "
        "roads), .pmtiles or .mbtiles (map only)."
    )


def _plain_name(file: Path) -> str:
    """Make a name for people out of a file's name: `north-karelia-latest.osm.pbf`."""
    stem = file.name.split(".")[0].replace("_", " ").replace("-", " ")
    words = [word for word in stem.split() if word.lower() not in ("latest", "osm", "extract")]
    return " ".join(word[:1].upper() + word[1:] for word in words) or "Region"


def _build_from_extract(file: Path, folder: Path, progress: Progress) -> _Built:
    """Build all three parts from an OpenStreetMap extract."""
    progress(f"Reading {file.name} ...")
    extract = read_extract(file, progress)
    progress(f"Drawing the map of {len(extract.features):,} things ...")
    write_basemap(extract.features, extract.bounds, folder / BASEMAP, _plain_name(file), progress)
    progress("Collecting addresses ...")
    counts = write_gazetteer(extract, folder / GAZETTEER)
    progress("  " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))
    progress("Building the road graph ...")
    graph = build_graph(extract.ways, extract.blocked_refs)
    graph.write(folder / ROADS)
    progress(f"  {len(graph.node_lat):,} junctions and {len(graph.edge_head):,} pieces of road")
    part = Part(file.name, extract.date)
    archive = replace(read_archive(folder / BASEMAP), attribution=ATTRIBUTION)
    return _Built(extract.bounds, archive, part, part, part)


def _build_from_archive(
    file: Path, kind: str, folder: Path, map_folder: Path, progress: Progress
) -> _Built:
    """Take a basemap that was made elsewhere, with the addresses and roads already installed."""
    target = folder / BASEMAP
    if kind == "mbtiles":
        progress(f"Converting {file.name} ...")
        convert_mbtiles(file, target)
    else:
        read_archive(file)
        progress(f"Copying {file.name} ...")
        shutil.copyfile(file, target)
    archive = read_archive(target)
    before: RegionInfo | None = None
    with contextlib.suppress(MapError):
        # A damaged region has nothing to keep; this import replaces it.
        before = read_info(map_folder)
    addresses = roads = None
    if before is not None:
        old = region_folder(map_folder, before.hash)
        addresses, roads = before.addresses, before.roads
        for part, name in ((addresses, GAZETTEER), (roads, ROADS)):
            if part is not None:
                shutil.copyfile(old / name, folder / name)
                progress(f"Keeping {name} of {before.name}")
    attribution = archive.attribution or ATTRIBUTION
    return _Built(
        archive.bounds, replace(archive, attribution=attribution), Part(file.name, ""),
        addresses, roads,
    )  # fmt: skip


def _check_space(file: Path, map_folder: Path) -> None:
    """Raise MapFileError unless the disk has room for the new region beside the old one."""
    needed = 2 * file.stat().st_size + 16 * 2**20
    free = shutil.disk_usage(map_folder).free
    if free < needed:
        raise MapFileError(
            f"The disk has {free // 2**20} MB free and the import needs about "
            f"{needed // 2**20} MB. Make room, or give another folder with --data."
        )


def _hash(folder: Path) -> str:
    """Return the hash of a region's contents, which becomes its name."""
    whole = hashlib.blake2b(digest_size=HASH_BYTES)
    for name in PARTS:
        path = folder / name
        if path.exists():
            with path.open("rb") as file:
                whole.update(name.encode() + hashlib.file_digest(file, "blake2b").digest())
    return whole.hexdigest()


def _verify(folder: Path) -> None:
    """Open everything as the hub will, and read it through; raises MapError."""
    read_archive(folder / BASEMAP)
    region: Region = open_folder(folder)
    try:
        if region.gazetteer is not None:
            region.gazetteer.check()
    finally:
        region.close()


def _swap(folder: Path, map_folder: Path, info: RegionInfo) -> None:
    """Put the folder into its place and point to it; the pointer's rename is the swap."""
    target = region_folder(map_folder, info.hash)
    before: RegionInfo | None = None
    with contextlib.suppress(MapError):
        before = read_info(map_folder)
    target.parent.mkdir(exist_ok=True)
    for path in folder.iterdir():
        _to_disk(path)
    if target.exists():
        # The same contents were installed before, and a running hub may have them open. Only the
        # description can differ; parts that a disk damaged come back sound.
        for path in folder.iterdir():
            os.replace(path, target / path.name)
    else:
        os.replace(folder, target)
        target.chmod(0o755)
    _to_disk(target)
    _to_disk(target.parent)
    pointer = map_folder / f"{CURRENT}.new"
    pointer.write_text(json.dumps({"region": info.hash}) + "\n", encoding="utf-8")
    _to_disk(pointer)
    os.replace(pointer, map_folder / CURRENT)
    _to_disk(map_folder)
    kept = {info.hash} if before is None else {info.hash, before.hash}
    for other in (map_folder / REGIONS).iterdir():
        # The one before stays: a hub that is running still serves it.
        if other.name not in kept:
            shutil.rmtree(other, ignore_errors=True)


def _to_disk(path: Path) -> None:
    """Make sure that a file or folder survives a power cut."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_abandoned(map_folder: Path, now_ms: int) -> None:
    """Remove what an import left that was killed long ago."""
    for path in map_folder.glob(f"{_BUILDING}*"):
        if now_ms - path.stat().st_mtime_ns // 1_000_000 > _ABANDONED_MS:
            shutil.rmtree(path, ignore_errors=True)
