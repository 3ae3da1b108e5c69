"""What each OpenStreetMap object becomes on the map: its layer, its kind and its first zoom.

Holds the classification for drawing and nothing about geometry, driving or addresses. The layers
and kinds are this program's own schema; `style.py` draws exactly these.

Invariant: the answer depends on the tags alone, and every kind named here is a word that the style
knows.

Source: the OpenStreetMap wiki's "Map features", reduced to what helps somebody find a door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Tags = Mapping[str, str]
Value = str | int

ZOOM_MIN: Final = 5
ZOOM_MAX: Final = 14
NAME_CHARACTERS_MAX: Final = 120
"""OpenStreetMap allows 255; a label longer than this covers the street that it names."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """How one object is drawn: in which layer, with which properties, from which zoom on."""

    layer: str
    properties: dict[str, Value]
    zoom_min: int


_ROADS: Final[dict[str, tuple[str, int]]] = {
    "motorway": ("motorway", 5),
    "trunk": ("trunk", 6),
    "primary": ("primary", 7),
    "secondary": ("secondary", 9),
    "tertiary": ("tertiary", 10),
    "unclassified": ("minor", 12),
    "residential": ("minor", 12),
    "living_street": ("minor", 12),
    "road": ("minor", 12),
    "pedestrian": ("pedestrian", 13),
    "service": ("service", 13),
    "track": ("track", 13),
    "cycleway": ("path", 13),
    "path": ("path", 13),
    "bridleway": ("path", 14),
    "footway": ("path", 14),
    "steps": ("steps", 14),
}
_RAILS: Final[dict[str, tuple[str, int]]] = {
    "rail": ("rail", 8),
    "light_rail": ("rail", 11),
    "narrow_gauge": ("rail", 11),
    "subway": ("rail", 12),
    "tram": ("tram", 13),
}
_WATERWAYS: Final = {"river": 8, "canal": 9, "stream": 12, "ditch": 14, "drain": 14}
_PLACES: Final = {
    "city": 5,
    "town": 7,
    "borough": 10,
    "village": 9,
    "suburb": 11,
    "island": 11,
    "hamlet": 12,
    "quarter": 12,
    "neighbourhood": 13,
    "isolated_dwelling": 13,
    "locality": 13,
}
_LANDUSE: Final[dict[tuple[str, str], tuple[str, int]]] = {
    ("landuse", "forest"): ("wood", 6),
    ("natural", "wood"): ("wood", 6),
    ("landuse", "farmland"): ("farmland", 8),
    ("landuse", "farmyard"): ("farmland", 11),
    ("landuse", "orchard"): ("farmland", 10),
    ("landuse", "vineyard"): ("farmland", 10),
    ("landuse", "allotments"): ("farmland", 11),
    ("landuse", "residential"): ("residential", 8),
    ("landuse", "industrial"): ("industrial", 10),
    ("landuse", "railway"): ("industrial", 12),
    ("landuse", "port"): ("industrial", 10),
    ("landuse", "quarry"): ("industrial", 11),
    ("landuse", "construction"): ("industrial", 13),
    ("landuse", "commercial"): ("commercial", 11),
    ("landuse", "retail"): ("commercial", 12),
    ("landuse", "grass"): ("grass", 12),
    ("landuse", "meadow"): ("grass", 10),
    ("landuse", "village_green"): ("park", 12),
    ("landuse", "recreation_ground"): ("park", 11),
    ("landuse", "cemetery"): ("cemetery", 11),
    ("amenity", "grave_yard"): ("cemetery", 13),
    ("natural", "scrub"): ("grass", 11),
    ("natural", "heath"): ("grass", 9),
    ("natural", "grassland"): ("grass", 9),
    ("natural", "fell"): ("grass", 9),
    ("natural", "wetland"): ("wetland", 9),
    ("natural", "sand"): ("sand", 11),
    ("natural", "beach"): ("sand", 11),
    ("natural", "bare_rock"): ("rock", 9),
    ("natural", "scree"): ("rock", 10),
    ("natural", "shingle"): ("rock", 11),
    ("natural", "glacier"): ("glacier", 6),
    ("leisure", "park"): ("park", 10),
    ("leisure", "garden"): ("park", 13),
    ("leisure", "golf_course"): ("park", 11),
    ("leisure", "dog_park"): ("park", 13),
    ("leisure", "pitch"): ("pitch", 13),
    ("leisure", "track"): ("pitch", 13),
    ("leisure", "playground"): ("pitch", 13),
    ("leisure", "sports_centre"): ("pitch", 12),
    ("leisure", "stadium"): ("pitch", 12),
    ("amenity", "school"): ("school", 12),
    ("amenity", "kindergarten"): ("school", 13),
    ("amenity", "college"): ("school", 12),
    ("amenity", "university"): ("school", 12),
    ("amenity", "hospital"): ("hospital", 11),
    ("amenity", "parking"): ("parking", 13),
    ("aeroway", "aerodrome"): ("airport", 9),
    ("aeroway", "apron"): ("airport", 11),
    ("place", "square"): ("pedestrian", 13),
    ("man_made", "pier"): ("pedestrian", 13),
    ("man_made", "bridge"): ("pedestrian", 13),
}
_LANDUSE_KEYS: Final = ("landuse", "natural", "leisure", "amenity", "aeroway", "place", "man_made")
_LABELLED: Final = {
    "park": "park",
    "wood": "park",
    "cemetery": "park",
    "pedestrian": "square",
    "hospital": "site",
    "school": "site",
    "airport": "site",
}
_POIS: Final[dict[tuple[str, str], tuple[str, int]]] = {
    ("railway", "station"): ("station", 1),
    ("railway", "halt"): ("station", 1),
    ("public_transport", "station"): ("station", 1),
    ("amenity", "bus_station"): ("station", 2),
    ("amenity", "ferry_terminal"): ("station", 2),
    ("aeroway", "terminal"): ("station", 1),
    ("amenity", "hospital"): ("health", 2),
    ("amenity", "police"): ("civic", 3),
    ("amenity", "fire_station"): ("civic", 3),
    ("amenity", "townhall"): ("civic", 2),
    ("amenity", "courthouse"): ("civic", 3),
    ("amenity", "library"): ("civic", 4),
    ("amenity", "university"): ("school", 3),
    ("amenity", "college"): ("school", 4),
    ("amenity", "school"): ("school", 4),
    ("amenity", "theatre"): ("culture", 4),
    ("amenity", "cinema"): ("culture", 5),
    ("tourism", "museum"): ("culture", 3),
    ("amenity", "place_of_worship"): ("culture", 4),
    ("tourism", "hotel"): ("lodging", 5),
    ("shop", "mall"): ("shop", 3),
    ("shop", "department_store"): ("shop", 4),
    ("shop", "supermarket"): ("shop", 5),
    ("shop", "doityourself"): ("shop", 5),
    ("amenity", "marketplace"): ("shop", 4),
    ("amenity", "pharmacy"): ("health", 6),
    ("amenity", "clinic"): ("health", 5),
    ("amenity", "fuel"): ("fuel", 5),
    ("amenity", "charging_station"): ("fuel", 6),
    ("amenity", "parking"): ("parking", 6),
}
_POI_KEYS: Final = ("railway", "public_transport", "aeroway", "amenity", "tourism", "shop")


def name_of(tags: Tags) -> str:
    """Return the object's own name, cut to what fits on a label, or an empty text."""
    return tags.get("name", "").strip()[:NAME_CHARACTERS_MAX]


