"""Making the road graph: drivable ways become nodes, edges and one binary file.

Holds the building; `roads.py` reads the file and answers questions. Tags were judged before, in
`road_tags.py`.

Invariant: from every node that is kept, every other node of its component can be reached and left
again, so that a snap to the graph never ends in a trap; the same ways give the same bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from core.dispatch.geometry import distance_m
from hub.map.extract import DriveWay
from hub.map.roads import Graph, cell_of

NODE_SPACING_M: Final = 150.0
"""Long roads get nodes of their own, so that the nearest node is a fair place to get on."""
KEPT_NODES_MIN: Final = 500
"""Besides the largest component, an island of this size is worth routing on; smaller ones are car
parks and yards that the extract cut off, and would catch what belongs to the road beside them."""


@dataclass(slots=True)
class _Draft:
    """The graph before it is pruned: segments between nodes, each with one direction or two."""

    lats: list[int] = field(default_factory=list)
    lons: list[int] = field(default_factory=list)
    tails: array[int] = field(default_factory=lambda: array("I"))
    heads: array[int] = field(default_factory=lambda: array("I"))
    times_ms: array[int] = field(default_factory=lambda: array("I"))
    lengths_cm: array[int] = field(default_factory=lambda: array("I"))
    both: list[tuple[bool, bool]] = field(default_factory=list)
    shapes: list[tuple[array[int], array[int]]] = field(default_factory=list)
    node_by_ref: dict[int, int] = field(default_factory=dict)

    def node(self, ref: int | None, lat_e7: int, lon_e7: int) -> int:
        """Return the node for an id of the map, or a new one that nothing else can meet."""
        if ref is not None and ref in self.node_by_ref:
            return self.node_by_ref[ref]
        number = len(self.lats)
        self.lats.append(lat_e7)
        self.lons.append(lon_e7)
        if ref is not None:
            self.node_by_ref[ref] = number
        return number


def build_graph(ways: Sequence[DriveWay], blocked_refs: set[int]) -> Graph:
    """Return the graph of these ways; no way may be driven across a blocked node."""
    uses: dict[int, int] = {}
    for way in ways:
        for ref in way.refs:
            uses[ref] = uses.get(ref, 0) + 1
    draft = _Draft()
    for way in ways:
        for first, last in _pieces(way, blocked_refs):
            _add_piece(draft, way, first, last, uses, blocked_refs)
    return _pruned(draft)


def _pieces(way: DriveWay, blocked_refs: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the index ranges of a way between its barriers."""
    first = 0
    last = len(way.refs) - 1
    for index in range(1, last):
        if way.refs[index] in blocked_refs:
            yield first, index
            first = index
    yield first, last


def _add_piece(
    draft: _Draft, way: DriveWay, first: int, last: int, uses: dict[int, int], blocked: set[int]
) -> None:
    """Add the segments of one piece of a way, a node at each junction and at each spacing."""

    def node(index: int) -> int:
        ref = way.refs[index]
        return draft.node(None if ref in blocked else ref, way.lats_e7[index], way.lons_e7[index])

    tail = node(first)
    start = first
    length_m = 0.0
    for index in range(first + 1, last + 1):
        length_m += distance_m(
            way.lats_e7[index - 1],
            way.lons_e7[index - 1],
            way.lats_e7[index],
            way.lons_e7[index],
        )
        if index < last and uses[way.refs[index]] == 1 and length_m < NODE_SPACING_M:
            continue
        head = node(index)
        if head != tail:
            draft.tails.append(tail)
            draft.heads.append(head)
            draft.times_ms.append(max(1, round(length_m * 3600.0 / way.drive.speed_kmh)))
            draft.lengths_cm.append(round(length_m * 100))
            draft.both.append((way.drive.forward, way.drive.backward))
            draft.shapes.append((way.lats_e7[start + 1 : index], way.lons_e7[start + 1 : index]))
        tail, start, length_m = head, index, 0.0


def _pruned(draft: _Draft) -> Graph:
    """Keep the components that a car can drive into and out of, and sort nodes by grid cell."""
    component = _components(draft)
    sizes: dict[int, int] = {}
    for number in component:
        sizes[number] = sizes.get(number, 0) + 1
    largest = max(sizes, key=lambda number: (sizes[number], -number), default=-1)
    kept = [
        node
        for node, number in enumerate(component)
        if number == largest or sizes[number] >= KEPT_NODES_MIN
    ]
    kept.sort(key=lambda node: (cell_of(draft.lats[node], draft.lons[node]), node))
    place = {node: index for index, node in enumerate(kept)}
    graph = Graph(len(kept))
    for node in kept:
        graph.add_node(draft.lats[node], draft.lons[node])
    edges: list[tuple[int, int, int, int]] = []
    for number, (forward, backward) in enumerate(draft.both):
        tail, head = draft.tails[number], draft.heads[number]
        if component[tail] != component[head] or tail not in place or head not in place:
            continue
        segment = graph.add_segment(draft.lengths_cm[number], *draft.shapes[number])
        time_ms = draft.times_ms[number]
        if forward:
            edges.append((place[tail], place[head], time_ms, 2 * segment))
        if backward:
            edges.append((place[head], place[tail], time_ms, 2 * segment + 1))
    graph.set_edges(sorted(edges))
    return graph


def _components(draft: _Draft) -> list[int]:
    """Return for each node the number of its strongly connected component.

    Tarjan's algorithm, with a stack of its own because a country's roads are deeper than Python's.
    """
    out: list[list[int]] = [[] for _ in draft.lats]
    for tail, head, (forward, backward) in zip(draft.tails, draft.heads, draft.both, strict=True):
        if forward:
            out[tail].append(head)
        if backward:
            out[head].append(tail)
    count = len(out)
    order = [-1] * count
    low = [0] * count
    component = [-1] * count
    pending: list[int] = []
    clock = 0
    for root in range(count):
        if order[root] >= 0:
            continue
        work = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                order[node] = low[node] = clock
                clock += 1
                pending.append(node)
            elif component[out[node][position - 1]] < 0:
                low[node] = min(low[node], low[out[node][position - 1]])
            for index in range(position, len(out[node])):
                head = out[node][index]
                if order[head] < 0:
                    work += ((node, index + 1), (head, 0))
                    break
                if component[head] < 0:
                    low[node] = min(low[node], order[head])
            else:
                if low[node] == order[node]:
                    while True:
                        member = pending.pop()
                        component[member] = node
                        if member == node:
                            break
    return component
