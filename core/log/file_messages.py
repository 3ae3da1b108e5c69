"""Messages about files and their bytes (docs/formats/wire.md): protocol 2 has them, 1 has not.

Piece 0 of a file is its list, pieces from 1 on are its chunks. Holds shapes and limits, no order of
the exchange (`core.log.exchange`). Invariant: as in `core.log.messages`, which reads these too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.log.chunk_list import ADDRESS_BYTES, CHUNKS_MAX, LIST_BYTES_MAX
from core.log.errors import Malformed, OverLimit
from core.log.limits import FILE_CHUNK_BYTES, FILES_NAMED_MAX
from core.log.parts import bytes_of, count_of


@dataclass(frozen=True, slots=True)
class Offer:
    """The sender holds these files whole: does the receiver?"""

    addresses: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The sender holds these files whole, committed. This alone is a file's reach."""

    addresses: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """Send `count` pieces of a file from `first` on; its list (piece 0) is asked for alone."""

    address: bytes
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class FileList:
    """The bytes of a file's list, as `core.log.chunk_list` has them."""

    address: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a file, counted from 1."""

    address: bytes
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class NoFile:
    """The sender does not have this file, or not for the receiver: it was asked for in vain."""

    address: bytes


FileMessage = Offer | Held | Fetch | FileList | Chunk | NoFile


def file_parts(message: FileMessage) -> list[Any]:
    """What the message's list consists of, its number first."""
    match message:
        case Offer():
            return [12, *message.addresses]
        case Held():
            return [13, *message.addresses]
        case Fetch():
            return [14, message.address, message.first, message.count]
        case FileList():
            return [15, message.address, message.data]
        case Chunk():
            return [16, message.address, message.number, message.data]
        case NoFile():
            return [17, message.address]


def _read_addresses(parts: list[Any]) -> tuple[bytes, ...]:
    if len(parts) > FILES_NAMED_MAX:
        raise OverLimit(f"more than {FILES_NAMED_MAX:,} files in one message")
    if not parts:
        raise Malformed("a message about files names none")
    return tuple(bytes_of(address, ADDRESS_BYTES) for address in parts)


def _read_fetch(parts: list[Any]) -> Fetch:
    address, first, count = parts
    first, count = count_of(first), count_of(count)
    if count < 1 or first + count > CHUNKS_MAX + 1:
        raise OverLimit(f"a file has at most {CHUNKS_MAX:,} chunks, and one is asked for at least")
    if first == 0 and count > 1:
        raise Malformed("a file's list is asked for alone: it says what chunks there are")
    return Fetch(bytes_of(address, ADDRESS_BYTES), first, count)


def _read_list(parts: list[Any]) -> FileList:
    address, data = parts
    if len(bytes_of(data)) > LIST_BYTES_MAX:
        raise OverLimit(f"a file's list has at most {LIST_BYTES_MAX:,} bytes")
    return FileList(bytes_of(address, ADDRESS_BYTES), data)


def _read_chunk(parts: list[Any]) -> Chunk:
    address, number, data = parts
    if not 1 <= count_of(number) <= CHUNKS_MAX or len(bytes_of(data)) > FILE_CHUNK_BYTES:
        raise OverLimit(f"a chunk has at most {FILE_CHUNK_BYTES:,} bytes and a number from 1 on")
    return Chunk(bytes_of(address, ADDRESS_BYTES), number, data)


def _read_no_file(parts: list[Any]) -> NoFile:
    (address,) = parts
    return NoFile(bytes_of(address, ADDRESS_BYTES))


FILE_READERS: dict[int, Callable[[list[Any]], FileMessage]] = {
    12: lambda parts: Offer(_read_addresses(parts)),
    13: lambda parts: Held(_read_addresses(parts)),
    14: _read_fetch,
    15: _read_list,
    16: _read_chunk,
    17: _read_no_file,
}