def draw_line(tags: Tags) -> Drawn | None:
    """Classify an open or closed way that is drawn as a line, or return None."""
    highway = tags.get("highway")
    if highway is not None:
        return _draw_road(tags, highway)
    railway = tags.get("railway")
    if railway in _RAILS:
        return _draw_rail(tags, _RAILS[railway])
    waterway = tags.get("waterway")
    if waterway in _WATERWAYS:
        if tags.get("tunnel") in ("yes", "culvert"):
            return None
        return Drawn("waterways", _named({"kind": waterway}, tags), _WATERWAYS[waterway])
    if tags.get("route") == "ferry":
        return Drawn("roads", _named({"kind": "ferry"}, tags), 9)
    if tags.get("aeroway") in ("runway", "taxiway"):
        return Drawn("roads", {"kind": str(tags.get("aeroway"))}, 11)
    return None


def draw_boundary(tags: Tags) -> Drawn | None:
    """Classify a way or relation that is the border of a country, a region or a town."""
    if tags.get("boundary") != "administrative" or tags.get("maritime") == "yes":
        return None
    level = tags.get("admin_level", "")
    if not level.isdecimal() or not 2 <= int(level) <= 8:
        return None
    return Drawn("boundaries", {"level": int(level)}, 5 if int(level) <= 4 else 9)


