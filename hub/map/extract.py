"""Reading a region's .osm.pbf: one pass that gives everything the map is made of.

Holds the reading and its checks: what is drawn (`Feature`), what is searched (`Street`, `Address`,
`Named`) and what is driven (`DriveWay`). It builds nothing out of these.

Invariant: a file that is not an OpenStreetMap extract, or not a whole one, is refused by name
before anything is made of it; places are integers of 1e-7 degree, geometry is in degrees.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import osmium
import shapely

from hub.map import road_tags, tags
from hub.map.coastline import sea_polygons
from hub.map.errors import MapFileError
from hub.map.tags import Drawn, Tags, Value

PBF_BYTES_MAX: Final = 200 * 1024 * 1024
"""The import holds the region in memory, some 40 bytes for each byte of the file: here 8 GB."""
ALTERNATE_NAMES_MAX: Final = 60
"""A capital has its name in two hundred languages; the local ones come first in the alphabet of
keys (alt_name, name:..), and sixty cover every place that is not a capital."""
_NUMBER_CHARACTERS_MAX: Final = 10
_EDGE: Final = 0.001
"""Room around what was read, in degrees, where the file does not say what it covers."""
_PROGRESS_OBJECTS: Final = 200_000

Bounds = tuple[float, float, float, float]
Progress = Callable[[str], None]


@dataclass(slots=True)
class Feature:
    """One thing to draw; the geometry is a shapely point, line or area in degrees (lon, lat)."""

    layer: str
    properties: dict[str, Value]
    zoom_min: int
    geometry: Any


@dataclass(frozen=True, slots=True)
class Named:
    """A place, landmark or business with a name. `weight` is its kind, as in `place=village`."""

    kind: str
    name: str
    others: tuple[str, ...]
    lat_e7: int
    lon_e7: int
    weight: str
    street: str = ""
    town: str = ""


@dataclass(frozen=True, slots=True)
class Street:
    """A piece of a named street, standing at its own middle."""

    name: str
    others: tuple[str, ...]
    lat_e7: int
    lon_e7: int


@dataclass(frozen=True, slots=True)
class Address:
    """A house number in a street (or, where streets have no names, in a place)."""

    street: str
    number: str
    town: str
    postcode: str
    lat_e7: int
    lon_e7: int


@dataclass(slots=True)
class DriveWay:
    """A way that a car may drive: its nodes in order, and how it is driven."""

    refs: array[int]
    lats_e7: array[int]
    lons_e7: array[int]
    drive: road_tags.Drive


@dataclass(slots=True)
class Extract:
    """All that was read. `bounds` is west, south, east, north in degrees."""

    bounds: Bounds
    date: str
    features: list[Feature] = field(default_factory=list)
    named: list[Named] = field(default_factory=list)
    streets: list[Street] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    ways: list[DriveWay] = field(default_factory=list)
    blocked_refs: set[int] = field(default_factory=set)


def read_extract(path: Path, progress: Progress) -> Extract:
    """Read the file whole; raises MapFileError for a file that is not a usable extract."""
    check_extract_file(path)
    reading = _Reading()
    try:
        bounds, date = _header(path)
        # The format is said and not guessed, because people rename files.
        source = osmium.FileProcessor(osmium.io.File(str(path), "pbf"))
        source = source.with_locations().with_areas().with_filter(osmium.filter.EmptyTagFilter())
        for count, thing in enumerate(source, 1):
            reading.take(thing)
            if count % _PROGRESS_OBJECTS == 0:
                progress(f"  {count:,} objects read")
    except (RuntimeError, ValueError) as error:
        raise MapFileError(
            f"{path.name} is damaged or was cut short ({error}). Copy or download it again and "
            "compare its size with the original's."
        ) from error
    return reading.finish(bounds, date, path)


def check_extract_file(path: Path) -> None:
    """Raise MapFileError unless the file is there, of a possible size, and begins like a pbf."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise MapFileError(f"Cannot read {path}: {error.strerror or error}.") from error
    if size == 0:
        raise MapFileError(f"{path.name} is empty. Copy or download it again.")
    if size > PBF_BYTES_MAX:
        raise MapFileError(
            f"{path.name} has {size // 2**20} MB; at most {PBF_BYTES_MAX // 2**20} MB can be "
            "imported, because a region is built in memory. Take a smaller extract (a county or a "
            "city), or make a .pmtiles of it with another tool and import that."
        )
    if b"OSMHeader" not in start[:32]:
        raise MapFileError(f"{path.name} is not an .osm.pbf extract: {_kind_of(start)}")


def _kind_of(start: bytes) -> str:
    """Say what a file seems to be, and what to do with it."""
    text = start.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html")):
        return "it is a web page, so the download went wrong. Download the file itself."
    if text.startswith((b"<?xml", b"<osm")):
        return "it is OpenStreetMap XML. Convert it with: osmium cat FILE -o region.osm.pbf"
    for magic, name in (
        (b"\x1f\x8b", "a gzip archive"),
        (b"BZh", "a bzip2 archive"),
        (b"PK\x03\x04", "a zip archive"),
    ):
        if start.startswith(magic):
            return f"it is {name}. Unpack it first, and import the .osm.pbf that is in it."
    return "it does not begin like one. Take a regional extract in the format .osm.pbf."


