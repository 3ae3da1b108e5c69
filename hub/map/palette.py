"""The map's colours, by day and by night.

Holds two palettes and nothing else. They are thin on purpose: jobs and workers lie on top of the
map, and their colours must be the strongest on the screen.

Invariant: both palettes name the same things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as CSS texts. `landuse`, `road` and `casing` are by kind, as `tags.py` names them."""

    land: str
    water: str
    waterway: str
    outline: str
    building: str
    building_outline: str
    boundary: str
    rail: str
    tram: str
    path: str
    ferry: str
    landuse: Mapping[str, str]
    road: Mapping[str, str]
    casing: Mapping[str, str]
    text: str
    text_street: str
    text_soft: str
    text_water: str
    text_park: str
    text_number: str
    text_poi: str
    halo: str
    halo_water: str
    world_sea: str
    world_land: str
    world_border: str


LIGHT: Final = Palette(
    land="#f4f2ee",
    water="#bfd9e6",
    waterway="#a9cbdc",
    outline="#a3c3d3",
    building="#e8e3da",
    building_outline="#d6cfc4",
    boundary="#b3a7b8",
    rail="#b5b1ae",
    tram="#c9c3bf",
    path="#b9ad9b",
    ferry="#8fb4c8",
    landuse={
        "wood": "#d3e2c8",
        "park": "#d6e8ca",
        "grass": "#e0ead2",
        "farmland": "#efeee0",
        "residential": "#efece7",
        "industrial": "#ebe8ec",
        "commercial": "#f1ebe7",
        "school": "#f1ebdc",
        "hospital": "#f5e6e3",
        "cemetery": "#d8e2cd",
        "pitch": "#cfe5c8",
        "sand": "#f2ead0",
        "rock": "#e6e3de",
        "wetland": "#d5e5de",
        "glacier": "#e8f1f5",
        "parking": "#eae8e5",
        "airport": "#e9e7ed",
        "pedestrian": "#f0eef0",
    },
    road={
        "motorway": "#f2c294",
        "trunk": "#f5d0a5",
        "primary": "#f9e2b3",
        "secondary": "#fcf1cf",
        "tertiary": "#ffffff",
        "minor": "#ffffff",
        "pedestrian": "#f7f5f1",
        "service": "#fbfaf8",
        "track": "#e3d9c8",
        "runway": "#dcdae2",
        "taxiway": "#dcdae2",
    },
    casing={
        "motorway": "#d59b62",
        "trunk": "#d9ac72",
        "primary": "#d9bf80",
        "secondary": "#d8cda3",
        "tertiary": "#d0cbc2",
        "minor": "#d6d1c9",
        "pedestrian": "#d9d4cc",
        "service": "#dcd8d1",
        "track": "#d8cfbf",
        "runway": "#dcdae2",
        "taxiway": "#dcdae2",
    },
    text="#323a44",
    text_street="#4f545b",
    text_soft="#6d7078",
    text_water="#4b7c99",
    text_park="#56774b",
    text_number="#8a8378",
    text_poi="#6a6470",
    halo="#fbfaf8",
    halo_water="#d5e6ee",
    world_sea="#d3e4ec",
    world_land="#f4f2ee",
    world_border="#cbc5bb",
)

DARK: Final = Palette(
    land="#1b2026",
    water="#12293a",
    waterway="#18344a",
    outline="#1d3c53",
    building="#272d35",
    building_outline="#333a44",
    boundary="#5b5366",
    rail="#454c57",
    tram="#3d444e",
    path="#4b4b48",
    ferry="#2a5370",
    landuse={
        "wood": "#1d2a24",
        "park": "#1e2d26",
        "grass": "#1f2924",
        "farmland": "#1f2325",
        "residential": "#1f242a",
        "industrial": "#22252c",
        "commercial": "#242529",
        "school": "#232529",
        "hospital": "#272429",
        "cemetery": "#1f2a25",
        "pitch": "#20302a",
        "sand": "#272722",
        "rock": "#25272a",
        "wetland": "#1a2a2b",
        "glacier": "#2a333a",
        "parking": "#21262c",
        "airport": "#23262e",
        "pedestrian": "#252a31",
    },
    road={
        "motorway": "#7c6244",
        "trunk": "#6d593f",
        "primary": "#5d5140",
        "secondary": "#4b463c",
        "tertiary": "#414853",
        "minor": "#3a414b",
        "pedestrian": "#323841",
        "service": "#333942",
        "track": "#3a3a36",
        "runway": "#343a44",
        "taxiway": "#343a44",
    },
    casing={
        "motorway": "#181c21",
        "trunk": "#181c21",
        "primary": "#181c21",
        "secondary": "#181c21",
        "tertiary": "#161a1f",
        "minor": "#161a1f",
        "pedestrian": "#161a1f",
        "service": "#181c21",
        "track": "#181c21",
        "runway": "#343a44",
        "taxiway": "#343a44",
    },
    text="#e3e6ea",
    text_street="#b9bfc8",
    text_soft="#98a0ab",
    text_water="#6fa3c2",
    text_park="#83a886",
    text_number="#848b95",
    text_poi="#a29fab",
    halo="#171b20",
    halo_water="#12222f",
    world_sea="#121d27",
    world_land="#1f252c",
    world_border="#3a424d",
)
