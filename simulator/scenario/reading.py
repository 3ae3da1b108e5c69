"""Reads a scenario from a TOML file, and says of each wrong key where it is and what is allowed.

Holds no keys (see `keys`) and runs nothing. Invariant: a file of which nothing was said to be wrong
gives the scenario that it says, and any other gives none.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Final

from simulator.draw import CALM, HOSTILE_FAULTS, Options
from simulator.scenario.keys import (
    NEEDS,
    NEEDS_TWO_HUBS,
    PARTS,
    TABLE_BY_NAME,
    TABLES,
    TOP_KEYS,
    Key,
    Table,
    number_in_words,
)
from simulator.scenario.lines import lines_of_keys
from simulator.scenario.scenario import Scenario
from simulator.world.points import POINTS

BYTES_MAX: Final = 1_000_000
NAME_LETTERS_MAX: Final = 60
ABOUT_LETTERS_MAX: Final = 300
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class ScenarioError(Exception):
    """The file is no scenario; each line says where, what is wrong, and what is allowed."""


def read_file(path: Path) -> Scenario:
    """The scenario of a file.

    Raises:
        ScenarioError: it can't be read, or is none.
    """
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ScenarioError(f"{path} can't be read: {error.strerror}") from error
    if len(data) > BYTES_MAX:
        raise ScenarioError(f"{path} is no scenario: it is larger than a megabyte")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{path}:{line}: this is no UTF-8; save the file as UTF-8") from error
    return read(text, str(path))


def read(text: str, name: str) -> Scenario:
    """The scenario of a text; `name` is what errors call its file.

    Raises:
        ScenarioError: it is none.
    """
    try:
        found, lines = tomllib.loads(text), lines_of_keys(text)
    except ValueError as error:
        # Also of a number with thousands of digits, whose place nobody tells.
        place = _PLACE.search(str(error))
        line = place[1] if place and place[1] else max(1, len(text.splitlines()))
        words = _PLACE.sub("", str(error))
        raise ScenarioError(f"{name}:{line}: this is no TOML: {words}") from error
    except RecursionError as error:
        raise ScenarioError(f"{name} is no scenario: its values lie too deep") from error
    reader = _Reader(name, lines)
    scenario = reader.scenario(found)
    if reader.wrong:
        # In the order of the file.
        raise ScenarioError("\n".join(words for _, words in sorted(reader.wrong)))
    return scenario


class _Reader:
    """One reading; `wrong` is what it found, each with its line."""

    def __init__(self, name: str, lines: Mapping[tuple[str, ...], int]) -> None:
        self._name = name
        self._lines = lines
        self.wrong: list[tuple[int, str]] = []

    def scenario(self, found: Mapping[str, Any]) -> Scenario:
        """What the file says; only where nothing is wrong does it mean anything."""
        self._unknown(found)
        parts: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
        for table in TABLES:
            keys = found.get(table.name, {})
            if isinstance(keys, dict):
                parts[table.part] |= self._values(table, keys)
            else:
                self._object((table.name,), f"is a table: write [{table.name}] on a line")
        options = parts["options"]
        self._needed(options)
        self._two_hubs(options, parts["site"])
        return Scenario(
            self._text(found, "name", NAME_LETTERS_MAX),
            self._text(found, "about", ABOUT_LETTERS_MAX),
            **{part: PARTS[part](**values) for part, values in parts.items()},
            given=frozenset(options),
        )

    def _object(self, path: tuple[str, ...], words: str) -> None:
        line = self._lines.get(path, 1)
        told = ".".join(map(_name_in_words, path))
        self.wrong.append((line, f"{self._name}:{line}: {told} {words}"))

    def _unknown(self, found: Mapping[str, Any]) -> None:
        known = [*TOP_KEYS, *TABLE_BY_NAME]
        homes = {key.name: table.name for table in TABLES for key in table.keys}
        for name in found.keys() - set(known):
            if name in homes:
                self._object((name,), f"stands in the table [{homes[name]}]")
            else:
                self._object((name,), f"is not known here; {_nearest(name, known)}")

    def _text(self, found: Mapping[str, Any], name: str, letters_max: int) -> str:
        if name not in found:
            words = f'write {name} = "…" at the top: {TOP_KEYS[name]}'
            self.wrong.append((1, f"{self._name}:1: {name} is missing; {words}"))
            return ""
        text = found[name]
        if not isinstance(text, str):
            self._object((name,), f"is a text in quotes, not {_in_words(text)}")
            return ""
        words = " ".join(text.split())
        if not words or len(words) > letters_max or not words.isprintable():
            self._object((name,), f"is a text of 1 to {letters_max} letters")
        return words

    def _values(self, table: Table, found: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in found.items():
            path, key = (table.name, name), table.key(name)
            if key is None:
                self._object(path, _unknown_key(table, name))
                continue
            wrong, taken = _taken(value, key, table.default(key))
            if wrong:
                self._object(path, wrong)
            else:
                values[name] = taken
        return values

    def _two_hubs(self, options: Mapping[str, Any], site: Mapping[str, Any]) -> None:
        for option in NEEDS_TWO_HUBS:
            if options.get(option) and site.get("hubs") == 1:
                self._object(("hubs", option), "needs hubs = 2 in [site]: who tells where it went?")

    def _needed(self, given: Mapping[str, Any]) -> None:
        """What is given must do something, and be possible together."""
        options = Options(**given)

        def wrong(option: str, words: str) -> None:
            home = next(each.name for each in TABLES if each.key(option) and each.part == "options")
            self._object((home, option), words)

        for option, needed in NEEDS:
            if option in given and _says(options, option) and not _says(options, needed):
                wrong(option, f"does nothing without {needed}")
        if options.latency_s_min > options.latency_s_max:
            option = "latency_s_min" if "latency_s_min" in given else "latency_s_max"
            wrong(option, "does not fit: latency_s_min is more than latency_s_max")
        if options.websockets and HOSTILE_FAULTS.intersection(options.faults()):
            wrong("websockets", "and [frames] do not go together: what TLS carries is whole")


def _says(options: Options, option: str) -> bool:
    return bool(getattr(options, option) != getattr(CALM, option))


def _taken(value: object, key: Key, default: object) -> tuple[str, Any]:
    """What is wrong with a value, '' for nothing, and the value as the scenario takes it."""
    if isinstance(default, bool):
        if isinstance(value, bool):
            return "", value
        return f"is true or false, not {_in_words(value)}", None
    if isinstance(default, tuple):
        return _points(value)
    if key.optional and value is False:
        return "", None
    whole = isinstance(default, int)
    allowed = f"{'a whole number' if whole else 'a number'} from {number_in_words(key.least)} to "
    allowed += f"{number_in_words(key.most)}{f' ({key.unit})' if key.unit else ''}"
    if key.optional:
        allowed += ", or false where it is not asked for"
    right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not right or not isinstance(value, int | float):
        return f"is {allowed}, not {_in_words(value)}", None
    if not key.least <= value <= key.most or not isfinite(value):
        return f"is {allowed}; {_number(value)} is out of range", None
    return "", value if whole else float(value)


def _points(value: object) -> tuple[str, Any]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return f'is a list of texts, such as ["a hub was restored"], not {_in_words(value)}', None
    for each in value:
        if each not in POINTS:
            return f"names {each[:60]!r}, which nothing counts; {_nearest(each, POINTS)}", None
    return "", tuple(dict.fromkeys(value))


def _unknown_key(table: Table, name: str) -> str:
    home = next((each for each in TABLES if each.key(name)), None)
    if home is not None:
        return f"stands in the table [{home.name}]"
    known = [key.name for key in table.keys]
    everywhere = [key.name for each in TABLES for key in each.keys]
    near = difflib.get_close_matches(name, everywhere, 1)
    if near and near[0] not in known:
        home = next(each for each in TABLES if each.key(near[0]))
        return f"is no key of this table; did you mean {near[0]} in [{home.name}]?"
    return f"is no key of this table; {_nearest(name, known)}"


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {_listed(known)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _name_in_words(name: str) -> str:
    """A table's or key's name, so that whatever it is it stays on its line."""
    plain = name.isprintable() and 0 < len(name) <= NAME_LETTERS_MAX
    return name if plain else f"{name[:NAME_LETTERS_MAX]!r}"


def _number(value: float) -> str:
    """A number in digits, unless there are too many of them."""
    many = isinstance(value, int) and value.bit_length() > 128
    return "one with so many digits" if many else str(value)


def _in_words(value: object) -> str:
    """A value as a person would name it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {_number(value)}"
        case str():
            return f"the text {value[:40]!r}"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a time"
