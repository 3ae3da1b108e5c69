"""Carving: entries, logs and seals found in the raw bytes of a store that SQLite can't read.

Looks for the headers that SQLite's records of these tables have (the column types, which stand
before the values), wherever they lie: in pages, in pages that nothing points to, in the WAL. The
file format is that of https://www.sqlite.org/fileformat.html. Believes nothing: what is found is
judged by its hashes in `salvage`. Invariant: any bytes at all are read without an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.log.limits import ENTRY_BYTES_MAX, SEAL_LEAVES_MAX

PAGE_BYTES = 4_096
WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")

# Column types as SQLite writes them: an integer has its width, a blob of n bytes 12 + 2n.
_INT = rb"[\x01-\x06\x08\x09]"
_MAYBE = rb"[\x00-\x06\x08\x09]"
_HASH = rb"\x4c"
_STREAM = rb"\x24"
# Of an entry's hash a row keeps all, or what the entry is named by.
_HASH_OR_SHORT = rb"[\x4c\x1c]"
_LONG = rb"[\x80-\xff]{0,2}[\x00-\x7f]"

# A log names its author by a local number; before schema 8 by the key itself.
_AUTHOR = rb"[\x4c\x01-\x06\x08\x09]"

# The header of a record is its own length and then the types of its columns.
_ENTRY = re.compile(
    b"(?=[\x06-\x08]" + _INT + _INT + _HASH_OR_SHORT + _LONG + _MAYBE + b")",
    re.DOTALL,
)
_LOG = re.compile(
    b"(?=\x0b\x00" + _STREAM + _AUTHOR + b"[\x0c\x4c]" + _INT + b"[\x00\x4c]" + _INT + _HASH
    + _MAYBE + _INT + b")",
    re.DOTALL,
)  # fmt: skip
_SEAL = re.compile(b"(?=[\x07\x08]\x00" + _HASH + _INT + _LONG + b"\x81\x0c)", re.DOTALL)
_HELD = re.compile(
    b"(?=\x08" + _STREAM + _INT + _HASH + _INT + _INT + _INT + b"[\x00\x05\x06])", re.DOTALL
)

# The index over stream, author and branch of a log says the same once more, and its number.
_INDEXED = re.compile(b"(?=\x05" + _STREAM + _AUTHOR + b"\x0c" + _INT + b")", re.DOTALL)
# A key with its number stands in a table, and in its index once more.
_KEY = re.compile(b"(?=\x03\x00" + _HASH + b")", re.DOTALL)
_KEY_INDEXED = re.compile(b"(?=\x03" + _HASH + _INT + b")", re.DOTALL)
# Projections name streams as hex text; their kind, the fifth byte, is a small number.
_NAMED = re.compile(rb"(?<![0-9a-f])[0-9a-f]{8}0[1-9][0-9a-f]{14}(?![0-9a-f])")

_WIDTHS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}


@dataclass(slots=True)
class Carved:
    """Rows as they stand in the tables.

    `entries` are (log, seq, hash or its first 8 bytes, body, arrived or None), `logs` (log, stream,
    author, base, base_hash, height, head), `indexed` (log, stream, author) of logs that are no
    branch, `seals` (author, number, leaves, signature), `left` (stream, left_at), `keys` (number,
    author); `streams` are ids that stand anywhere. Logs name authors by key or by number.
    """

    entries: list[tuple[int, int, bytes, bytes, int | None]]
    logs: list[tuple[int, bytes, bytes | int, int, bytes, int, bytes]]
    seals: list[tuple[bytes, int, bytes, bytes]]
    left: list[tuple[bytes, int]]
    indexed: list[tuple[int, bytes, bytes | int]]
    keys: list[tuple[int, bytes]]
    streams: set[bytes]


@dataclass(frozen=True, slots=True)
class _Image:
    """The bytes of one file with its pages by number, which long records go on in."""

    data: bytes
    page_bytes: int
    place_by_page: dict[int, int]


def carve(path: Path) -> Carved:
    """All rows of the log's tables that the store's file and its WAL hold anywhere.

    Raises:
        OSError: a file can't be read.
    """
    found = Carved([], [], [], [], [], [], set())
    for image in _images(path):
        _carve_image(image, found)
    return found


def _images(path: Path) -> Iterator[_Image]:
    data = path.read_bytes() if path.exists() else b""
    size = int.from_bytes(data[16:18], "big")
    size = 65_536 if size == 1 else size
    if size < 512 or size & (size - 1):
        size = PAGE_BYTES
    whole = {number + 1: number * size for number in range(len(data) // size)}
    yield _Image(data, size, whole)
    wal = path.with_name(f"{path.name}-wal")
    log = wal.read_bytes() if wal.exists() else b""
    if log[:4] not in WAL_MAGIC:
        return
    frame = FRAME_HEADER_BYTES + size
    newest = {
        int.from_bytes(log[at : at + 4], "big"): at + FRAME_HEADER_BYTES
        for at in range(WAL_HEADER_BYTES, len(log) - frame + 1, frame)
    }
    # A long record of the WAL may go on in a page that only the file has.
    joined = {number: len(log) + place for number, place in whole.items()}
    yield _Image(log + data, size, joined | newest)


def _carve_image(image: _Image, found: Carved) -> None:
    data = image.data
    for match in _ENTRY.finditer(data):
        values = _record(image, match.start(), 5, index=True)
        if values is None:
            continue
        log, seq, entry_hash, body, arrived = values
        if isinstance(body, bytes) and 0 < len(body) <= ENTRY_BYTES_MAX:
            found.entries.append((log, seq, entry_hash, body, arrived or None))
    for match in _LOG.finditer(data):
        values = _record(image, match.start(), 10, index=False)
        log = _rowid_before(data, match.start())
        if values is not None and log is not None:
            _, stream, author, _, base, base_hash, height, head, _, _ = values
            found.logs.append((log, stream, author, base, base_hash or b"", height, head))
    for match in _SEAL.finditer(data):
        values = _record(image, match.start(), 5, index=False)
        if values is None:
            continue
        _, author, number, leaves, signature = values
        if isinstance(leaves, bytes) and 0 < len(leaves) <= 32 * SEAL_LEAVES_MAX:
            found.seals.append((author, number, leaves, signature))
    for match in _HELD.finditer(data):
        values = _record(image, match.start(), 7, index=True)
        if values is not None:
            found.streams.add(values[0])
            if values[6]:
                found.left.append((values[0], values[6]))
    for match in _INDEXED.finditer(data):
        values = _record(image, match.start(), 4, index=True)
        if values is not None:
            stream, author, _, log = values
            found.indexed.append((log, stream, author))
    for match in _KEY.finditer(data):
        values = _record(image, match.start(), 2, index=False)
        number = _rowid_before(data, match.start())
        if values is not None and number is not None:
            found.keys.append((number, values[1]))
    for match in _KEY_INDEXED.finditer(data):
        values = _record(image, match.start(), 2, index=True)
        if values is not None:
            found.keys.append((values[1], values[0]))
    found.streams |= {bytes.fromhex(match[0].decode()) for match in _NAMED.finditer(data)}


def _record(image: _Image, at: int, columns: int, *, index: bool) -> list[Any] | None:
    """The values of the record whose header begins at `at`; None where it is none after all."""
    data = image.data
    header_bytes, place = data[at], at + 1
    types: list[int] = []
    while place < at + header_bytes and len(types) < columns:
        kind, place = _varint(data, place)
        types.append(kind)
    if place != at + header_bytes or len(types) != columns:
        return None
    widths = [_WIDTHS.get(kind, (kind - 12) // 2 if kind >= 12 else -1) for kind in types]
    if min(widths) < 0 or sum(widths) > ENTRY_BYTES_MAX + 256:
        return None
    payload = _payload(image, at, header_bytes + sum(widths), index=index)
    if payload is None:
        return None
    values: list[Any] = []
    begins = header_bytes
    for kind, width in zip(types, widths, strict=True):
        raw = payload[begins : begins + width]
        begins += width
        if kind >= 12:
            values.append(raw)
        elif kind in (8, 9):
            values.append(kind - 8)
        else:
            values.append(int.from_bytes(raw, "big", signed=True))
    return values


def _payload(image: _Image, at: int, size: int, *, index: bool) -> bytes | None:
    """A record's bytes; a long one goes on in overflow pages, each with the next one's number."""
    usable = image.page_bytes
    most = (usable - 12) * 64 // 255 - 23 if index else usable - 35
    if size <= most:
        whole = image.data[at : at + size]
        return whole if len(whole) == size else None
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    local = local if local <= most else least
    parts = [image.data[at : at + local]]
    link = image.data[at + local : at + local + 4]
    missing = size - local
    while missing > 0:
        place = image.place_by_page.get(int.from_bytes(link, "big"))
        if place is None or len(parts) > ENTRY_BYTES_MAX // (usable - 4) + 2:
            return None
        link = image.data[place : place + 4]
        parts.append(image.data[place + 4 : place + 4 + min(missing, usable - 4)])
        missing -= usable - 4
    whole = b"".join(parts)
    return whole if len(whole) == size else None


def _rowid_before(data: bytes, at: int) -> int | None:
    """The row's number, which stands between the record's length and the record."""
    for begins in range(at - 2, max(0, at - 12), -1):
        size, place = _varint(data, begins)
        number, ends = _varint(data, place)
        if ends == at and 0 < size <= ENTRY_BYTES_MAX:
            return number
    return None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A big-endian number of 7 bits a byte, at most nine, and the place after it."""
    value = 0
    for place in range(at, min(at + 8, len(data))):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | (data[at + 8] if at + 8 < len(data) else 0), at + 9