def draw_area(tags: Tags) -> Drawn | None:
    """Classify a closed way or multipolygon that is drawn as an area, or return None."""
    if tags.get("building", "no") != "no":
        return None if _is_below(tags) else Drawn("buildings", {}, 13)
    if _is_below(tags):
        return None
    natural, landuse = tags.get("natural"), tags.get("landuse")
    if natural == "water" or tags.get("waterway") in ("riverbank", "dock"):
        return Drawn("water", {"kind": "water"}, 5)
    if landuse in ("reservoir", "basin"):
        return Drawn("water", {"kind": "water"}, 9)
    if tags.get("leisure") == "swimming_pool":
        return Drawn("water", {"kind": "pool"}, 14)
    if tags.get("highway") in ("pedestrian", "footway") and tags.get("area") == "yes":
        return Drawn("landuse", {"kind": "pedestrian"}, 13)
    for key in _LANDUSE_KEYS:
        found = _LANDUSE.get((key, tags.get(key, "")))
        if found is not None:
            return Drawn("landuse", {"kind": found[0]}, found[1])
    return None


def label_kind(tags: Tags, drawn: Drawn) -> str | None:
    """Return the kind of the name that an area carries in its middle, or None."""
    if not name_of(tags):
        return None
    if drawn.layer == "water":
        return "water"
    return _LABELLED.get(str(drawn.properties.get("kind")))


def draw_place(tags: Tags) -> Drawn | None:
    """Classify a named place: a city, a village, a suburb, an island."""
    kind = tags.get("place")
    if kind not in _PLACES or not name_of(tags):
        return None
    zoom = _PLACES[kind]
    if tags.get("capital") in ("yes", "2"):
        # A small state's capital may be a village; on the map it goes before its neighbours.
        kind, zoom = "town" if kind == "village" else "city", ZOOM_MIN
    return Drawn("places", {"kind": kind, "name": name_of(tags)}, max(ZOOM_MIN, zoom))


def draw_poi(tags: Tags) -> Drawn | None:
    """Classify a landmark that helps to find one's way, or return None."""
    if not name_of(tags):
        return None
    for key in _POI_KEYS:
        found = _POIS.get((key, tags.get(key, "")))
        if found is not None:
            kind, rank = found
            zoom = 12 if rank == 1 else 13 if rank == 2 else 14
            return Drawn("pois", {"kind": kind, "rank": rank, "name": name_of(tags)}, zoom)
    return None


def _named(properties: dict[str, Value], tags: Tags) -> dict[str, Value]:
    """Add the name, where there is one."""
    if name_of(tags):
        properties["name"] = name_of(tags)
    return properties


def _is_below(tags: Tags) -> bool:
    """Return whether something lies under the ground, where a map of streets does not look."""
    return (
        tags.get("location") == "underground"
        or tags.get("layer", "").startswith("-")
        or (tags.get("level", "").startswith("-") and tags.get("building") is None)
    )


def _draw_road(tags: Tags, highway: str) -> Drawn | None:
    """Classify a road; pavements, crossings and corridors are left out to keep the map calm."""
    if tags.get("footway") in ("sidewalk", "crossing", "access_aisle"):
        return None
    if tags.get("indoor") in ("yes", "corridor") or tags.get("area") == "yes":
        return None
    link = highway.endswith("_link")
    found = _ROADS.get(highway.removesuffix("_link"))
    if found is None:
        return None
    kind, zoom = found
    if kind in ("path", "steps", "pedestrian") and _is_below(tags):
        return None
    if tags.get("service") in ("driveway", "parking_aisle", "drive-through"):
        zoom = 14
    properties: dict[str, Value] = {"kind": kind}
    if link:
        properties["link"] = 1
        zoom = max(zoom, 10)
    if tags.get("tunnel") not in (None, "no") or tags.get("covered") == "yes" or _is_below(tags):
        properties["tunnel"] = 1
    ref = tags.get("ref", "")
    if ref and kind in ("motorway", "trunk", "primary", "secondary") and len(ref) <= 12:
        properties["ref"] = ref
    return Drawn("roads", _named(properties, tags), zoom)


def _draw_rail(tags: Tags, found: tuple[str, int]) -> Drawn:
    """Classify a railway line; yards and sidings come late."""
    kind, zoom = found
    properties: dict[str, Value] = {"kind": kind}
    if tags.get("tunnel") not in (None, "no"):
        properties["tunnel"] = 1
    return Drawn("roads", properties, 13 if tags.get("service") else zoom)
