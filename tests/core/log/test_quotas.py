"""Quotas: a key that floods is stopped for the day, and nobody else by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.log.errors import OverLimit
from core.log.quota import DAY_MS, Allowance

KEYS = st.sampled_from([b"ana", b"bo", b"cem"])


def takes(allowance: Allowance, key: bytes, entries: int, size: int, at_ms: int) -> bool:
    """Whether so much more of a key is let in, and then counted."""
    try:
        allowance.see(key, entries, size, at_ms)
    except OverLimit:
        return False
    allowance.charge(key, entries, size, at_ms)
    return True


def test_up_to_the_limit_all_comes_and_beyond_it_nothing_until_the_next_day() -> None:
    allowance = Allowance("came", 10, 1_000)
    assert takes(allowance, b"ana", 10, 10, 5)
    assert not takes(allowance, b"ana", 1, 1, 5 + DAY_MS - 1)
    assert takes(allowance, b"bo", 1, 1_000, 6)
    assert not takes(allowance, b"bo", 1, 1, 7)
    assert takes(allowance, b"ana", 10, 10, 5 + DAY_MS)


def test_a_refusal_says_how_much_may_come() -> None:
    with pytest.raises(OverLimit, match="more than 10 entries or 1 MB came within a day"):
        Allowance("came", 10, 1_000_000).see(b"ana", 11, 1, 0)


@given(st.lists(st.tuples(KEYS, st.integers(1, 7), st.integers(0, 300), st.integers(0, 9))))
def test_within_a_day_no_key_brings_more_than_it_may_whatever_others_do(
    tries: list[tuple[bytes, int, int, int]],
) -> None:
    allowance, alone = Allowance("came", 20, 900), {}
    for key in (b"ana", b"bo", b"cem"):
        alone[key] = Allowance("came", 20, 900)
    total: dict[bytes, int] = {}
    at_ms = 0
    for key, entries, size, later in tries:
        at_ms += later
        taken = takes(allowance, key, entries, size, at_ms)
        assert taken == takes(alone[key], key, entries, size, at_ms)
        total[key] = total.get(key, 0) + entries * taken
    assert all(count <= 20 for count in total.values())


def test_who_was_charged_more_than_a_day_ago_is_forgotten() -> None:
    allowance = Allowance("came", 10, 1_000)
    for number in range(500):
        allowance.charge(number.to_bytes(2, "big"), 1, 1, number * DAY_MS // 10)
    assert len(allowance._used) <= 11
