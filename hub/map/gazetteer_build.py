"""Making the gazetteer: the extract's streets, addresses, places and landmarks as a SQLite file.

Holds the building and the file's schema; `gazetteer.py` searches it. Invariant: every row of
`spot` is found by its own name, an address belongs to exactly one street, and the file is
complete or the build raised.

Source: FTS5's documentation for `unicode61`, `prefix` and `trigram`.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.dispatch.geometry import Point, distance_m
from hub.map.extract import Address, Extract, Named
from hub.map.folding import HouseNumber, fold, house_number, spellings
from hub.map.gazetteer import FORMAT_VERSION, cell_of

# How far a place of each kind reaches, against a village; it decides whose street one is.
_REACH: Final = {"city": 6.0, "town": 3.0, "village": 1.0, "hamlet": 0.4}
_RANK_BY_WEIGHT: Final = {
    "city": 100, "town": 80, "borough": 60, "village": 60, "suburb": 50, "quarter": 40,
    "island": 40, "hamlet": 40, "neighbourhood": 35, "square": 30,
}  # fmt: skip
_OWN_TOWN: Final = frozenset({"city", "town", "village"})
_RANK_PLACE: Final = 20
_RANK_STREET: Final = 30
_RANK_POI: Final = 10

_SCHEMA: Final = f"""
PRAGMA user_version = {FORMAT_VERSION};
-- What can be found: a street, a place, or a landmark.
CREATE TABLE spot (
    spot        INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,      -- 'street', 'place' or 'poi'
    name        TEXT NOT NULL,      -- as it stands on the sign
    folded      TEXT NOT NULL,      -- the name made comparable
    names       TEXT NOT NULL,      -- all its names made comparable, one a line
    weight      TEXT NOT NULL,      -- what kind of place or landmark it is
    street      TEXT NOT NULL,      -- a landmark's own address, or ''
    town        TEXT NOT NULL,      -- the town it lies in, or ''
    rank        INTEGER NOT NULL,   -- larger is better known
    lat_e7      INTEGER NOT NULL,
    lon_e7      INTEGER NOT NULL
);
-- House numbers, each of one street.
CREATE TABLE address (
    address     INTEGER PRIMARY KEY,
    spot        INTEGER NOT NULL REFERENCES spot,
    number      TEXT NOT NULL,      -- as it stands on the door: '12-14 B'
    low         INTEGER NOT NULL,   -- 12
    high        INTEGER NOT NULL,   -- 14
    letter      TEXT NOT NULL,      -- 'b', or ''
    town        TEXT NOT NULL,
    postcode    TEXT NOT NULL,
    cell        INTEGER NOT NULL,   -- grid cell, for the question what is here
    lat_e7      INTEGER NOT NULL,
    lon_e7      INTEGER NOT NULL
);
CREATE INDEX address_by_number ON address (spot, low, high);
CREATE INDEX address_by_cell ON address (cell);
-- All words of a spot: its names in every language and spelling, its town, its postcodes.
CREATE VIRTUAL TABLE word USING fts5(
    text, content='', tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
);
-- Every distinct word, to find the one that was meant.
CREATE TABLE vocabulary (word TEXT NOT NULL, spots INTEGER NOT NULL);
CREATE VIRTUAL TABLE trigram USING fts5(
    word, content='vocabulary', content_rowid='rowid', tokenize='trigram'
);
"""


@dataclass(slots=True)
class _StreetGroup:
    """The pieces of one street of one town."""

    name: str
    town: str
    others: dict[str, None] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)


def write_gazetteer(extract: Extract, path: Path) -> dict[str, int]:
    """Write the gazetteer of an extract to a new file; return how many rows of each kind it has."""
    towns = _Towns(extract.named)
    streets = _streets(extract, towns)
    named = _distinct(extract.named)
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        database.execute("BEGIN")
        counts = {"addresses": 0, "streets": len(streets)}
        for street in streets:
            counts["addresses"] += _write_street(database, street)
        for one in named:
            town = "" if one.weight in _OWN_TOWN else one.town
            if not town and one.weight not in _OWN_TOWN:
                town = towns.nearest(one.lat_e7, one.lon_e7, one.name)
            _write_named(database, one, town)
        counts["places"] = sum(one.kind == "place" for one in named)
        counts["landmarks"] = sum(one.kind == "poi" for one in named)
        _write_vocabulary(database)
        database.execute("COMMIT")
        database.execute("INSERT INTO word (word) VALUES ('optimize')")
        return counts
    finally:
        database.close()


class _Towns:
    """Which town a place belongs to, where the map does not say so itself."""

    def __init__(self, named: Iterable[Named]) -> None:
        self._towns = [one for one in named if one.kind == "place" and one.weight in _REACH]

    def nearest(self, lat_e7: int, lon_e7: int, own_name: str = "") -> str:
        """Return the town whose reach is the strongest here, or an empty text."""
        shrink = math.cos(math.radians(lat_e7 / 1e7))
        best, best_pull = "", math.inf
        for town in self._towns:
            away = math.hypot(town.lat_e7 - lat_e7, (town.lon_e7 - lon_e7) * shrink)
            pull = away / _REACH[town.weight]
            if pull < best_pull and town.name != own_name:
                best, best_pull = town.name, pull
        return best


def _streets(extract: Extract, towns: _Towns) -> list[_StreetGroup]:
    """Group the pieces of streets by name and town, and hang the addresses on them."""
    groups: dict[tuple[str, str], _StreetGroup] = {}
    by_name: dict[str, list[_StreetGroup]] = {}

    def group(name: str, town: str) -> _StreetGroup:
        key = (fold(name), town)
        if key not in groups:
            groups[key] = _StreetGroup(name, town)
            by_name.setdefault(key[0], []).append(groups[key])
        return groups[key]

    for piece in extract.streets:
        own = group(piece.name, towns.nearest(piece.lat_e7, piece.lon_e7))
        own.points.append((piece.lat_e7, piece.lon_e7))
        own.others.update(dict.fromkeys(piece.others))
    for address in extract.addresses:
        town = address.town or towns.nearest(address.lat_e7, address.lon_e7)
        named = by_name.get(fold(address.street), [])
        owner = _nearest_group(named, address) or group(address.street, town)
        owner.addresses.append(address)
    for one in groups.values():
        said = Counter(address.town for address in one.addresses if address.town)
        if said:
            one.town = said.most_common(1)[0][0]
    return [one for one in groups.values() if one.points or one.addresses]


_STREET_M_MAX: Final = 3_000.0
"""An address farther than this from every piece of a street belongs to a namesake of it."""


def _nearest_group(groups: Sequence[_StreetGroup], address: Address) -> _StreetGroup | None:
    """Return the street of this name that the address stands at, or None if it is another one."""
    best: tuple[float, int] | None = None
    for place, group in enumerate(groups):
        points = group.points or [(one.lat_e7, one.lon_e7) for one in group.addresses[:1]]
        for lat_e7, lon_e7 in points:
            away = distance_m(lat_e7, lon_e7, address.lat_e7, address.lon_e7)
            if away <= _STREET_M_MAX and (best is None or away < best[0]):
                best = (away, place)
    return None if best is None else groups[best[1]]


def _distinct(named: Sequence[Named]) -> list[Named]:
    """Leave out what the map holds twice: a landmark as a point and as the building around it."""
    seen: dict[tuple[str, str, int, int], Named] = {}
    for one in named:
        key = (one.kind, fold(one.name), one.lat_e7 // 10_000, one.lon_e7 // 20_000)
        if key not in seen or len(one.street) > len(seen[key].street):
            seen[key] = one
    return list(seen.values())


def _middle(points: Sequence[Point]) -> Point:
    """Return the point that lies in the middle of the others, so that it is on the street."""
    lat = sum(point[0] for point in points) / len(points)
    lon = sum(point[1] for point in points) / len(points)
    return min(points, key=lambda point: (abs(point[0] - lat) + abs(point[1] - lon), point))


def _write_street(database: sqlite3.Connection, street: _StreetGroup) -> int:
    """Write a street with its addresses, and return how many addresses it has."""
    lat_e7, lon_e7 = _middle(street.points or [(a.lat_e7, a.lon_e7) for a in street.addresses])
    rows: dict[tuple[str, str], tuple[Address, HouseNumber]] = {}
    for address in street.addresses:
        number = house_number(address.number)
        if number is not None:
            # A shop often stands beside its house with the same number; one of them is enough.
            rows.setdefault(
                (fold(address.number), address.town or street.town),
                (address, number),
            )
    towns = {street.town, *(address.town for address in street.addresses)}
    postcodes = {address.postcode for address in street.addresses}
    spot = _write_spot(
        database,
        ("street", street.name, "", "", street.town),
        street.others,
        # A street that only addresses speak of is often a yard or a misspelt one.
        _RANK_STREET + min(20, len(street.points)) if street.points else _RANK_POI + 1,
        (lat_e7, lon_e7),
        [*sorted(towns), *sorted(postcodes)],
    )
    for (_folded, town), (address, number) in rows.items():
        database.execute(
            "INSERT INTO address (spot, number, low, high, letter, town, postcode, cell,"
            " lat_e7, lon_e7) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                spot, address.number, number.low, number.high, number.letter, town,
                address.postcode, cell_of(address.lat_e7, address.lon_e7),
                address.lat_e7, address.lon_e7,
            ),
        )  # fmt: skip
    return len(rows)


def _write_named(database: sqlite3.Connection, one: Named, town: str) -> None:
    """Write a place or a landmark."""
    rank = _RANK_BY_WEIGHT.get(one.weight, _RANK_PLACE) if one.kind == "place" else _RANK_POI
    _write_spot(
        database,
        (one.kind, one.name, one.weight, one.street, town),
        one.others,
        rank,
        (one.lat_e7, one.lon_e7),
        [one.street, town],
    )


def _write_spot(
    database: sqlite3.Connection,
    texts: tuple[str, str, str, str, str],
    others: Iterable[str],
    rank: int,
    point: Point,
    around: Iterable[str],
) -> int:
    """Write one row and the words that find it: its names, and what lies around it."""
    kind, name, weight, street, town = texts
    names: dict[str, None] = {}
    for text in (name, *others):
        names.update(dict.fromkeys(spellings(text)))
    cursor = database.execute(
        "INSERT INTO spot (kind, name, folded, names, weight, street, town, rank, lat_e7, lon_e7)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        (kind, name, fold(name), "\n".join(names), weight, street, town, rank, *point),
    )
    spot = cursor.lastrowid
    if spot is None:
        raise RuntimeError("SQLite gave the new row no number")
    words: dict[str, None] = {}
    for text in (*names, *(spelling for one in around for spelling in spellings(one))):
        words.update(dict.fromkeys(text.split()))
    database.execute("INSERT INTO word (rowid, text) VALUES (?,?)", (spot, " ".join(words)))
    return spot


def _write_vocabulary(database: sqlite3.Connection) -> None:
    """Write every distinct word that is long enough to be misspelt and still be recognised."""
    database.execute("CREATE VIRTUAL TABLE temp.term USING fts5vocab(main, word, row)")
    database.execute(
        "INSERT INTO vocabulary (word, spots) SELECT term, doc FROM temp.term"
        " WHERE length(term) >= 4 ORDER BY term"
    )
    database.execute("DROP TABLE temp.term")
    database.execute("INSERT INTO trigram (trigram) VALUES ('rebuild')")
