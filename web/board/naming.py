"""Names in a filter's text and the ids they stand for: `team:north` and `team:5a01...`.

A filter keeps ids, so that it holds when somebody is renamed; its text shows names. Holds no HTTP
and, but for loading the names, no SQL. Invariant: a filter's text, settled with the same names, is
the filter; a name that two bear, or that reads like an id, is written as the id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from core.sentence import say, say_n
from web.board import grammar
from web.board.filters import Filter, Query, read_back, read_plain
from web.board.grammar import Fault, Placed
from web.board.reader import Rows
from web.board.term import ID, KEYS, NONE, TEXT, Form, Term
from web.formats import folded

SHOWN_MAX: Final = 6
"""Names that an error lists; more are for the list of suggestions."""

_NAMED: Final = ("worker", "team", "customer", "skill")
"""The keys that have names, each of them a table with a column of its own name."""


@dataclass(frozen=True, eq=False)
class Names:
    """Names by id for each key whose values are names; `gone` are the ids that are archived.

    Equal only to itself.
    """

    by_key: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()

    def name(self, key: str, value: str) -> str:
        """How a value is shown: a name, or the value where it is none's id."""
        return self.by_key.get(key, {}).get(value, value)

    def bearers(self, key: str, plain: str) -> Sequence[str]:
        """The ids whose name, folded, is `plain`; where there is none, those that begin with it."""
        exactly = self._ids_by_plain.get(key, {}).get(plain)
        if exactly is not None:
            return exactly
        known = self.by_key.get(key, {})
        return [one for one, name in known.items() if folded(name).startswith(plain)]

    @cached_property
    def _ids_by_plain(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        found: dict[str, dict[str, list[str]]] = {}
        for key, known in self.by_key.items():
            ids_by_plain = found[key] = {}
            for one, name in known.items():
                ids_by_plain.setdefault(folded(name), []).append(one)
        return found


NO_NAMES: Final = Names()


async def load_names(reader: Rows) -> Names:
    """The names that the values of keys may be."""
    by_key: dict[str, dict[str, str]] = {}
    gone = set()
    for key in _NAMED:
        rows = await reader.rows(
            f"SELECT {key} AS id, name, archived FROM {key} ORDER BY lower(name), {key}"
        )
        by_key[key] = {row["id"]: row["name"] for row in rows}
        gone |= {row["id"] for row in rows if row["archived"]}
    return Names(by_key, frozenset(gone))


def keys_named(terms: Iterable[Term]) -> tuple[str, ...]:
    """The keys among the terms' whose values are names."""
    named = dict.fromkeys(t.key for t in terms if t.key in KEYS and _is_named(t.key))
    return tuple(named)


def settle(found: Iterable[Placed], names: Names) -> tuple[Term, ...]:
    """The terms with ids for names.

    Raises:
        Fault: nobody bears a name, or several do.
    """
    settled = []
    for term, spans in found:
        values: Sequence[str] = term.values
        if term.key != TEXT and _is_named(term.key):
            pairs = zip(values, spans, strict=True)
            values = [_id_of(term.key, value, span, names) for value, span in pairs]
        settled.append(term._replace(values=tuple(dict.fromkeys(values))))
    return tuple(settled)


def text_of(wanted: Filter, names: Names) -> str:
    """A filter's text, with names where they are told apart by them."""
    return grammar.write(
        term._replace(values=tuple(_written(term.key, value, names) for value in term.values))
        for term in wanted.conditions
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a board's address asks for. Where its text is no filter, `fault` says why.

    `wanted` then is what the address says was shown before, and `typed` what was typed.
    """

    wanted: Filter
    fault: Fault | None = None
    typed: str = ""


async def read_query(load: Callable[[], Awaitable[Names]], query: Query) -> Reading:
    """Read a board's address with the names in its text settled; they are loaded if it has any.

    `was`, where the text is no filter, is the query of the board that was shown.
    """
    typed = query.get("q", "")
    plain = read_plain(query)
    try:
        found = grammar.parse(typed)
        names = await load() if _has_names(found) else NO_NAMES
        return Reading(plain.with_terms(settle(found, names)), None, typed)
    except Fault as fault:
        was = query.get("was", "")
        return Reading(read_back(was) if was else plain, fault, typed)


def _has_names(found: Sequence[Placed]) -> bool:
    """Whether a value of a key that has names is none of its ids."""
    return any(
        _is_named(term.key) and not all(ID.match(v) or v == NONE for v in term.values)
        for term, _ in found
    )


def _is_named(key: str) -> bool:
    return key in KEYS and KEYS[key].form is Form.NAME


def _id_of(key: str, value: str, span: tuple[int, int], names: Names) -> str:
    if value == NONE or ID.match(value):
        return value
    known = names.by_key.get(key, {})
    plain = folded(value)
    found = names.bearers(key, plain)
    living = [one for one in found if one not in names.gone] or found
    if len(living) == 1:
        return living[0]
    at, end = span
    if living:
        several = _listed([known[one] for one in living])
        words = say(
            "several begin with “{value}”: {names}; write the whole name",
            value=value,
            names=several,
        )
        if all(folded(known[one]) == plain for one in living):
            words = say(
                "several are called “{value}”; choose one from the list of {key}s",
                value=value,
                key=key,
            )
        raise Fault(at, end - at, words)
    there = _listed([name for one, name in known.items() if one not in names.gone])
    words = say("no {key} is called “{value}”; there is no {key} yet", key=key, value=value)
    if there:
        words = say(
            "no {key} is called “{value}”; there is {names}", key=key, value=value, names=there
        )
    raise Fault(at, end - at, words)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN_MAX])
    if len(names) <= SHOWN_MAX:
        return shown
    return say_n(
        "{names} and {n} more", "{names} and {n} more", len(names) - SHOWN_MAX, names=shown
    )


def _written(key: str, value: str, names: Names) -> str:
    name = " ".join(names.by_key.get(key, {}).get(value, "").split())
    if not name or not _is_named(key) or value == NONE:
        return value
    try:
        return name if _id_of(key, name, (0, 0), names) == value else value
    except Fault:
        return value
