"""Charts as SVG, drawn by the server: bars beside each other or stacked, with names and values.

Lengths along the bars are parts of the whole width, text keeps its size, so one drawing serves a
telephone and a wall. Colours are classes of the page's own tokens and follow its theme; a pattern
and the words of each bar say the same without colour. Holds no question. Invariant: each bar's
words stand in it as its title, and the whole says in one sentence what it shows; the figures
themselves are in the table behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

BAR_PX: Final = 14
ROW_PX: Final = 42
TEXT_PX: Final = 13
COLUMNS_PX: Final = 180
MARKS_MAX: Final = 12
"""Names under columns that still stand apart on a telephone, of five letters each."""
SERIES_MAX: Final = 4
NAME_LETTERS_MAX: Final = 28


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: which series (0 to 3), how long, and its words."""

    series: int
    amount: float
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One name with its bars, each of pieces that follow each other, and the value in words."""

    name: str
    words: str
    bars: tuple[tuple[Piece, ...], ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its legend: the series' words in order of their numbers."""

    title: str
    description: str
    legend: tuple[str, ...]
    drawing: Markup


def bars(title: str, description: str, legend: Sequence[str], lines: Sequence[Line]) -> Chart:
    """A line for each name, its bars lying below it; the longest fills the width."""
    most = max((_length(bar) for line in lines for bar in line.bars), default=0) or 1
    parts, top = [], 0
    for line in lines:
        parts.append(
            Markup(
                '<text class="chart-name" x="0" y="{}">{}</text>'
                '<text class="chart-value" x="100%" y="{}" text-anchor="end">{}</text>'
            ).format(top + TEXT_PX, _short(line.name), top + TEXT_PX, line.words)
        )
        bar_top = top + TEXT_PX + 5
        for bar in line.bars:
            parts.append(_across(line.name, bar, bar_top, most))
            bar_top += BAR_PX + 2
        top = bar_top + (ROW_PX - TEXT_PX - BAR_PX - 7)
    return _chart(title, description, legend, Markup("").join(parts), max(top, 1))


def columns(title: str, description: str, legend: Sequence[str], lines: Sequence[Line]) -> Chart:
    """A column for each name, side by side in order of time; the highest fills the height."""
    most = max((_length(bar) for line in lines for bar in line.bars), default=0) or 1
    wide = 100 / max(len(lines), 1)
    every = -(-len(lines) // MARKS_MAX) or 1
    parts = [
        Markup('<line class="chart-axis" x1="0" y1="{}" x2="100%" y2="{}"/>').format(
            COLUMNS_PX, COLUMNS_PX
        )
    ]
    for index, line in enumerate(lines):
        left = index * wide
        each = wide / max(len(line.bars), 1)
        for number, bar in enumerate(line.bars):
            parts.append(_upwards(line.name, bar, left + number * each, each, most))
        if index % every == 0:
            parts.append(
                Markup('<text class="chart-name" x="{}%" y="{}">{}</text>').format(
                    _number(left + wide * 0.1), COLUMNS_PX + TEXT_PX + 4, line.mark or line.name
                )
            )
    drawing = Markup("").join(parts)
    return _chart(title, description, legend, drawing, COLUMNS_PX + TEXT_PX + 12)


def _short(name: str) -> str:
    """A name that leaves room for its value on a telephone."""
    return name if len(name) <= NAME_LETTERS_MAX else f"{name[: NAME_LETTERS_MAX - 1]}…"


def _across(name: str, bar: Sequence[Piece], top: int, most: float) -> Markup:
    drawn, left = Markup(""), 0.0
    for piece in bar:
        length = 100 * piece.amount / most
        if piece.amount > 0:
            drawn += _piece(name, piece, f"{_number(left)}%", top, f"{_number(length)}%", BAR_PX)
        left += length
    return drawn


def _upwards(name: str, bar: Sequence[Piece], left: float, width: float, most: float) -> Markup:
    drawn, bottom = Markup(""), float(COLUMNS_PX)
    for piece in bar:
        height = COLUMNS_PX * piece.amount / most
        bottom -= height
        if piece.amount > 0:
            x, wide = _number(left + width * 0.1), _number(width * 0.8)
            drawn += _piece(name, piece, f"{x}%", round(bottom, 2), f"{wide}%", round(height, 2))
    return drawn


def _piece(name: str, piece: Piece, x: str, y: float, width: str, height: float) -> Markup:
    series = piece.series % SERIES_MAX
    place = {"x": x, "y": y, "width": width, "height": height}
    ground = Markup('<rect class="chart-{s}" x="{x}" y="{y}" width="{width}" height="{height}"/>')
    over = Markup(
        '<rect fill="url(#chart-pattern-{s})" x="{x}" y="{y}" width="{width}" height="{height}"/>'
    )
    pattern = over.format(s=series, **place) if series else Markup("")
    return Markup("<g><title>{}: {}</title>{}{}</g>").format(
        name, piece.words, ground.format(s=series, **place), pattern
    )


def _chart(
    title: str, description: str, legend: Sequence[str], inside: Markup, height: int
) -> Chart:
    drawing = Markup(
        '<svg class="chart" role="img" aria-labelledby="chart-title chart-words" width="100%"'
        ' height="{}"><title id="chart-title">{}</title><desc id="chart-words">{}</desc>{}{}</svg>'
    ).format(height, title, description, PATTERNS, inside)
    return Chart(title, description, tuple(legend), drawing)


PATTERNS: Final = Markup(
    '<defs><pattern id="chart-pattern-1" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<path class="chart-stroke" d="M-1 7L7-1M-1 1L1-1M5 7L7 5"/></pattern>'
    '<pattern id="chart-pattern-2" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<circle class="chart-dot" cx="2.5" cy="2.5" r="1"/></pattern>'
    '<pattern id="chart-pattern-3" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<path class="chart-stroke" d="M0 3H6"/></pattern></defs>'
)
"""What tells series apart without colour: plain, hatched, dotted, ruled."""


def swatch(series: int) -> Markup:
    """A small square with the look of a series, for the legend."""
    over = (
        Markup('<rect fill="url(#chart-pattern-{})" width="14" height="14"/>').format(series)
        if series
        else Markup("")
    )
    return Markup(
        '<svg class="chart-swatch" width="14" height="14" aria-hidden="true">'
        '<rect class="chart-{}" width="14" height="14"/>{}</svg>'
    ).format(series, over)


def _length(bar: Sequence[Piece]) -> float:
    return sum(piece.amount for piece in bar)


def _number(value: float) -> str:
    """A number as short as it can be; two digits are a tenth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
