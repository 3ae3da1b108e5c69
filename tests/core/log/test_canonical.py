"""What canonical bytes may cost, whatever they claim; their forms are tested with the formats."""

from __future__ import annotations

import tracemalloc

import pytest

from core.log.canonical import unpack
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
