"""The map's style for MapLibre: what is drawn at which zoom, and in which colours.

Holds the making of the style as plain JSON: the ground, the roads, and the world's outline. Texts
are in `labels.py`, colours in `palette.py`, names of layers in `schemas.py`; addresses of files
come as arguments.

Invariant: the style names no glyphs and no sprites, so that nothing but the site's own hub is ever
asked; with and without a region the same page works.

Source: the MapLibre style specification.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

from hub.map.labels import REGION_SOURCE, Layer, label_layers, layer, text_layer
from hub.map.palette import DARK, LIGHT, Palette
from hub.map.schemas import SCHEMA_BY_NAME, Expression, Schema

Theme = Literal["light", "dark"]

WORLD_SOURCE: Final = "world"
WORLD_ZOOM_MAX: Final = 7
"""The world's outline is a sketch; nearer than this it would put towns into the sea."""

_VIEW_PIXELS: Final = (800, 600)
_ROAD_ORDER: Final = (
    "runway", "taxiway", "track", "service", "pedestrian", "minor", "tertiary", "secondary",
    "primary", "trunk", "motorway",
)  # fmt: skip
_WIDTH_STOPS: Final = (5, 9, 12, 14, 16, 18, 20)
_WIDTH_BY_KIND: Final[dict[str, tuple[float, ...]]] = {
    "motorway": (0.7, 1.8, 3.6, 6.0, 12.0, 26.0, 60.0),
    "trunk": (0.6, 1.5, 3.2, 5.5, 11.0, 24.0, 56.0),
    "primary": (0.4, 1.1, 2.6, 4.8, 10.0, 23.0, 54.0),
    "secondary": (0.3, 0.8, 2.1, 4.0, 9.0, 21.0, 50.0),
    "tertiary": (0.2, 0.5, 1.6, 3.4, 8.0, 19.0, 46.0),
    "minor": (0.0, 0.3, 1.0, 2.4, 6.5, 17.0, 42.0),
    "pedestrian": (0.0, 0.0, 0.6, 1.6, 4.5, 11.0, 28.0),
    "service": (0.0, 0.0, 0.4, 1.2, 3.4, 9.0, 24.0),
    "track": (0.0, 0.0, 0.3, 0.8, 1.8, 4.0, 10.0),
    "runway": (0.2, 1.0, 3.5, 10.0, 30.0, 60.0, 90.0),
    "taxiway": (0.0, 0.3, 1.2, 4.0, 10.0, 22.0, 40.0),
}


def region_style(
    theme: Theme,
    *,
    schema: str,
    bounds: tuple[float, float, float, float],
    tiles_url: str,
    attribution: str,
    world_url: str | None,
) -> dict[str, Any]:
    """Return the style of an installed region.

    `schema` is one of `SCHEMA_BY_NAME` or `raster`; `bounds` are west, south, east, north in
    degrees; `tiles_url` is what the pmtiles protocol in the page resolves; without `world_url` no
    outline of the world is drawn at small zooms.
    """
    palette = _palette(theme)
    west, south, east, north = bounds
    style = _empty_style(theme, palette, world_url)
    style["center"] = [round((west + east) / 2, 6), round((south + north) / 2, 6)]
    style["zoom"] = _zoom_for(bounds)
    style["metadata"] = {"fieldlog:bounds": list(bounds), "fieldlog:theme": theme}
    kind = "raster" if schema == "raster" else "vector"
    source: dict[str, Any] = {"type": kind, "url": tiles_url, "attribution": attribution}
    if kind == "raster":
        source["tileSize"] = 256
    style["sources"][REGION_SOURCE] = source
    if kind == "raster":
        style["layers"].append(_raster(theme))
    else:
        style["layers"] += _drawn(SCHEMA_BY_NAME[schema], palette)
    return style


def world_style(theme: Theme, world_url: str | None) -> dict[str, Any]:
    """Return the style of a site that has no region yet: the outlines of the countries."""
    style = _empty_style(theme, _palette(theme), world_url, zoom_max=24)
    style["center"] = [10, 35]
    style["zoom"] = 1.5
    style["metadata"] = {"fieldlog:bounds": None, "fieldlog:theme": theme}
    return style


def _zoom_for(bounds: tuple[float, float, float, float]) -> float:
    """Return the zoom at which a region fills a map of the size that a page usually has."""
    west, south, east, north = bounds
    middle = math.cos(math.radians((south + north) / 2))
    wide = 360 / max(1e-6, east - west) * _VIEW_PIXELS[0] / 512
    high = 360 * max(0.05, middle) / max(1e-6, north - south) * _VIEW_PIXELS[1] / 512
    return round(min(15.0, max(2.0, math.log2(min(wide, high)))), 2)


def _palette(theme: Theme) -> Palette:
    """Return the colours of a theme."""
    return DARK if theme == "dark" else LIGHT


