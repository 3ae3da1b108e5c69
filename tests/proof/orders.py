"""Every order of eight entries, over the curated sets of docs/merge-cases.md.

A set has up to seven entries; here others write beside them, having seen some of them, until there
are eight. Each order that a store can take them in is followed entry by entry, as a replica takes
them in; orders that came to the same entries and to a state that holds the same in every field go
on together, since what comes of the next entry follows from nothing else. So no order is left out,
though few are walked to their end alone; some are, drawn by chance, to see that nothing hangs on
how they are joined. Wherever orders meet, at the whole and at every part of it, their states must
say the same as one fold does, and at the whole the same as the reference model.
Invariant: what is added is the same at every run.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass
from random import Random
from typing import Any

from core.dispatch.fields import ADDRESS, TITLE
from core.log.canonical import pack
from core.log.certificate import Standing
from core.log.registers import Write
from core.log.stream import Placed, Stored, StreamState
from tests.core.log.authors import STREAM, Log, standing
from tests.core.log.merge_cases import SITE, Case, permits, read_cases
from tests.core.log.reference import Reference
from tests.core.log.test_merge_cases import BOTH, inert, one_of, visible

ENTRIES = 8
SETS = 95
PASSERS_BY = ("kai", "liv", "max", "noa", "ole", "pia", "rex")
DISPATCHER = 2
# Orders of each set that are walked from end to end by themselves.
ALONE = 40
# Orders in which the entries of each part of a set are given to a fold at once.
FOLDS = 2

Held = frozenset[int]


@dataclass(frozen=True)
class Grown:
    """A set of eight entries, and a name for each; `passers_by` are who wrote beside the case."""

    case: Case
    entries: tuple[Stored, ...]
    passers_by: Mapping[bytes, Standing]
    names: Mapping[bytes, str]
    roles: Mapping[bytes, Standing]

    def standings(self, held: Sequence[Stored]) -> Mapping[bytes, Standing]:
        """The standing of everybody where these entries are held, which may themselves say it."""
        if not self.case.certifies:
            return self.roles
        own = [stored for stored in held if stored.author not in self.passers_by]
        return {**self.case.standings_of(own), **self.passers_by}

    def some(self, places: Iterable[int]) -> list[Stored]:
        """The entries at these places."""
        return [self.entries[place] for place in places]

    def fold(self, places: Sequence[int]) -> StreamState:
        """The fold of some of them, given at once and in this order."""
        held = self.some(places)
        return StreamState.build(SITE, STREAM, held, self.standings(held), permits, BOTH)

    def reference(self, places: Held) -> Reference:
        """What the reference model makes of some of them."""
        held = self.some(sorted(places))
        return Reference(STREAM, held, self.standings(held), permits, BOTH)

    def following(self, held: Held) -> list[int]:
        """What a store that holds these can take in next: each after the one before it."""
        taken = {self.entries[place].hash for place in held}
        within = {stored.hash for stored in self.entries}
        return [
            place
            for place, stored in enumerate(self.entries)
            if place not in held
            and (stored.seq == 1 or stored.previous not in within or stored.previous in taken)
        ]

    def names_of(self, held: Held) -> str:
        """These entries as people read them."""
        return ", ".join(self.names[stored.hash] for stored in self.some(sorted(held))) or "none"


def grown(case: Case) -> Grown:
    """The case with entries of passers-by beside its own, so that there are eight."""
    chance = Random(case.name)
    held = list(case.held)
    names = {stored.hash: name for name, stored in case.entries.items()}
    passers_by: dict[bytes, Standing] = {}
    for name in PASSERS_BY[: ENTRIES - len(held)]:
        seen = chance.sample(held, chance.randrange(min(3, len(held)) + 1))
        code = chance.choice([TITLE, ADDRESS])
        stored = Log(name, site=SITE).write([((code,), name)], seen=seen)
        passers_by[stored.author] = standing(DISPATCHER)
        names[stored.hash] = name
        held.append(stored)
    return Grown(case, tuple(held), passers_by, names, {**case.roles, **passers_by})


def wrong_orders(count: int, seed: int) -> list[str]:
    """Of sets `seed`, `seed` + 1 and so on of the page, `count` of them, what comes out wrong.

    After the last comes the first.
    """
    page = read_cases()
    cases = [page[number % len(page)] for number in range(seed, seed + count)]
    return [words for case in cases for words in _wrong(grown(case))]


def _wrong(case: Grown) -> list[str]:
    return [f"{case.case.name}: {words}" for words in (*_wrong_joined(case), *_wrong_alone(case))]


def _wrong_joined(case: Grown) -> Iterator[str]:
    """Follow all orders at once: what is held, and each state that an order came to with it."""
    chance = Random(case.case.name)
    contents = Contents()
    states: dict[Held, dict[Hashable, StreamState]] = {frozenset(): {}}
    whole: Held = frozenset(range(ENTRIES))
    for _ in range(ENTRIES + 1):
        reached: dict[Held, dict[Hashable, StreamState]] = {}
        for held, by_content in states.items():
            # Whoever was not asked for the state since folds all that it holds when it is.
            for _ in range(FOLDS):
                folded = case.fold(chance.sample(sorted(held), len(held)))
                by_content.setdefault(contents.of(folded), folded)
            yield from _wrong_states(case, held, list(by_content.values()))
            for place in case.following(held):
                after = reached.setdefault(held | {place}, {})
                for state in by_content.values():
                    longer = _longer(case, state, held, place)
                    if longer is not None:
                        after.setdefault(contents.of(longer), longer)
        if not reached and set(states) != {whole}:
            yield "not all orders come to the whole set"
        states = reached


def _wrong_states(case: Grown, held: Held, states: list[StreamState]) -> Iterator[str]:
    said = {pack(state.plain()) for state in states}
    if len(said) > 1:
        yield f"{len(said)} states where these are held: {case.names_of(held)}"
    reference = case.reference(held)
    if any(
        inert(state) != reference.inert() or visible(state) != reference.visible()
        for state in states
    ):
        yield f"the fold and the reference model differ on {case.names_of(held)}"


def _longer(case: Grown, state: StreamState, held: Held, place: int) -> StreamState | None:
    """The state with one entry more, None where the stream has to be folded again."""
    standings = case.standings(case.some(sorted(held)))
    after = case.standings(case.some(sorted(held | {place})))
    if after != standings:
        return None
    longer = copied(state)
    return longer if longer.extend_all(case.some([place]), one_of(after)) else None


def _wrong_alone(case: Grown) -> Iterator[str]:
    """Walk some orders each by itself, with the state asked for at every entry."""
    chance = Random(case.case.name)
    plain = pack(case.fold(range(ENTRIES)).plain())
    for _ in range(ALONE):
        order: list[int] = []
        state, standings = case.fold(order), case.standings([])
        while len(order) < ENTRIES:
            order.append(chance.choice(case.following(frozenset(order))))
            before, standings = standings, case.standings(case.some(order))
            same = standings == before
            if not same or not state.extend_all(case.some(order[-1:]), one_of(standings)):
                state = case.fold(order)
        if pack(state.plain()) != plain:
            names = ", ".join(case.names[stored.hash] for stored in case.some(order))
            yield f"another state in the order {names}"


# --- states as values


_LEAVES = frozenset({bytes, int, str, type(None)})
# What never changes, to the last thing that it is made of.
_CONSTANT = frozenset({Placed, Write, Stored, Standing, bool})


class Contents:
    """Says of a state all that it holds: equal values where nothing tells two states apart."""

    def __init__(self) -> None:
        # What never changes is looked into once; it is kept, so that no other takes its id.
        self._constant: dict[int, tuple[object, Hashable]] = {}

    def of(self, state: StreamState) -> Hashable:
        """All of a state, to the last field of what it is made of."""
        return self._plain(vars(state))

    def _plain(self, value: Any) -> Hashable:
        kind: Any = type(value)
        if kind in _LEAVES:
            return value
        if kind in _CONSTANT:
            known = self._constant.get(id(value))
            if known is None:
                known = self._constant[id(value)] = (value, self._parts(value, kind))
            return known[1]
        return self._parts(value, kind)

    def _parts(self, value: Any, kind: Any) -> Hashable:
        if kind is list or kind is tuple:
            return self._each(value)
        if kind is not dict and (names := _names(kind)):
            return self._each([getattr(value, name) for name in names])
        if isinstance(value, Mapping):
            return frozenset(zip(self._each(value), self._each(value.values()), strict=True))
        if isinstance(value, Set):
            return frozenset(self._each(value))
        # True is no 1 here.
        return self._each(value) if isinstance(value, list | tuple) else (kind, value)

    def _each(self, values: Iterable[Any]) -> tuple[Hashable, ...]:
        # Most are leaves, and a call for each costs more than what it would do.
        return tuple([v if type(v) in _LEAVES else self._plain(v) for v in values])


def copied(state: StreamState) -> StreamState:
    """A state of its own, which shares with the other only what never changes."""
    longer = StreamState.__new__(StreamState)
    there: dict[int, Any] = {}
    vars(longer).update({name: _copied(value, there) for name, value in vars(state).items()})
    return longer


def _copied(value: Any, there: dict[int, Any]) -> Any:
    """As `copy.deepcopy`, which asks the same of each of a thousand values anew."""
    kind: Any = type(value)
    if kind in _LEAVES or kind in _CONSTANT:
        return value
    if id(value) in there:
        return there[id(value)]
    new: Any
    if kind is dict:
        new = there[id(value)] = {}
        for key, each in value.items():
            new[key] = each if type(each) in _CONSTANT else _copied(each, there)
    elif kind is list:
        new = there[id(value)] = []
        new.extend(each if type(each) in _CONSTANT else _copied(each, there) for each in value)
    elif names := _names(kind):
        new = there[id(value)] = object.__new__(kind)
        for name in names:
            object.__setattr__(new, name, _copied(getattr(value, name), there))
    elif (kind is set or kind is tuple) and all(type(each) in _LEAVES for each in value):
        new = there[id(value)] = set(value) if kind is set else value
    else:
        new = copy.deepcopy(value, there)
    return new


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass; of any other none."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
