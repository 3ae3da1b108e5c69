"""Plots as SVG, drawn here: lines over time, a distribution, percentiles side by side, bars.

A place along the width is a part of it and text keeps its size, so one drawing serves a telephone,
a wall and paper. Lines differ by dashes and marks by shape, so that colour is never alone. Holds no
choice of what is drawn. Invariant: a line has a point for each of its series' values that is a
number, and what a plot shows stands in its table too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from simulator.report.amounts import amount, exact, length, number, scale_of
from simulator.report.record import Latency, Series
from simulator.report.scales import Axis, even, fitting, over_time

STYLES: Final = 6
"""How many lines look different; their colours and dashes are classes `line-0` to `line-5`."""
HEIGHT_PX: Final = 190
ROWS_MAX: Final = 240
"""Moments in the table beside a plot; of more, each second, third and so on."""
NAME_LETTERS_MAX: Final = 40
_ACROSS: Final = 1_000.0
_LABEL_SHARE_MIN: Final = 0.16
# Beyond this part of the width a name would stand out of the page on a telephone.
_LAST_SHARE: Final = 0.97
_PERCENTILES: Final = ("p50", "p90", "p99", "worst")
_ROW_PX: Final = 13
_LANE_PX: Final = 44
_SHADED: Final = Markup(
    '<svg class="sign" width="26" height="12" aria-hidden="true">'
    '<rect class="span" width="26" height="12"/></svg>'
)
_SHAPES: Final = {
    "p50": Markup('<circle class="mark mark-p50" r="4.5"/>'),
    "p90": Markup('<path class="mark mark-p90" d="M0-5.5L5.5 0L0 5.5L-5.5 0Z"/>'),
    "p99": Markup('<path class="mark mark-p99" d="M0-5.5L5.5 4.5H-5.5Z"/>'),
    "worst": Markup('<path class="mark mark-worst" d="M-4.5-4.5L4.5 4.5M-4.5 4.5L4.5-4.5"/>'),
}


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows of words; `note` says what it leaves out."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of a legend: its sign, its name, and what is worth saying of it."""

    sign: Markup
    name: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing with its title, what it shows in a sentence, its legend and its numbers."""

    title: str
    description: str
    drawing: Markup
    legend: tuple[Key, ...] = ()
    table: Table | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the run with a name, in seconds since its beginning; some are shaded."""

    name: str
    from_s: float
    until_s: float
    shaded: bool = False


def lines(
    key: str,
    title: str,
    unit: str,
    series: Sequence[Series],
    spans: Sequence[Span] = (),
    styles: Sequence[int] = (),
) -> Plot:
    """Series of one unit over time. `key` is this plot's own in its page.

    `styles` are the looks of the lines in their order; without them the first has the first.
    """
    values = [value for each in series for value in each.values]
    timed = unit in ("ms", "s", "µs", "min")
    y = fitting(values, unit) if timed else even(values, unit)
    moments = [at for each in series for at in each.at_s]
    x = over_time([*moments, *(span.until_s for span in spans if math.isfinite(span.until_s))])
    looks = list(styles) or [at % STYLES for at in range(len(series))]
    paths = [_path(each, x, y, look) for each, look in zip(series, looks, strict=True)]
    drawing = Markup("{}{}{}{}").format(
        _bands(spans, x),
        _grid(x, y),
        Markup(
            '<svg class="lines" width="100%" height="{}" viewBox="0 0 1000 {}"'
            ' preserveAspectRatio="none">{}</svg>'
        ).format(HEIGHT_PX, HEIGHT_PX, Markup("").join(paths)),
        _band_names(spans, x),
    )
    legend = tuple(
        Key(line_sign(look), each.name, _extent(each, unit))
        for each, look in zip(series, looks, strict=True)
    )
    said = "; ".join(f"{key.name}: {key.words}" for key in legend)
    if shaded := [span.name for span in spans if span.shaded]:
        legend += (Key(_SHADED, ", ".join(shaded)),)
    scale = " The scale is logarithmic." if y.log else ""
    described = f"Over {length(x.most - x.least)}. {said}.{scale}"
    shown_unit = f"{y.unit}, log scale".removeprefix(", ") if y.log else y.unit
    picture = _picture(key, title, described, drawing, HEIGHT_PX + 22)
    return Plot(title, described, picture, legend, _moments(series, unit), shown_unit)


