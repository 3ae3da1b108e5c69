"""Reading vector tiles, written from the specification and apart from the code that writes them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmtiles.reader import MmapSource, Reader, all_tiles

Point = tuple[int, int]


@dataclass
class ReadFeature:
    """A feature of a tile: type 1 to 3, its properties, and its points as separate paths."""

    kind: int
    properties: dict[str, Any]
    paths: list[list[Point]]


def read_tile(data: bytes) -> dict[str, list[ReadFeature]]:
    layers = {}
    for number, body in _fields(data):
        assert number == 3
        name, features = _layer(body)
        layers[name] = features
    return layers


def archive_tiles(path: Path) -> dict[tuple[int, int, int], dict[str, list[ReadFeature]]]:
    with path.open("rb") as file:
        return {
            tile: read_tile(gzip.decompress(data)) for tile, data in all_tiles(MmapSource(file))
        }


def archive_metadata(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return Reader(MmapSource(file)).metadata()


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        else:
            assert key & 7 == 2
            length, at = _varint(data, at)
            assert at + length <= len(data)
            yield key >> 3, data[at : at + length]
            at += length


def _packed(data: bytes) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values


def _signed(value: int) -> int:
    return -(value >> 1) - 1 if value & 1 else value >> 1


def _value(data: bytes) -> Any:
    ((number, value),) = _fields(data)
    return value.decode() if number == 1 else _signed(value)


def _layer(data: bytes) -> tuple[str, list[ReadFeature]]:
    fields = list(_fields(data))
    found = dict(fields)
    assert found[15] == 2
    assert found[5] == 4096
    keys = [value.decode() for number, value in fields if number == 3]
    values = [_value(value) for number, value in fields if number == 4]
    features = []
    for number, body in fields:
        if number != 2:
            continue
        parts = dict(_fields(body))
        tags = _packed(parts.get(2, b""))
        properties = {
            keys[key]: values[value] for key, value in zip(tags[::2], tags[1::2], strict=True)
        }
        features.append(ReadFeature(parts[3], properties, _paths(_packed(parts[4]))))
    return found[1].decode(), features


def _paths(commands: list[int]) -> list[list[Point]]:
    paths: list[list[Point]] = []
    x = y = at = 0
    while at < len(commands):
        command, count = commands[at] & 7, commands[at] >> 3
        at += 1
        if command == 7:
            paths[-1].append(paths[-1][0])
            continue
        for _ in range(count):
            x += _signed(commands[at])
            y += _signed(commands[at + 1])
            at += 2
            if command == 1:
                paths.append([])
            paths[-1].append((x, y))
    return paths
