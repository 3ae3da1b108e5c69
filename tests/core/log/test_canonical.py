"""What canonical bytes may cost, whatever they claim; their forms are tested with the formats."""

from __future__ import annotations

import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import msgpack
import pytest
from msgpack import fallback

from core.log import canonical
from core.log.canonical import pack, unpack
from core.log.errors import Malformed


@pytest.mark.parametrize("size", [512, 513, 16_384, 262_144, 4_000_000])
def test_lists_that_claim_more_than_they_hold_take_no_memory_for_it(size: int) -> None:
    claims = b"\xdd" + size.to_bytes(4, "big")
    data = (claims * 1_000 + b"\xc0" * size)[:size]
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            unpack(data)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000 + 2 * size


@pytest.mark.parametrize("bad", [["before", 2**64], ["before", "\ud800"], ["before", 1.5]])
def test_a_value_that_is_refused_leaves_nothing_in_the_bytes_of_the_next(bad: list[object]) -> None:
    with pytest.raises(Malformed):
        pack(bad)
    assert pack([1, b"x"]) == b"\x92\x01\xc4\x01x"


def test_threads_that_pack_at_once_get_their_own_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    # In the packer that is written in Python, as phones may have it, threads take turns.
    monkeypatch.setattr(msgpack, "Packer", fallback.Packer)
    monkeypatch.setattr(canonical, "_idle_packers", [])
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        values = [[number, "word" * number] for number in range(400)]
        alone = [pack(value) for value in values]
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(lambda at: pack(values[at % len(values)]), range(8_000)))
    finally:
        sys.setswitchinterval(before_s)
    assert together == [alone[at % len(values)] for at in range(8_000)]


def test_packing_a_large_value_keeps_no_room_for_it() -> None:
    tracemalloc.start()
    try:
        assert len(pack([b"x" * 4_000_000])) > 4_000_000
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 1_000_000
