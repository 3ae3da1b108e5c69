"""The texts on the map: streets, numbers, landmarks, quarters, towns.

Holds the layers of texts, and the two makers of layers that `style.py` uses too. Where two texts
want the same room, the later layer of this list wins.

Invariant: every text has a halo in the colour of what lies below it, and none needs a font file.

Source: since MapLibre GL JS 5.11 letters are drawn in the browser when `glyphs` is left out of the
style, with the weight that the first name of `text-font` ends in.
"""

from __future__ import annotations

from typing import Any, Final

from hub.map.palette import Palette
from hub.map.schemas import Expression, Schema

Layer = dict[str, Any]

REGION_SOURCE: Final = "region"

_REGULAR: Final = ["Noto Sans Regular", "system-ui", "sans-serif"]
_MEDIUM: Final = ["Noto Sans Medium", "system-ui", "sans-serif"]
_ITALIC: Final = ["Noto Sans Italic", "system-ui", "sans-serif"]
_MAJOR_ROADS: Final = ("motorway", "trunk", "primary", "secondary", "tertiary")
_TOWN_PIXELS: Final = {"village": (12, 16), "town": (14, 15), "city": (17, 14)}
"""Size of the name, and the zoom from which one is inside the town and needs it no more."""


def layer(
    name: str, kind: str, paint: dict[str, Any], source: str | None = None, **others: Any
) -> Layer:
    """Return a layer; `source_layer` is written as the specification spells it."""
    made: Layer = {"id": name, "type": kind}
    if source is not None:
        made["source"] = source
    source_layer = others.pop("source_layer", None)
    if source_layer is not None:
        made["source-layer"] = source_layer
    made.update({key: value for key, value in others.items() if value is not None})
    made["paint"] = paint
    return made


def text_layer(
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
    return layer(name, "symbol", paint, source, layout=written | (layout or {}), **others)


def label_layers(schema: Schema, palette: Palette) -> list[Layer]:
    """Return all texts of a region, the least important first."""
    return [
        *_small_texts(schema, palette),
        *_area_texts(schema, palette),
        *_major_street_texts(schema, palette),
        *_place_texts(schema, palette),
    ]


def _along(spacing: int) -> dict[str, Any]:
    """Return the layout of a text that follows a line."""
    return {
        "symbol-placement": "line",
        "symbol-spacing": spacing,
        "text-max-angle": 35,
        "text-padding": 3,
        "text-letter-spacing": 0.02,
    }


def _grows(*stops: float) -> Expression:
    """Return a size that grows evenly between pairs of zoom and pixels."""
    return ["interpolate", ["linear"], ["zoom"], *stops]


def _is_major(schema: Schema) -> Expression:
    """Choose the roads that people name when they describe a way."""
    words = [word for kind in _MAJOR_ROADS for word in schema.road_words[kind]]
    return ["match", schema.road_kind, words, True, False]


def _small_texts(schema: Schema, palette: Palette) -> list[Layer]:
    """House numbers and the names of small streets and paths."""
    rails = [word for kind in ("ferry", "rail", "tram") for word in schema.road_words[kind]]
    paths = [word for kind in ("path", "steps") for word in schema.road_words[kind]]
    minor = ["all", ["!", _is_major(schema)], ["match", schema.road_kind, rails, False, True]]
    path = ["match", schema.road_kind, paths, True, False]
    return [
        text_layer(
            "house-numbers", palette.text_number, palette.building,
            field=["get", schema.number_field], source_layer=schema.number, minzoom=16.5,
            size=_grows(16.5, 9.5, 19, 12.5),
            filter=["has", schema.number_field], layout={"text-padding": 1},
        ),
        text_layer(
            "path-names", palette.text_soft, palette.halo, source_layer=schema.street_name,
            minzoom=16, filter=path, layout=_along(400), size=_grows(16, 10, 19, 12.5),
        ),
        text_layer(
            "street-names-minor", palette.text_street, palette.halo,
            source_layer=schema.street_name, minzoom=13.7,
            filter=["all", minor, ["!", path]], layout=_along(220),
            size=_grows(14, 9.5, 16, 11.5, 19, 15),
        ),
    ]  # fmt: skip


def _area_texts(schema: Schema, palette: Palette) -> list[Layer]:
    """Landmarks, and the names of parks, squares and waters."""
    rank: Expression = ["coalesce", ["get", "rank"], 6]
    color = [
        "match", schema.label_kind, "water", palette.text_water, "park", palette.text_park,
        palette.text_soft,
    ]  # fmt: skip
    return [
        text_layer(
            "landmarks", palette.text_poi, palette.halo, source_layer=schema.poi,
            filter=["<=", rank, ["step", ["zoom"], 1, 14, 2, 15, 3, 16, 4, 17, 5, 18, 6]],
            minzoom=12.5, size=_grows(13, 10, 18, 11.5),
            layout={"text-max-width": 8, "text-padding": 6, "symbol-sort-key": rank},
        ),
        text_layer(
            "area-names", color, palette.halo, source_layer=schema.label, font=_ITALIC,
            minzoom=11, size=_grows(12, 10, 17, 13),
            filter=["all", ["has", "name"], ["==", ["geometry-type"], "Point"]],
            layout={"text-max-width": 8, "text-padding": 8},
        ),
        text_layer(
            "waterway-names", palette.text_water, palette.halo_water,
            source_layer=schema.waterway, minzoom=12, font=_ITALIC, layout=_along(420), size=11,
            filter=["==", ["geometry-type"], "LineString"],
        ),
    ]  # fmt: skip


def _major_street_texts(schema: Schema, palette: Palette) -> list[Layer]:
    """The numbers and names of the roads that people find their way by."""
    upright = {
        "symbol-placement": "line",
        "symbol-spacing": 420,
        "text-rotation-alignment": "viewport",
        "text-pitch-alignment": "viewport",
    }
    return [
        text_layer(
            "road-numbers", palette.text_soft, palette.halo, field=["get", "ref"], font=_MEDIUM,
            source_layer=schema.street_name, minzoom=8, layout=upright, size=10,
            filter=["all", ["has", "ref"], _is_major(schema)],
        ),
        text_layer(
            "street-names-major", palette.text_street, palette.halo,
            source_layer=schema.street_name, minzoom=12.5, filter=_is_major(schema), font=_MEDIUM,
            layout=_along(180), size=_grows(13, 10, 16, 12.5, 19, 16),
        ),
    ]  # fmt: skip


def _place_texts(schema: Schema, palette: Palette) -> list[Layer]:
    """Quarters of a town, and towns; a town's own name goes when one is inside it."""
    kind = schema.place_kind
    is_town: Expression = ["match", kind, list(_TOWN_PIXELS), True, False]
    return [
        text_layer(
            "quarters", palette.text_soft, palette.halo, source_layer=schema.place,
            filter=["!", is_town], minzoom=11, maxzoom=17, font=_MEDIUM,
            size=_grows(11, 10, 16, 13),
            layout={
                "text-transform": "uppercase",
                "text-letter-spacing": 0.09,
                "text-max-width": 8,
                "text-padding": 10,
            },
        ),
        *(
            text_layer(
                f"places-{town}", palette.text, palette.halo, source_layer=schema.place,
                filter=["==", kind, town], maxzoom=zoom_max, font=_MEDIUM,
                size=_grows(5, 0.75 * pixels, 10, pixels, 14, 1.25 * pixels),
                layout={"text-max-width": 8, "text-padding": 8},
            )
            for town, (pixels, zoom_max) in _TOWN_PIXELS.items()
        ),
    ]  # fmt: skip
