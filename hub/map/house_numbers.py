"""Where a house number stands in a street, also when the map does not have it.

Holds one pure function over a street's known numbers. Invariant: an answer that is not the very
number says so in its note, and a place between two houses is never called a rooftop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.dispatch.geometry import Point
from hub.map.folding import HouseNumber

TIER_EXACT: Final = 1
TIER_SAME_HOUSE: Final = 3
TIER_BETWEEN: Final = 4
TIER_BEGINS: Final = 5
TIER_STREET: Final = 7
SUGGESTIONS_MAX: Final = 5

KnownNumber = tuple[Any, ...]
"""number, low, high, letter, town, postcode, lat_e7, lon_e7."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the number is, or the nearest thing to it."""

    number: str
    town: str
    postcode: str
    lat_e7: int
    lon_e7: int
    rooftop: bool
    tier: int
    note: str = ""


def place_between(wanted: HouseNumber, known: Sequence[KnownNumber], middle: Point) -> list[Placed]:
    """Return where a number of a street is, the best answer first.

    `known` are the street's numbers in rising order, `middle` is the street's own place. There is
    at least one answer always.
    """
    exact = [row for row in known if _is_exact(wanted, row)]
    if exact:
        found = [_placed(row, TIER_EXACT) for row in exact]
        begins = [
            row
            for row in known
            if row not in exact and row[0].startswith(str(wanted.low)) and not wanted.letter
        ]
        return found + [_placed(row, TIER_BEGINS) for row in begins[:SUGGESTIONS_MAX]]
    typed = f"{wanted.low}{wanted.letter.upper()}"
    covering = [row for row in known if _number(row).covers(wanted)]
    if covering:
        note = f"Number {typed} is not on the map; this is {covering[0][0]}."
        return [_placed(covering[0], TIER_SAME_HOUSE, note)]
    if not known:
        note = f"The map has no house numbers here; this is the middle of the street, not {typed}."
        return [Placed(typed, "", "", *middle, rooftop=False, tier=TIER_STREET, note=note)]
    return [_between(wanted, known, typed)]


def _number(row: KnownNumber) -> HouseNumber:
    """Return a row's number as it can be compared."""
    return HouseNumber(row[1], row[2], row[3])


def _is_exact(wanted: HouseNumber, row: KnownNumber) -> bool:
    """Return whether a row is the very number, letter and all."""
    return _number(row) == wanted


def _placed(row: KnownNumber, tier: int, note: str = "") -> Placed:
    """Return a number that is on the map."""
    number, _low, _high, _letter, town, postcode, lat_e7, lon_e7 = row
    return Placed(number, town, postcode, lat_e7, lon_e7, rooftop=True, tier=tier, note=note)


def _between(wanted: HouseNumber, known: Sequence[KnownNumber], typed: str) -> Placed:
    """Place a number that the map does not have between its neighbours on the same side."""
    side = [row for row in known if row[1] % 2 == wanted.low % 2] or list(known)
    below = [row for row in side if row[1] < wanted.low]
    above = [row for row in side if row[1] > wanted.low]
    if below and above:
        low, high = max(below, key=lambda row: row[1]), min(above, key=lambda row: row[1])
        share = (wanted.low - low[1]) / (high[1] - low[1])
        lat_e7 = round(low[6] + share * (high[6] - low[6]))
        lon_e7 = round(low[7] + share * (high[7] - low[7]))
        note = f"Number {typed} is not on the map; placed between {low[0]} and {high[0]}."
        return Placed(
            typed, low[4], low[5], lat_e7, lon_e7, rooftop=False, tier=TIER_BETWEEN, note=note
        )
    nearest = min(side, key=lambda row: abs(row[1] - wanted.low))
    note = f"Number {typed} is not on the map; placed at {nearest[0]}, the nearest number."
    return Placed(
        typed, nearest[4], nearest[5], nearest[6], nearest[7],
        rooftop=False, tier=TIER_BETWEEN, note=note,
    )  # fmt: skip
