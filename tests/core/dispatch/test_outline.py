"""Outlines: read from what people paste, refused in words, and where one counts."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch import acts, fields
from core.dispatch.fields import Kind, Role
from core.dispatch.geometry import LAT_E7_MAX, LON_E7_MAX, PlaceError
from core.dispatch.outline import (
    check_beside_point,
    checked_outline,
    corners_of,
    is_outline,
    standing_corners,
)
from core.dispatch.outline_text import outline_text, read_outline
from core.dispatch.permits import permits
from core.log.certificate import Standing
from core.log.chain import stream_id
from core.log.entry import Entry

# A yard of some 220 m by 110 m.
YARD = [
    *(601_000_000, 249_000_000),
    *(601_000_000, 249_020_000),
    *(601_020_000, 249_020_000),
    *(601_020_000, 249_000_000),
]
RING = [[24.9, 60.1], [24.902, 60.1], [24.902, 60.102], [24.9, 60.102], [24.9, 60.1]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
LINES = "60.1, 24.9\n60.1, 24.902\n60.102, 24.902\n60.102, 24.9"


def wkt(rings: list[list[list[float]]], kind: str = "POLYGON") -> str:
    said = ("(" + ", ".join(f"{lon} {lat}" for lon, lat in ring) + ")" for ring in rings)
    return f"{kind} ({', '.join(said)})"


@pytest.mark.parametrize(
    "text",
    [
        LINES,
        f"\n{LINES.replace(', ', ' ')}\n\n60.1 24.9\n",
        LINES.replace(", ", ";"),
        LINES.replace("24.902\n", "24.902\n60.1, 24.902\n", 1),
        json.dumps(POLYGON),
        json.dumps({"type": "Feature", "properties": {"name": "Yard"}, "geometry": POLYGON}),
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "geometry": POLYGON}],
            }
        ),
        json.dumps({"type": "MultiPolygon", "coordinates": [[RING]]}),
        wkt([RING]),
        f"SRID=4326;{wkt([RING], 'polygon')}",
        "POLYGON Z ((24.9 60.1 7, 24.902 60.1 7, 24.902 60.102 7, 24.9 60.102 7, 24.9 60.1 7))",
    ],
)
def test_lines_geojson_and_wkt_say_the_same_corners(text: str) -> None:
    assert read_outline(text) == YARD


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LINES.replace("60.1, 24.902", "the gate"), "Line 2 of the outline, “the gate”, is no"),
        (f"{LINES}\n60,1 24,9 1", "Line 5 of the outline"),
        (f"{LINES}\n{'9' * 200}", "…”, is no corner"),
        (LINES.replace("60.102, 24.9", "160.102, 24.9"), "Line 3 of the outline lies outside"),
        (json.dumps(POLYGON)[:-9], "from its line 1 on"),
        ("[" * 9_000, "can't be read"),
        (json.dumps({"type": "Point", "coordinates": [24.9, 60.1]}), "holds no polygon"),
        (json.dumps([24.9, 60.1]), "holds no polygon"),
        (json.dumps({"type": "Polygon", "coordinates": [RING, RING]}), "has a hole"),
        (wkt([RING, RING]), "has a hole"),
        (json.dumps({"type": "MultiPolygon", "coordinates": [[RING], [RING]]}), "more than one"),
        (json.dumps({"type": "FeatureCollection", "features": []}), "or none"),
        (json.dumps({"type": "Polygon", "coordinates": [[[24.9]]]}), "Corner 1 of the outline is"),
        ('{"type": "Polygon", "coordinates": [[[NaN, 1]]]}', "Corner 1 of the outline is"),
        ('{"type": "Polygon", "coordinates": [[[1e999, 1]]]}', "Corner 1 of the outline is"),
        (json.dumps({"type": "Polygon", "coordinates": [[[True, 1]]]}), "is no pair of numbers"),
        (wkt([[[386_000, 6_672_000]]]), "the longitude first"),
        (wkt([RING], "LINESTRING"), "holds no polygon"),
        ("POLYGON ((24.9 sixty))", "Corner 1 of the outline is no pair"),
        ("POLYGON EMPTY", "holds no polygon"),
        (f"{LINES}\n" * 400, "longer than 20,000 letters"),
    ],
)
def test_what_cant_be_read_is_said_with_its_line_and_what_to_do(text: str, told: str) -> None:
    with pytest.raises(PlaceError) as refused:
        read_outline(text)
    assert told in str(refused.value)


@given(
    st.lists(
        st.tuples(st.integers(-LAT_E7_MAX, LAT_E7_MAX), st.integers(-LON_E7_MAX, LON_E7_MAX)),
        min_size=3,
        max_size=64,
        unique=True,
    )
)
def test_what_is_drawn_in_a_form_is_read_as_the_same(corners: list[tuple[int, int]]) -> None:
    outline = [number for corner in corners for number in corner]
    assert read_outline(outline_text(outline)) == outline
    assert list(corners_of(outline)) == corners
    assert is_outline(outline)


@given(st.text(max_size=60))
def test_whatever_is_pasted_is_an_outline_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(PlaceError):
        assert all(type(number) is int for number in read_outline(text))


BOW = [*YARD[:4], *YARD[6:], *YARD[4:6]]


@pytest.mark.parametrize(
    ("outline", "told"),
    [
        (YARD[:4], "3 to 64 corners, not 2"),
        (YARD * 20, "3 to 64 corners, not 80"),
        (YARD[:5], "list of latitudes and longitudes"),
        ([*YARD[:6], 901_000_000, 0], "outside the world"),
        (BOW, "crosses or touches itself"),
        ([*YARD[:4], YARD[4] + 500_000, YARD[5]], "more than 5 km apart"),
        ([601_000_000, 249_000_000, 601_000_000, 249_000_900, 601_000_900, 249_000_900], "house"),
    ],
)
def test_an_outline_that_bounds_no_place_is_refused_in_words(outline: list[int], told: str) -> None:
    with pytest.raises(acts.ActError) as refused:
        acts.edit_job(b"j" * 12, {"outline": outline})
    assert told in str(refused.value)
    with pytest.raises(acts.ActError):
        acts.edit_place(b"c" * 12, b"p" * 8, {"outline": outline})


def test_an_outline_that_fits_is_kept_as_it_is_and_none_clears() -> None:
    (change,) = acts.edit_job(b"j" * 12, {"outline": YARD})
    assert (change.path, change.value) == ((fields.OUTLINE,), YARD)
    (change,) = acts.edit_place(b"c" * 12, b"p" * 8, {"outline": None})
    assert (change.path, change.value) == ((fields.PLACE_OUTLINE, b"p" * 8), None)
    assert checked_outline([]) is None


@pytest.mark.parametrize(
    ("code", "kind", "ids"),
    [
        (fields.PLACE_OUTLINE, Kind.CUSTOMER, (b"p" * 8,)),
        (fields.OUTLINE, Kind.JOB, ()),
        (fields.EACH_OUTLINE, Kind.RECURRENCE, ()),
    ],
)
def test_what_has_not_the_shape_of_an_outline_is_permitted_to_nobody(
    code: int, kind: Kind, ids: tuple[bytes, ...]
) -> None:
    stream = stream_id(kind, 7, b"s" * 7)
    hub = Standing(b"A", int(Role.HUB))

    def may(value: object) -> bool:
        return permits(hub, stream, Entry(0, (((code, *ids), value),)))

    assert may(YARD)
    assert may(BOW), "whether lines cross is for whoever draws them: the log judges whole numbers"
    assert may(None)
    few_or_many: list[object] = ["POLYGON", [YARD], [], YARD[:4], YARD[:7], YARD * 17]
    for wrong in (*few_or_many, [*YARD[:6], 1.5, 2], [*YARD[:6], True, 2]):
        assert not may(wrong)
    assert not may([*YARD[:6], LAT_E7_MAX + 1, 0])
    assert not may([*YARD[:7], LON_E7_MAX + 1])


def test_an_outline_counts_where_its_pin_stands_by_it() -> None:
    kept = json.dumps(YARD)
    assert standing_corners(kept, *YARD[:2]) == corners_of(YARD)
    # A gate some 500 m off, and another town.
    assert standing_corners(kept, 601_065_000, 249_000_000) == corners_of(YARD)
    assert standing_corners(kept, 602_000_000, 249_000_000) == ()
    assert standing_corners(kept, None, None) == ()
    assert standing_corners("", *YARD[:2]) == ()
    assert standing_corners(json.dumps(BOW), *YARD[:2]) == ()
    assert standing_corners("[1,2]", 1, 2) == ()


def test_an_outline_far_from_its_position_is_refused_in_words() -> None:
    check_beside_point(YARD, (601_010_000, 249_010_000))
    with pytest.raises(PlaceError, match=r"lies 10\.9 km from the position"):
        check_beside_point(YARD, (602_000_000, 249_010_000))
    with pytest.raises(PlaceError, match="needs the position as well"):
        check_beside_point(YARD, None)
