"""Laws of the log over random entries: round trips, one form, chains, seals, registers, digests."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.log.canonical import pack, unpack
from core.log.chain import chain_next, chain_start, minted_id, seal_leaf, stream_id
from core.log.entry import MINT, Cursor, Entry, decode, encode
from core.log.errors import LogError, Malformed, OverLimit, Unauthentic
from core.log.frontier import Head, digest_of, frontier_token, leaf_of, read_token
from core.log.limits import SEAL_LEAVES_MAX, SEEN_MAX, SEEN_NAMED_MAX
from core.log.registers import Register, Write
from core.log.seal import Seal, check_seal, make_seal
from core.log.stream import StreamState
from tests.core.log.authors import AT_MS, SITE, STREAM, Log, author_of, key_of, standing
from tests.core.log.merge_cases import permits
from tests.core.log.reference import Reference
from tests.core.log.test_merge_cases import inert, visible

IDS = st.sampled_from([b"job-0001", b"log-0002", b"x" * 32, b"", 0, 7, 2**40, "zone", MINT])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=9)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
PATHS = (
    st.tuples(st.integers(0, 65_535))
    | st.tuples(st.integers(0, 99), IDS)
    | st.tuples(st.integers(0, 99), IDS, IDS)
)
HEADS = st.sets(st.binary(min_size=8, max_size=8), max_size=3).map(lambda s: tuple(sorted(s)))


@st.composite
def drafts(draw: st.DrawFn) -> Entry:
    paths = draw(st.lists(PATHS, min_size=1, max_size=4, unique_by=lambda p: repr(p)))
    paths = [path for index, path in enumerate(paths) if MINT not in path or index == 0]
    clock = draw(st.none() | st.tuples(st.integers(0, 9), st.integers(0, 2**40)))
    return Entry(
        wall_ms=10 * draw(st.integers(0, 2**37)),
        changes=tuple((path, draw(VALUES)) for path in paths),
        offset_ms=draw(st.sampled_from([0, 0, -1_500, 2**40])),
        boot=None if clock is None else clock[0],
        uptime_ms=None if clock is None else clock[1],
        actor=draw(st.sampled_from([b"", b"", b"eva-1234", b"a" * 32])),
        act=draw(st.sampled_from([b"", b"", b"act-5678", b"b" * 16])),
        seen=draw(HEADS),
        basis=draw(st.none() | HEADS),
        by_rule=draw(st.booleans()),
        version=draw(st.sampled_from([1, 1, 2])),
    )


def listed(value: Any) -> Any:
    return [listed(item) for item in value] if isinstance(value, (list, tuple)) else value


@given(st.lists(drafts(), min_size=1, max_size=6))
def test_what_is_written_is_read_and_both_cursors_walk_alike(written: list[Entry]) -> None:
    writer, reader = Cursor.at_start(STREAM), Cursor.at_start(STREAM)
    previous = chain_start(SITE, STREAM, author_of("ana"))
    for draft in written:
        body, entry_hash, entry = encode(draft, writer, previous)
        assert entry_hash == chain_next(previous, body)
        assert decode(body, reader, entry_hash) == entry
        assert reader == writer
        count = 0
        for (path, value), (read_path, read_value) in zip(
            draft.changes, entry.changes, strict=True
        ):
            expected = list(path)
            for index, part in enumerate(path):
                if part is MINT:
                    expected[index] = minted_id(entry_hash, count)
                    count += 1
            assert read_path == tuple(expected)
            assert read_value == listed(value)
        assert replace(entry, changes=draft.changes) == draft
        previous = entry_hash


@given(st.lists(drafts(), min_size=1, max_size=3), st.data())
def test_only_the_written_bytes_read_as_the_entry(
    written: list[Entry], data: st.DataObject
) -> None:
    """Whatever decodes encodes to the same bytes: an entry has one form under a cursor."""
    cursor, previous = Cursor.at_start(STREAM), bytes(32)
    for draft in written[:-1]:
        _, previous, _ = encode(draft, cursor, previous)
    body, _, _ = encode(written[-1], cursor.copy(), previous)
    at = data.draw(st.integers(0, len(body)))
    other = body[:at] + data.draw(st.binary(max_size=3)) + body[at + data.draw(st.integers(0, 3)) :]
    entry_hash = chain_next(previous, other)
    try:
        entry = decode(other, cursor.copy(), entry_hash)
    except LogError:
        return
    known = [*cursor.ids]
    changes = tuple(
        (
            tuple(
                MINT if part in _minted(entry_hash) and part not in known else part for part in path
            ),
            value,
        )
        for path, value in entry.changes
    )
    if any(MINT in path for path, _ in changes[1:]):
        # A minted id that a later path of the same entry names again can't be asked for.
        return
    again, _, _ = encode(replace(entry, changes=changes), cursor.copy(), previous)
    assert again == other


def _minted(entry_hash: bytes) -> set[bytes]:
    return {minted_id(entry_hash, index) for index in range(8)}


@given(VALUES)
def test_a_value_has_one_form(value: Any) -> None:
    assert unpack(pack(value)) == listed(value)
    assert pack(unpack(pack(value))) == pack(value)


def test_maps_have_one_form() -> None:
    assert unpack(pack({1: 2, 3: 4})) == {1: 2, 3: 4}
    for wrong in ({3: 4, 1: 2}, {"a": 1}, {True: 1}, {1.5: 1}):
        with pytest.raises(Malformed):
            pack(wrong)


# --- chains and seals


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5), st.data())
def test_a_chain_binds_site_stream_author_and_every_entry_before(
    bodies: list[bytes], data: st.DataObject
) -> None:
    def head(site: bytes, stream: bytes, author: bytes, entries: list[bytes]) -> bytes:
        found = chain_start(site, stream, author)
        for body in entries:
            found = chain_next(found, body)
        return found

    place = [SITE, STREAM, author_of("ana")]
    honest = head(place[0], place[1], place[2], bodies)
    for index in range(3):
        other = list(place)
        other[index] = bytes([other[index][0] ^ 1]) + other[index][1:]
        assert head(other[0], other[1], other[2], bodies) != honest
    at = data.draw(st.integers(0, len(bodies) - 1))
    changed = [*bodies[:at], bodies[at] + b"x", *bodies[at + 1 :]]
    assert head(SITE, STREAM, place[2], changed) != honest
    assert head(SITE, STREAM, place[2], bodies[:at] + bodies[at + 1 :]) != honest


def test_a_seal_covers_1_to_64_heads() -> None:
    leaves = tuple(seal_leaf(STREAM, index, bytes(32)) for index in range(SEAL_LEAVES_MAX + 1))
    for count in (1, SEAL_LEAVES_MAX):
        check_seal(SITE, make_seal(SITE, author_of("ana"), key_of("ana"), 1, leaves[:count]))
    for count in (0, SEAL_LEAVES_MAX + 1):
        with pytest.raises(OverLimit):
            make_seal(SITE, author_of("ana"), key_of("ana"), 1, leaves[:count])
        with pytest.raises(OverLimit):
            check_seal(SITE, Seal(author_of("ana"), 1, leaves[:count], bytes(64)))


@pytest.mark.parametrize(
    "change",
    [
        {"author": author_of("bo")},
        {"number": 2},
        {"leaves": (seal_leaf(STREAM, 2, bytes(32)),)},
        {"leaves": (seal_leaf(STREAM, 1, bytes(32)),) * 2},
        {"signature": bytes(64)},
        {"signature": b""},
        {"author": bytes(31)},
    ],
)
def test_whoever_changes_a_seal_breaks_it(change: dict[str, Any]) -> None:
    seal = make_seal(SITE, author_of("ana"), key_of("ana"), 1, (seal_leaf(STREAM, 1, bytes(32)),))
    check_seal(SITE, seal)
    with pytest.raises(Unauthentic):
        check_seal(bytes(32), seal)
    with pytest.raises(LogError):
        check_seal(SITE, replace(seal, **change))


@pytest.mark.parametrize("change", [{"number": -1}, {"number": 2**63}, {"leaves": (b"short",)}])
def test_a_seal_of_another_shape_is_malformed(change: dict[str, Any]) -> None:
    seal = Seal(author_of("ana"), 1, (bytes(32),), bytes(64))
    with pytest.raises(Malformed):
        check_seal(SITE, replace(seal, **change))


# --- registers

LOGS = [(bytes([index]) * 32, b"") for index in range(3)]
CONTEXTS = st.dictionaries(st.sampled_from(LOGS), st.integers(0, 4))


@st.composite
def histories(draw: st.DrawFn) -> list[Write]:
    """Writes of three logs, each having seen its own log before it and some of the others."""
    found = []
    for log in LOGS:
        seen: dict[Any, int] = {}
        for seq in range(1, draw(st.integers(0, 4)) + 1):
            for other, height in draw(CONTEXTS).items():
                seen[other] = max(seen.get(other, 0), height)
            context = {**seen, log: seq - 1}
            version = draw(st.sampled_from([1, 1, 2]))
            found.append(Write(log, seq, seq, seq, b"", 2, False, version, context))
    return found


@given(histories(), st.randoms(use_true_random=False))
def test_a_register_is_the_same_in_any_order_and_however_often(
    writes: list[Write], chance: random.Random
) -> None:
    def fold(order: list[Write]) -> list[Any]:
        register = Register()
        for write in order:
            register.add(write)
        return register.plain()

    expected = fold(writes)
    shuffled = [*writes, *writes]
    chance.shuffle(shuffled)
    assert fold(shuffled) == expected
    halves = [write for write in writes if write.seq % 2], writes
    assert fold([*halves[0], *halves[1]]) == expected


@given(histories())
def test_a_register_shows_exactly_what_no_other_write_had_seen(writes: list[Write]) -> None:
    register = Register()
    for write in writes:
        register.add(write)
    standing_writes = {
        (write.log, write.seq)
        for write in writes
        if not any(other.saw(write) and other.version >= write.version for other in writes)
    }
    assert set(register.writes) == standing_writes


# --- frontiers


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=8), st.randoms())
def test_a_digest_does_not_depend_on_order_and_counts_each_leaf(
    leaves: list[bytes], chance: random.Random
) -> None:
    shuffled = list(leaves)
    chance.shuffle(shuffled)
    assert digest_of(shuffled) == digest_of(leaves)
    extra = b"\x01" + bytes(31)
    assert digest_of([*leaves, extra]) != digest_of(leaves)
    # Two equal leaves do not cancel out, as they would under XOR.
    assert digest_of([extra, extra]) != digest_of([])


def test_a_leaf_tells_heads_apart_and_not_their_order() -> None:
    heads = [Head(LOGS[index][0], b"", 1, bytes([index]) * 32) for index in range(3)]
    assert len({leaf_of(STREAM, order) for order in permutations(heads)}) == 1
    others = [
        heads[:2],
        [*heads[:2], heads[2]._replace(height=2)],
        [*heads[:2], heads[2]._replace(hash=bytes(32))],
        [*heads[:2], heads[2]._replace(branch=b"b" * 32)],
    ]
    assert len({leaf_of(STREAM, among) for among in [heads, *others]}) == 5
    assert leaf_of(b"another-strm", heads) != leaf_of(STREAM, heads)


@given(HEADS)
def test_a_pages_token_comes_back(heads: tuple[bytes, ...]) -> None:
    assert read_token(frontier_token(heads)) == heads


@pytest.mark.parametrize("token", ["x", "00", "0" * 17, "zz" * 8, "00" * 8 * 1_025])
def test_a_damaged_token_is_refused_in_words(token: str) -> None:
    with pytest.raises(Malformed, match="load it again"):
        read_token(token)


@given(st.integers(0, 2**34), st.binary(min_size=7, max_size=7))
def test_streams_sort_by_the_time_they_were_made(at_s: int, unique: bytes) -> None:
    earlier, later = stream_id(4, at_s, unique), stream_id(4, at_s + 1, bytes(7))
    assert len(earlier) == 12
    assert earlier[:4] <= later[:4]


# --- whole streams

NAMES = ["north", "south", "eva", "dan", "ana"]
ROLE_BY_NAME = {"north": 3, "south": 3, "eva": 2, "dan": 2, "ana": 1}


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Any], frozenset[str]]:
    """Up to twelve entries of five authors: forks, seen, basis, formats, cuts, broken bytes."""
    logs: list[Log] = []
    entries: list[Any] = []
    for index in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(NAMES))
        own = [log for log in logs if log.name == name]
        goes_on = draw(st.integers(0, 9)) > 0
        log = draw(st.sampled_from(own)) if own and goes_on else Log(name)
        if draw(st.integers(0, 4)) == 0:
            at = draw(st.integers(0, len(log.entries)))
            log = log.fork(at)
        if not any(log is known for known in logs):
            logs.append(log)
        kind = draw(st.integers(0, 11))
        if kind == 0:
            entries.append(log.write_bytes(b"\xc0"))
            continue
        heads = st.lists(st.sampled_from(entries), max_size=2) if entries else st.just([])
        path = draw(st.sampled_from([(70,), (97, b"1"), (97, b"2")]))
        changes: list[Any] = [(path, index)]
        if kind == 1 and entries:
            cut = draw(st.sampled_from(entries))
            changes = [((1, cut.author), [cut.seq, cut.hash])]
        entries.append(
            log.write(
                changes,
                seen=draw(heads),
                basis=draw(heads) if kind == 2 else None,
                version=2 if kind == 3 else 1,
                by_rule=kind == 4,
                wall_ms=AT_MS + index * 10,
            )
        )
    unique = {stored.hash: stored for stored in entries}
    return list(unique.values()), draw(st.frozensets(st.sampled_from(NAMES), max_size=2))


@settings(max_examples=150)
@given(streams(), st.sampled_from([frozenset({1}), frozenset({1, 2})]), st.randoms())
def test_any_stream_folds_as_the_reference_says_in_any_order(
    world: tuple[list[Any], frozenset[str]], formats: frozenset[int], chance: random.Random
) -> None:
    entries, revoked = world
    standings = {
        author_of(name): standing(role, revoked=name in revoked)
        for name, role in ROLE_BY_NAME.items()
    }
    build = (SITE, STREAM)
    state = StreamState.build(*build, entries, standings, permits, formats)
    reference = Reference(STREAM, entries, standings, permits, formats)
    assert inert(state) == reference.inert()
    assert visible(state) == reference.visible()
    shuffled = list(entries)
    chance.shuffle(shuffled)
    again = StreamState.build(*build, shuffled, standings, permits, formats)
    assert again.fingerprint() == state.fingerprint()
    held: list[Any] = []
    walked = StreamState.build(*build, [], standings, permits, formats)
    while shuffled:
        ready = [s for s in shuffled if s.seq == 1 or any(h.hash == s.previous for h in held)]
        stored = ready[0]
        shuffled.remove(stored)
        held.append(stored)
        if not walked.extend_all([stored], standings.__getitem__):
            walked = StreamState.build(*build, held, standings, permits, formats)
    assert walked.fingerprint() == state.fingerprint()
    assert walked.leaf() == state.leaf()
    # As frames bring them: some at a time, placed together, folded anew only where it must be.
    portioned = StreamState.build(*build, [], standings, permits, formats)
    ends = [0, *sorted(chance.randrange(len(held) + 1) for _ in range(3)), len(held)]
    for begin, end in itertools.pairwise(ends):
        if not portioned.extend_all(held[begin:end], standings.__getitem__):
            portioned = StreamState.build(*build, held[:end], standings, permits, formats)
    assert portioned.fingerprint() == state.fingerprint()
    assert portioned.leaf() == state.leaf()


@given(st.lists(drafts(), min_size=2, max_size=4), st.binary(min_size=1, max_size=40))
def test_what_is_no_entry_leaves_the_cursor_where_it_was(written: list[Entry], tail: bytes) -> None:
    cursor, previous = Cursor.at_start(STREAM), bytes(32)
    for draft in written[:-1]:
        _, previous, _ = encode(draft, cursor, previous)
    body, _, _ = encode(written[-1], cursor.copy(), previous)
    before = cursor.copy()
    # A sound beginning that names new ids and paths, and then a change that is none.
    broken = pack([*unpack(body), [65_536, tail], None])
    with pytest.raises(LogError):
        decode(broken, cursor, chain_next(previous, broken))
    assert cursor == before


def test_what_an_author_names_as_seen_is_every_head_that_it_did_not_know() -> None:
    eva, dan = Log("eva"), Log("dan")
    first = eva.write([((70,), "A")])
    second = dan.write([((70,), "B")], seen=[first])
    everybody = {author_of(name): standing() for name in NAMES}
    state = StreamState.build(SITE, STREAM, [first, second], everybody, permits)
    assert state.unseen_by((eva.author, b"")) == [second.hash[:8]]
    assert state.unseen_by((dan.author, b"")) == []
    assert state.unseen_by((author_of("ana"), b"")) == sorted([first.hash[:8], second.hash[:8]])
    assert state.token() == frontier_token([first.hash[:8], second.hash[:8]])


def test_who_forks_without_end_leaves_everybody_room_to_write_and_to_be_seen() -> None:
    first = Log("eva").write([((70,), "A")])
    forks = [Log("dan").write([((71,), number)]) for number in range(SEEN_MAX + 10)]
    everybody = {author_of(name): standing() for name in NAMES}
    written, ana = [first, *forks], Log("ana")
    named: list[list[bytes]] = []
    for _ in range(3):
        state = StreamState.build(SITE, STREAM, written, everybody, permits)
        named.append(state.unseen_by((ana.author, b"")))
        # Both at their most, and a long text beside them.
        change = ((72,), "x" * 7_000)
        written.append(ana.write([change], seen=named[-1], basis=state.tips()))
    # Whatever one author makes, what the others wrote is seen at once.
    assert first.hash[:8] in named[0]
    assert [len(heads) for heads in named] == [SEEN_NAMED_MAX, SEEN_NAMED_MAX, 11]
    assert {head for heads in named for head in heads} == {
        each.hash[:8] for each in (first, *forks)
    }
    assert {first.hash[:8], written[-2].hash[:8]} <= {*state.tips()}
    assert read_token(state.token()) == tuple(state.tips())
