"""Plots draw every value that there is, and say in words and numbers what they show."""

from __future__ import annotations

import math
import re

import pytest
from markupsafe import Markup

from simulator.report import places
from simulator.report.charts import ROWS_MAX, STYLES, Plot, Span, distribution, lines, percentiles
from simulator.report.record import CutOff, Latency, Series
from tests.simulator.report.records import live_run

TAP = live_run().latencies[0]


def paths(plot: Plot) -> list[str]:
    """What each line draws, in order."""
    return re.findall(r'<path class="line[^"]*" d="([^"]*)"', plot.drawing)


def points(path: str) -> int:
    return len(re.findall("[ML]", path))


def test_a_line_has_a_point_for_each_value_of_its_series() -> None:
    for each in live_run().series:
        (path,) = paths(lines("plot", each.name, each.unit, [each]))
        assert points(path) == len(each.values) > 300


def test_several_series_of_one_unit_lie_in_one_plot_and_look_different() -> None:
    five = [Series(f"s{n}", "phones", (0, 1), (n, n + 1)) for n in range(5)]
    plot = lines("plot", "Five", "phones", five)
    assert len(set(re.findall(r'class="(line line-\d)"', plot.drawing))) == 5 <= STYLES
    assert [key.name for key in plot.legend] == ["s0", "s1", "s2", "s3", "s4"]
    assert plot.table is not None
    assert plot.table.heads == ("after", *(f"s{n}, phones" for n in range(5)))


def test_a_value_that_is_none_interrupts_its_line() -> None:
    gap = Series("p99", "ms", (0, 1, 2, 3), (5.0, math.nan, 7.0, 8.0))
    (path,) = paths(lines("plot", "p99", "ms", [gap]))
    assert re.findall("[MLh]", path) == ["M", "h", "M", "h", "L"]


@pytest.mark.parametrize("values", [(), (3.0,), (0.0, 0.0), (math.nan, math.nan)])
def test_an_empty_or_constant_series_is_drawn_too(values: tuple[float, ...]) -> None:
    at_s = tuple(map(float, range(len(values))))
    plot = lines("plot", "Calm", "ms", [Series("calm", "ms", at_s, values)])
    assert "nan" not in plot.drawing
    assert plot.legend[0].words


def test_the_phases_of_a_run_are_shaded_and_the_wide_ones_named() -> None:
    spans = [
        Span("ramp up", 0, 5, shaded=True),
        Span("hold", 5, 95),
        Span("ramp down", 95, 100, shaded=True),
    ]
    plot = lines("plot", "On", "", [Series("on", "", (0, 100), (1, 2))], spans)
    assert plot.drawing.count('<rect class="span"') == 2
    assert plot.legend[-1].name == "ramp up, ramp down"
    assert re.findall(r'class="span-name"[^>]*>([^<]*)<', plot.drawing) == ["hold"]


def test_times_far_apart_are_drawn_on_a_scale_of_decades() -> None:
    far = Series("p99", "ms", (0, 1), (4.0, 4_000.0))
    assert lines("plot", "p99", "ms", [far]).unit == "log scale"
    near = Series("p99", "ms", (0, 1), (40.0, 400.0))
    assert lines("plot", "p99", "ms", [near]).unit == "ms"


def test_the_table_beside_a_long_series_says_what_it_leaves_out() -> None:
    long = Series("on", "", tuple(map(float, range(1_000))), (1.0,) * 1_000)
    table = lines("plot", "On", "", [long]).table
    assert table is not None
    assert len(table.rows) <= ROWS_MAX
    assert table.note == "1 of 5 moments; all are in report.json."


def test_a_distribution_has_a_column_for_each_bucket_that_holds_something() -> None:
    plot = distribution("plot", TAP)
    held = [count for _, count in TAP.buckets if count]
    assert plot.drawing.count('<rect class="column"') == len(held)
    names = re.findall(r'class="percentile-name"[^>]*>([^<]*)<', plot.drawing)
    assert names == ["p50", "p90", "p99", "worst"]
    assert plot.table is not None
    assert sum(int(row[1].replace(",", "")) for row in plot.table.rows) == sum(held)


def test_the_last_bucket_may_have_no_edge() -> None:
    open_ended = Latency("wait", 3, 1.0, 5.0, 5.0, 900.0, ((1.0, 1), (10.0, 1), (math.inf, 1)))
    plot = distribution("plot", open_ended)
    assert plot.drawing.count('<rect class="column"') == 3
    assert plot.table is not None
    assert plot.table.rows[-1][0].replace("\u00a0", " ") == "over 10 ms"


def test_percentiles_have_a_row_for_each_latency_and_a_shape_for_each_mark() -> None:
    run = live_run()
    plot = percentiles("plot", "Percentiles", run.latencies)
    assert plot.drawing.count('class="lane-name"') == len(run.latencies)
    for shape in ("p50", "p90", "p99", "worst"):
        assert plot.drawing.count(f'class="mark mark-{shape}"') == len(run.latencies)
    assert plot.table is not None
    assert [row[0] for row in plot.table.rows] == [each.name for each in run.latencies]


def test_a_plot_is_named_and_described_for_whoever_does_not_see_it() -> None:
    plot = lines("plot", "On", "", [Series("on", "", (0, 60), (1, 2))])
    assert 'role="img" aria-labelledby="plot-t plot-d"' in plot.drawing
    assert '<title id="plot-t">On</title>' in plot.drawing
    assert "on: 1 to 2, at the end 2" in plot.drawing


def test_names_never_become_markup() -> None:
    evil = '<script>alert("x")</script>'
    series = [Series(evil, evil, (0, 1), (1, 2))]
    drawn = (
        lines("plot", evil, evil, series).drawing
        + distribution("d", Latency(evil, 1, 1, 1, 1, 1, ((2.0, 1),))).drawing
    )
    assert isinstance(drawn, Markup)
    assert "<script" not in drawn


def circles(plot: Plot) -> list[tuple[float, float, float]]:
    found = re.findall(r'cx="([-\d.]+)" cy="([-\d.]+)" r="([\d.]+)"', plot.drawing)
    return [(float(x), float(y), float(r)) for x, y, r in found]


def test_the_map_has_a_circle_for_each_place_and_true_distances() -> None:
    # About a kilometre to the north, and a kilometre to the east at 60 degrees.
    here, north, east = (
        (600_000_000, 250_000_000),
        (600_090_000, 250_000_000),
        (600_000_000, 250_180_000),
    )
    plot = places.drawn("map", [CutOff(*here, 8), CutOff(*north, 2), CutOff(*east, 2)])
    (x, y, large), (east_x, _, small), (_, north_y, _) = circles(plot)
    assert abs((y - north_y) - (east_x - x)) < 2
    assert y > north_y
    assert east_x > x
    assert large == pytest.approx(2 * small, abs=0.1)
    assert ">200\u00a0m<" in plot.drawing
    assert plot.table is not None
    assert plot.table.rows[0] == ("60.00000", "25.00000", "8")


def test_one_place_has_a_map_and_a_scale_too() -> None:
    plot = places.drawn("map", [CutOff(600_000_000, 250_000_000, 1)])
    assert circles(plot) == [(180.0, 180.0, 16.0)]
    assert "\u00a0m<" in plot.drawing