def _empty_style(
    theme: Theme, palette: Palette, world_url: str | None, zoom_max: int = WORLD_ZOOM_MAX
) -> dict[str, Any]:
    """Return a style with the background and, if there is one, the outline of the world."""
    style: dict[str, Any] = {"version": 8, "name": f"Fieldlog {theme}", "sources": {}}
    if world_url is None:
        style["layers"] = [layer("background", "background", {"background-color": palette.land})]
        return style
    sea: Any = palette.world_sea
    if zoom_max == WORLD_ZOOM_MAX:
        sea = ["step", ["zoom"], palette.world_sea, WORLD_ZOOM_MAX, palette.land]
    style["sources"][WORLD_SOURCE] = {"type": "geojson", "data": world_url, "maxzoom": 7}
    countries = ["==", ["geometry-type"], "Polygon"]
    names = ["==", ["geometry-type"], "Point"]
    style["layers"] = [
        layer("background", "background", {"background-color": sea}),
        layer(
            "world-land", "fill", {"fill-color": palette.world_land}, WORLD_SOURCE,
            filter=countries, maxzoom=zoom_max,
        ),
        layer(
            "world-borders", "line", {"line-color": palette.world_border, "line-width": 0.8},
            WORLD_SOURCE, filter=countries, maxzoom=zoom_max,
        ),
        text_layer(
            "world-names", palette.text_soft, palette.world_land, WORLD_SOURCE,
            size=["interpolate", ["linear"], ["zoom"], 1, 9, 6, 14],
            filter=names, maxzoom=WORLD_ZOOM_MAX if zoom_max == WORLD_ZOOM_MAX else 9,
            layout={"symbol-sort-key": ["-", 0, ["get", "size"]], "text-max-width": 7},
        ),
    ]  # fmt: skip
    return style


def _raster(theme: Theme) -> Layer:
    """Return the layer of a basemap of pictures, dimmed at night."""
    paint: dict[str, Any] = {"raster-fade-duration": 100}
    if theme == "dark":
        paint |= {"raster-brightness-max": 0.65, "raster-saturation": -0.4}
    return layer(REGION_SOURCE, "raster", paint, REGION_SOURCE)


def _match(kind: Expression, words: dict[str, Any], table: Any, otherwise: Any) -> Expression:
    """Return an expression that reads a kind and answers with its value of the table."""
    found: Expression = ["match", kind]
    for ours, value in words.items():
        theirs = table.get(ours)
        if theirs:
            found += [list(theirs), value]
    return [*found, otherwise]


def _drawn(schema: Schema, palette: Palette) -> list[Layer]:
    """Return all layers of a region, from the ground up."""
    return [
        *_ground(schema, palette),
        *_buildings(schema, palette),
        *_roads(schema, palette),
        *_rails(schema, palette),
        *_boundaries(schema, palette),
        *label_layers(schema, palette),
    ]


def _ground(schema: Schema, palette: Palette) -> list[Layer]:
    """Land use and water."""
    color = _match(
        schema.landuse_kind, dict(palette.landuse), schema.landuse_words, "rgba(0,0,0,0)"
    )
    areas: Expression = ["==", ["geometry-type"], "Polygon"]
    layers = [
        layer(
            f"ground-{source}", "fill", {"fill-color": color, "fill-antialias": False},
            REGION_SOURCE, source_layer=source, filter=areas,
        )
        for source in schema.landuse_layers
    ]  # fmt: skip
    layers += [
        layer(
            "water", "fill", {"fill-color": palette.water}, REGION_SOURCE,
            source_layer=schema.water, filter=areas,
        ),
        layer(
            "shore", "line",
            {"line-color": palette.outline, "line-width": 0.6, "line-opacity": 0.7},
            REGION_SOURCE, source_layer=schema.water, filter=areas, minzoom=12,
        ),
        layer(
            "waterways", "line",
            {
                "line-color": palette.waterway,
                "line-width": [
                    "interpolate", ["exponential", 1.4], ["zoom"],
                    8, 0.6, 12, 1.2, 14, 2.0, 18, 8.0,
                ],
            },
            REGION_SOURCE, source_layer=schema.waterway,
            filter=["==", ["geometry-type"], "LineString"],
        ),
        layer(
            "squares", "fill", {"fill-color": palette.landuse["pedestrian"]}, REGION_SOURCE,
            source_layer=schema.landuse_layers[-1],
            filter=["all", areas, ["==", schema.landuse_kind, "pedestrian"]], minzoom=13,
        ),
    ]  # fmt: skip
    return layers


def _buildings(schema: Schema, palette: Palette) -> list[Layer]:
    """Buildings, which come in softly."""
    fade: Expression = ["interpolate", ["linear"], ["zoom"], 13, 0.0, 14.5, 1.0]
    return [
        layer(
            "buildings", "fill",
            {
                "fill-color": palette.building,
                "fill-outline-color": palette.building_outline,
                "fill-opacity": fade,
            },
            REGION_SOURCE, source_layer=schema.building, filter=schema.building_filter, minzoom=13,
        )
    ]  # fmt: skip


