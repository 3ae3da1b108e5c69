"""Finding a place by what somebody types, and an address by where somebody clicks.

Holds the searches over the file that `gazetteer_build.py` makes. Customers' own places are not in
it; they are in the store, and a page offers them first.

Invariant: every answer says what kind of thing it is, how exact it is, and what was not found of
what was typed; no search changes the file, and any text is a valid question.
"""

from __future__ import annotations

import enum
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from core.dispatch.geometry import Point, distance_m
from hub.map.coordinates import read_point
from hub.map.errors import RegionError
from hub.map.folding import (
    ABBREVIATIONS,
    HouseNumber,
    edits_allowed,
    fold,
    house_number,
    word_distance,
)
from hub.map.house_numbers import (
    TIER_BETWEEN,
    TIER_SAME_HOUSE,
    TIER_STREET,
    place_between,
)

FORMAT_VERSION: Final = 1
"""Of the file; `gazetteer_build.py` holds its schema."""
TEXT_CHARACTERS_MAX: Final = 200
"""Longer than any address; what is pasted beyond it is not an address."""
WORDS_MAX: Final = 12
ANSWERS_MAX: Final = 50
HERE_M_MAX: Final = 300.0
"""Farther away, a house number says nothing about a place."""
_CELL_E7: Final = 20_000
"""Side of the grid cells for the question what is here: about 220 m from south to north."""
_CELL_STRIDE: Final = 1_000_000
_POSTCODE_DIGITS_MIN: Final = 4
"""A shorter number alone is a house number on its way to its street."""
_SPOTS_MAX: Final = 200
_CORRECTIONS_MAX: Final = 60


