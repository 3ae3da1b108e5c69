"""Small maps drawn by hand: OpenStreetMap extracts written with a real writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Way

Tags = Mapping[str, str]


def write_map(
    path: Path,
    nodes: Mapping[int, tuple[float, float]],
    ways: Sequence[tuple[Sequence[int], Tags]] = (),
    tags_by_node: Mapping[int, Tags] | None = None,
) -> Path:
    """Write an extract; nodes are (lat, lon) by id, ways are lists of node ids with tags."""
    tags_by_node = tags_by_node or {}
    path.unlink(missing_ok=True)
    writer = osmium.SimpleWriter(str(path))
    try:
        for number, (lat, lon) in sorted(nodes.items()):
            tags = dict(tags_by_node.get(number, {}))
            writer.add_node(Node(id=number, version=1, location=(lon, lat), tags=tags))
        for number, (refs, way_tags) in enumerate(ways, 1):
            writer.add_way(Way(id=number, version=1, nodes=list(refs), tags=dict(way_tags)))
    finally:
        writer.close()
    return path
