"""Columns: whatever msgpack a frame is made of, it comes out as it went in, and noise does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.log.canonical import INT_MAX, INT_MIN, pack
from core.log.columns import Columns, Names, join, split
from core.log.errors import LogError, Malformed, OverLimit
from core.log.limits import FRAME_BYTES_MAX

IDS = [bytes([number] * length) for number in range(4) for length in (7, 8, 12, 32, 33)]
LEAVES = (
    st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | st.text() | st.sampled_from(IDS)
)
VALUES = st.recursive(
    LEAVES | st.binary(max_size=400),
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.dictionaries(st.integers(0, 30), inner, max_size=20).map(
            lambda d: dict(sorted(d.items()))
        )
    ),
    max_leaves=40,
)
FRAMES = st.lists(VALUES, min_size=1, max_size=4).map(lambda vs: b"".join(pack(v) for v in vs))
# The longest forms of each kind of value.
LONG = [
    "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 65_536, bytes(255), bytes(256), bytes(65_536),
    [None] * 15, [None] * 16, [None] * 65_536, dict.fromkeys(range(15)), dict.fromkeys(range(16)),
    dict.fromkeys(range(65_536), 1),
]  # fmt: skip


@given(st.lists(FRAMES, min_size=1, max_size=4))
def test_frames_come_back_whatever_they_are_made_of(frames: list[bytes]) -> None:
    mine, theirs = Names(), Names()
    for frame in frames:
        assert join(split(frame, mine), theirs) == frame
    assert list(mine.number_by_name) == theirs.by_number


@pytest.mark.parametrize("value", LONG, ids=lambda value: f"{type(value).__name__}{len(value)}")
def test_every_long_form_of_a_value_comes_back(value: Any) -> None:
    frame = pack([value, value, 7])
    if len(frame) > FRAME_BYTES_MAX:
        frame = pack(value)
    assert join(split(frame, Names()), Names()) == frame


def test_like_lies_beside_like_and_an_id_is_written_once() -> None:
    names, job = Names(), b"job-0001"
    frame = pack([1, "ab", 300, job, 70_000, b"x", 2**40, "cd"]) + pack([job, b"x", -200])
    heads, texts, small, large, data, known = split(frame, names)
    assert heads.hex(" ") == "98 01 a2 cd c4 08 ce c4 01 cf a2 93 c1 c4 01 d1"
    assert texts == b"abcd"
    assert small.hex(" ") == "01 2c 00 01 11 70 ff 38"
    assert large == (2**40).to_bytes(8, "big")
    assert data == job + b"xx"
    assert known == b"\0"
    assert names.number_by_name == {job: 0}


def test_a_reference_says_how_far_it_is_from_the_one_before() -> None:
    names = Names()
    ids = [number.to_bytes(8, "big") for number in range(200)]
    split(pack(ids), names)
    assert split(pack([ids[0], ids[1], ids[0], ids[150]]), names)[5].hex(" ") == "00 02 01 ac 02"


def changed(columns: Columns, index: int, data: bytes) -> Columns:
    parts = list(columns)
    parts[index] = data
    return parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]


def test_columns_that_do_not_fit_each_other_are_malformed() -> None:
    names = Names()
    columns = split(pack(["text", 300, 2**40, b"bytes", b"named-12", b"named-12"]), names)
    assert join(columns, Names())
    for index in range(1, 6):
        for wrong in (columns[index] + b"\0", columns[index][:-1]):
            with pytest.raises(Malformed):
                join(changed(columns, index, wrong), Names())
    for heads in (columns[0][:-1] + b"\xc4", columns[0] + b"\xc1", columns[0] + b"\xdb\xff"):
        with pytest.raises(Malformed):
            join(changed(columns, 0, heads), Names())


@pytest.mark.parametrize("known", [b"\x01", b"\x04", b"\x80", b"\xff\xff\xff\xff\x00"])
def test_a_reference_to_no_name_is_malformed(known: bytes) -> None:
    columns = split(pack([b"named-12", b"named-13", b"named-12"]), Names())
    with pytest.raises(Malformed, match="refers"):
        join(changed(columns, 5, known), Names())


def test_references_do_not_make_a_frame_longer_than_it_may_be() -> None:
    names = Names()
    names.by_number.append(bytes(32))
    fits = FRAME_BYTES_MAX // 34
    frame = join((b"\xc1" * fits, b"", b"", b"", b"", bytes(fits)), names)
    assert FRAME_BYTES_MAX - 34 < len(frame) <= FRAME_BYTES_MAX
    with pytest.raises(OverLimit):
        join((b"\xc1" * (fits + 1), b"", b"", b"", b"", bytes(fits + 1)), names)


@given(st.tuples(*[st.binary(max_size=60)] * 6))
def test_noise_in_columns_is_refused_by_name_or_is_a_frame(noise: Columns) -> None:
    try:
        frame = join(noise, Names())
    except LogError:
        return
    assert len(frame) >= len(noise[0])
