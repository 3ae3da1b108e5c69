"""Small pictures for tests, made here: real ones, that a browser draws. Holds no assertions."""

from __future__ import annotations

import zlib


def png(red: int, green: int, blue: int, side: int = 40) -> bytes:
    """A square of one colour."""
    lines = (b"\0" + bytes((red, green, blue)) * side) * side
    head = side.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(name, data) for name, data in parts)


def _part(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + name + data + check
