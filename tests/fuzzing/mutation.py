"""Changes to what is sound: in its structure, in how it is spelt, and in its bytes.

A value of msgpack (lists, maps, numbers, bytes, texts) is changed in one to three places and
written again, mostly as `pack` would, at times in another spelling of the same value: longer forms,
keys out of order or twice. Bytes are cut, turned and joined with others. Holds no formats of
Fieldlog.
Invariant: the same `Random` makes the same mutants.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgpack

# Numbers at which something changes: forms of msgpack, words of a machine, limits of the log.
NUMBERS: Final = (
    0, 1, -1, 2, 3, 4, 5, 8, 12, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257, 1_000,
    1_023, 1_024, 1_025, 4_095, 4_096, 4_097, 8_192, 16_384, 16_385, 65_535, 65_536, 262_144,
    2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**48, 2**53, 253_402_300_799_000, 253_402_300_800_000,
    253_402_300_800_001, 2**63 - 1, 2**63, 2**64 - 1, -32, -33, -128, -129, -(2**31), -(2**63),
)  # fmt: skip
LENGTHS: Final = (0, 1, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65)
MANY: Final = (63, 64, 65, 256, 257, 1_024, 1_025)
TEXTS: Final = (
    "", "x", "\0", "0b99541004", "a" * 64, "a" * 65, "\ud800", "\u202e\u0000\u200f", "é" * 40, "Ω",
    "{}", "1e400", "-0", "../x", "a" * 1_001,
)  # fmt: skip
# Bytes that mean much to msgpack, DEFLATE, JSON or a length that stands before something.
BYTES: Final = bytes.fromhex("00017f808f909fa0bfc0c1c2c4c6c9cbcfd3d9dcdddedfe0ff")

DEEP: Final = 1_100
"""More lists in one another than msgpack itself unpacks."""


def changed(value: Any, chance: Random, donors: Sequence[Any] = ()) -> Any:
    """The value with one thing in it changed; parts of `donors` may take a part's place."""
    kind = type(value)
    if kind is list and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        return [*value[:at], changed(value[at], chance, donors), *value[at + 1 :]]
    if kind is dict and value and chance.random() < 0.7:
        key = chance.choice(list(value))
        return {**value, key: changed(value[key], chance, donors)}
    if kind is bytes and len(value) > 3 and chance.random() < 0.4:
        inside = _inside(value)
        if inside is not None:
            return spelt(changed(inside, chance, donors), chance)
    if donors and chance.random() < 0.08:
        return _part(chance.choice(donors), chance)
    if chance.random() < 0.15:
        return _any(chance)
    return _like(value, chance)


def _inside(data: bytes) -> Any:
    """The list that bytes are by themselves, such as a certificate in a hello."""
    if data[0] & 0xF0 != 0x90 and data[0] != 0xDC:
        return None
    try:
        found = msgpack.unpackb(data, strict_map_key=False)
    except (ValueError, TypeError):
        return None
    return found if isinstance(found, list) else None


def _part(value: Any, chance: Random) -> Any:
    while isinstance(value, list) and value and chance.random() < 0.7:
        value = chance.choice(value)
    return value


def _any(chance: Random) -> Any:
    what = chance.randrange(10)
    if what == 0:
        return [_any(chance) for _ in range(chance.randrange(4))]
    if what == 1:
        return {chance.choice(NUMBERS): chance.choice(NUMBERS) for _ in range(chance.randrange(3))}
    if what == 2:
        return chance.choice(
            [1.5, float("nan"), float("inf"), msgpack.ExtType(5, b"x"), msgpack.Timestamp(1)]
        )
    if what == 3:
        return chance.choice([{"a": 1}, {b"a": 1}, {None: 1}, {True: 1}, {1: {1: {1: {}}}}])
    if what == 4:
        return chance.choice(TEXTS)
    if what == 5:
        return bytes(chance.choice(LENGTHS))
    return chance.choice([None, True, False, *NUMBERS])


def _like(value: Any, chance: Random) -> Any:
    """Another value of the same kind, often a near one."""
    kind = type(value)
    if kind is int:
        return value + chance.choice((-1, 1)) if chance.random() < 0.3 else chance.choice(NUMBERS)
    if kind is bytes:
        return _other_bytes(value, chance)
    if kind is str:
        return chance.choice((*TEXTS, value + "x", value[:-1], value * 2))
    if kind is list:
        return _other_list(value, chance)
    if kind is dict:
        without = {key: held for key, held in value.items() if chance.random() < 0.6}
        return without if chance.random() < 0.5 else {**value, chance.choice(NUMBERS): _any(chance)}
    return chance.choice([None, True, False, 0, 1])


