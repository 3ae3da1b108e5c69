"""Packed frames: a frame as raw DEFLATE (RFC 1951), where that makes it shorter.

A packed frame begins with a byte that no message begins with. Packing is no part of what a frame
says: its bytes may differ between versions of zlib, and nothing is hashed or signed over them.
Holds no messages. Invariant: `unpacked(packed(frame)) == frame`, and no input makes `unpacked`
allocate more than a frame may have.
"""

from __future__ import annotations

import zlib

from core.log.errors import Malformed, OverLimit
from core.log.limits import FRAME_BYTES_MAX

# The one byte that msgpack never uses.
MARK = b"\xc1"

# A shorter frame is one of control, mostly signatures and hashes, and would win nothing.
BYTES_MIN = 128

# Levels above bring 1 % on a first sync and take twice as long.
LEVEL = 6

# A negative number: no header and no checksum, for a link has its own.
_WINDOW_BITS = -15


def packed(frame: bytes) -> bytes:
    """The frame as it travels: packed, or as it is where that is no longer."""
    if len(frame) < BYTES_MIN:
        return frame
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, _WINDOW_BITS, 9)
    short = MARK + deflate.compress(frame) + deflate.flush()
    return short if len(short) < len(frame) else frame


def unpacked(frame: bytes) -> bytes:
    """The frame of what travelled.

    Raises:
        Malformed: what is packed is no DEFLATE, is cut off, or has bytes behind its end.
        OverLimit: the frame has more than `FRAME_BYTES_MAX` bytes.
    """
    if frame[:1] != MARK:
        return frame
    inflate = zlib.decompressobj(_WINDOW_BITS)
    try:
        data = inflate.decompress(frame[1:], FRAME_BYTES_MAX + 1)
    except zlib.error as error:
        raise Malformed("a packed frame is no DEFLATE") from error
    if len(data) > FRAME_BYTES_MAX:
        raise OverLimit(f"a packed frame is over {FRAME_BYTES_MAX} bytes")
    if not inflate.eof or inflate.unused_data:
        raise Malformed("a packed frame is cut off, or something follows it")
    return data