def distribution(key: str, latency: Latency) -> Plot:
    """How many took how long: a column for each bucket, and where the percentiles lie."""
    buckets = _trimmed(latency)
    finite = [edge for edge, _ in buckets if math.isfinite(edge)]
    x = fitting([*finite, *_finite_percentiles(latency)], "ms")
    y = even((count for _, count in buckets), ticks=4)
    drawing = Markup("{}{}{}").format(
        _grid(x, y), _columns(buckets, x, y), _percentile_lines(latency, x)
    )
    title = f"How long {latency.name} took"
    described = f"{number(latency.count)} in all. " + _percentiles_said(latency) + "."
    rows, before = [], 0.0
    for edge, count in buckets:
        words, at = ("up to", edge) if math.isfinite(edge) else ("over", before)
        share = 100 * count / latency.count if latency.count else math.nan
        shown = exact(round(share, 2), "%")
        rows.append((f"{words} {amount(at, 'ms')}", number(count), shown))
        before = edge
    table = Table(("took", "how many", "share"), tuple(rows))
    scale = "count by time, log scale" if x.log else "count by time"
    drawn = _picture(key, title, described, drawing, HEIGHT_PX + 22)
    said = zip(_PERCENTILES, _percentile_values(latency), strict=True)
    legend = tuple(Key(Markup(""), name, amount(value, "ms")) for name, value in said)
    return Plot(title, described, drawn, legend, table, scale)


def percentiles(key: str, title: str, latencies: Sequence[Latency]) -> Plot:
    """The percentiles of several latencies, a row each, on one scale of decades where it helps."""
    known = [value for each in latencies for value in _finite_percentiles(each)]
    x = fitting(known, "ms")
    high = _LANE_PX * len(latencies)
    rows = Markup("").join(_lane(each, at, x) for at, each in enumerate(latencies))
    drawing = Markup("{}{}").format(_upright_grid(x, high), rows)
    legend = tuple(Key(mark_sign(name), name) for name in _PERCENTILES)
    said = "; ".join(f"{each.name}: {_percentiles_said(each)}" for each in latencies)
    heads = ("", "count", *_PERCENTILES)
    table = Table(
        heads,
        tuple(
            (each.name, number(each.count), *(amount(v, "ms") for v in _percentile_values(each)))
            for each in latencies
        ),
    )
    unit = "log scale" if x.log else x.unit
    return Plot(
        title, f"{said}.", _picture(key, title, said, drawing, high + 22), legend, table, unit
    )


def bar(share: float) -> Markup:
    """A bar as long as a share of the width, from 0 to 1; its number stands beside it."""
    held = min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    return Markup(
        '<svg class="bar" width="100%" height="10" aria-hidden="true">'
        '<rect width="{}%" height="10" rx="1.5"/></svg>'
    ).format(_short(100 * held))


def line_sign(look: int) -> Markup:
    """A piece of a line as it looks in its plot."""
    return Markup(
        '<svg class="sign" width="26" height="12" aria-hidden="true">'
        '<path class="line line-{}" d="M0 6H26"/></svg>'
    ).format(look)


def mark_sign(name: str) -> Markup:
    """The mark of a percentile as it looks in its plot."""
    return Markup(
        '<svg class="sign" width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">{}</svg>'
    ).format(_SHAPES[name])


def _picture(key: str, title: str, description: str, inside: Markup, height: int) -> Markup:
    return Markup(
        '<svg class="plot" role="img" aria-labelledby="{key}-t {key}-d" width="100%"'
        ' height="{height}"><title id="{key}-t">{title}</title><desc id="{key}-d">{words}</desc>'
        "{inside}</svg>"
    ).format(key=key, title=title, words=description, inside=inside, height=height)


