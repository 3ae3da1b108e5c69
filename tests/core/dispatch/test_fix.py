"""Fixes: what is usable of them, and tracks that give back what was kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.fix import (
    Fix,
    TrackError,
    decode_track,
    encode_track,
    fault,
    order_of,
    settled,
    thin,
    usable,
)
from core.log.canonical import pack
from tests.core.dispatch.scene import fix, go, ms, stay
from tests.traces import generate

NOW_MS = ms(0)

fixes = st.builds(
    Fix,
    st.integers(0, 4_102_444_800_000),
    st.integers(-900_000_000, 900_000_000),
    st.integers(-1_800_000_000, 1_800_000_000),
    st.none() | st.integers(0, 1_000_000),
    st.none() | st.floats(0, 500),
    st.none() | st.integers(0, 359),
    st.sampled_from(["", "gps", "owntracks", "another app"]) | st.text(max_size=32),
    st.booleans(),
)


@given(st.lists(fixes, max_size=40))
@settings(deadline=None)
def test_a_track_gives_back_what_was_put_in(several: list[Fix]) -> None:
    numbers = encode_track(several)
    assert all(type(number) is int for number in numbers)
    kept = [settled(each) for each in several]
    assert decode_track(numbers) == sorted(kept, key=order_of)
    assert encode_track(decode_track(numbers)) == numbers


@given(st.lists(st.integers(-5, 40) | st.sampled_from([1, 2**60, None, "x", True]), max_size=30))
def test_any_list_is_a_track_or_refused_by_name(numbers: list[object]) -> None:
    refused = ""
    track: list[Fix] = []
    try:
        track = decode_track(numbers)
    except TrackError as error:
        refused = str(error)
    assert refused or encode_track(track)[0] == 1


def test_a_cut_or_lengthened_track_is_refused() -> None:
    numbers = encode_track(stay(0, 60))
    for length in range(len(numbers)):
        with pytest.raises(TrackError):
            decode_track(numbers[:length])
    with pytest.raises(TrackError, match="after its last fix"):
        decode_track([*numbers, 0])
    with pytest.raises(TrackError, match="version"):
        decode_track([2, *numbers[1:]])


def test_a_track_of_some_minutes_takes_a_dozen_bytes_a_fix() -> None:
    made = thin(generate(1, days=1).fixes)[:60]
    size_bytes = len(pack(encode_track(made)))
    assert size_bytes <= 12 * len(made) + 40


def test_too_many_fixes_are_refused_before_they_are_coded() -> None:
    with pytest.raises(TrackError, match="at most 1000"):
        encode_track([fix(i, 0) for i in range(1001)])


@pytest.mark.parametrize(("bad", "why"), [
    (Fix(NOW_MS + 86_400_001, 1_000_000, 0, 8), "time"),
    (Fix(NOW_MS - 63 * 86_400_000, 1_000_000, 0, 8), "time"),
    (Fix(5, 1_000_000, 0, 8), "time"),
    (Fix(NOW_MS, 0, 0, 8), "place"),
    (Fix(NOW_MS, 900_000_001, 0, 8), "place"),
    (Fix(NOW_MS, 0, -1_800_000_001, 8), "place"),
    (Fix(NOW_MS, 1_000_000, 0, None), "accuracy"),
    (Fix(NOW_MS, 1_000_000, 0, 0), "accuracy"),
    (Fix(NOW_MS, 1_000_000, 0, -1), "accuracy"),
    (Fix(NOW_MS, 1_000_000, 0, 201), "accuracy"),
])  # fmt: skip
def test_nonsense_is_known_by_its_fault(bad: Fix, why: str) -> None:
    assert fault(bad, NOW_MS) == why
    assert not usable(bad, NOW_MS)


def test_a_fix_an_hour_ahead_of_a_wrong_phone_clock_is_usable() -> None:
    assert usable(Fix(NOW_MS + 3_600_000, 1_000_000, 0, 200), NOW_MS)
    assert usable(Fix(NOW_MS, 1_000_000, 0, 0, mock=True), NOW_MS)


def test_thinning_keeps_ways_evidence_and_oddities_and_drops_the_rest() -> None:
    still = stay(0, 600, every_s=5)
    way = go(605, 0, 3000, speed_mps=15)
    odd = [fix(300, 0, accuracy_m=None), fix(302, 0, mock=True)]
    kept = thin([*still, *odd, *way], evidence_ms=[ms(55)])
    times = [round((each.time_ms - ms(0)) / 1000) for each in kept]
    assert times[0] == 0
    assert {55, 300, 302} <= set(times)
    assert times[-1] == round((way[-1].time_ms - ms(0)) / 1000)
    assert len([second for second in times if second < 600]) <= 12
    on_way = [second for second in times if second >= 605]
    assert len(on_way) >= 15
    assert all(b - a <= 10 for a, b in zip(on_way, on_way[1:], strict=False))
    assert thin(kept, [ms(55)]) == kept
    assert thin([*kept, *reversed(kept)], [ms(55)]) == kept
