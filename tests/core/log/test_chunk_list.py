"""A file's list proves itself by the address, and each chunk by the list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.log.canonical import pack
from core.log.chunk_list import (
    CHUNKS_MAX,
    LIST_BYTES_MAX,
    ChunkList,
    address_of,
    chunk_hash,
    chunks_of,
    list_of,
    read_list,
)
from core.log.errors import LogError, Malformed, OverLimit, Unauthentic
from core.log.limits import FILE_BYTES_MAX, FILE_CHUNK_BYTES
from tests.core.log.pages import hex_examples

sizes = st.integers(1, 5).flatmap(
    lambda chunks: st.sampled_from([chunks * FILE_CHUNK_BYTES + by for by in (-1, 0, 1)])
)


@given(sizes, st.integers(0, 255))
def test_a_file_is_what_its_chunks_make_and_each_of_them_proves_itself(
    size: int, letter: int
) -> None:
    data = bytes((letter + at // FILE_CHUNK_BYTES) % 256 for at in range(size))
    chunks, made = chunks_of(data), list_of(data)
    assert b"".join(chunks) == data
    assert made.chunks == len(chunks)
    assert [made.length(number) for number in range(1, made.chunks + 1)] == list(map(len, chunks))
    assert read_list(made.address, made.to_bytes()) == made
    for number, chunk in enumerate(chunks, 1):
        assert made.holds(number, chunk)
        assert not made.holds(number, chunk[:-1])
        assert not made.holds(number, chunk + b"\0")
        assert not made.holds(number + 1, chunk)
        assert not made.holds(0, chunk)


@given(st.binary(min_size=1, max_size=300), st.binary(min_size=1, max_size=300))
def test_other_bytes_have_another_address(one: bytes, other: bytes) -> None:
    assert (list_of(one).address == list_of(other).address) is (one == other)


@pytest.mark.parametrize("lengths", [(10, FILE_CHUNK_BYTES), (FILE_CHUNK_BYTES, 10)])
def test_a_chunk_has_the_length_that_the_size_gives_it_whatever_its_maker_hashed(
    lengths: tuple[int, int],
) -> None:
    """Else a file of 65,537 bytes, as its list says, would have 65,546."""
    chunks = [bytes([number]) * length for number, length in enumerate(lengths)]
    made = ChunkList(FILE_CHUNK_BYTES + 1, tuple(map(chunk_hash, chunks)))
    assert read_list(made.address, made.to_bytes()) == made
    found = [made.holds(number, chunk) for number, chunk in enumerate(chunks, 1)]
    assert found == [length == made.length(number) for number, length in enumerate(lengths, 1)]
    assert not all(found)


def test_the_pages_list_and_address_are_those_of_the_file_it_describes() -> None:
    page = hex_examples("wire.md")
    data = b"a" * FILE_CHUNK_BYTES + b"photo"
    made = list_of(data)
    assert page["list of a file"] == made.to_bytes()
    assert page["address of the file"] == made.address
    assert read_list(page["address of the file"], page["list of a file"]) == made
    assert made == ChunkList(65_541, (chunk_hash(b"a" * 65_536), chunk_hash(b"photo")))


def test_a_list_is_proven_before_anything_of_it_is_read() -> None:
    made = list_of(b"photo")
    for wrong in (b"", b"\x00", made.to_bytes() + b"\0", list_of(b"other").to_bytes()):
        with pytest.raises(Unauthentic):
            read_list(made.address, wrong)


@pytest.mark.parametrize(
    "parts",
    [
        None,
        [],
        {},
        [5],
        [5, bytes(32), 1],
        ["5", bytes(32)],
        [True, bytes(32)],
        [0, b""],
        [-1, b""],
        [5, b""],
        [5, bytes(31)],
        [5, bytes(64)],
        [FILE_CHUNK_BYTES, bytes(64)],
        [FILE_CHUNK_BYTES + 1, bytes(32)],
        [5, [bytes(32)]],
        [FILE_BYTES_MAX + 1, bytes(32) * CHUNKS_MAX],
        [2**63, bytes(32)],
    ],
)
def test_what_an_address_names_and_is_no_list_is_refused(parts: object) -> None:
    data = pack(parts)
    with pytest.raises((Malformed, OverLimit)):
        read_list(address_of(data), data)


@given(st.binary(max_size=80))
def test_noise_is_no_list_or_is_one_in_its_one_form(noise: bytes) -> None:
    try:
        made = read_list(address_of(noise), noise)
    except LogError:
        return
    assert made.to_bytes() == noise


def test_a_file_has_one_byte_at_least_and_16_mib_at_most() -> None:
    with pytest.raises(Malformed):
        list_of(b"")
    largest = list_of(bytes(FILE_BYTES_MAX))
    assert largest.chunks == CHUNKS_MAX == 256
    assert len(largest.to_bytes()) <= LIST_BYTES_MAX
    assert read_list(largest.address, largest.to_bytes()) == largest
    with pytest.raises(OverLimit, match=r"16\.8 MB is too large; 16 MiB at most"):
        list_of(bytes(FILE_BYTES_MAX + 1))
    with pytest.raises(OverLimit):
        read_list(bytes(32), bytes(LIST_BYTES_MAX + 1))