def _grid(x: Axis, y: Axis) -> Markup:
    """Lines and names of both axes; those of the y axis stand left of the drawing."""
    parts = [_upright_grid(x, HEIGHT_PX)]
    for tick in y.ticks:
        at = _short(HEIGHT_PX * (1 - y.part(tick.value)))
        parts.append(
            Markup(
                '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>'
                '<text class="tick" x="-8" y="{}" dy="0.32em" text-anchor="end">{}</text>'
            ).format("zero" if tick.value == 0 else "grid", at, at, at, tick.words)
        )
    return Markup("").join(parts)


def _upright_grid(x: Axis, high: int) -> Markup:
    parts = [Markup('<line class="zero" x1="0" x2="100%" y1="{}" y2="{}"/>').format(high, high)]
    for tick in x.ticks:
        part = x.part(tick.value)
        # A name at an end leans inwards: it must not stand beyond the page.
        anchor = "start" if part < 1 - _LAST_SHARE else "end" if part > _LAST_SHARE else "middle"
        parts.append(
            Markup(
                '<line class="grid" x1="{at}" x2="{at}" y1="0" y2="{high}"/>'
                '<text class="tick" x="{at}" y="{below}" text-anchor="{anchor}">{words}</text>'
            ).format(at=_percent(part), high=high, below=high + 16, anchor=anchor, words=tick.words)
        )
    return Markup("").join(parts)


def _path(series: Series, x: Axis, y: Axis, look: int) -> Markup:
    """The series as one path; it is interrupted where a value is none."""
    steps, pen = [], False
    for at, value in zip(series.at_s, series.values, strict=True):
        if not (math.isfinite(at) and math.isfinite(value)) or (y.log and value <= 0):
            pen = False
            continue
        place = f"{_short(_ACROSS * x.part(at))} {_short(HEIGHT_PX * (1 - y.part(value)))}"
        # A point that stands alone is a line of no length, which its round ends make a dot.
        steps.append(f"L{place}" if pen else f"M{place}h0")
        pen = True
    return Markup('<path class="line line-{}" d="{}"><title>{}</title></path>').format(
        look, "".join(steps), series.name
    )


def _bands(spans: Sequence[Span], x: Axis) -> Markup:
    parts = [Markup("")]
    for span in spans:
        left, right = x.part(span.from_s), x.part(span.until_s)
        if span.shaded:
            parts.append(
                Markup('<rect class="span" x="{}" width="{}" y="0" height="{}"/>').format(
                    _percent(left), _percent(right - left), HEIGHT_PX
                )
            )
        if left > 0:
            parts.append(
                Markup('<line class="turn" x1="{at}" x2="{at}" y1="0" y2="{high}"/>').format(
                    at=_percent(left), high=HEIGHT_PX
                )
            )
    return Markup("").join(parts)


def _band_names(spans: Sequence[Span], x: Axis) -> Markup:
    """Names of the parts that are wide enough for them; the legend says what is shaded."""
    parts = [Markup("")]
    for span in spans:
        left, right = x.part(span.from_s), x.part(span.until_s)
        if right - left >= _LABEL_SHARE_MIN:
            parts.append(
                Markup(
                    '<text class="span-name" x="{}" y="-5" text-anchor="middle">{}</text>'
                ).format(_percent((left + right) / 2), span.name)
            )
    return Markup("").join(parts)


def _columns(buckets: Sequence[tuple[float, int]], x: Axis, y: Axis) -> Markup:
    parts, left = [], 0.0
    for edge, count in buckets:
        right = x.part(edge)
        high = HEIGHT_PX * y.part(count)
        # What is not nothing shows at least as a line.
        tall = max(high, 1.5) if count else 0.0
        if tall:
            parts.append(
                Markup('<rect class="column" x="{}" width="{}" y="{}" height="{}"/>').format(
                    _percent(left),
                    _percent(max(right - left, 0.002)),
                    _short(HEIGHT_PX - tall),
                    _short(tall),
                )
            )
        left = right
    return Markup("").join(parts)


