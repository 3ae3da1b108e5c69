"""The logger against traces: recorded ones where they lie on this machine, else generated ones."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from core.dispatch.autolog import JobPlace, Places, Settings, State, replay
from tests.autolog_truth import (
    RADIUS_M,
    SILENCE_MS,
    judged,
    longest_stays,
    score,
    spans_at,
)
from tests.traces import TraceError, generate, read_fixes, recorded_path


def test_every_visit_of_ten_minutes_is_found_and_none_where_the_trace_only_passes() -> None:
    rows = score(recorded_path())
    assert len(rows) == 10
    assert sum(row.visits_true for row in rows) >= 40
    assert [row for row in rows if row.visits_found != row.visits_true] == []
    assert [row for row in rows if row.visits_false] == []
    true_min = sum(row.minutes_true for row in rows)
    logged_min = sum(row.minutes_logged for row in rows)
    # Logs go on at the edge of a place, where the finder counts only what lies inside.
    assert abs(logged_min - true_min) <= 0.04 * true_min


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_generated_days_every_visit_is_found(seed: int) -> None:
    made = generate(seed, days=4)
    rows = judged(made.fixes, made.places, [str(index) for index in range(len(made.places))])
    assert sum(row.visits_true for row in rows) == len(made.stays)
    assert [row for row in rows if row.visits_found != row.visits_true or row.visits_false] == []


def test_the_trace_in_any_order_gives_the_same_facts() -> None:
    path = recorded_path()
    fixes = read_fixes(path)[:15_000] if path else generate(5, days=6).fixes
    jobs = [
        JobPlace(bytes([index]), lat, lon, RADIUS_M)
        for index, (lat, lon) in enumerate(longest_stays(fixes, 5))
    ]
    shuffled = list(fixes)
    random.Random(1).shuffle(shuffled)
    in_order = replay(State(), fixes, Places(jobs), Settings())
    assert in_order[1]
    assert replay(State(), shuffled, Places(jobs), Settings()) == in_order


def test_the_finder_itself_finds_the_stays_that_were_made_up() -> None:
    made = generate(11, days=3)
    for index, (lat, lon) in enumerate(made.places):
        real = [stay for stay in made.stays if stay.place == index]
        found = [span for span in spans_at(made.fixes, lat, lon) if span[1] - span[0] >= 600_000]
        assert len(found) == len(real)
        for span, stay in zip(found, real, strict=True):
            assert abs(span[0] - stay.start_ms) < 60_000
            assert abs(span[1] - stay.stop_ms) < 60_000 < SILENCE_MS


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\x1f\x8bcut", b"\xff\xfe\x00", b"lat,lon,time_utc\nx,1,2\n"]
)
def test_a_file_that_holds_no_trace_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trace.csv"
    path.write_bytes(content)
    with pytest.raises(TraceError, match="with the columns lat, lon and time_utc"):
        read_fixes(path)


def test_a_plain_file_and_a_gzipped_one_give_the_same_fixes(tmp_path: Path) -> None:
    plain, packed = tmp_path / "trace.csv", tmp_path / "trace.csv.gz"
    lines = b"lat,lon,time_utc\n60.1,24.9,2026-03-02T08:00:00\n60.2,24.9,2026-03-02T08:00:05\n"
    plain.write_bytes(lines)
    packed.write_bytes(gzip.compress(lines))
    assert read_fixes(plain) == read_fixes(packed)
    assert len(read_fixes(plain)) == 2
