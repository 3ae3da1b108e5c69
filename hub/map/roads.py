"""The road graph: how long it takes to drive, and along which streets.

Holds the graph's arrays, its file, and the searches on it: pure Python over `array`, no thread and
no network. It does not build graphs from ways (`road_build.py`) and does not decide what to say
where there is no road (`travel.py`).

Invariant: a file that opens is whole (its hash was checked), and every node of it can be reached
from and can reach every other node of its component. Times inside are whole milliseconds, so that a
sum does not depend on its order.

Source: Dijkstra's algorithm with a binary heap; on 302,500 nodes 15 minutes of driving take 28 ms.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import math
import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.dispatch.geometry import METRES_PER_E7, Point, distance_m
from hub.map.errors import RegionError

SNAP_M_MAX: Final = 2_000.0
"""A place farther than this from any road gets no road time; it is an island or another region."""
ACCESS_KMH: Final = 20.0
ACCESS_DETOUR: Final = 1.35
"""From a place to the nearest node of the graph: a yard, a drive, the last turn."""
HEADER_BYTES_MAX: Final = 64 * 1024
FORMAT_VERSION: Final = 1

_MAGIC: Final = b"fieldlog roads\n"
_CELL_LAT_E7: Final = 50_000
_CELL_LON_E7: Final = 100_000
"""About 550 m in both directions at 60 degrees north, 1,100 m wide on the equator."""
_CELL_STRIDE: Final = 100_000
_SECTIONS: Final = (
    ("node_lat", "i"),
    ("node_lon", "i"),
    ("edge_first", "I"),
    ("edge_head", "I"),
    ("edge_tail", "I"),
    ("edge_ms", "I"),
    ("edge_way", "I"),
    ("back_first", "I"),
    ("back_edge", "I"),
    ("segment_cm", "I"),
    ("segment_first", "I"),
    ("shape_lat", "i"),
    ("shape_lon", "i"),
)


def cell_of(lat_e7: int, lon_e7: int) -> int:
    """Return the number of the grid cell that a place lies in; rows from south to north."""
    return (lat_e7 // _CELL_LAT_E7) * _CELL_STRIDE + lon_e7 // _CELL_LON_E7


@dataclass(frozen=True, slots=True)
class Route:
    """A way to drive: its points, the seconds since the start at each of them, and its length."""

    points: list[Point]
    seconds: list[float]
    length_m: float

    @property
    def duration_s(self) -> float:
        """How long the whole route takes, in seconds."""
        return self.seconds[-1]


@dataclass(frozen=True, slots=True)
class Snap:
    """Where a place gets onto the graph: the node, how far it is, and how long that takes."""

    node: int
    distance_m: float
    access_ms: int


class Graph:
    """The arrays of a road graph.

    Edge `e` runs from `edge_tail[e]` to `edge_head[e]` in `edge_ms[e]` milliseconds; those leaving
    node `n` are `edge_first[n]` to `edge_first[n + 1]`, those reaching it are listed in `back_edge`
    likewise. `edge_way[e]` is twice the number of its segment, plus one where the edge runs against
    it; a segment has a length and the points between its two nodes.
    """

    def __init__(self, node_count: int = 0) -> None:
        self.node_lat = array("i")
        self.node_lon = array("i")
        self.edge_first = array("I", [0]) * (node_count + 1)
        self.edge_head = array("I")
        self.edge_tail = array("I")
        self.edge_ms = array("I")
        self.edge_way = array("I")
        self.back_first = array("I", [0]) * (node_count + 1)
        self.back_edge = array("I")
        self.segment_cm = array("I")
        self.segment_first = array("I", [0])
        self.shape_lat = array("i")
        self.shape_lon = array("i")

    def add_node(self, lat_e7: int, lon_e7: int) -> None:
        """Add the next node; nodes come in the order of their grid cells."""
        self.node_lat.append(lat_e7)
        self.node_lon.append(lon_e7)

    def add_segment(self, length_cm: int, lats_e7: array[int], lons_e7: array[int]) -> int:
        """Add a segment with the points between its ends, and return its number."""
        self.segment_cm.append(length_cm)
        self.shape_lat.extend(lats_e7)
        self.shape_lon.extend(lons_e7)
        self.segment_first.append(len(self.shape_lat))
        return len(self.segment_cm) - 1

    def set_edges(self, edges: Sequence[tuple[int, int, int, int]]) -> None:
        """Set all edges (tail, head, milliseconds, way), sorted by their tails."""
        for tail, head, time_ms, way in edges:
            self.edge_tail.append(tail)
            self.edge_head.append(head)
            self.edge_ms.append(time_ms)
            self.edge_way.append(way)
            self.edge_first[tail + 1] += 1
            self.back_first[head + 1] += 1
        for node in range(1, len(self.edge_first)):
            self.edge_first[node] += self.edge_first[node - 1]
            self.back_first[node] += self.back_first[node - 1]
        self.back_edge = array(
            "I", sorted(range(len(edges)), key=lambda edge: (self.edge_head[edge], edge))
        )

    def write(self, path: Path) -> None:
        """Write the graph to a file."""
        body = bytearray()
        counts = []
        for name, typecode in _SECTIONS:
            column: array[int] = getattr(self, name)
            counts.append([name, typecode, len(column)])
            if sys.byteorder == "big":
                column = column[:]
                column.byteswap()
            body += column.tobytes()
        header = json.dumps(
            {
                "version": FORMAT_VERSION,
                "sections": counts,
                "hash": hashlib.blake2b(body, digest_size=32).hexdigest(),
            }
        ).encode()
        path.write_bytes(_MAGIC + len(header).to_bytes(4, "little") + header + body)


def read_graph(path: Path) -> Graph:
    """Read a graph's file; raises RegionError if it is damaged or of another version."""
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise RegionError(f"Cannot read {path}: {error.strerror or error}.") from error
    start = len(_MAGIC) + 4
    length = int.from_bytes(data[len(_MAGIC) : start], "little")
    if bytes(data[: len(_MAGIC)]) != _MAGIC or length > HEADER_BYTES_MAX:
        raise RegionError(f"{path.name} is not a road graph. Import the region again.")
    try:
        header = json.loads(bytes(data[start : start + length]))
        version, sections, digest = header["version"], header["sections"], header["hash"]
    except (ValueError, KeyError, TypeError) as error:
        raise RegionError(f"{path.name} is damaged. Import the region again.") from error
    if version != FORMAT_VERSION or [part[:2] for part in sections] != [list(s) for s in _SECTIONS]:
        raise RegionError(
            f"{path.name} was made by another version of this program. Import the region again."
        )
    body = data[start + length :]
    if hashlib.blake2b(body, digest_size=32).hexdigest() != digest:
        raise RegionError(f"{path.name} is damaged. Import the region again.")
    graph = Graph()
    offset = 0
    for name, typecode, count in sections:
        column: array[int] = array(typecode)
        size = count * column.itemsize
        column.frombytes(body[offset : offset + size])
        offset += size
        if sys.byteorder == "big":
            column.byteswap()
        setattr(graph, name, column)
    return graph


