"""Where phones were cut off, drawn by coordinates alone: there may be no map here.

Holds no choice of places. Invariant: a degree of longitude is as long as it is at the middle of the
places, so that distances in the drawing are true in every direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from simulator.report.amounts import SPACE, number
from simulator.report.charts import Plot, Table
from simulator.report.record import CutOff

METRES_A_DEGREE: Final = 111_320.0
PLACES_MAX: Final = 2_000
"""Circles that are drawn, the largest first; more would hide each other."""
LISTED_MAX: Final = 15
_SIDE: Final = 360.0
_EDGE: Final = 26.0
_EXTENT_M_MIN: Final = 200.0
_RADIUS_MAX: Final = 16.0
_RADIUS_MIN: Final = 2.5
_BAR_SHARE_MAX: Final = 0.35


@dataclass(frozen=True, slots=True)
class _Frame:
    """The part of the earth that is drawn: its middle, and units of the drawing a metre."""

    lat: float
    lon: float
    units_a_metre: float

    def place(self, lat: float, lon: float) -> tuple[float, float]:
        """Where a place lies in the drawing, from its left and top."""
        east_m = (lon - self.lon) * METRES_A_DEGREE * _narrowing(self.lat)
        north_m = (lat - self.lat) * METRES_A_DEGREE
        return (
            _SIDE / 2 + east_m * self.units_a_metre,
            _SIDE / 2 - north_m * self.units_a_metre,
        )


def drawn(key: str, cut_off: Sequence[CutOff]) -> Plot:
    """A map of the places, a circle as large as how many losses began there. `key` as in plots."""
    ordered = sorted(cut_off, key=lambda each: (-each.times, each.lat_e7, each.lon_e7))
    shown = ordered[:PLACES_MAX]
    frame = _frame(shown)
    most = max(each.times for each in shown)
    circles = Markup("").join(_circle(each, frame, most) for each in shown)
    bar_m = _bar_m(frame)
    total = sum(each.times for each in cut_off)
    title = "Where phones were cut off"
    places = "1 place" if len(cut_off) == 1 else f"{number(len(cut_off))} places"
    words = (
        f"{number(total)} losses of the network at {places}, at most {number(most)} at one. "
        "North is up; the larger a circle, the more losses began there."
    )
    drawing = Markup(
        '<svg class="places" role="img" aria-labelledby="{key}-t {key}-d" viewBox="0 0 360 360">'
        '<title id="{key}-t">{title}</title><desc id="{key}-d">{words}</desc>'
        '<rect class="ground" x="0.5" y="0.5" width="359" height="359" rx="4"/>{circles}{bar}'
        '<path class="scale-line" d="M342 34V14M337 20L342 13L347 20"/>'
        '<text class="scale-words" x="342" y="46" text-anchor="middle">N</text></svg>'
    ).format(key=key, title=title, words=words, circles=circles, bar=_bar(bar_m, frame))
    rows = tuple(
        (f"{each.lat_e7 / 1e7:.5f}", f"{each.lon_e7 / 1e7:.5f}", number(each.times))
        for each in ordered[:LISTED_MAX]
    )
    left = len(ordered) - len(rows)
    note = f"The {LISTED_MAX} with most losses; {number(left)} more are in report.json."
    table = Table(("latitude", "longitude", "losses"), rows, note if left else "")
    return Plot(title, words, drawing, (), table)


def _frame(places: Sequence[CutOff]) -> _Frame:
    lats = [each.lat_e7 / 1e7 for each in places]
    lons = [each.lon_e7 / 1e7 for each in places]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    tall_m = (max(lats) - min(lats)) * METRES_A_DEGREE
    wide_m = (max(lons) - min(lons)) * METRES_A_DEGREE * _narrowing(lat)
    return _Frame(lat, lon, (_SIDE - 2 * _EDGE) / max(tall_m, wide_m, _EXTENT_M_MIN))


def _narrowing(lat: float) -> float:
    """How long a degree of longitude is beside one of latitude; never nothing, at a pole either."""
    return max(math.cos(math.radians(lat)), 0.01)


def _circle(place: CutOff, frame: _Frame, most: int) -> Markup:
    x, y = frame.place(place.lat_e7 / 1e7, place.lon_e7 / 1e7)
    share = max(place.times, 0) / most if most > 0 else 0.0
    radius = max(_RADIUS_MIN, _RADIUS_MAX * math.sqrt(share))
    return Markup(
        '<circle class="loss" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{} at {:.5f}, {:.5f}'
        "</title></circle>"
    ).format(x, y, radius, number(place.times), place.lat_e7 / 1e7, place.lon_e7 / 1e7)


def _bar_m(frame: _Frame) -> float:
    """The longest of 1, 2 and 5 times a power of ten, in metres, that fits."""
    room_m = _SIDE * _BAR_SHARE_MAX / frame.units_a_metre
    power = 10.0 ** math.floor(math.log10(room_m))
    return max(step * power for step in (1, 2, 5) if step * power <= room_m)


def _bar(bar_m: float, frame: _Frame) -> Markup:
    words = f"{number(bar_m / 1_000)}{SPACE}km" if bar_m >= 1_000 else f"{number(bar_m)}{SPACE}m"
    return Markup(
        '<path class="scale-line" d="M14 342V347H{end:.1f}V342"/>'
        '<text class="scale-words" x="14" y="337">{words}</text>'
    ).format(end=14 + bar_m * frame.units_a_metre, words=words)
