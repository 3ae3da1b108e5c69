"""The map's style for MapLibre: what is drawn at which zoom, and in which colours.

Holds the making of the style as plain JSON. Colours are in `palette.py`, names of layers in
`schemas.py`, addresses of files come as arguments.

Invariant: the style names no glyphs and no sprites, so that nothing but the site's own hub is ever
asked; with and without a region the same page works.

Source: the MapLibre style specification; since MapLibre GL JS 5.11 letters are drawn in the
browser when `glyphs` is left out, with the weight that the first name of `text-font` ends in.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from hub.map.palette import DARK, LIGHT, Palette
from hub.map.schemas import SCHEMA_BY_NAME, Expression, Schema

Theme = Literal["light", "dark"]
Layer = dict[str, Any]

REGION_SOURCE: Final = "region"
WORLD_SOURCE: Final = "world"
WORLD_ZOOM_MAX: Final = 7
"""The world's outline is a sketch; nearer than this it would put towns into the sea."""

_REGULAR: Final = ["Noto Sans Regular", "system-ui", "sans-serif"]
_MEDIUM: Final = ["Noto Sans Medium", "system-ui", "sans-serif"]
_ITALIC: Final = ["Noto Sans Italic", "system-ui", "sans-serif"]

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
    style["zoom"] = 12
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


def _palette(theme: Theme) -> Palette:
    """Return the colours of a theme."""
    return DARK if theme == "dark" else LIGHT


def _empty_style(
    theme: Theme, palette: Palette, world_url: str | None, zoom_max: int = WORLD_ZOOM_MAX
) -> dict[str, Any]:
    """Return a style with the background and, if there is one, the outline of the world."""
    style: dict[str, Any] = {"version": 8, "name": f"Fieldlog {theme}", "sources": {}}
    if world_url is None:
        style["layers"] = [_layer("background", "background", {"background-color": palette.land})]
        return style
    sea: Any = palette.world_sea
    if zoom_max == WORLD_ZOOM_MAX:
        sea = ["step", ["zoom"], palette.world_sea, WORLD_ZOOM_MAX, palette.land]
    style["sources"][WORLD_SOURCE] = {"type": "geojson", "data": world_url, "maxzoom": 7}
    countries = ["==", ["geometry-type"], "Polygon"]
    names = ["==", ["geometry-type"], "Point"]
    style["layers"] = [
        _layer("background", "background", {"background-color": sea}),
        _layer(
            "world-land", "fill", {"fill-color": palette.world_land}, WORLD_SOURCE,
            filter=countries, maxzoom=zoom_max,
        ),
        _layer(
            "world-borders", "line", {"line-color": palette.world_border, "line-width": 0.8},
            WORLD_SOURCE, filter=countries, maxzoom=zoom_max,
        ),
        _text(
            "world-names", palette.text_soft, palette.world_land, WORLD_SOURCE,
            size=["interpolate", ["linear"], ["zoom"], 1, 9, 6, 14],
            filter=names, maxzoom=WORLD_ZOOM_MAX if zoom_max == WORLD_ZOOM_MAX else 9,
            layout={"symbol-sort-key": ["-", 0, ["get", "size"]], "text-max-width": 7},
        ),
    ]  # fmt: skip
    return style


def _layer(
    name: str, kind: str, paint: dict[str, Any], source: str | None = None, **others: Any
) -> Layer:
    """Return a layer; `source_layer` is written as the specification spells it."""
    layer: Layer = {"id": name, "type": kind}
    if source is not None:
        layer["source"] = source
    source_layer = others.pop("source_layer", None)
    if source_layer is not None:
        layer["source-layer"] = source_layer
    layer.update({key: value for key, value in others.items() if value is not None})
    layer["paint"] = paint
    return layer


def _text(
    name: str,
    color: Any,
    halo: str,
    source: str = REGION_SOURCE,
    *,
    size: Any,
    field: Any = None,
    font: list[str] | None = None,
    layout: dict[str, Any] | None = None,
    **others: Any,
) -> Layer:
    """Return a layer of texts with a halo, so that they can be read on anything."""
    paint = {"text-color": color, "text-halo-color": halo, "text-halo-width": 1.4}
    written = {
        "text-field": field if field is not None else ["get", "name"],
        "text-font": font or _REGULAR,
        "text-size": size,
    }
    return _layer(name, "symbol", paint, source, layout=written | (layout or {}), **others)