def _header(path: Path) -> tuple[Bounds | None, str]:
    """Return the rectangle that the extract covers, if it says so, and the date of its data."""
    reader = osmium.io.Reader(osmium.io.File(str(path), "pbf"), osmium.osm.osm_entity_bits.NOTHING)
    try:
        header = reader.header()
        date = header.get("osmosis_replication_timestamp") or header.get("timestamp") or ""
        box = header.box()
        if not box.valid() or box.size() <= 0:
            return None, date[:10]
        low, high = box.bottom_left, box.top_right
        return (low.lon, low.lat, high.lon, high.lat), date[:10]
    finally:
        reader.close()


class _Reading:
    """What has been read so far."""

    def __init__(self) -> None:
        self._extract = Extract((0.0, 0.0, 0.0, 0.0), "")
        self._coast: list[Any] = []
        self._wkb = osmium.geom.WKBFactory()

    def take(self, thing: Any) -> None:
        """Take one object of the file."""
        if thing.is_node():
            self._node(thing, dict(thing.tags))
        elif thing.is_way():
            self._way(thing, dict(thing.tags))
        elif thing.is_area():
            self._area(thing, dict(thing.tags))

    def finish(self, bounds: Bounds | None, date: str, path: Path) -> Extract:
        """Return everything, with the sea; raises MapFileError if there is nothing to draw."""
        extract = self._extract
        if not extract.features:
            raise MapFileError(
                f"{path.name} holds nothing that can be drawn: no roads, buildings or places. "
                "Check that the extract is of the region that you meant."
            )
        if bounds is None:
            west, south, east, north = shapely.total_bounds(
                np.array([feature.geometry for feature in extract.features], dtype=object)
            ).tolist()
            # One straight road has no area by itself, and no map can show a line.
            bounds = (west - _EDGE, south - _EDGE, east + _EDGE, north + _EDGE)
        extract.bounds, extract.date = bounds, date
        extract.features += _house_numbers(extract.addresses)
        extract.features += [
            Feature("water", {"kind": "sea"}, tags.ZOOM_MIN, polygon)
            for polygon in sea_polygons(self._coast, bounds)
        ]
        return extract

    def _node(self, node: Any, found: Tags) -> None:
        """A point: a place, a landmark, an address, a barrier on a road."""
        location = node.location
        if road_tags.is_blocked(found):
            self._extract.blocked_refs.add(node.id)
        for drawn in (tags.draw_place(found), tags.draw_poi(found)):
            if drawn is not None:
                self._draw(drawn, shapely.Point(location.lon, location.lat))
        self._search(found, location.y, location.x, area=False)

    def _way(self, way: Any, found: Tags) -> None:
        """A line: a road, a railway, a stream, a border, a coast."""
        coast = found.get("natural") == "coastline"
        drive = road_tags.drive(found)
        drawn = [
            line for line in (tags.draw_line(found), tags.draw_boundary(found)) if line is not None
        ]
        street = "highway" in found and bool(tags.name_of(found))
        if not (coast or drive or drawn or street):
            if not way.is_closed():
                self._open_way_address(way, found)
            return
        for refs, lats, lons in _runs(way):
            if drive is not None:
                self._extract.ways.append(DriveWay(refs, lats, lons, drive))
            if street:
                middle = len(refs) // 2
                self._extract.streets.append(
                    Street(tags.name_of(found), _others(found), lats[middle], lons[middle])
                )
            if coast or drawn:
                line = shapely.linestrings(np.array(lons) / 1e7, np.array(lats) / 1e7)
                if coast:
                    self._coast.append(line)
                for one in drawn:
                    self._draw(one, line)

    def _open_way_address(self, way: Any, found: Tags) -> None:
        """An address on a way that is no area, such as a line drawn for a shop's front."""
        for _refs, lats, lons in _runs(way):
            self._search(found, lats[len(lats) // 2], lons[len(lons) // 2], area=False)
            return

    def _area(self, area: Any, found: Tags) -> None:
        """A polygon: a building, a lake, a wood, and the addresses that stand on it."""
        drawn = tags.draw_area(found)
        poi, place = tags.draw_poi(found), tags.draw_place(found)
        # A border that comes as a closed way was taken as a line already.
        border = None if area.from_way() else tags.draw_boundary(found)
        sought = "addr:housenumber" in found or _landmark(found) is not None
        if drawn is None and poi is None and place is None and border is None and not sought:
            return
        try:
            geometry = shapely.from_wkb(self._wkb.create_multipolygon(area))
        except (RuntimeError, shapely.errors.GEOSException):
            # The assembler gives up on polygons that cross themselves; one shape less is drawn.
            return
        if not shapely.is_valid(geometry):
            geometry = shapely.make_valid(geometry)
        middle = shapely.point_on_surface(geometry)
        if shapely.is_empty(middle):
            return
        if drawn is not None:
            self._draw(drawn, geometry)
            label = tags.label_kind(found, drawn)
            if label is not None and poi is None:
                self._label(label, tags.name_of(found), geometry, middle)
        if border is not None:
            self._draw(border, shapely.boundary(geometry))
        for point in (poi, place):
            if point is not None:
                self._draw(point, middle)
        self._search(found, round(middle.y * 1e7), round(middle.x * 1e7), area=True)

    def _draw(self, drawn: Drawn, geometry: Any) -> None:
        """Add one thing to draw."""
        self._extract.features.append(
            Feature(drawn.layer, drawn.properties, drawn.zoom_min, geometry)
        )

    def _label(self, kind: str, name: str, geometry: Any, middle: Any) -> None:
        """Put an area's name in its middle, from the zoom at which the area can carry it."""
        west, _south, east, _north = shapely.bounds(geometry).tolist()
        zoom = next(
            (z for z in range(8, tags.ZOOM_MAX) if (east - west) / 360 * 512 * 2**z > 70),
            tags.ZOOM_MAX,
        )
        self._draw(Drawn("labels", {"kind": kind, "name": name}, zoom), middle)

    def _search(self, found: Tags, lat_e7: int, lon_e7: int, *, area: bool) -> None:
        """Take what can be looked up: an address, a place, a landmark."""
        number = found.get("addr:housenumber", "").strip()
        street = (found.get("addr:street") or found.get("addr:place") or "").strip()
        town = (found.get("addr:city") or "").strip()
        if number and street:
            postcode = found.get("addr:postcode", "").strip()
            # One building may hold several numbers, written as a list.
            for one in number.replace(";", ",").split(",")[:20]:
                if one.strip():
                    self._extract.addresses.append(
                        Address(street, one.strip(), town, postcode, lat_e7, lon_e7)
                    )
        name = tags.name_of(found)
        if not name:
            return
        place = found.get("place", "")
        if place in _PLACE_KINDS and not (area and place == "square"):
            self._extract.named.append(
                Named("place", name, _others(found), lat_e7, lon_e7, place, "", town)
            )
            return
        landmark = _landmark(found)
        if landmark is not None:
            whole = f"{street} {number}".strip()
            self._extract.named.append(
                Named("poi", name, _others(found), lat_e7, lon_e7, landmark, whole, town)
            )


_PLACE_KINDS: Final = frozenset(
    {
        "city", "town", "village", "hamlet", "suburb", "borough", "quarter", "neighbourhood",
        "isolated_dwelling", "locality", "island", "farm", "square",
    }
)  # fmt: skip
_LANDMARK_KEYS: Final = (
    "shop", "amenity", "office", "tourism", "craft", "healthcare", "leisure", "industrial",
    "historic", "railway", "public_transport", "man_made", "building",
)  # fmt: skip
_NOT_SOUGHT: Final = frozenset(
    {
        "no", "bench", "waste_basket", "crossing", "platform", "stop_position", "switch", "signal",
        "tram_stop", "subway_entrance", "rail", "tram", "subway", "milestone", "vending_machine",
        "memorial", "artwork", "information", "post_box", "telephone", "recycling",
    }
)  # fmt: skip


def _landmark(found: Tags) -> str | None:
    """Return what kind of landmark the tags describe, or None if nobody would look for it."""
    for key in _LANDMARK_KEYS:
        value = found.get(key)
        if value is not None and value not in _NOT_SOUGHT:
            return key if value == "yes" else value.replace("_", " ")
    return None


def _house_numbers(addresses: list[Address]) -> list[Feature]:
    """Return one label for each number of a street, however many doors and shops carry it."""
    first = {
        (one.street, one.number, one.town): one
        for one in reversed(addresses)
        if one.number[0].isdigit()
    }
    return [
        Feature(
            "addresses",
            {"number": one.number[:_NUMBER_CHARACTERS_MAX]},
            tags.ZOOM_MAX,
            shapely.Point(one.lon_e7 / 1e7, one.lat_e7 / 1e7),
        )
        for one in first.values()
    ]


def _others(found: Tags) -> tuple[str, ...]:
    """Return the object's other names: in other languages, and those that people use."""
    name = tags.name_of(found)
    others: dict[str, None] = {}
    for key in sorted(found):
        if key in ("alt_name", "short_name", "loc_name", "official_name") or (
            key.startswith("name:") and len(key) <= 8
        ):
            for part in found[key].split(";"):
                text = part.strip()[: tags.NAME_CHARACTERS_MAX]
                if text and text != name:
                    others[text] = None
    return tuple(others)[:ALTERNATE_NAMES_MAX]


def _runs(way: Any) -> Iterator[tuple[array[int], array[int], array[int]]]:
    """Yield the pieces of a way whose nodes are in the extract: node ids, lats and lons in e7.

    An extract that cuts ways at its edge names nodes that it does not hold.
    """
    refs, lats, lons = array("q"), array("i"), array("i")
    for node in way.nodes:
        location = node.location
        if location.valid():
            refs.append(node.ref)
            lats.append(location.y)
            lons.append(location.x)
            continue
        if len(refs) > 1:
            yield refs, lats, lons
        refs, lats, lons = array("q"), array("i"), array("i")
    if len(refs) > 1:
        yield refs, lats, lons
