"""The bench prints every row, from real sessions and stores, whatever the size of the site."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from tests.bench import squeezing
from tests.bench.__main__ import FAMILIES, QUICK_FAMILIES, Run, quick_rows
from tests.bench.measuring import HEADS, Row, Timing, figures, in_turns, median_rate, plain, table
from tests.bench.stores import built, runs_of
from tests.build import agree, hold, streams_of

FIGURES = {
    "bench_first_bytes[as sent]", "bench_apart_bytes[as sent]", "bench_reconnect_bytes",
    "bench_reconnect_round_trips", "bench_first_bytes[none]",
    "bench_first_bytes[deflate-6 stream]", "bench_first_signatures_bytes",
    "bench_first_leaves_bytes", "bench_apart_bytes[none]", "bench_merge", "bench_first_merge",
    "bench_merge_processor", "bench_disk_bytes", "bench_scale_write_48_jobs",
    "bench_scale_merge_48_jobs",
}  # fmt: skip


def test_a_tiny_run_prints_all_its_rows() -> None:
    rows = list(quick_rows())
    assert {row.name for row in rows} >= FIGURES
    assert all(row.value > 0 for row in rows if "leaves" not in row.name)
    assert set(QUICK_FAMILIES) <= set(FAMILIES)
    lines = table(rows).splitlines()
    assert len(lines) == len(rows) + 2
    assert all(line.count("|") == len(HEADS) + 1 for line in lines)


def test_the_rows_of_sizes_say_whether_the_goal_is_reached() -> None:
    rows = {row.name: row for row in Run(24, 24, 1, None).rows("day")}
    assert rows["bench_day_bytes"].reached is True
    assert [row for row in rows.values() if row.goal and row.reached is not None]


def test_a_built_site_is_what_its_frames_carry(tmp_path: Path) -> None:
    site = built(24, cache=tmp_path)
    with site.replica("hub-A-written") as written, site.replica("hub-B") as listened:
        assert agree(written, listened)
        assert streams_of(written) == streams_of(listened)
    with site.replica("hub-A") as hub, site.replica("hub-C") as newcomer:
        assert agree(hub, newcomer)
        assert streams_of(hub) == streams_of(newcomer)
        assert hold(newcomer, hub).live
    again = built(24, cache=tmp_path / "again")
    assert runs_of(again.first) == runs_of(site.first)


def test_ours_and_the_others_take_turns() -> None:
    order = []

    def work(name: str) -> Timing:
        order.append(name)
        return Timing(10, 2.0, 1.0)

    found = in_turns({"a": lambda: work("a"), "b": lambda: work("b")}, 3)
    assert order == ["a", "b"] * 3
    assert median_rate(found["a"]) == 5.0


def test_every_way_of_compression_is_counted_by_what_would_be_sent() -> None:
    frames = [b"the same words again " * 40, b"the same words again " * 40]
    sizes = squeezing.sizes([frames], b"the same words again ", None)
    assert sizes["none"] == sum(map(len, frames))
    assert sizes["deflate-6 stream"] < sizes["deflate-6 each"] < sizes["none"]
    assert sizes["deflate-6 each"] == 2 * len(zlib.compress(frames[0], 6)[2:-4])


def test_a_figure_is_a_name_without_spaces_a_value_and_a_unit() -> None:
    row = Row("bench_first_bytes[deflate-6 stream]", 2345, "bytes", "Loro (unsigned)", 1_000)
    again = Row("bench_first_bytes[deflate-6 stream]", 2345, "bytes", "pycrdt", 500)
    assert list(figures([row, again])) == [
        ("bench_first_bytes_deflate_6_stream", "2345", "bytes"),
        ("bench_first_bytes_deflate_6_stream_to_loro", "2.35", "ratio"),
        ("bench_first_bytes_deflate_6_stream_to_pycrdt", "4.69", "ratio"),
    ]


@pytest.mark.parametrize(("value", "words"), [(3.0, "3"), (2.345, "2.35"), (1234.5, "1234")])
def test_numbers_have_no_places_that_mean_nothing(value: float, words: str) -> None:
    assert plain(value) == words
