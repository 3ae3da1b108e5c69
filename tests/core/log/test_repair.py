"""Repair, as two sides that talk until one asks nothing more: what they find, and what it costs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.log.errors import LogError, Malformed, OverLimit
from core.log.frontier import Head, leaf_of
from core.log.messages import Compare, StreamHeads, read, write
from core.log.repair import NAMES_MAX, STEPS_MAX, Found, Repair, frames
from core.log.tree import DigestTree, Split

Held = dict[bytes, tuple[Head, ...]]
AUTHORS = [bytes([number]) * 32 for number in range(3)]


def side_of(held: Held) -> Repair:
    """A side that holds these heads."""

    def heads_of(streams: object) -> list[StreamHeads]:
        wanted = set(streams)  # type: ignore[call-overload]
        return [
            StreamHeads(stream, tuple((h.author, h.branch, h.height, h.hash[:8]) for h in heads))
            for stream, heads in sorted(held.items())
            if stream in wanted
        ]

    return Repair([(stream, leaf_of(stream, heads)) for stream, heads in held.items()], 1, heads_of)


def talk(ours: Held, theirs: Held) -> tuple[list[list[Found]], list[int]]:
    """What each side found, and the bytes of each step."""
    sides = [side_of(ours), side_of(theirs)]
    found: list[list[Found]] = [[], []]
    step, turn, sizes = sides[0].begin(), 1, []
    while True:
        sent = [write(frame) for frame in frames(step)]
        sizes.append(sum(map(len, sent)))
        heard = [sides[turn].hear(read(frame)) for frame in sent]  # type: ignore[arg-type]
        assert heard[:-1] == [None] * (len(sent) - 1)
        assert heard[-1] is not None
        proven, answer = heard[-1]
        found[turn].append(proven)
        if answer is None:
            return found, sizes
        step, turn = answer, 1 - turn


def proven(found: list[Found]) -> tuple[set[bytes], dict[bytes, StreamHeads], set[bytes]]:
    """What all steps together prove."""
    return (
        {stream for each in found for stream in each.same},
        {held.stream: held for each in found for held in each.theirs},
        {stream for each in found for stream in each.lacked},
    )


def assert_each_knows_all(ours: Held, theirs: Held) -> None:
    for found, own, other in zip(
        talk(ours, theirs)[0], (ours, theirs), (theirs, ours), strict=True
    ):
        same, told, lacked = proven(found)
        alike = {s for s in own.keys() & other.keys() if set(own[s]) == set(other[s])}
        assert alike <= same | told.keys()
        assert same <= alike
        assert lacked == own.keys() - other.keys()
        for stream in own.keys() & other.keys() - alike:
            heads = {(h.author, h.branch, h.height, h.hash[:8]) for h in other[stream]}
            assert set(told[stream].heads) == heads


heads = st.builds(
    Head,
    st.sampled_from(AUTHORS),
    st.just(b""),
    st.integers(1, 3),
    st.binary(min_size=32, max_size=32),
)
# Few different digits, so that ids share long prefixes.
streams = st.lists(st.sampled_from([0, 1, 16, 17, 255]), min_size=12, max_size=12).map(bytes)
held_by_stream = st.dictionaries(streams, st.tuples(heads), max_size=40)


@given(held_by_stream, held_by_stream, held_by_stream)
@settings(max_examples=120, deadline=None)
def test_each_side_comes_to_know_what_the_other_holds(both: Held, ours: Held, theirs: Held) -> None:
    assert_each_knows_all(both | ours, both | theirs)


@given(held_by_stream, held_by_stream)
@settings(max_examples=80, deadline=None)
def test_a_node_covers_all_that_differs_below_it(ours: Held, theirs: Held) -> None:
    mine, other = (
        DigestTree([(stream, leaf_of(stream, held)) for stream, held in side.items()])
        for side in (ours, theirs)
    )
    prefixes = mine.differing(other.split(""))
    for one, another in zip(prefixes, prefixes[1:], strict=False):
        assert not another.startswith(one)
    besides = mine.besides(other.split(""))
    assert not ours.keys() - set(besides) & theirs.keys() - ours.keys()
    for stream in ours.keys() | theirs.keys():
        below = any(stream.hex().startswith(prefix) for prefix in prefixes)
        assert stream not in besides or (stream not in theirs and not below)
        assert ours.get(stream) == theirs.get(stream) or below or stream in besides


def one_head(author: bytes, chance: random.Random) -> tuple[Head, ...]:
    return (Head(author, b"", 1 + chance.randrange(30), chance.randbytes(32)),)


def site(count: int, chance: random.Random) -> Held:
    """Streams made over a month, each with one head."""
    made_s = [200_000_000 + chance.randrange(30 * 86_400) for _ in range(count)]
    names = [each.to_bytes(4, "big") + b"\4" + chance.randbytes(7) for each in made_s]
    return {name: one_head(chance.choice(AUTHORS), chance) for name in names}


@pytest.mark.parametrize(
    ("clustered", "bytes_max"), [(False, 24_000), (True, 6_500)], ids=["scattered", "clustered"]
)
def test_fifty_of_five_thousand_are_found_in_three_round_trips(
    clustered: bool, bytes_max: int
) -> None:
    chance = random.Random(1)
    ours = site(5_000, chance)
    names = sorted(ours)
    first = chance.randrange(4_950)
    changed = names[first : first + 50] if clustered else chance.sample(names, 50)
    theirs = dict(ours)
    for stream in changed:
        theirs[stream] = one_head(AUTHORS[0], chance)
    assert_each_knows_all(ours, theirs)
    _, sizes = talk(ours, theirs)
    assert len(sizes) <= 6
    assert sum(sizes) <= bytes_max


def test_a_store_that_lost_everything_is_told_at_once() -> None:
    ours = site(300, random.Random(2))
    found, sizes = talk({}, ours)
    assert proven(found[1])[2] == ours.keys()
    assert len(sizes) <= 3


def test_a_tree_that_leads_on_and_on_is_cut_short() -> None:
    chance = random.Random(3)
    ours: Held = {
        bytes([1] * 11 + [digit]): (Head(AUTHORS[0], b"", 1, chance.randbytes(32)),)
        for digit in range(200)
    }
    theirs: Held = {stream: (Head(AUTHORS[1], b"", 1, chance.randbytes(32)),) for stream in ours}
    _, sizes = talk(ours, theirs)
    assert len(sizes) <= STEPS_MAX + 2


HEADS = tuple((AUTHORS[0], b"", height, b"12345678") for height in range(4_096))


@pytest.mark.parametrize(
    "more",
    [
        Compare(0, False, (Split("", "", {}),) * 4_096),
        Compare(0, False, (), ("0",) * 4_096),
        Compare(0, False, (), (), (StreamHeads(bytes(12), ()),) * 4_096),
        Compare(0, False, (), (), (StreamHeads(bytes(12), HEADS),)),
    ],
    ids=["nodes", "prefixes", "streams", "heads"],
)
def test_a_step_that_goes_on_and_on_is_refused_whatever_it_names(more: Compare) -> None:
    side = side_of({})
    for _ in range(NAMES_MAX // 4_096):
        assert side.hear(more) is None
    with pytest.raises(OverLimit, match="more than"):
        side.hear(more)


@pytest.mark.parametrize(
    "step",
    [
        [Compare(0, False)],
        [Compare(0, True, (Split("", "", {}), Split("", "0", {})))],
        [Compare(0, True, (), ("0b", "0b"))],
        [Compare(0, False, (Split("", "", {}),)), Compare(0, True, (Split("", "0", {}),))],
        [Compare(0, False, (), ("0b",)), Compare(0, True, (), ("0b",))],
    ],
    ids=["nothing", "node", "prefix", "node in two frames", "prefix in two frames"],
)
def test_a_step_that_costs_more_than_it_asks_is_malformed(step: list[Compare]) -> None:
    refused: list[LogError] = []
    side = side_of(site(20, random.Random(4)))
    for frame in step:
        try:
            side.hear(frame)
        except Malformed as error:
            refused.append(error)
    assert len(refused) == 1
