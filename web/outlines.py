"""Outlines of places in forms: texts to values, values to texts and to words.

How one is written stands in `core.dispatch.outline_text`, what may be one in
`core.dispatch.outline`. Invariant: the text that a form draws of a row gives the same outline back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.dispatch.outline import check_beside_point, checked_outline, flat, standing_corners
from core.dispatch.outline_text import outline_text, read_outline
from core.sentence import say_n
from web.formats import parse_point


def outline_of(text: str, point: str) -> list[int] | None:
    """The outline of an input's text, beside the text of its position; None for an empty one.

    Raises:
        ValueError: it is none, or lies elsewhere; the words say what to change.
    """
    outline = checked_outline(read_outline(text))
    if outline is not None:
        check_beside_point(outline, parse_point(point) if point else None)
    return outline


def text_of_row(row: Mapping[str, Any]) -> str:
    """What a form shows of a row's outline, also of one that bounds nothing: it can be mended."""
    return outline_text(json.loads(row["outline"])) if row["outline"] else ""


def standing_text(row: Mapping[str, Any]) -> str:
    """The same, '' where the outline does not count as its pin stands elsewhere."""
    corners = standing_corners(row["outline"], row["lat_e7"], row["lon_e7"])
    return outline_text(flat(corners))


def corners_words(count: int) -> str:
    """An outline in words: how many corners it has."""
    return say_n("{n} corner", "{n} corners", count)


def corners_in(row: Mapping[str, Any]) -> int:
    """How many corners bound the place of a row; 0: the circle does."""
    return len(standing_corners(row["outline"], row["lat_e7"], row["lon_e7"]))
