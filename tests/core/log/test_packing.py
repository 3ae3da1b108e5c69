"""Packed frames: what comes out is what went in, and nothing else gets in."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.log.errors import Malformed, OverLimit
from core.log.limits import FRAME_BYTES_MAX
from core.log.messages import read
from core.log.packing import BYTES_MIN, MARK, packed, unpacked
from tests.core.log.pages import hex_examples
from tests.core.log.wire_examples import EXAMPLES

FRAME = b"\x96\x03" + b"boiler 1, gasket replaced; " * 200


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


@given(st.binary(min_size=1, max_size=2_000).filter(lambda frame: frame[:1] != MARK))
def test_a_frame_comes_out_as_it_went_in(frame: bytes) -> None:
    assert unpacked(packed(frame)) == frame
    assert len(packed(frame)) <= len(frame)


def test_the_pages_packed_example_is_read() -> None:
    packed_as = hex_examples("wire.md")["packed: compare that tells heads"]
    assert read(unpacked(packed_as)) == EXAMPLES["compare that tells heads"]


def test_a_frame_that_repeats_itself_travels_short() -> None:
    assert packed(FRAME)[:1] == MARK
    assert len(packed(FRAME)) < len(FRAME) / 20


def test_what_would_not_become_shorter_travels_as_it_is() -> None:
    noise = b"\x96" + random.Random(1).randbytes(5_000)
    assert packed(noise) == noise
    short = FRAME[: BYTES_MIN - 1]
    assert packed(short) == short


def test_a_frame_of_the_largest_size_can_be_packed_and_one_byte_more_is_over_the_limit() -> None:
    largest = b"\x96" + bytes(FRAME_BYTES_MAX - 1)
    assert unpacked(packed(largest)) == largest
    with pytest.raises(OverLimit):
        unpacked(MARK + raw_deflate(largest + b"\0"))


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    with pytest.raises(OverLimit):
        unpacked(MARK + raw_deflate(bytes(200_000_000)))


@pytest.mark.parametrize("size", [0, 1, 20, 60])
def test_what_is_cut_off_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        unpacked(packed(FRAME)[: 1 + size])


def test_what_follows_the_end_is_malformed() -> None:
    with pytest.raises(Malformed):
        unpacked(packed(FRAME) + b"\0")


def test_what_is_no_deflate_is_malformed() -> None:
    with pytest.raises(Malformed):
        unpacked(MARK + b"\xff" * 40)


def test_a_frame_packed_twice_is_not_unpacked_twice() -> None:
    twice = MARK + raw_deflate(packed(FRAME))
    assert unpacked(twice) == packed(FRAME)