class Roads:
    """Questions to a road graph; nothing changes in it, so that any thread may ask.

    A question costs some milliseconds of a processor; ask long ones away from the event loop.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._cells = array(
            "q",
            (cell_of(lat, lon) for lat, lon in zip(graph.node_lat, graph.node_lon, strict=True)),
        )

    @classmethod
    def open(cls, path: Path) -> Roads:
        """Open a road graph's file; raises RegionError."""
        return cls(read_graph(path))

    @property
    def node_count(self) -> int:
        """How many nodes the graph has."""
        return len(self._graph.node_lat)

    @property
    def edge_count(self) -> int:
        """How many directed edges the graph has."""
        return len(self._graph.edge_head)

    def node_point(self, node: int) -> Point:
        """Return where a node lies."""
        return self._graph.node_lat[node], self._graph.node_lon[node]

    def nearest(self, point: Point, distance_m_max: float = SNAP_M_MAX) -> Snap | None:
        """Return the nearest node, or None if none lies within `distance_m_max`."""
        lat_e7, lon_e7 = point
        row, column = lat_e7 // _CELL_LAT_E7, lon_e7 // _CELL_LON_E7
        shrink = max(0.02, math.cos(math.radians(lat_e7 / 1e7)))
        # A ring of cells at distance r holds nothing nearer than r - 1 cells.
        cell_m = min(_CELL_LAT_E7, _CELL_LON_E7 * shrink) * METRES_PER_E7
        best: tuple[float, int] | None = None
        for ring in range(math.ceil(distance_m_max / cell_m) + 2):
            if best is not None and best[0] <= (ring - 1) * cell_m:
                break
            for node in self._ring(row, column, ring):
                distance = distance_m(lat_e7, lon_e7, *self.node_point(node))
                if distance <= distance_m_max and (best is None or (distance, node) < best):
                    best = (distance, node)
        if best is None:
            return None
        access_ms = round(best[0] * ACCESS_DETOUR / ACCESS_KMH * 3600)
        return Snap(best[1], best[0], access_ms)

    def _ring(self, row: int, column: int, ring: int) -> list[int]:
        """Return the nodes in the square ring of cells at this distance from a cell."""
        nodes: list[int] = []
        for other in range(row - ring, row + ring + 1):
            edge = abs(other - row) == ring
            step = 1 if edge or ring == 0 else 2 * ring
            for cell in range(
                other * _CELL_STRIDE + column - ring, other * _CELL_STRIDE + column + ring + 1, step
            ):
                first = bisect_left(self._cells, cell)
                while first < len(self._cells) and self._cells[first] == cell:
                    nodes.append(first)
                    first += 1
        return nodes

    def reach_ms(self, node: int, ms_max: int, *, reverse: bool = False) -> dict[int, int]:
        """Return the time from a node to each that is at most `ms_max` away; reversed, to it."""
        return self._search({node: 0}, ms_max, set(), reverse=reverse)[0]

    def times_between_ms(
        self, first: Snap, ends: Sequence[Snap | None], nodes_max: int
    ) -> list[int | None]:
        """Return how long the drive to each of the ends takes; one search that settles `nodes_max`.

        None stands where there is no road, or where the search ended before it came there. Two ends
        at one node are joined by their ways to it.
        """
        wanted = {end.node for end in ends if end is not None}
        times = self._search(
            {first.node: first.access_ms}, sys.maxsize, wanted, reverse=False, nodes_max=nodes_max
        )[0]
        return [
            None if end is None or end.node not in times else times[end.node] + end.access_ms
            for end in ends
        ]

    def travel_times_s(
        self, to: Point, sources: Sequence[Point], seconds_max: float = 7_200.0
    ) -> list[float | None]:
        """Return how many seconds the drive from each source to `to` takes.

        One search answers for all sources. None stands where there is no road, or where the drive
        takes longer than `seconds_max`.
        """
        end = self.nearest(to)
        starts = [self.nearest(source) for source in sources]
        if end is None:
            return [None] * len(sources)
        ms_max = round(seconds_max * 1000)
        wanted = {start.node for start in starts if start is not None}
        times = self._search({end.node: end.access_ms}, ms_max, wanted, reverse=True)[0]
        answers: list[float | None] = []
        for source, start in zip(sources, starts, strict=True):
            time_ms = None if start is None else times.get(start.node)
            if start is None or time_ms is None:
                answers.append(None)
                continue
            total_ms = time_ms + start.access_ms
            if start.node == end.node:
                total_ms = _direct_ms(source, to)
            answers.append(total_ms / 1000 if total_ms <= ms_max else None)
        return answers

    def route(self, start: Point, end: Point) -> Route | None:
        """Return the fastest route between two places, or None where no road joins them."""
        first, last = self.nearest(start), self.nearest(end)
        if first is None or last is None:
            return None
        if first.node == last.node:
            return Route([start, end], [0.0, _direct_ms(start, end) / 1000], _air_m(start, end))
        times, arrived_by = self._search(
            {first.node: first.access_ms}, sys.maxsize, {last.node}, reverse=False
        )
        if last.node not in times:
            return None
        edges: list[int] = []
        node = last.node
        while node != first.node:
            edges.append(arrived_by[node])
            node = self._graph.edge_tail[edges[-1]]
        return self._drawn(start, end, first, last, edges[::-1])

    def _search(
        self,
        start_ms_by_node: dict[int, int],
        ms_max: int,
        wanted: set[int],
        *,
        reverse: bool,
        nodes_max: int = sys.maxsize,
    ) -> tuple[dict[int, int], dict[int, int]]:
        """Dijkstra: return the settled nodes' times and the edge by which each was reached.

        Stops when all `wanted` nodes are settled, if there are any, or `nodes_max` are; never goes
        beyond `ms_max`.
        """
        graph = self._graph
        first = graph.back_first if reverse else graph.edge_first
        ends = graph.edge_tail if reverse else graph.edge_head
        back, cost = graph.back_edge, graph.edge_ms
        best = dict(start_ms_by_node)
        arrived_by: dict[int, int] = {}
        settled: dict[int, int] = {}
        left = set(wanted)
        heap = [(time, node) for node, time in best.items()]
        while heap:
            time, node = heapq.heappop(heap)
            if node in settled:
                continue
            if time > ms_max or len(settled) == nodes_max:
                break
            settled[node] = time
            left.discard(node)
            if wanted and not left:
                break
            for index in range(first[node], first[node + 1]):
                edge = back[index] if reverse else index
                other = ends[edge]
                total = time + cost[edge]
                if other not in best or total < best[other]:
                    best[other] = total
                    arrived_by[other] = edge
                    heapq.heappush(heap, (total, other))
        return settled, arrived_by

    def _drawn(
        self, start: Point, end: Point, first: Snap, last: Snap, edges: Sequence[int]
    ) -> Route:
        """Return the route along these edges, with the time at each of its points."""
        graph = self._graph
        points = [start, self.node_point(first.node)]
        seconds = [0.0, first.access_ms / 1000]
        length_m = first.distance_m + last.distance_m
        clock_ms = first.access_ms
        for edge in edges:
            segment, against = divmod(graph.edge_way[edge], 2)
            shape = range(graph.segment_first[segment], graph.segment_first[segment + 1])
            line = [points[-1]]
            line += [
                (graph.shape_lat[place], graph.shape_lon[place])
                for place in (reversed(shape) if against else shape)
            ]
            line.append(self.node_point(graph.edge_head[edge]))
            steps = [_air_m(here, there) for here, there in zip(line, line[1:], strict=False)]
            whole = sum(steps) or 1.0
            done = 0.0
            for point, step in zip(line[1:], steps, strict=True):
                done += step
                points.append(point)
                seconds.append((clock_ms + graph.edge_ms[edge] * min(1.0, done / whole)) / 1000)
            clock_ms += graph.edge_ms[edge]
            length_m += graph.segment_cm[segment] / 100
        points.append(end)
        seconds.append((clock_ms + last.access_ms) / 1000)
        return Route(points, seconds, length_m)


def _air_m(start: Point, end: Point) -> float:
    """Return the straight distance between two points in metres."""
    return distance_m(*start, *end)


def _direct_ms(start: Point, end: Point) -> int:
    """Return the time between two places that share their nearest node, in milliseconds."""
    return round(_air_m(start, end) * ACCESS_DETOUR / ACCESS_KMH * 3600)