def _percentile_lines(latency: Latency, x: Axis) -> Markup:
    """A line at each percentile; names stand above in two rows, as neighbours may lie close."""
    parts = [Markup("")]
    for at, (name, value) in enumerate(zip(_PERCENTILES, _percentile_values(latency), strict=True)):
        if not math.isfinite(value) or (x.log and value <= 0):
            continue
        row, part = -(at % 2 + 1) * _ROW_PX, x.part(value)
        anchor = "end" if part > _LAST_SHARE else "middle"
        parts.append(
            Markup(
                '<line class="percentile" x1="{at}" x2="{at}" y1="{top}" y2="{high}"/>'
                '<text class="percentile-name" x="{at}" y="{top}" dy="-2"'
                ' text-anchor="{anchor}">{name}</text>'
            ).format(
                at=_percent(part),
                top=row + _ROW_PX - 4,
                high=HEIGHT_PX,
                anchor=anchor,
                name=name,
            )
        )
    return Markup("").join(parts)


def _lane(latency: Latency, at: int, x: Axis) -> Markup:
    """A row of marks below the name of what they measure."""
    top = at * _LANE_PX
    known = [
        (name, x.part(value))
        for name, value in zip(_PERCENTILES, _percentile_values(latency), strict=True)
        if math.isfinite(value) and (value > 0 or not x.log)
    ]
    parts = [
        Markup('<text class="lane-name" x="0" y="{}">{}</text>').format(
            top + 15, _held(latency.name)
        )
    ]
    if known:
        parts.append(
            Markup('<line class="lane" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(
                _percent(known[0][1]), _percent(known[-1][1]), y=top + 30
            )
        )
    parts += [
        Markup('<svg x="{}" y="{}" overflow="visible">{}</svg>').format(
            _percent(part), top + 30, _SHAPES[name]
        )
        for name, part in known
    ]
    return Markup("").join(parts)


def _held(name: str) -> str:
    """A name that stays within a telephone; all of it stands in the table."""
    return name if len(name) <= NAME_LETTERS_MAX else f"{name[: NAME_LETTERS_MAX - 1]}…"


def _moments(series: Sequence[Series], unit: str) -> Table:
    """The values by moment, a column for each series."""
    moments = sorted({at for each in series for at in each.at_s if math.isfinite(at)})
    every = max(1, -(-len(moments) // ROWS_MAX))
    by_moment = [dict(zip(each.at_s, each.values, strict=True)) for each in series]
    rows = [
        (length(at), *(number(found[at]) if at in found else "" for found in by_moment))
        for at in moments[::every]
    ]
    left = f"1 of {every} moments; all are in report.json." if every > 1 else ""
    heads = ("after", *(f"{each.name}, {unit}" if unit else each.name for each in series))
    return Table(heads, tuple(rows), left)


def _extent(series: Series, unit: str) -> str:
    known = [value for value in series.values if math.isfinite(value)]
    if not known:
        return "no values"
    if min(known) == max(known):
        return f"always {amount(known[0], unit)}"
    scale = scale_of(unit, max(abs(value) for value in known))
    least, last = (number(value / scale.divisor) for value in (min(known), known[-1]))
    most = exact(max(known) / scale.divisor, scale.unit)
    return f"{least} to {most}, at the end {last}"


def _trimmed(latency: Latency) -> list[tuple[float, int]]:
    """The buckets without the empty ones at both ends; one of them stays on the left."""
    edged = [(edge, count) for edge, count in latency.buckets if not math.isnan(edge)]
    held = [at for at, (_, count) in enumerate(edged) if count]
    return edged[max(0, held[0] - 1) : held[-1] + 1] if held else edged


def _percentile_values(latency: Latency) -> tuple[float, ...]:
    return (latency.p50, latency.p90, latency.p99, latency.worst)


def _finite_percentiles(latency: Latency) -> list[float]:
    return [value for value in _percentile_values(latency) if math.isfinite(value)]


def _percentiles_said(latency: Latency) -> str:
    pairs = zip(_PERCENTILES, _percentile_values(latency), strict=True)
    return ", ".join(f"{name} {amount(value, 'ms')}" for name, value in pairs)


def _percent(part: float) -> str:
    return f"{_short(100 * part)}%"


def _short(value: float) -> str:
    """A number as short as it can be: two digits are a hundredth of a pixel or two."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
