"""Every order of eight entries, over the curated sets of docs/merge-cases.md.

A set has up to seven entries; here others write beside them, having seen some of them, until there
are eight. Each order that a store can take them in is folded as a replica does, and compared with
one fold of all, which is compared with the reference model. Invariant: what is added is the same at
every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from core.dispatch import fields
from core.log.canonical import pack
from core.log.certificate import Standing
from core.log.stream import Stored, StreamState
from tests.core.log.authors import STREAM, Log, standing
from tests.core.log.merge_cases import SITE, Case, permits, read_cases
from tests.core.log.reference import Reference
from tests.core.log.test_merge_cases import BOTH, inert, orders, visible

ENTRIES = 8
SETS = 95
PASSERS_BY = ("kai", "liv", "max", "noa", "ole", "pia", "rex")
DISPATCHER = 2
# In one order of so many the state is asked for at every entry, which may cost eight folds.
ASKED_EACH = 5


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

    def fold(self, held: Sequence[Stored]) -> StreamState:
        """The fold of some of them at once."""
        return StreamState.build(SITE, STREAM, held, self.standings(held), permits, BOTH)


def grown(case: Case) -> Grown:
    """The case with entries of passers-by beside its own, so that there are eight."""
    chance = Random(case.name)
    held = list(case.held)
    names = {stored.hash: name for name, stored in case.entries.items()}
    passers_by: dict[bytes, Standing] = {}
    for name in PASSERS_BY[: ENTRIES - len(held)]:
        seen = chance.sample(held, chance.randrange(min(3, len(held)) + 1))
        code = chance.choice([fields.TITLE, fields.ADDRESS])
        stored = Log(name, site=SITE).write([((code,), name)], seen=seen)
        passers_by[stored.author] = standing(DISPATCHER)
        names[stored.hash] = name
        held.append(stored)
    return Grown(case, tuple(held), passers_by, names, {**case.roles, **passers_by})


def wrong_orders(count: int, seed: int) -> list[str]:
    """Of sets `seed`, `seed` + 1 and so on of the page, `count` of them, what comes out wrong."""
    cases = read_cases()[seed : seed + count]
    return [words for case in cases for words in _wrong(grown(case))]


def _wrong(case: Grown) -> list[str]:
    expected = case.fold(case.entries)
    plain = pack(expected.plain())
    found = []
    standings = case.standings(case.entries)
    reference = Reference(STREAM, case.entries, standings, permits, BOTH)
    if inert(expected) != reference.inert() or visible(expected) != reference.visible():
        found.append(f"{case.case.name}: the fold and the reference model differ")
    for number, order in enumerate(orders(case.entries)):
        state = _taken_in(case, order, asked=number % ASKED_EACH == 0)
        if pack(state.plain()) != plain:
            names = ", ".join(case.names[stored.hash] for stored in order)
            found.append(f"{case.case.name}: another state in the order {names}")
    return found


def _taken_in(case: Grown, order: Sequence[Stored], *, asked: bool) -> StreamState:
    """As a replica does: entry by entry, and folded again where that is not allowed.

    `asked`: somebody asks for the state at every entry; else once all of them are there.
    """
    state: StreamState | None = case.fold([])
    standings = case.standings([])
    for index, stored in enumerate(order):
        held = order[: index + 1]
        before, standings = standings, case.standings(held)
        same = standings is before or standings == before
        if state is None or not same or not state.extend_all([stored], standings.__getitem__):
            state = case.fold(held) if asked or len(held) == len(order) else None
    assert state is not None
    return state
