"""Canonical msgpack: one value, one sequence of bytes.

Allowed are None, bool, int, bytes, text, lists and maps with ascending integer keys; floats,
extension types and text keys are not. `unpack` accepts only bytes that `pack` would have made, so a
signature over bytes is a signature over the value. Does not know what the values mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgpack

from core.log.errors import Malformed, OverLimit
from core.log.limits import FRAME_BYTES_MAX, TEXT_BYTES_MAX, VALUE_DEPTH_MAX

# Shorter bytes claim no list so long that making it would take more than some hundred kB.
_CLAIMS_LITTLE_BYTES = 512

_LEAVES = frozenset({int, bytes, str, bool, type(None)})
# Of those the ones that are within every limit.
_SHORT = frozenset({int, bool, type(None)})
INT_MIN, INT_MAX = -(2**63), 2**64 - 1
# Making a packer takes twice as long as packing a value, so they are used again: at each moment by
# one call, whichever thread that runs in.
_idle_packers: list[msgpack.Packer] = []
# The room of a packer grows with what it packs; one that had more is let go.
_ROOM_KEPT_BYTES = 65_536


def pack(value: Any) -> bytes:
    """The canonical bytes of `value`.

    Raises:
        Malformed: the value holds a float, a text key or another type that has no canonical form.
    """
    _check(value, 16)
    try:
        packer = _idle_packers.pop()
    except IndexError:
        packer = msgpack.Packer(use_bin_type=True)
    try:
        packed: bytes = packer.pack(value)
    except UnicodeEncodeError as error:
        raise Malformed("a text holds half a character") from error
    except OverflowError as error:
        raise Malformed("a number does not fit 64 bits") from error
    if len(packed) <= _ROOM_KEPT_BYTES:
        _idle_packers.append(packer)
    return packed


def _check(value: Any, depth: int) -> None:
    """See that a value has a canonical form, but for what packing itself refuses."""
    kind = type(value)
    if kind is list or kind is tuple:
        if depth <= 0:
            raise OverLimit("a value nests too deep")
        for item in value:
            # Most items are leaves, and a call for each costs more than what it would check.
            if type(item) not in _LEAVES:
                _check(item, depth - 1)
    elif kind is dict:
        if depth <= 0:
            raise OverLimit("a value nests too deep")
        keys = list(value)
        if any(type(key) is not int for key in keys) or keys != sorted(keys):
            raise Malformed("a map's keys must be ascending whole numbers")
        for item in value.values():
            if type(item) not in _LEAVES:
                _check(item, depth - 1)
    elif kind not in _LEAVES:
        raise Malformed(f"a value of type {kind.__name__} has no place in the log")


def unpack(data: bytes) -> Any:
    """The value of canonical bytes; lists come back as lists.

    Raises:
        Malformed: no msgpack, more than one value, or not the canonical form.
    """
    try:
        if len(data) > _CLAIMS_LITTLE_BYTES:
            _see_that_it_is_whole(data)
        value = msgpack.unpackb(data, raw=False, strict_map_key=False)
        again = pack(value)
    except Malformed:
        raise
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise Malformed(f"not a message of this format: {error}") from error
    if again != data:
        raise Malformed("not in canonical form")
    return value


def _see_that_it_is_whole(data: bytes) -> None:
    """Walk over a value once, without making anything of it.

    A list is made as long as it says before its items are looked for, so a thousand lists in one
    another that end too soon would take eight thousand times the bytes that they are.
    """
    unpacker = msgpack.Unpacker(raw=True, strict_map_key=False, max_buffer_size=len(data))
    unpacker.feed(data)
    unpacker.skip()


def pieces(data: bytes) -> Iterator[bytes]:
    """The byte slices of the msgpack values that stand one after another in `data`.

    Raises:
        Malformed: the bytes end inside a value or hold no msgpack.
        OverLimit: more bytes than one frame may have.
    """
    if len(data) > FRAME_BYTES_MAX:
        raise OverLimit(f"a frame of {len(data)} bytes is over {FRAME_BYTES_MAX}")
    unpacker = msgpack.Unpacker(
        raw=True, strict_map_key=False, max_buffer_size=FRAME_BYTES_MAX, use_list=True
    )
    unpacker.feed(data)
    start = 0
    while start < len(data):
        try:
            unpacker.skip()
        except (ValueError, RecursionError, msgpack.UnpackException) as error:
            raise Malformed("the frame ends inside a value or is not msgpack") from error
        end = unpacker.tell()
        yield data[start:end]
        start = end


def check_value(value: Any, depth: int = VALUE_DEPTH_MAX) -> None:
    """See that a register's value is within the limits.

    Raises:
        OverLimit: text or bytes too long, or nested too deep.
        Malformed: a type that has no canonical form.
    """
    if type(value) in _SHORT:
        return
    if isinstance(value, (str, bytes)):
        if len(value if isinstance(value, bytes) else value.encode()) > TEXT_BYTES_MAX:
            raise OverLimit(f"a text is longer than {TEXT_BYTES_MAX} bytes")
    elif isinstance(value, (list, tuple)):
        if depth == 0:
            raise OverLimit("a value nests too deep")
        for item in value:
            if type(item) not in _SHORT:
                check_value(item, depth - 1)
    elif isinstance(value, dict):
        _check(value, depth)
        for item in value.values():
            check_value(item, depth - 1)
    else:
        _check(value, depth)