def cell_of(lat_e7: int, lon_e7: int) -> int:
    """Return the number of the grid cell of a place."""
    return (lat_e7 // _CELL_E7) * _CELL_STRIDE + lon_e7 // _CELL_E7


class Kind(enum.StrEnum):
    """What an answer is."""

    ADDRESS = "address"
    STREET = "street"
    PLACE = "place"
    LANDMARK = "landmark"
    POINT = "point"


class Accuracy(enum.StrEnum):
    """How exact an answer's position is, in the words that a screen shows."""

    POINT = "point"
    ROOFTOP = "rooftop"
    STREET = "street"
    TOWN = "town"


@dataclass(frozen=True, slots=True)
class Answer:
    """One place that was found.

    `label` is what to show and keep, `note` a sentence on what differs from what was asked, or ''.
    """

    kind: Kind
    label: str
    lat_e7: int
    lon_e7: int
    accuracy: Accuracy
    note: str = ""

    @property
    def point(self) -> Point:
        """The position as latitude and longitude in 1e-7 degree."""
        return self.lat_e7, self.lon_e7


@dataclass(frozen=True, slots=True)
class _Spot:
    """A row of the gazetteer."""

    spot: int
    kind: str
    name: str
    folded: str
    names: str
    street: str
    town: str
    rank: int
    lat_e7: int
    lon_e7: int


@dataclass(frozen=True, slots=True)
class _Found:
    """An answer with its place in the order: a smaller tier first, then a larger rank."""

    tier: int
    rank: int
    answer: Answer


class Gazetteer:
    """An open gazetteer; any thread may ask. A question takes a few milliseconds at most."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Gazetteer:
        """Open a gazetteer's file for reading; raises RegionError."""
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1",
                uri=True,
                check_same_thread=False,
            )
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise RegionError(f"{path.name} is damaged. Import the region again.") from error
        if version != FORMAT_VERSION:
            connection.close()
            raise RegionError(
                f"{path.name} was made by another version of this program. Import the region again."
            )
        return cls(connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def check(self) -> None:
        """Read the whole file; raises RegionError if anything in it is damaged."""
        try:
            verdict = self._rows("PRAGMA quick_check")[0][0]
            self._rows("SELECT count(*) FROM spot JOIN word ON word.rowid = spot.spot")
        except sqlite3.Error as error:
            raise RegionError("The gazetteer is damaged. Import the region again.") from error
        if verdict != "ok":
            raise RegionError("The gazetteer is damaged. Import the region again.")

    def counts(self) -> dict[str, int]:
        """Return how many addresses, streets, places and landmarks there are."""
        rows = dict(self._rows("SELECT kind, count(*) FROM spot GROUP BY kind"))
        return {
            "addresses": self._rows("SELECT count(*) FROM address")[0][0],
            "streets": rows.get("street", 0),
            "places": rows.get("place", 0),
            "landmarks": rows.get("poi", 0),
        }

    def addresses(self) -> list[tuple[str, int, int]]:
        """Every address of the region: its words and its place, in order of the words."""
        rows = self._rows(
            "SELECT spot.name, address.number, address.town, address.lat_e7, address.lon_e7 "
            "FROM address JOIN spot USING (spot) ORDER BY spot.name, address.low, address.number"
        )
        return [
            (_label(f"{name} {number}", town), lat, lon) for name, number, town, lat, lon in rows
        ]

    def search(self, text: str, limit: int = 8, near: Point | None = None) -> list[Answer]:
        """Return what a text may mean, the likeliest first.

        `near` breaks ties between namesakes. Coordinates and plus codes are answered as they are.
        """
        point = read_point(text)
        if point is not None:
            lat_e7, lon_e7 = point
            label = f"{lat_e7 / 1e7:.5f}, {lon_e7 / 1e7:.5f}"
            return [Answer(Kind.POINT, label, lat_e7, lon_e7, Accuracy.POINT)]
        words = fold(text[:TEXT_CHARACTERS_MAX]).split()[:WORDS_MAX]
        if all(word.isdecimal() and len(word) < _POSTCODE_DIGITS_MIN for word in words):
            return []
        for attempt, note in self._attempts(words):
            found = self._matches(attempt)
            if found:
                return _ordered(found, note, min(limit, ANSWERS_MAX), near)
        return []

    def here(self, point: Point) -> Answer | None:
        """Return the nearest address to a place, or None if there is none within 300 m."""
        lat_e7, lon_e7 = point
        row, column = lat_e7 // _CELL_E7, lon_e7 // _CELL_E7
        # Towards the poles a cell gets narrow, so more of them are looked at from east to west.
        wide = 3 if abs(lat_e7) < 450_000_000 else 6
        best: tuple[float, tuple[Any, ...]] | None = None
        for other in range(row - 2, row + 3):
            first = other * _CELL_STRIDE + column
            for address in self._rows(
                "SELECT a.lat_e7, a.lon_e7, s.name, a.number, a.postcode, a.town"
                " FROM address a JOIN spot s USING (spot) WHERE a.cell BETWEEN ? AND ?",
                (first - wide, first + wide),
            ):
                away = distance_m(lat_e7, lon_e7, address[0], address[1])
                if away <= HERE_M_MAX and (best is None or away < best[0]):
                    best = (away, address)
        if best is None:
            return None
        away, (at_lat, at_lon, name, number, postcode, town) = best
        label = _label(f"{name} {number}", f"{postcode} {town}")
        note = f"{away:.0f} m from there" if away >= 15 else ""
        return Answer(Kind.ADDRESS, label, at_lat, at_lon, Accuracy.ROOFTOP, note)

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Ask the database; one thread at a time."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def _attempts(self, words: list[str]) -> Iterator[tuple[list[str], str]]:
        """Yield what may be sought, from what was typed to less and less of it."""
        if not words:
            return
        yield words, ""
        corrected = [self._corrected(word) for word in words]
        known = [word for word in corrected if word is not None]
        missing = [word for word, one in zip(words, corrected, strict=True) if one is None]
        note = f"Not found, left out: {', '.join(missing)}." if missing else ""
        if known != words and any(not word[0].isdigit() for word in known):
            yield known, note
        # Words that exist, but not together: one of them is wrong, the last one most likely.
        for place in range(len(known) - 1, -1, -1):
            rest = known[:place] + known[place + 1 :]
            if any(not word[0].isdigit() and len(word) > 2 for word in rest):
                yield rest, f"Not found, left out: {', '.join([*missing, known[place]])}."

    def _corrected(self, word: str) -> str | None:
        """Return the word if the map knows it, one that has it inside, the nearest one, or None."""
        if word[0].isdigit() or len(word) == 1:
            return word
        if self._rows("SELECT 1 FROM word WHERE word MATCH ? LIMIT 1", (_match([word]),)):
            return word
        allowed = edits_allowed(word)
        if allowed == 0:
            return None
        inside = self._rows(
            "SELECT v.word FROM trigram JOIN vocabulary v ON v.rowid = trigram.rowid"
            " WHERE trigram MATCH ? ORDER BY v.spots DESC, v.word LIMIT 1",
            (f'"{word}"',),
        )
        if inside:
            return str(inside[0][0])
        pieces = {word[start : start + 3] for start in range(len(word) - 2)}
        candidates = self._rows(
            "SELECT v.word, v.spots FROM trigram JOIN vocabulary v ON v.rowid = trigram.rowid"
            " WHERE trigram MATCH ? ORDER BY trigram.rank LIMIT ?",
            (" OR ".join(f'"{piece}"' for piece in sorted(pieces)), _CORRECTIONS_MAX),
        )
        best: tuple[int, int, str] | None = None
        for candidate, spots in candidates:
            edits = word_distance(word, candidate, allowed)
            if edits is not None:
                key = (edits, -spots, candidate)
                best = key if best is None else min(best, key)
        return None if best is None else best[2]

    def _matches(self, words: Sequence[str]) -> list[_Found]:
        """Return everything that has all the words, read with and without a house number."""
        whole = " ".join(words)
        found = [_as_spot(spot, whole) for spot in self._spots(words)]
        for place, word in enumerate(words):
            if not word[0].isdigit():
                continue
            number = house_number(word)
            rest = [*words[:place], *words[place + 1 :]]
            if number is None or not rest:
                continue
            found += self._numbered(rest, number)
            follower = words[place + 1] if place + 1 < len(words) else ""
            if follower.isdecimal() and len(rest) > 1:
                # `3-7` is one house; folding made two words of it.
                span = house_number(f"{word}-{follower}") or number
                found += self._numbered([*words[:place], *words[place + 2 :]], span)
            # A letter by itself behind the number belongs to it: `12 B`.
            if len(follower) == 1 and follower.isalpha() and not number.letter and len(rest) > 1:
                rest = [*words[:place], *words[place + 2 :]]
                found += self._numbered(rest, replace(number, letter=follower))
        return found

    def _spots(self, words: Sequence[str], kind: str = "%") -> list[_Spot]:
        """Return the best known rows that have all the words, or words that begin so."""
        rows = self._rows(
            "SELECT s.spot, s.kind, s.name, s.folded, s.names, s.street, s.town, s.rank, s.lat_e7,"
            " s.lon_e7 FROM word JOIN spot s ON s.spot = word.rowid"
            " WHERE word MATCH ? AND s.kind LIKE ?"
            " ORDER BY s.folded = ? DESC, s.rank DESC, s.spot LIMIT ?",
            (_match(words), kind, " ".join(words), _SPOTS_MAX),
        )
        return [_Spot(*row) for row in rows]

    def _numbered(self, words: Sequence[str], number: HouseNumber) -> list[_Found]:
        """Return the addresses with this number in the streets that the words name."""
        found: list[_Found] = []
        for street in self._spots(words, "street")[:40]:
            rows = self._rows(
                "SELECT number, low, high, letter, town, postcode, lat_e7, lon_e7 FROM address"
                " WHERE spot = ? ORDER BY low, letter, number",
                (street.spot,),
            )
            named = 10 * (" ".join(words) in street.names.split("\n"))
            for placed in place_between(number, rows, (street.lat_e7, street.lon_e7)):
                town = placed.town or street.town
                label = _label(f"{street.name} {placed.number}", f"{placed.postcode} {town}")
                accuracy = Accuracy.ROOFTOP if placed.rooftop else Accuracy.STREET
                kind = Kind.ADDRESS if placed.rooftop else Kind.STREET
                answer = Answer(kind, label, placed.lat_e7, placed.lon_e7, accuracy, placed.note)
                found.append(_Found(placed.tier, street.rank + named, answer))
        if any(one.tier <= TIER_SAME_HOUSE for one in found):
            # A guess in a namesake is of no use where the very house is known.
            found = [one for one in found if one.tier not in (TIER_BETWEEN, TIER_STREET)]
        return found


_TIER_PLACE: Final = 0
_TIER_NAMED: Final = 2
_TIER_BEGINS: Final = 6
_TIER_AROUND: Final = 8
"""Tiers of names; those of house numbers (1, 3 to 5 and 7) lie between, in `house_numbers.py`."""


def _as_spot(spot: _Spot, whole: str) -> _Found:
    """Put a name in its order: a place that is called exactly so comes before everything.

    What has a word only in its town or address comes last.
    """
    if whole in spot.names.split("\n"):
        tier = _TIER_PLACE if spot.kind == "place" else _TIER_NAMED
    else:
        own = spot.names.split()
        within = all(any(one.startswith(word) for one in own) for word in whole.split())
        tier = _TIER_BEGINS if within else _TIER_AROUND
    kind = Kind.LANDMARK if spot.kind == "poi" else Kind(spot.kind)
    accuracy = {
        Kind.LANDMARK: Accuracy.ROOFTOP,
        Kind.STREET: Accuracy.STREET,
    }.get(kind, Accuracy.TOWN)
    town = "" if spot.town == spot.name else spot.town
    label = _label(spot.name, spot.street, town)
    begins = 5 * spot.folded.startswith(whole)
    answer = Answer(kind, label, spot.lat_e7, spot.lon_e7, accuracy)
    return _Found(tier, spot.rank + begins, answer)


def _label(*parts: str) -> str:
    """Join the parts of an address that are there."""
    return ", ".join(part.strip() for part in parts if part.strip())


def _match(words: Sequence[str]) -> str:
    """Return the FTS5 question: every word must be there, or one that begins with it."""
    terms = []
    for word in words:
        meant = (word, *ABBREVIATIONS.get(word, ()))
        terms.append("(" + " OR ".join(f'"{one}"*' for one in meant) + ")")
    return " AND ".join(terms)


def _ordered(found: list[_Found], note: str, limit: int, near: Point | None) -> list[Answer]:
    """Sort the answers, leave out repetitions, and add what was left out of the question."""

    def key(one: _Found) -> tuple[int, int, float, str]:
        away = 0.0 if near is None else distance_m(*near, *one.answer.point)
        return one.tier, -one.rank, away, one.answer.label

    answers: dict[str, Answer] = {}
    for one in sorted(found, key=key):
        if note:
            joined = f"{note} {one.answer.note}".strip()
            answers.setdefault(one.answer.label, replace(one.answer, note=joined))
        else:
            answers.setdefault(one.answer.label, one.answer)
    return list(answers.values())[:limit]
