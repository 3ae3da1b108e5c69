"""Where each kind of basemap keeps its roads, its names and its numbers.

Holds one description for each set of layers that this program can draw: its own, OpenMapTiles and
Protomaps. The drawing itself is in `style.py`.

Invariant: every kind that a palette colours is found in each of them, or is not in that basemap.

Source: the documentation of OpenMapTiles 3 and of Protomaps Basemaps 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Expression = list[Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """Names of source layers, and the expressions that read a feature's kind.

    `landuse_words` and `road_words` give, for each kind of ours, what that basemap calls it.
    """

    landuse_layers: tuple[str, ...]
    landuse_kind: Expression
    landuse_words: Mapping[str, tuple[str, ...]]
    water: str
    waterway: str
    building: str
    building_filter: Expression
    boundary: str
    boundary_level: Expression
    road: str
    road_kind: Expression
    road_words: Mapping[str, tuple[str, ...]]
    tunnel: Expression
    street_name: str
    place: str
    place_kind: Expression
    label: str
    label_kind: Expression
    poi: str
    number: str
    number_field: str


def _same(*kinds: str) -> dict[str, tuple[str, ...]]:
    """Return a table in which every word means itself."""
    return {kind: (kind,) for kind in kinds}


_LANDUSE: Final = _same(
    "wood", "park", "grass", "farmland", "residential", "industrial", "commercial", "school",
    "hospital", "cemetery", "pitch", "sand", "rock", "wetland", "glacier", "parking", "airport",
    "pedestrian",
)  # fmt: skip
_ROADS: Final = _same(
    "motorway", "trunk", "primary", "secondary", "tertiary", "minor", "pedestrian", "service",
    "track", "path", "steps", "rail", "tram", "ferry", "runway", "taxiway",
)  # fmt: skip

OWN: Final = Schema(
    landuse_layers=("landuse",),
    landuse_kind=["get", "kind"],
    landuse_words=_LANDUSE,
    water="water",
    waterway="waterways",
    building="buildings",
    building_filter=["literal", True],
    boundary="boundaries",
    boundary_level=["get", "level"],
    road="roads",
    road_kind=["get", "kind"],
    road_words=_ROADS,
    tunnel=["==", ["get", "tunnel"], 1],
    street_name="roads",
    place="places",
    place_kind=["get", "kind"],
    label="labels",
    label_kind=["get", "kind"],
    poi="pois",
    number="addresses",
    number_field="number",
)

OPEN_MAP_TILES: Final = Schema(
    landuse_layers=("landcover", "landuse", "park"),
    landuse_kind=["get", "class"],
    landuse_words=_LANDUSE
    | {
        "wood": ("wood", "forest"),
        "park": ("park", "national_park", "nature_reserve"),
        "industrial": ("industrial", "railway", "quarry"),
        "commercial": ("commercial", "retail"),
        "school": ("school", "university", "kindergarten", "college"),
        "glacier": ("ice",),
        "pitch": ("pitch", "playground", "stadium", "track"),
    },
    water="water",
    waterway="waterway",
    building="building",
    building_filter=["literal", True],
    boundary="boundary",
    boundary_level=["get", "admin_level"],
    road="transportation",
    road_kind=["get", "class"],
    road_words=_ROADS | {"tram": ("transit",), "path": ("path",), "minor": ("minor", "busway")},
    tunnel=["==", ["get", "brunnel"], "tunnel"],
    street_name="transportation_name",
    place="place",
    place_kind=["get", "class"],
    label="water_name",
    label_kind=["literal", "water"],
    poi="poi",
    number="housenumber",
    number_field="housenumber",
)

PROTOMAPS: Final = Schema(
    landuse_layers=("landcover", "landuse"),
    landuse_kind=["get", "kind"],
    landuse_words=_LANDUSE
    | {
        "wood": ("wood", "forest"),
        "park": ("park", "garden", "nature_reserve", "golf_course"),
        "grass": ("grass", "grassland", "meadow", "scrub"),
        "school": ("school", "university", "college", "kindergarten"),
        "sand": ("sand", "beach"),
        "rock": ("bare_rock", "barren"),
        "airport": ("aerodrome",),
        "industrial": ("industrial", "railway"),
        "pitch": ("pitch", "playground", "recreation_ground"),
    },
    water="water",
    waterway="water",
    building="buildings",
    building_filter=["!=", ["get", "kind"], "address"],
    boundary="boundaries",
    boundary_level=["match", ["get", "kind"], "country", 2, "region", 4, 8],
    road="roads",
    road_kind=["get", "kind_detail"],
    road_words=_ROADS
    | {
        "minor": ("residential", "unclassified", "living_street", "road"),
        "path": ("footway", "path", "cycleway", "bridleway"),
        "rail": ("rail", "light_rail", "subway", "narrow_gauge"),
    },
    tunnel=["==", ["get", "is_tunnel"], True],
    street_name="roads",
    place="places",
    place_kind=["coalesce", ["get", "kind_detail"], ["get", "kind"]],
    label="water",
    label_kind=["literal", "water"],
    poi="pois",
    number="buildings",
    number_field="addr_housenumber",
)

SCHEMA_BY_NAME: Final[Mapping[str, Schema]] = {
    "fieldlog": OWN,
    "openmaptiles": OPEN_MAP_TILES,
    "protomaps": PROTOMAPS,
}