def _other_bytes(value: bytes, chance: Random) -> bytes:
    if not value or chance.random() < 0.3:
        return chance.randbytes(chance.choice(LENGTHS))
    return damaged(value, chance)


def _other_list(value: list[Any], chance: Random) -> Any:
    what = chance.randrange(8)
    if not value:
        return [_any(chance)]
    at, other = chance.randrange(len(value)), chance.randrange(len(value))
    if what == 0:
        return [*value[:at], *value[at + 1 :]]
    if what == 1:
        return [*value[:at], value[at], *value[at:]]
    if what == 2:
        swapped = list(value)
        swapped[at], swapped[other] = swapped[other], swapped[at]
        return swapped
    if what == 3:
        return [*value[:at], _any(chance), *value[at:]]
    if what == 4:
        return [*value, value]
    if what == 5:
        return []
    if what == 6:
        return value[0]
    # Rarely, for it is large: more of one thing than a limit allows.
    times = chance.choice(MANY) if chance.random() < 0.1 else 3
    return [*value[:at], *[value[at]] * times, *value[at + 1 :]]


# --- how a value is spelt


def spelt(value: Any, chance: Random) -> bytes:
    """The bytes of a value: as msgpack writes it, or, one time in eight, otherwise."""
    if chance.random() < 0.125:
        return oddly(value, chance)
    try:
        packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    except (ValueError, OverflowError):
        return oddly(value, chance)
    return packed


def oddly(value: Any, chance: Random) -> bytes:
    """The same value in forms that `pack` does not write."""
    odd = chance.random() < 0.3
    kind = type(value)
    if chance.random() < 0.01:
        return b"\x91" * chance.choice((5, 17, 600, DEEP)) + b"\xc0"
    if kind is list:
        inner = b"".join(oddly(item, chance) for item in value)
        return (
            _head(len(value) + (odd and chance.choice((-1, 0, 1))), chance, 0x90, 16, b"\xdc\xdd")
            + inner
        )
    if kind is dict:
        rows = list(value.items())
        if odd:
            rows = [*reversed(rows), *rows[:1]]
        inner = b"".join(oddly(key, chance) + oddly(held, chance) for key, held in rows)
        return _head(len(rows), chance, 0x80, 16, b"\xde\xdf") + inner
    if kind is bytes and odd:
        return struct.pack(">BI", 0xC6, len(value)) + value
    if kind is str and odd:
        data = value.encode("utf-8", "surrogatepass") + chance.choice((b"", b"\xff", b"\xc0\x80"))
        return struct.pack(">BI", 0xDB, len(data)) + data
    if kind is int and odd:
        return _long_number(value)
    try:
        packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    except (ValueError, OverflowError):
        return b"\xc0"
    return packed


def _head(count: int, chance: Random, short: int, below: int, longer: bytes) -> bytes:
    count = max(count, 0)
    if count < below and chance.random() < 0.7:
        return bytes([short | count])
    if count < 65_536 and chance.random() < 0.5:
        return struct.pack(">BH", longer[0], count)
    return struct.pack(">BI", longer[1], count)


def _long_number(value: int) -> bytes:
    if -(2**63) <= value < 2**63:
        return struct.pack(">Bq", 0xD3, value)
    return struct.pack(">BQ", 0xCF, value % 2**64)


# --- bytes


def damaged(data: bytes, chance: Random, other: bytes = b"") -> bytes:
    """Other bytes: some turned, cut out, put in, repeated, or joined with the end of `other`."""
    what, size = chance.randrange(8), len(data)
    at = chance.randrange(size + 1)
    if what <= 1 and at < size:
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    if what == 2 and at < size:
        return data[:at] + bytes([chance.choice(BYTES)]) + data[at + 1 :]
    if what == 3:
        return data[:at]
    if what == 4:
        return data[:at] + data[at + chance.randrange(1, 9) :]
    if what == 5:
        return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
    if what == 6 and other:
        return data[:at] + other[chance.randrange(len(other)) :]
    if what == 7 and at < size:
        number = chance.choice(NUMBERS) % 2**32
        return data[:at] + number.to_bytes(4, "big") + data[at + 4 :]
    return data[:at] + data[at : at + 9] + data[at:]
