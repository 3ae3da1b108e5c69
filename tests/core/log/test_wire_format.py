"""The bytes of messages: the page's examples, each limit, and frames that were damaged."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.log.canonical import pack
from core.log.chunk_list import LIST_BYTES_MAX
from core.log.entry import Cursor, decode
from core.log.errors import LogError, Malformed, OverLimit
from core.log.file_messages import Chunk, Fetch, FileList, Held, Offer
from core.log.limits import (
    FILE_CHUNK_BYTES,
    FILES_NAMED_MAX,
    FRAME_BYTES_MAX,
    FRAME_ENTRIES_MAX,
    FRAME_RUNS_MAX,
    HEADS_STREAMS_MAX,
    SEAL_LEAVES_MAX,
)
from core.log.messages import (
    PROTOCOLS,
    Ack,
    Hello,
    Leave,
    Message,
    Refuse,
    Run,
    Runs,
    WireSeal,
    read,
    write,
)
from tests.core.log.authors import SITE, STREAM, Log, author_of
from tests.core.log.pages import hex_examples
from tests.core.log.wire_examples import AUTHOR, EXAMPLES, JOB

# Packed examples are another test's, and so is what no message consists of alone.
PAGE = {
    name: data
    for name, data in hex_examples("wire.md").items()
    if not name.startswith(("packed: ", "list of", "address of"))
}
BODY = bytes.fromhex("930046a178")
MESSAGES = Message.__args__
MUTATIONS = 200_000


def test_the_page_shows_every_message() -> None:
    assert list(PAGE) == list(EXAMPLES)
    assert {type(message) for message in EXAMPLES.values()} == set(MESSAGES)


def test_what_protocol_1_says_has_the_bytes_that_it_always_had() -> None:
    # An earlier program writes and reads these; it takes a hello that names 2 as well.
    hello = read(PAGE["hello"])
    assert isinstance(hello, Hello)
    assert hello.versions == (1,)
    both = read(PAGE["hello of one who takes files"])
    assert isinstance(both, Hello)
    assert both.versions == (1, 2)
    all_three = read(PAGE["hello of one who carries for others"])
    assert isinstance(all_three, Hello)
    assert all_three.versions == PROTOCOLS == (1, 2, 3)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_pages_example_is_what_is_written_and_read(name: str) -> None:
    assert write(EXAMPLES[name]).hex() == PAGE[name].hex()
    assert read(PAGE[name]) == EXAMPLES[name]


# --- each limit, and one more


def runs(*among: Run, authors: int = 0, seals: tuple[WireSeal, ...] = ()) -> bytes:
    return write(Runs(1, None, (AUTHOR,) * authors, seals, among))


def test_a_frame_has_at_most_so_many_bytes() -> None:
    body = pack([0, 70, "x" * 8_000])
    many = [body] * 32
    frame = runs(Run(JOB, 0, 1, tuple(many)))
    many.append(pack([0, 70, "x" * (FRAME_BYTES_MAX - len(frame) - 6)]))
    frame = runs(Run(JOB, 0, 1, tuple(many)))
    assert len(frame) == FRAME_BYTES_MAX
    assert isinstance(read(frame), Runs)
    with pytest.raises(OverLimit, match="262145"):
        read(frame + b"\0")


def test_a_frame_has_at_most_so_many_entries_and_each_run_one() -> None:
    assert isinstance(read(runs(Run(JOB, 0, 1, (BODY,) * FRAME_ENTRIES_MAX))), MESSAGES)
    with pytest.raises(OverLimit):
        read(runs(Run(JOB, 0, 1, (BODY,) * (FRAME_ENTRIES_MAX + 1))))
    with pytest.raises(OverLimit):
        read(runs(Run(JOB, 0, 1, ())))


def test_a_frame_has_at_most_so_many_runs_and_seals() -> None:
    run, seal = Run(JOB, 0, 1, (BODY,)), WireSeal(0, 1, (), bytes(64))
    assert isinstance(read(runs(*[run] * FRAME_RUNS_MAX, seals=(seal,) * FRAME_RUNS_MAX)), MESSAGES)
    with pytest.raises(OverLimit):
        read(runs(*[run] * (FRAME_RUNS_MAX + 1)))
    with pytest.raises(OverLimit):
        read(runs(run, seals=(seal,) * (FRAME_RUNS_MAX + 1)))
    assert isinstance(read(runs(run, authors=FRAME_RUNS_MAX)), MESSAGES)
    with pytest.raises(OverLimit):
        read(runs(run, authors=FRAME_RUNS_MAX + 1))


def test_a_seal_has_1_to_64_leaves() -> None:
    run = Run(JOB, 1, 1, (BODY,))
    leaves = (bytes(32),) * SEAL_LEAVES_MAX
    assert isinstance(
        read(runs(run, authors=1, seals=(WireSeal(1, 1, leaves, bytes(64)),))), MESSAGES
    )
    for wrong in ((), (bytes(32),) * (SEAL_LEAVES_MAX + 1), (bytes(31),), (1,), (-1,)):
        with pytest.raises(LogError):
            read(runs(run, authors=1, seals=(WireSeal(1, 1, wrong, bytes(64)),)))
    with pytest.raises(Malformed):
        read(runs(run, seals=(WireSeal(0, 1, leaves, bytes(64)),)))


def test_a_leaf_within_a_run_names_an_entry_before_its_end() -> None:
    run = Run(JOB, 1, 3, (BODY,) * 3)
    for seq, sound in ((2, False), (3, True), (4, True), (5, False), (6, False)):
        frame = runs(run, authors=1, seals=(WireSeal(1, 1, ((0, seq),), bytes(64)),))
        if sound:
            assert isinstance(read(frame), Runs)
            continue
        with pytest.raises(Malformed):
            read(frame)
    for place in ((1, 3), (-1, 3)):
        with pytest.raises(Malformed):
            read(runs(run, authors=1, seals=(WireSeal(1, 1, (place,), bytes(64)),)))


def test_a_message_names_at_most_so_many_streams() -> None:
    assert isinstance(read(write(Leave((JOB,) * HEADS_STREAMS_MAX))), MESSAGES)
    with pytest.raises(OverLimit):
        read(write(Leave((JOB,) * (HEADS_STREAMS_MAX + 1))))
    step: list[Any] = [7, 0, True, [], [], [], [[JOB]] * HEADS_STREAMS_MAX]
    assert isinstance(read(pack(step)), MESSAGES)
    step[6].append([JOB])
    with pytest.raises(OverLimit):
        read(pack(step))


def test_a_hello_carries_at_most_four_certificates_and_a_sentence_1000_letters() -> None:
    hello = EXAMPLES["hello"]
    assert isinstance(hello, Hello)
    assert isinstance(read(write(replace(hello, certificates=(b"c",) * 4))), MESSAGES)
    with pytest.raises(OverLimit):
        read(write(replace(hello, certificates=(b"c",) * 5)))
    assert isinstance(read(write(Refuse("gap", "x" * 1_000))), MESSAGES)
    with pytest.raises(OverLimit):
        read(write(Refuse("gap", "x" * 1_001)))


def test_a_message_names_at_most_so_many_files() -> None:
    for kind in (Offer, Held):
        assert isinstance(read(write(kind((AUTHOR,) * FILES_NAMED_MAX))), MESSAGES)
        with pytest.raises(OverLimit):
            read(write(kind((AUTHOR,) * (FILES_NAMED_MAX + 1))))


def test_pieces_of_files_have_their_limits() -> None:
    for sound in (Fetch(AUTHOR, 0, 1), Fetch(AUTHOR, 1, 256), Fetch(AUTHOR, 256, 1)):
        assert read(write(sound)) == sound
    for wrong in (Fetch(AUTHOR, 1, 257), Fetch(AUTHOR, 257, 1), Fetch(AUTHOR, 2**62, 2**62)):
        with pytest.raises(OverLimit):
            read(write(wrong))
    chunk = Chunk(AUTHOR, 256, bytes(FILE_CHUNK_BYTES))
    assert read(write(chunk)) == chunk
    with pytest.raises(OverLimit):
        read(write(replace(chunk, data=bytes(FILE_CHUNK_BYTES + 1))))
    longest = FileList(AUTHOR, bytes(LIST_BYTES_MAX))
    assert read(write(longest)) == longest
    with pytest.raises(OverLimit):
        read(write(replace(longest, data=bytes(LIST_BYTES_MAX + 1))))


# --- other shapes


@pytest.mark.parametrize(
    "parts",
    [
        None,
        [],
        {},
        ["0"],
        [True],
        [-1],
        [18],
        [3],
        [0, b"\x01", b"S" * 32, b"N" * 16, []],
        [0, {1: 2}, b"S" * 32, b"N" * 16, []],
        [0, [1], b"S" * 31, b"N" * 16, []],
        [0, [1], b"S" * 32, b"N" * 15, []],
        [0, [1], b"S" * 32, b"N" * 16, {}],
        [0, [1], b"S" * 32, b"N" * 16, [1]],
        [0, [-1], b"S" * 32, b"N" * 16, []],
        [1, bytes(63)],
        [2, bytes(8), bytes(8), -1, bytes(16), 0],
        [2, bytes(8), bytes(7), 0, bytes(16), 0],
        [2, bytes(8), bytes(8), 2**63, bytes(16), 0],
        [4, 1, []],
        [4, 1, [[0, "gap"]]],
        [4, 1, [[0, "gap", 1]]],
        [4, 1, 2, 3],
        [4, True],
        [6, True],
        [6, 0],
        [6, False, False],
        [7, 1, True, []],
        [7, True, True, {}],
        [7, True, True, [[bytes(11), []]]],
        [7, True, True, [[bytes(12), {}]]],
        [7, True, True, [[bytes(12), [[bytes(32), bytes(8), 1, bytes(8)]]]]],
        [8, b"short"],
        [10, "gap"],
        [11, {1: True}],
        [11, {1: "x"}],
        [11, []],
        [11, dict.fromkeys(range(17), 1)],
        [12],
        [12, bytes(31)],
        [13],
        [13, "address"],
        [14, bytes(32), 1],
        [14, bytes(31), 1, 1],
        [14, bytes(32), 0, 2],
        [14, bytes(32), 1, 0],
        [14, bytes(32), -1, 1],
        [14, bytes(32), 1, True],
        [15, bytes(32), "list"],
        [15, bytes(33), b"list"],
        [16, bytes(32), 0, b"x"],
        [16, bytes(32), 257, b"x"],
        [16, bytes(32), 1, "x"],
        [16, bytes(32), 1],
        [17],
        [17, bytes(32), 1],
        [3, 1, None, [], [], [[JOB, 0, 0, 1]]],
        [3, 1, None, [], [], [[JOB, 1, 1, 1]]],
        [3, 1, None, [], [], [{0: JOB, 1: 0, 2: 1, 3: 1}]],
        [3, 1, None, [], [], [[JOB, 0, 1, 1, b""]]],
        [3, 1, None, [], [], [[JOB, 0, 1, 1, b"before 9", 1]]],
        [3, 1, None, [b"A"], [], []],
        [3, 1, None, [], [[0, 1, [], bytes(63)]], []],
        [3, 1, None, [], [[1, 1, [bytes(32)], bytes(64)]], []],
    ],
)
def test_a_list_that_is_no_message_is_refused(parts: Any) -> None:
    with pytest.raises(LogError):
        read(pack(parts) + (BODY if isinstance(parts, list) and parts[:1] == [3] else b""))


def test_bytes_after_a_message_and_missing_entries_are_refused() -> None:
    for name, message in EXAMPLES.items():
        frame = write(message)
        for wrong in (frame + b"\0", frame + frame, b"\0" + frame, b""):
            with pytest.raises(LogError):
                read(wrong)
        for cut in range(1, len(frame)):
            with pytest.raises(LogError):
                read(frame[:cut])
        assert name


@given(st.binary(max_size=200))
def test_noise_is_refused_by_name_or_is_a_message_in_its_one_form(noise: bytes) -> None:
    try:
        message = read(noise)
    except LogError:
        return
    assert write(message) == noise


@given(st.integers(0, 2**63 - 1), st.lists(st.tuples(st.integers(0, 9), st.text(max_size=9))))
def test_acks_come_back_as_they_were(number: int, refused: list[tuple[int, str]]) -> None:
    ack = Ack(number, tuple((index, "gap", words) for index, words in refused))
    try:
        frame = write(ack)
    except Malformed:
        # Half a character is no text.
        return
    assert read(frame) == ack


def test_damaged_frames_raise_nothing_but_named_errors() -> None:
    """A seeded mutator over every message, and over entries with the cursor they need."""
    chance = random.Random(20_260_302)
    frames = [write(message) for message in EXAMPLES.values()]
    log = Log("ana")
    first = log.write([((97, b"note0001"), "one"), ((70,), "A")], seen=[b"seenhead"])
    second = log.write([((97, b"note0001"), "two"), ((94, b"ana", 1), [1, b"x", None])])
    cursor = Cursor.at_start(STREAM)
    decode(first.body, cursor, first.hash)
    before = cursor.copy()
    read_as_sent = 0
    for index in range(MUTATIONS):
        if index % 2:
            damaged = mutated(chance, frames[index // 2 % len(frames)])
            try:
                message = read(damaged)
            except LogError:
                continue
            assert write(message) == damaged
            read_as_sent += 1
        else:
            damaged = mutated(chance, second.body)
            try:
                decode(damaged, cursor, second.hash)
            except LogError:
                assert (cursor.wall_cs, len(cursor.ids)) == (before.wall_cs, len(before.ids))
                continue
            read_as_sent += 1
            cursor = before.copy()
    assert cursor == before
    # Some changes give another sound message, else the mutator would only make noise.
    assert 1_000 < read_as_sent < MUTATIONS // 2
    assert author_of("ana") != SITE


def mutated(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(changed)) if changed else 0
        match chance.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([changed[at] ^ (1 << chance.randrange(8))])
            case 1:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 2:
                del changed[at : at + chance.randrange(1, 9)]
            case 3:
                changed[at:at] = bytes(chance.randrange(256) for _ in range(3))
            case 4:
                other = chance.randrange(len(changed) + 1)
                changed[at:at] = changed[min(at, other) : max(at, other)][:64]
            case _:
                # The heads of msgpack's own long forms.
                changed[at : at + 1] = bytes([chance.randrange(0xC0, 0xE0)])
        if not changed:
            break
    return bytes(changed)