def _width(schema: Schema, extra: float = 0.0) -> Expression:
    """Return a road's width by zoom and kind, `extra` pixels wider for its edges."""
    link: Expression = ["case", ["==", ["get", "link"], 1], 0.65, 1.0]
    width: Expression = ["interpolate", ["exponential", 1.5], ["zoom"]]
    for place, zoom in enumerate(_WIDTH_STOPS):
        at_zoom = {kind: widths[place] for kind, widths in _WIDTH_BY_KIND.items()}
        by_kind = _match(schema.road_kind, at_zoom, schema.road_words, 0.0)
        grown = min(extra, extra * max(0.35, (zoom - 8) / 8)) if extra else 0.0
        width += [zoom, ["+", ["*", by_kind, link], grown] if grown else ["*", by_kind, link]]
    return width


def _road_filter(schema: Schema, *, tunnel: bool) -> Expression:
    """Choose what is drawn as a road with two edges, in a tunnel or not."""
    words = [word for kind in _ROAD_ORDER for word in schema.road_words.get(kind, ())]
    under: Expression = schema.tunnel if tunnel else ["!", schema.tunnel]
    lines: Expression = ["==", ["geometry-type"], "LineString"]
    return ["all", lines, ["match", schema.road_kind, words, True, False], under]


def _roads(schema: Schema, palette: Palette) -> list[Layer]:
    """Paths, then the edges of all roads, then the roads, so that junctions are open."""
    order = _match(
        schema.road_kind,
        {kind: place for place, kind in enumerate(_ROAD_ORDER)},
        schema.road_words,
        0,
    )
    color = _match(schema.road_kind, dict(palette.road), schema.road_words, palette.road["minor"])
    edge = _match(
        schema.road_kind, dict(palette.casing), schema.road_words, palette.casing["minor"]
    )
    layout = {"line-cap": "round", "line-join": "round", "line-sort-key": order}
    flat = {"line-cap": "butt", "line-join": "round", "line-sort-key": order}
    paths = [*schema.road_words["path"], *schema.road_words["steps"]]
    layers = [
        layer(
            "tunnels", "line",
            {"line-color": edge, "line-width": _width(schema), "line-opacity": 0.35},
            REGION_SOURCE, source_layer=schema.road, filter=_road_filter(schema, tunnel=True),
            layout=flat, minzoom=12,
        ),
        layer(
            "paths", "line",
            {
                "line-color": palette.path,
                "line-width": ["interpolate", ["linear"], ["zoom"], 14, 0.6, 16, 1.0, 19, 2.2],
                "line-dasharray": [2.5, 1.8],
                "line-opacity": ["interpolate", ["linear"], ["zoom"], 13.5, 0.0, 15.5, 0.8],
            },
            REGION_SOURCE, source_layer=schema.road,
            filter=["all", ["match", schema.road_kind, paths, True, False], ["!", schema.tunnel]],
            minzoom=13,
        ),
        layer(
            "road-edges", "line",
            {"line-color": edge, "line-width": _width(schema, 1.6)},
            REGION_SOURCE, source_layer=schema.road, filter=_road_filter(schema, tunnel=False),
            layout=flat, minzoom=10,
        ),
        layer(
            "roads", "line", {"line-color": color, "line-width": _width(schema)},
            REGION_SOURCE, source_layer=schema.road, filter=_road_filter(schema, tunnel=False),
            layout=layout,
        ),
    ]  # fmt: skip
    return layers


def _rails(schema: Schema, palette: Palette) -> list[Layer]:
    """Railways, trams and ferries."""

    def of(kind: str) -> Expression:
        words = list(schema.road_words[kind])
        return ["all", ["match", schema.road_kind, words, True, False], ["!", schema.tunnel]]

    return [
        layer(
            "rails", "line",
            {
                "line-color": palette.rail,
                "line-width": ["interpolate", ["linear"], ["zoom"], 8, 0.5, 14, 1.2, 18, 3.0],
            },
            REGION_SOURCE, source_layer=schema.road, filter=of("rail"),
        ),
        layer(
            "trams", "line",
            {
                "line-color": palette.tram,
                "line-width": ["interpolate", ["linear"], ["zoom"], 13, 0.5, 18, 1.6],
            },
            REGION_SOURCE, source_layer=schema.road, filter=of("tram"), minzoom=14,
        ),
        layer(
            "ferries", "line",
            {"line-color": palette.ferry, "line-width": 1.0, "line-dasharray": [4, 3]},
            REGION_SOURCE, source_layer=schema.road, filter=of("ferry"),
        ),
    ]  # fmt: skip


def _boundaries(schema: Schema, palette: Palette) -> list[Layer]:
    """Borders of countries, regions and towns."""
    level: Expression = ["to-number", schema.boundary_level, 8]
    return [
        layer(
            "boundaries", "line",
            {
                "line-color": palette.boundary,
                "line-width": ["match", level, 2, 1.6, 4, 1.1, 0.8],
                "line-dasharray": [5, 2, 1, 2],
                "line-opacity": ["match", level, 2, 0.9, 4, 0.7, 0.45],
            },
            REGION_SOURCE, source_layer=schema.boundary, layout={"line-join": "round"},
        )
    ]  # fmt: skip
