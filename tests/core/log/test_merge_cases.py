"""Every case of docs/merge-cases.md in every order, by the fold and by the reference."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations

import pytest

from core.dispatch.show import show_register
from core.log.canonical import pack
from core.log.certificate import Standing
from core.log.chain import chain_start
from core.log.entry import Path
from core.log.stream import Stored, StreamState
from tests.core.log.authors import STREAM, author_of
from tests.core.log.merge_cases import SITE, Case, permits, read_cases
from tests.core.log.reference import Reference

CASES = read_cases()
# Cuts, certificates, revocations and closings: what they do is told by what stands.
AUTHORITY_CODES = frozenset({1, 2, 3, 18})
ONE, BOTH = frozenset({1}), frozenset({1, 2})
# Some of the orders are cut into runs too, at places that the seed says.
RUNS_SEED = 20_260_302


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found = request.param
    assert isinstance(found, Case)
    return found


def test_the_page_holds_enough_hard_cases() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(1 <= len(case.entries) <= 7 for case in CASES)


def orders(entries: Sequence[Stored]) -> Iterator[list[Stored]]:
    """All orders in which a store can take entries: each after the one before it in its chain."""
    held = {stored.hash for stored in entries}
    for order in permutations(entries):
        taken: set[bytes] = set()
        for stored in order:
            if stored.seq > 1 and stored.previous in held and stored.previous not in taken:
                break
            taken.add(stored.hash)
        else:
            yield list(order)


def build(case: Case, entries: Sequence[Stored], formats: frozenset[int]) -> StreamState:
    return StreamState.build(SITE, STREAM, entries, case.standings_of(entries), permits, formats)


def extend(
    case: Case, order: Sequence[Stored], formats: frozenset[int], ends: set[int]
) -> StreamState:
    """What a replica does: add entry by entry; where that is not allowed, fold again after the run.

    `ends` are the indexes after which a run ends and its state is asked for.
    """
    state: StreamState | None = build(case, [], formats)
    for index, stored in enumerate(order):
        standings = case.standings_of(order[: index + 1])
        if standings != case.standings_of(order[:index]):
            state = None
        if state is not None:
            before = state.plain()
            if not state.extend_all([stored], one_of(standings)):
                assert state.plain() == before
                state = None
        if state is None and (index in ends or index == len(order) - 1):
            state = build(case, order[: index + 1], formats)
    assert state is not None
    return state


def portioned(
    case: Case, order: Sequence[Stored], formats: frozenset[int], ends: set[int]
) -> StreamState:
    """What a replica does with frames: all that one brings is placed, and then folded."""
    state, begin = build(case, [], formats), 0
    for end in [*(index + 1 for index in sorted(ends)), len(order)]:
        standings = case.standings_of(order[:end])
        same = standings == case.standings_of(order[:begin])
        if not (same and state.extend_all(order[begin:end], one_of(standings))):
            state = build(case, order[:end], formats)
        begin = end
    return state


def one_of(standings: Mapping[bytes, Standing]) -> Callable[[bytes], Standing]:
    """The standing of one author, who may have no certificate."""
    return lambda author: standings.get(author, Standing(b"", 0))


def visible(state: StreamState) -> dict[Path, set[tuple[bytes, bytes]]]:
    """What the fold says, in the reference's terms."""
    found = {}
    for path, register in state.registers.items():
        found[path] = {
            (
                state.logs[write.log]
                .placed[write.seq - state.logs[write.log].base - 1]
                .stored.hash,
                pack(write.value),
            )
            for write in register.writes.values()
        }
    return found


def inert(state: StreamState) -> dict[bytes, str]:
    return {
        placed.stored.hash: placed.inert.partition(":")[0]
        for placed in state.entries()
        if placed.inert
    }


@pytest.mark.parametrize("formats", [ONE, BOTH], ids=["format 1", "formats 1 and 2"])
def test_every_order_gives_the_same_bytes(case: Case, formats: frozenset[int]) -> None:
    chance = random.Random(RUNS_SEED)
    held = case.held
    expected = build(case, held, formats)
    plain, fingerprint = pack(expected.plain()), expected.fingerprint()
    count = 0
    for order in orders(held):
        count += 1
        assert pack(build(case, order, formats).plain()) == plain
        one_by_one = extend(case, order, formats, set(range(len(order))))
        assert pack(one_by_one.plain()) == plain
        ends = {index for index in range(len(order)) if chance.random() < 0.5}
        in_runs = extend(case, order, formats, ends)
        assert in_runs.fingerprint() == fingerprint
        assert in_runs.leaf() == expected.leaf()
        assert in_runs.tips() == expected.tips()
        if chance.random() < 0.2:
            assert portioned(case, order, formats, ends).fingerprint() == fingerprint
    assert count >= 1


