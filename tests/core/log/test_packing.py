"""Packed frames: what comes out is what went in, and nothing else gets in."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from collections.abc import Iterable

import pytest

from core.log import packing
from core.log.canonical import pack
from core.log.columns import COLUMNS
from core.log.errors import LogError, Malformed, OverLimit
from core.log.limits import FRAME_BYTES_MAX, PACKED_NAMES_MAX
from core.log.messages import read
from core.log.packing import BYTES_MIN, GOES_ON, IN_COLUMNS, MARK, MORE_COME, Packer, Unpacker
from tests.core.log.pages import hex_examples
from tests.core.log.wire_examples import EXAMPLES

FRAME = pack([3, *["boiler 1, gasket replaced; "] * 200])
ALONE = MARK + bytes([IN_COLUMNS])
PAGE = hex_examples("wire.md")


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


def columns(heads: bytes, *others: bytes) -> bytes:
    """What follows the flags: as many columns as there are."""
    given = [heads, *others]
    return b"".join(map(raw_deflate, given + [b""] * (COLUMNS - len(given))))


def series(frames: list[bytes]) -> list[bytes]:
    """Frames packed so that each goes on from those before."""
    packer = Packer()
    return [packer.packed(frame, more=at < len(frames)) for at, frame in enumerate(frames, 1)]


def through(travelled: Iterable[bytes]) -> list[bytes]:
    unpacker = Unpacker()
    return [unpacker.unpacked(frame) for frame in travelled]


def noted(seed: int, notes: int = 40) -> bytes:
    """A frame with ids that other seeds have too, and with words."""
    chance = random.Random(seed)
    ids = [number.to_bytes(8, "big") * 2 for number in range(20)]
    words = ("gate", "code", "valve", "leaks", "key")
    parts = [[chance.choice(ids), " ".join(chance.choices(words, k=6))] for _ in range(notes)]
    return pack([3, seed, parts, chance.randbytes(64)])


def test_frames_of_a_series_come_out_as_they_went_in() -> None:
    frames = [noted(seed) for seed in range(12)]
    assert through(series(frames)) == frames


def test_a_series_is_shorter_than_its_frames_by_themselves() -> None:
    frames = [noted(seed) for seed in range(12)]
    alone = [Packer().packed(frame) for frame in frames]
    assert through(alone) == frames
    assert sum(map(len, series(frames))) < 0.8 * sum(map(len, alone))


def test_the_pages_packed_examples_are_read() -> None:
    packed = PAGE["packed: compare that tells heads"]
    assert read(Unpacker().unpacked(packed)) == EXAMPLES["compare that tells heads"]
    first, second = PAGE["packed: first of a series"], PAGE["packed: second of the series"]
    assert through([first, second]) == [PAGE["runs"], PAGE["runs"]]
    assert (first[1], second[1]) == (IN_COLUMNS | MORE_COME, IN_COLUMNS | GOES_ON)


def test_a_frame_that_repeats_itself_travels_short() -> None:
    travelled = Packer().packed(FRAME)
    assert travelled[:2] == ALONE
    assert len(travelled) < len(FRAME) / 20


def test_what_stands_alone_and_would_not_become_shorter_travels_as_it_is() -> None:
    noise = pack(random.Random(1).randbytes(5_000))
    assert Packer().packed(noise) == noise
    short = pack("x" * (BYTES_MIN - 3))
    assert len(short) == BYTES_MIN - 1
    assert Packer().packed(short) == short


def test_a_series_ends_packed_however_short_its_last_frame_is() -> None:
    last = pack([3, 9, 4_713, [], [], []])
    travelled = series([noted(1), last])
    assert travelled[1][:2] == MARK + bytes([IN_COLUMNS | GOES_ON])
    unpacker = Unpacker()
    assert [unpacker.unpacked(frame) for frame in travelled] == [noted(1), last]
    with pytest.raises(Malformed, match="did not come"):
        unpacker.unpacked(travelled[1])


def test_plain_frames_between_those_of_a_series_change_nothing() -> None:
    first, second = series([noted(1), noted(2)])
    assert through([first, EXAMPLE_ACK, second]) == [noted(1), EXAMPLE_ACK, noted(2)]


EXAMPLE_ACK = PAGE["ack"]


@pytest.mark.parametrize("order", [(1,), (0, 2), (0, 1, 1), (1, 0), (0, 0, 1)])
def test_a_frame_that_is_lost_doubled_or_out_of_order_is_refused_or_comes_out_right(
    order: tuple[int, ...],
) -> None:
    frames = [noted(1), noted(2), noted(3)]
    travelled = series(frames)
    unpacker = Unpacker()
    try:
        for index in order:
            # What the session reads must be a frame in its one form; noise is refused there.
            assert len(unpacker.unpacked(travelled[index])) <= FRAME_BYTES_MAX
    except LogError:
        return
    assert order == (0, 0, 1), "only a series that was begun again can be read on"


def test_names_are_forgotten_by_both_sides_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packing, "PACKED_NAMES_MAX", 30)
    frames = [
        pack([[(at + shift).to_bytes(8, "big") for at in range(25)] * 2, "x" * 200])
        for shift in range(0, 60, 3)
    ]
    packer, unpacker = Packer(), Unpacker()
    for frame in frames:
        assert unpacker.unpacked(packer.packed(frame, more=True)) == frame
        for side in (packer, unpacker):
            assert side._series is not None
            assert len(side._series.names) <= 30 + 25
    assert PACKED_NAMES_MAX > 30


def test_a_frame_of_the_largest_size_can_be_packed_and_one_byte_more_is_over_the_limit() -> None:
    largest = bytes(FRAME_BYTES_MAX)
    assert through(series([largest, largest])) == [largest, largest]
    with pytest.raises(OverLimit):
        Unpacker().unpacked(ALONE + columns(largest + b"\0"))
    with pytest.raises(OverLimit):
        Unpacker().unpacked(ALONE + columns(largest, b"\0"))


@pytest.mark.parametrize("before", range(COLUMNS))
def test_a_bomb_is_refused_before_it_goes_off(before: int) -> None:
    bomb = ALONE + columns(*[b""] * before, bytes(20_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(OverLimit):
            Unpacker().unpacked(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * FRAME_BYTES_MAX


@pytest.mark.parametrize("size", [1, 2, 3, 20, 60])
def test_what_is_cut_off_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        Unpacker().unpacked(Packer().packed(FRAME)[:size])


def test_what_follows_the_end_is_malformed() -> None:
    with pytest.raises(Malformed):
        Unpacker().unpacked(Packer().packed(FRAME) + b"\0")


def test_what_is_no_deflate_is_malformed() -> None:
    with pytest.raises(Malformed):
        Unpacker().unpacked(ALONE + b"\xff" * 40)


def test_what_earlier_versions_packed_is_read_and_never_taken_for_columns() -> None:
    largest = bytes(FRAME_BYTES_MAX)
    for frame in (FRAME, noted(1), largest, b"", b"\x06", *map(bytes, ([n] for n in range(256)))):
        for level in (0, 1, 9):
            deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
            old = MARK + deflate.compress(frame) + deflate.flush()
            assert old[1] & IN_COLUMNS != IN_COLUMNS
            assert Unpacker().unpacked(old) == frame
    with pytest.raises(OverLimit):
        Unpacker().unpacked(MARK + raw_deflate(largest + b"\0"))
    with pytest.raises(Malformed):
        Unpacker().unpacked(MARK + raw_deflate(FRAME) + b"\0")


@pytest.mark.parametrize("flags", [7, 38, 70, 134, 255])
def test_flags_that_are_not_known_are_malformed(flags: int) -> None:
    with pytest.raises(Malformed, match="not known"):
        Unpacker().unpacked(MARK + bytes([flags]) + Packer().packed(FRAME)[2:])
