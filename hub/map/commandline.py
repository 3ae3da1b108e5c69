"""`fieldlog map`: importing a region's map and saying which one is installed.

Holds the command's words and nothing that the map is made of. Invariant: whatever is wrong with a
file is said in one line with what to do about it, and the map that was installed stays.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from hub.map.errors import MapError
from hub.map.region import RegionInfo, open_folder, read_info, region_folder
from replica.clock import SystemClock
from replica.commandline import CommandError

FOLDER: Final = "map"
"""The map's folder inside the hub's."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Import a region's map, addresses and roads, or show which one is installed."""
    commands = parser.add_subparsers(title="what to do", metavar="{import,show}")
    importing = commands.add_parser(
        "import",
        help="import a region from a file",
        description=(
            "Import a region. An .osm.pbf extract of OpenStreetMap gives the map, the addresses "
            "and the roads; .pmtiles and .mbtiles give the map alone. No network is needed. The "
            "region that was installed stays in use until the new one is complete."
        ),
    )
    importing.add_argument("file", type=Path, metavar="FILE", help=".osm.pbf, .pmtiles or .mbtiles")
    _add_folder(importing)
    importing.add_argument("--name", help="what to call the region (default: from the file's name)")
    importing.set_defaults(run=run_import)
    showing = commands.add_parser("show", help="say which region is installed")
    _add_folder(showing)
    showing.set_defaults(run=run_show)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the hub's folder."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="the folder that the hub keeps"
    )


def run_import(arguments: argparse.Namespace) -> int:
    """Import the file; raises CommandError with what is wrong."""
    # The importer needs libraries that showing and serving a map do not.
    try:
        from hub.map.installing import install_map
    except ImportError as error:
        raise CommandError(
            f"importing needs the package {error.name}: install fieldlog[hub]"
        ) from error
    clock = SystemClock()
    started_ms = clock.now_ms()
    try:
        info = install_map(
            arguments.file,
            arguments.data / FOLDER,
            name=arguments.name,
            now_ms=started_ms,
            progress=_say,
        )
    except MapError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"cannot write the map into {arguments.data}: {error.strerror or error}; "
            "the map that was installed is unchanged"
        ) from error
    seconds = (clock.now_ms() - started_ms) / 1000
    _say(f"Installed in {seconds:.1f} s. A running hub shows it at the next reload of a page.")
    _describe(info, arguments.data / FOLDER)
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Say which region is installed; raises CommandError if it is damaged."""
    try:
        info = read_info(arguments.data / FOLDER)
        if info is None:
            _say(
                "No region is installed; the map shows the outlines of countries. Import one with: "
                "fieldlog map import FILE.osm.pbf --data FOLDER"
            )
            return 0
        _describe(info, arguments.data / FOLDER)
    except MapError as error:
        raise CommandError(str(error)) from error
    return 0


def _describe(info: RegionInfo, map_folder: Path) -> None:
    """Print what a region holds; raises RegionError if a part of it cannot be opened."""
    folder = region_folder(map_folder, info.hash)
    region = open_folder(folder)
    try:
        west, south, east, north = info.bounds
        _say(f"{info.name}")
        _say(f"  area       {south:.4f}, {west:.4f} to {north:.4f}, {east:.4f}")
        megabytes = region.basemap.stat().st_size / 2**20
        _say(
            f"  map        zoom {info.zoom_min} to {info.zoom_max}, {megabytes:.1f} MB, "
            f"{_origin(info.basemap.source, info.basemap.date)}"
        )
        if region.gazetteer is None:
            _say("  addresses  none; import an .osm.pbf to search addresses")
        else:
            counts = ", ".join(
                f"{count:,} {kind}" for kind, count in region.gazetteer.counts().items()
            )
            _say(f"  addresses  {counts}")
        if region.roads is None:
            _say("  roads      none; travel times are estimated from the air line")
        else:
            _say(
                f"  roads      {region.roads.edge_count:,} pieces between "
                f"{region.roads.node_count:,} junctions"
            )
        _say(f"  credit     {info.attribution}")
    finally:
        region.close()


def _origin(source: str, date: str) -> str:
    """Say where a part came from."""
    return f"from {source}" + (f", data of {date}" if date else "")


def _say(line: str) -> None:
    """Print a line at once, so that a long import shows that it goes on."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