def _raster(theme: Theme) -> Layer:
    """Return the layer of a basemap of pictures, dimmed at night."""
    paint: dict[str, Any] = {"raster-fade-duration": 100}
    if theme == "dark":
        paint |= {"raster-brightness-max": 0.65, "raster-saturation": -0.4}
    return _layer(REGION_SOURCE, "raster", paint, REGION_SOURCE)


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
        *_street_texts(schema, palette),
        *_texts(schema, palette),
    ]


def _ground(schema: Schema, palette: Palette) -> list[Layer]:
    """Land use and water."""
    color = _match(
        schema.landuse_kind, dict(palette.landuse), schema.landuse_words, "rgba(0,0,0,0)"
    )
    areas: Expression = ["==", ["geometry-type"], "Polygon"]
    layers = [
        _layer(
            f"ground-{layer}", "fill", {"fill-color": color, "fill-antialias": False},
            REGION_SOURCE, source_layer=layer, filter=areas,
        )
        for layer in schema.landuse_layers
    ]  # fmt: skip
    layers += [
        _layer(
            "water", "fill", {"fill-color": palette.water}, REGION_SOURCE,
            source_layer=schema.water, filter=areas,
        ),
        _layer(
            "shore", "line",
            {"line-color": palette.outline, "line-width": 0.6, "line-opacity": 0.7},
            REGION_SOURCE, source_layer=schema.water, filter=areas, minzoom=12,
        ),
        _layer(
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
        _layer(
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
        _layer(
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
        _layer(
            "tunnels", "line",
            {"line-color": edge, "line-width": _width(schema), "line-opacity": 0.35},
            REGION_SOURCE, source_layer=schema.road, filter=_road_filter(schema, tunnel=True),
            layout=flat, minzoom=12,
        ),
        _layer(
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
        _layer(
            "road-edges", "line",
            {"line-color": edge, "line-width": _width(schema, 1.6)},
            REGION_SOURCE, source_layer=schema.road, filter=_road_filter(schema, tunnel=False),
            layout=flat, minzoom=10,
        ),
        _layer(
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
        _layer(
            "rails", "line",
            {
                "line-color": palette.rail,
                "line-width": ["interpolate", ["linear"], ["zoom"], 8, 0.5, 14, 1.2, 18, 3.0],
            },
            REGION_SOURCE, source_layer=schema.road, filter=of("rail"),
        ),
        _layer(
            "trams", "line",
            {
                "line-color": palette.tram,
                "line-width": ["interpolate", ["linear"], ["zoom"], 13, 0.5, 18, 1.6],
            },
            REGION_SOURCE, source_layer=schema.road, filter=of("tram"), minzoom=14,
        ),
        _layer(
            "ferries", "line",
            {"line-color": palette.ferry, "line-width": 1.0, "line-dasharray": [4, 3]},
            REGION_SOURCE, source_layer=schema.road, filter=of("ferry"),
        ),
    ]  # fmt: skip


def _boundaries(schema: Schema, palette: Palette) -> list[Layer]:
    """Borders of countries, regions and towns."""
    level: Expression = ["to-number", schema.boundary_level, 8]
    return [
        _layer(
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


def _street_texts(schema: Schema, palette: Palette) -> list[Layer]:
    """Names along streets and waters, road numbers, and house numbers."""
    along = {
        "symbol-placement": "line",
        "symbol-spacing": 320,
        "text-max-angle": 35,
        "text-padding": 4,
        "text-letter-spacing": 0.02,
    }
    major = [
        word
        for kind in ("motorway", "trunk", "primary", "secondary", "tertiary")
        for word in schema.road_words[kind]
    ]
    is_major: Expression = ["match", schema.road_kind, major, True, False]
    ferry_or_rail = [*schema.road_words["ferry"], *schema.road_words["rail"]]
    is_street: Expression = ["match", schema.road_kind, [*major, *ferry_or_rail], False, True]
    layers = [
        _text(
            "street-names-minor", palette.text_street, palette.halo,
            source_layer=schema.street_name, minzoom=14.5, filter=is_street, layout=along,
            size=["interpolate", ["linear"], ["zoom"], 15, 10.5, 17, 12.5, 19, 15],
        ),
        _text(
            "street-names-major", palette.text_street, palette.halo,
            source_layer=schema.street_name, minzoom=12.5, filter=is_major, font=_MEDIUM,
            layout=along, size=["interpolate", ["linear"], ["zoom"], 13, 10.5, 16, 12.5, 19, 16],
        ),
        _text(
            "road-numbers", palette.text_soft, palette.halo, field=["get", "ref"], font=_MEDIUM,
            source_layer=schema.street_name, minzoom=8,
            filter=["all", ["has", "ref"], is_major], size=10,
            layout={
                "symbol-placement": "line",
                "symbol-spacing": 420,
                "text-rotation-alignment": "viewport",
                "text-pitch-alignment": "viewport",
            },
        ),
        _text(
            "house-numbers", palette.text_number, palette.building,
            field=["get", schema.number_field], source_layer=schema.number, minzoom=16.5,
            size=["interpolate", ["linear"], ["zoom"], 16.5, 9.5, 19, 12.5],
            filter=["has", schema.number_field], layout={"text-padding": 1},
        ),
        _text(
            "waterway-names", palette.text_water, palette.halo_water,
            source_layer=schema.waterway, minzoom=12, font=_ITALIC, layout=along, size=11,
            filter=["==", ["geometry-type"], "LineString"],
        ),
    ]  # fmt: skip
    return layers


def _texts(schema: Schema, palette: Palette) -> list[Layer]:
    """Names of areas, landmarks and places, the most important last, so that they win."""
    kind = schema.place_kind
    rank: Expression = ["coalesce", ["get", "rank"], 6]
    color = [
        "match", schema.label_kind, "water", palette.text_water, "park", palette.text_park,
        palette.text_soft,
    ]  # fmt: skip
    towns = {"city": 17, "town": 14, "village": 12}
    small: Expression = ["match", kind, ["city", "town", "village"], False, True]
    large: Expression = ["match", kind, ["city", "town", "village"], True, False]
    by_zoom: Expression = ["interpolate", ["linear"], ["zoom"]]
    for zoom, factor in ((5, 0.75), (10, 1.0), (14, 1.3)):
        by_zoom += [zoom, ["match", kind, *_flat(towns, factor), 11 * factor]]
    return [
        _text(
            "landmarks", palette.text_poi, palette.halo, source_layer=schema.poi,
            filter=["<=", rank, ["step", ["zoom"], 1, 14, 2, 15.5, 3, 16.5, 4, 17, 5, 17.7, 6]],
            minzoom=12.5, size=["interpolate", ["linear"], ["zoom"], 13, 10, 18, 11.5],
            layout={"text-max-width": 8, "text-padding": 6, "symbol-sort-key": rank},
        ),
        _text(
            "area-names", color, palette.halo, source_layer=schema.label, font=_ITALIC,
            minzoom=11, size=["interpolate", ["linear"], ["zoom"], 12, 10.5, 17, 13],
            filter=["all", ["has", "name"], ["==", ["geometry-type"], "Point"]],
            layout={"text-max-width": 8, "text-padding": 8},
        ),
        _text(
            "quarters", palette.text_soft, palette.halo, source_layer=schema.place, filter=small,
            minzoom=11, maxzoom=17, font=_MEDIUM,
            size=["interpolate", ["linear"], ["zoom"], 11, 10.5, 16, 13.5],
            layout={
                "text-transform": "uppercase",
                "text-letter-spacing": 0.09,
                "text-max-width": 8,
                "text-padding": 10,
            },
        ),
        _text(
            "towns", palette.text, palette.halo, source_layer=schema.place, filter=large,
            maxzoom=15, font=_MEDIUM, size=by_zoom,
            layout={
                "text-max-width": 8,
                "text-padding": 8,
                "symbol-sort-key": ["match", kind, "city", 0, "town", 1, 2],
            },
        ),
    ]  # fmt: skip


def _flat(sizes: dict[str, int], factor: float) -> list[Any]:
    """Return a match's pairs of words and sizes."""
    return [part for kind, size in sizes.items() for part in (kind, round(size * factor, 2))]
