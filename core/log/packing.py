"""Packed frames: a frame as six columns (`core.log.columns`), each of them raw DEFLATE (RFC 1951).

Frames that are sent one after another go on from each other: what their columns held, and which
names came, need not be said again. Nothing is kept once a series has ended, so that a hub with a
thousand phones at rest holds nothing for them. Packing is no part of what a frame says: its bytes
may differ between versions of zlib, and nothing is hashed or signed over them. Holds no messages.
Invariant: one `Unpacker` gives back every frame of one `Packer` in their order, and no input makes
it allocate more than a few times what a frame may have.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from core.log.columns import COLUMNS, Columns, Names, join, split
from core.log.errors import Malformed, OverLimit
from core.log.limits import FRAME_BYTES_MAX, PACKED_NAMES_MAX

# The one byte that msgpack never uses.
MARK = b"\xc1"

# The byte after it says that columns follow; that the frame goes on from those before it; that
# others go on from it. No DEFLATE begins so, which is how earlier versions packed: each whole.
IN_COLUMNS, GOES_ON, MORE_COME = 6, 8, 16

# A shorter frame is one of control, mostly signatures and hashes, and would win nothing.
BYTES_MIN = 128

# Levels above bring 1 % on a first sync and take twice as long.
LEVEL = 6

# How far DEFLATE looks back.
WINDOW_BYTES = 32_768

# A negative number: no header and no checksum, for a link has its own.
_WINDOW_BITS = -15


@dataclass(slots=True)
class _Series:
    """What the frames of a series had: their names, and the ends of their columns."""

    names: Names = field(default_factory=Names)
    before: list[bytes] = field(default_factory=lambda: [b""] * COLUMNS)

    def begin_frame(self) -> None:
        """Names are bounded: where there are too many, both sides begin to count anew."""
        if len(self.names) > PACKED_NAMES_MAX:
            self.names = Names()

    def end_frame(self, columns: Columns) -> None:
        """Keep as much of each column as DEFLATE looks back."""
        self.before = [
            (before + column)[-WINDOW_BYTES:]
            for before, column in zip(self.before, columns, strict=True)
        ]


class Packer:
    """Packs the frames of one direction, in their order."""

    def __init__(self) -> None:
        self._series: _Series | None = None

    def packed(self, frame: bytes, *, more: bool = False) -> bytes:
        """The frame as it travels; `more` says that others will soon be packed that go on from it.

        A frame that stands alone travels as it is where packing would not make it shorter.
        """
        alone = self._series is None and not more
        if alone and len(frame) < BYTES_MIN:
            return frame
        series = self._series or _Series()
        series.begin_frame()
        columns = split(frame, series.names)
        flags = (GOES_ON if self._series else 0) | (MORE_COME if more else 0)
        short = MARK + bytes([IN_COLUMNS | flags])
        for column, before in zip(columns, series.before, strict=True):
            short += _deflated(column, before)
        if alone:
            return short if len(short) < len(frame) else frame
        series.end_frame(columns)
        self._series = series if more else None
        return short


class Unpacker:
    """Unpacks the frames of one direction, in their order."""

    def __init__(self) -> None:
        self._series: _Series | None = None

    def unpacked(self, frame: bytes) -> bytes:
        """The frame of what travelled.

        Raises:
            Malformed: what is packed is no DEFLATE, is cut off, has bytes behind its end, or goes
                on from frames that did not come.
            OverLimit: the frame has more than `FRAME_BYTES_MAX` bytes.
        """
        if frame[:1] != MARK:
            return frame
        flags = frame[1] if len(frame) > 1 else 0
        if flags & IN_COLUMNS != IN_COLUMNS:
            (plain,) = _inflated(frame[1:], [b""])
            return plain
        if flags & ~(IN_COLUMNS | GOES_ON | MORE_COME):
            raise Malformed("a packed frame is of a form that is not known here")
        series = self._series if flags & GOES_ON else _Series()
        if series is None:
            raise Malformed("a packed frame goes on from one that did not come")
        series.begin_frame()
        heads, texts, small, large, data, known = _inflated(frame[2:], series.before)
        columns = (heads, texts, small, large, data, known)
        plain = join(columns, series.names)
        series.end_frame(columns)
        self._series = series if flags & MORE_COME else None
        return plain


def packed(frame: bytes) -> bytes:
    """A frame that stands alone, as it travels."""
    return Packer().packed(frame)


def unpacked(frame: bytes) -> bytes:
    """The frame of what travelled and stands alone; raises as `Unpacker.unpacked`."""
    return Unpacker().unpacked(frame)


def _deflated(column: bytes, before: bytes) -> bytes:
    if before:
        deflate = zlib.compressobj(
            LEVEL, zlib.DEFLATED, _WINDOW_BITS, 9, zlib.Z_DEFAULT_STRATEGY, before
        )
    else:
        deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, _WINDOW_BITS, 9)
    return deflate.compress(column) + deflate.flush()


def _inflated(data: bytes, before: list[bytes]) -> list[bytes]:
    """What stands packed one after another in `data`, each ending where its DEFLATE says."""
    columns: list[bytes] = []
    room = FRAME_BYTES_MAX
    for window in before:
        if window:
            inflate = zlib.decompressobj(_WINDOW_BITS, window)
        else:
            inflate = zlib.decompressobj(_WINDOW_BITS)
        try:
            column = inflate.decompress(data, room + 1)
        except zlib.error as error:
            raise Malformed("a packed frame is no DEFLATE") from error
        room -= len(column)
        if room < 0:
            raise OverLimit(f"a packed frame is over {FRAME_BYTES_MAX} bytes")
        if not inflate.eof:
            raise Malformed("a packed frame is cut off")
        columns.append(column)
        data = inflate.unused_data
    if data:
        raise Malformed("something follows a packed frame")
    return columns
