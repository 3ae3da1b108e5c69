"""Routes follow roads, times add up, and a naive search agrees."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dispatch.geometry import Point, distance_m
from hub.map.errors import RegionError
from hub.map.extract import Extract, read_extract
from hub.map.road_build import build_graph
from hub.map.roads import Graph, Roads
from tests.hub.map.conftest import silent
from tests.hub.map.small_maps import Tags, write_map

MANNERHEIMINTIE: Point = (601_690_000, 249_400_000)
HAKANIEMI: Point = (601_784_000, 249_500_000)
STATION: Point = (601_712_000, 249_440_000)

Edge = tuple[int, int, int]


def town(tmp_path: Path, ways: Sequence[tuple[Sequence[int], Tags]], **others: Tags) -> Roads:
    """A ladder of streets: 1-2-3-4 along the south, 5-6-7-8 along the north, 280 m apart."""
    nodes = {column: (60.0, 24.0 + 0.005 * column) for column in range(1, 5)}
    nodes |= {4 + column: (60.0025, 24.0 + 0.005 * column) for column in range(1, 5)}
    tags = {int(name.removeprefix("node")): found for name, found in others.items()}
    path = write_map(tmp_path / "town.osm.pbf", nodes, ways, tags)
    extract = read_extract(path, silent)
    return Roads(build_graph(extract.ways, extract.blocked_refs))


def at(node: int) -> Point:
    row, column = divmod(node - 1, 4)
    return round((60.0 + 0.0025 * row) * 1e7), round((24.0 + 0.005 * (column + 1)) * 1e7)


STREET = {"highway": "residential"}
ONE_WAY = {"highway": "residential", "oneway": "yes"}


def test_route_follows_the_road_and_not_the_air(tmp_path: Path) -> None:
    roads = town(tmp_path, [((1, 5, 6, 7, 8, 4), STREET)])
    route = roads.route(at(1), at(4))
    assert route is not None
    corners = [at(node) for node in (1, 5, 6, 7, 8, 4)]
    passed = [point for point in route.points if point in corners]
    assert list(dict.fromkeys(passed)) == corners
    straight = [distance_m(*a, *b) for a, b in zip(corners, corners[1:], strict=False)]
    assert route.length_m == pytest.approx(sum(straight), rel=0.01)


def test_one_way_street_is_driven_around_in_the_other_direction(tmp_path: Path) -> None:
    roads = town(tmp_path, [((1, 2, 3, 4), ONE_WAY), ((4, 8, 7, 6, 5, 1), STREET)])
    there, back = roads.route(at(1), at(4)), roads.route(at(4), at(1))
    assert there is not None
    assert back is not None
    assert at(6) not in there.points
    assert at(6) in back.points
    assert back.duration_s > 1.3 * there.duration_s
    assert roads.travel_times_s(at(4), [at(1)]) == [there.duration_s]
    assert roads.travel_times_s(at(1), [at(4)]) == [back.duration_s]


def test_bollard_is_not_driven_through(tmp_path: Path) -> None:
    ways = [((1, 2, 3, 4), STREET), ((1, 5, 6, 7, 8, 4), STREET)]
    free = town(tmp_path, ways).route(at(1), at(4))
    blocked = town(tmp_path, ways, node3={"barrier": "bollard"}).route(at(1), at(4))
    assert free is not None
    assert blocked is not None
    assert at(3) in free.points
    assert at(7) not in free.points
    assert at(3) not in blocked.points
    assert at(7) in blocked.points


def test_the_faster_road_wins_over_the_shorter_one(tmp_path: Path) -> None:
    yard = {"highway": "living_street"}
    main = {"highway": "primary", "maxspeed": "80"}
    route = town(tmp_path, [((1, 2, 3, 4), yard), ((1, 5, 6, 7, 8, 4), main)]).route(at(1), at(4))
    assert route is not None
    assert at(7) in route.points


def test_yard_behind_the_edge_of_the_extract_catches_nobody(tmp_path: Path) -> None:
    # From 8 one could only leave, and 4 only be reached: a snap to them would find no way.
    roads = town(tmp_path, [((1, 2, 6, 5, 1), STREET), ((2, 3, 4), ONE_WAY), ((8, 7, 6), ONE_WAY)])
    assert roads.route(at(4), at(8)) is not None
    times = roads.travel_times_s(at(1), [at(4), at(8)])
    assert None not in times


def test_place_far_from_every_road_has_no_road_time(tmp_path: Path) -> None:
    roads = town(tmp_path, [((1, 2, 3, 4), STREET)])
    sea: Point = (604_000_000, 240_100_000)
    assert roads.nearest(sea) is None
    assert roads.route(at(1), sea) is None
    assert roads.travel_times_s(at(1), [sea, at(2)])[0] is None
    assert roads.travel_times_s(sea, [at(1)]) == [None]


def test_graph_of_nothing_answers_that_there_is_no_road() -> None:
    roads = Roads(build_graph([], set()))
    assert roads.route(at(1), at(2)) is None
    assert roads.travel_times_s(at(1), [at(2)]) == [None]


def test_two_places_at_one_corner_are_a_short_way_apart(tmp_path: Path) -> None:
    roads = town(tmp_path, [((1, 2, 3, 4), STREET)])
    near = (at(1)[0] + 900, at(1)[1])
    route = roads.route(at(1), near)
    assert route is not None
    assert route.length_m == pytest.approx(10.0, abs=0.1)
    assert roads.travel_times_s(near, [at(1)]) == [route.duration_s]


def test_routes_in_helsinki_stay_on_streets(roads: Roads, extract: Extract) -> None:
    on_a_street = {
        point for way in extract.ways for point in zip(way.lats_e7, way.lons_e7, strict=True)
    }
    route = roads.route(MANNERHEIMINTIE, HAKANIEMI)
    assert route is not None
    assert len(route.points) > 40
    assert set(route.points[1:-1]) <= on_a_street
    assert (
        max(distance_m(*a, *b) for a, b in zip(route.points, route.points[1:], strict=False)) < 250
    )


def test_times_along_a_route_never_run_backwards(roads: Roads) -> None:
    for start, end in ((MANNERHEIMINTIE, HAKANIEMI), (HAKANIEMI, STATION)):
        route = roads.route(start, end)
        assert route is not None
        assert route.points[0] == start
        assert route.points[-1] == end
        assert len(route.points) == len(route.seconds)
        assert route.seconds[0] == 0.0
        assert route.seconds == sorted(route.seconds)
        air_m = distance_m(*start, *end)
        assert air_m <= route.length_m < 3 * air_m
        assert 10 < route.length_m / route.duration_s * 3.6 < 60


def test_there_and_back_take_a_similar_time_in_a_town(roads: Roads) -> None:
    there, back = roads.route(MANNERHEIMINTIE, HAKANIEMI), roads.route(HAKANIEMI, MANNERHEIMINTIE)
    assert there is not None
    assert back is not None
    assert 0.5 < there.duration_s / back.duration_s < 2.0


def test_one_search_gives_all_workers_the_time_of_their_own_route(roads: Roads) -> None:
    workers = [roads.node_point(node) for node in range(0, roads.node_count, 97)]
    times = roads.travel_times_s(STATION, workers)
    for worker, seconds in zip(workers, times, strict=True):
        route = roads.route(worker, STATION)
        assert route is not None
        assert seconds == pytest.approx(route.duration_s, abs=1e-6)


def test_bounded_search_agrees_with_the_unbounded_one_within_its_bound(roads: Roads) -> None:
    for reverse in (False, True):
        whole = roads.reach_ms(0, 10**9, reverse=reverse)
        assert len(whole) == roads.node_count
        for bound_ms in (0, 30_000, 120_000):
            near = {node: time for node, time in whole.items() if time <= bound_ms}
            assert roads.reach_ms(0, bound_ms, reverse=reverse) == near
    workers = [roads.node_point(node) for node in range(0, roads.node_count, 50)]
    everything = roads.travel_times_s(STATION, workers)
    assert roads.travel_times_s(STATION, workers, seconds_max=90) == [
        seconds if seconds is not None and seconds <= 90 else None for seconds in everything
    ]


@given(st.integers(601_600_000, 601_800_000), st.integers(249_300_000, 249_560_000))
def test_nearest_node_is_the_nearest(roads: Roads, lat_e7: int, lon_e7: int) -> None:
    least = min(
        distance_m(lat_e7, lon_e7, *roads.node_point(node)) for node in range(roads.node_count)
    )
    snap = roads.nearest((lat_e7, lon_e7))
    assert snap is not None
    assert snap.distance_m == pytest.approx(least)


edges = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 9_000)), max_size=30
)


def small_graph(found: list[Edge]) -> Graph:
    graph = Graph(7)
    for node in range(7):
        graph.add_node(600_000_000 + node, 240_000_000)
    segment = graph.add_segment(100, array("i"), array("i"))
    graph.set_edges(sorted((tail, head, ms, 2 * segment) for tail, head, ms in found))
    return graph


def bellman_ford(found: list[Edge], start: int) -> dict[int, int]:
    times = {start: 0}
    for _ in range(7):
        for tail, head, ms in found:
            if tail in times:
                times[head] = min(times.get(head, 10**12), times[tail] + ms)
    return times


@given(edges, st.integers(0, 6), st.integers(0, 20_000))
def test_search_agrees_with_a_naive_one_on_any_graph(
    found: list[Edge], start: int, bound_ms: int
) -> None:
    roads = Roads(small_graph(found))
    for reverse in (False, True):
        seen = [(head, tail, ms) for tail, head, ms in found] if reverse else found
        naive = bellman_ford(seen, start)
        assert roads.reach_ms(start, 10**12, reverse=reverse) == naive
        within = {node: ms for node, ms in naive.items() if ms <= bound_ms}
        assert roads.reach_ms(start, bound_ms, reverse=reverse) == within


@given(edges)
def test_graph_comes_back_from_its_file_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, found: list[Edge]
) -> None:
    path = tmp_path_factory.getbasetemp() / "graph.bin"
    small_graph(found).write(path)
    opened = Roads.open(path)
    before = Roads(small_graph(found))
    assert (opened.node_count, opened.edge_count) == (before.node_count, before.edge_count)
    assert all(opened.reach_ms(node, 10**9) == before.reach_ms(node, 10**9) for node in range(7))


def test_damaged_graph_is_refused_by_name(roads: Roads, tmp_path: Path) -> None:
    path = tmp_path / "roads.bin"
    small_graph([(0, 1, 5), (1, 0, 5)]).write(path)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[-1] ^= 1
    for data in (bytes(damaged), whole[:-3], b"something else", b"", whole[:40]):
        path.write_bytes(data)
        with pytest.raises(RegionError, match="Import the region again"):
            Roads.open(path)
    path.write_bytes(whole.replace(b'"version": 1', b'"version": 9'))
    with pytest.raises(RegionError, match="another version"):
        Roads.open(path)