@pytest.mark.parametrize("formats", [ONE, BOTH], ids=["format 1", "formats 1 and 2"])
def test_the_fold_agrees_with_the_reference(case: Case, formats: frozenset[int]) -> None:
    held = case.held
    for end in range(len(held) + 1):
        state = build(case, held[:end], formats)
        standings = case.standings_of(held[:end])
        reference = Reference(STREAM, held[:end], standings, permits, formats)
        assert inert(state) == reference.inert()
        assert visible(state) == reference.visible()


def test_who_is_shut_out_is_what_the_page_and_the_reference_say(case: Case) -> None:
    before = Reference(STREAM, case.held, case.roles, permits, ONE)
    closed = {
        author: lasts
        for author, lasts in case.closed.items()
        if any((18, author) in _paths(before, stored) for stored in case.held)
    }
    said = {author_of(name) for name in case.shut_out}
    assert before.shut_out(closed) == said
    standings = case.standings_of(case.held)
    known = {author for author, standing in standings.items() if standing.revoked}
    assert known == {author for author in said if author in standings} | {
        author_of(name) for name in case.revoked
    }
    new = standings.keys() - case.roles.keys()
    assert new == {author_of(name) for name in case.certified}


def _paths(reference: Reference, stored: Stored) -> set[Path]:
    entry = reference.read(stored.hash)
    return set() if isinstance(entry, str) else {path for path, _ in entry.changes}


def test_what_comes_out_is_what_the_page_says(case: Case) -> None:
    state = build(case, case.held, ONE)
    labels = {stored.hash: label for label, stored in case.entries.items()}
    assert {labels[entry_hash]: why for entry_hash, why in inert(state).items()} == case.inert
    assert shown(state) == in_order(case.values)


def test_what_a_later_version_reads_is_what_the_page_says(case: Case) -> None:
    state = build(case, case.held, BOTH)
    later = {**case.values, **case.later_values}
    assert shown(state) == in_order(later)
    newer = {label for label, why in case.inert.items() if why == "of format 2"}
    assert len(inert(state)) == len(case.inert) - len(newer)


def shown(state: StreamState) -> dict[Path, list[bytes]]:
    """For each field the value that is shown, and then the others that stand, sorted."""
    found = {}
    for path, register in state.registers.items():
        if register.writes and path[0] not in AUTHORITY_CODES:
            first = pack(show_register(register, path[0]).value)
            values = [pack(write.value) for write in register.writes.values()]
            values.remove(first)
            found[path] = [first, *sorted(values)]
    return found


def in_order(values: dict[Path, list[object]]) -> dict[Path, list[bytes]]:
    return {
        path: [pack(among[0]), *sorted(pack(value) for value in among[1:])]
        for path, among in values.items()
    }


def test_two_entries_that_begin_alike_are_both_meant() -> None:
    """Eight bytes may collide, by somebody's hard work; the fold must not depend on arrival."""
    case = CASES[0]
    first, second = case.entries["e1"], case.entries["d1"]
    body = first.body
    start = chain_start(SITE, STREAM, b"\1" * 32)
    alike = [
        Stored(b"\1" * 32, 1, start, first.hash[:8] + bytes(24), body),
        Stored(b"\2" * 32, 1, start, first.hash[:8] + b"\1" * 24, body),
    ]
    fingerprints = set()
    standing = case.roles[first.author]

    def standing_of(_: bytes) -> Standing:
        return standing

    for order in permutations([first, second, *alike]):
        state = build(case, [], ONE)
        for index, stored in enumerate(order):
            if not state.extend_all([stored], standing_of):
                everybody = {entry.author: standing for entry in order}
                state = StreamState.build(SITE, STREAM, order[: index + 1], everybody, permits, ONE)
        fingerprints.add(state.fingerprint())
    assert len(fingerprints) == 1
