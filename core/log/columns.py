"""Columns: a frame taken apart so that like lies beside like, and put together again.

A frame is msgpack values. Six columns hold what they are made of: their heads, their texts, their
numbers of up to four bytes, those of eight, their bytes, and references to names, which are bytes
of 8 to 32 that came before. So texts are packed among texts, random bytes spoil nothing around
them, and an id travels once. Holds no compression and no meaning (docs/formats/wire.md, "Packed").
Invariant: `join(split(frame, names), names) == frame` where both sets of names came the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from core.log.errors import Malformed, OverLimit
from core.log.limits import FRAME_BYTES_MAX

COLUMNS = 6
Columns = tuple[bytes, bytes, bytes, bytes, bytes, bytes]

# Bytes of these lengths are ids, keys and hashes; longer ones are signatures and never come again.
NAME_BYTES_MIN, NAME_BYTES_MAX = 8, 32

# A head that msgpack never uses: here stands a name that came before.
_KNOWN = 0xC1

# Values that consist of their head alone: small numbers, lists and maps, nil, false and true.
_HEADS_ALONE = re.compile(rb"[\x00-\x9f\xc0\xc2\xc3\xe0-\xff]*")

# What follows the head: bytes of a length, where a payload follows that.
_LENGTH_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_COUNT_BYTES = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}
_BYTES, _NAME_HEAD = frozenset({0xC4, 0xC5, 0xC6}), 0xC4
_FIRST_NUMBER, _LAST_NUMBER = 0xCC, 0xD3


@dataclass(slots=True)
class Names:
    """Names by number: of who writes (`number_by_name`) or of who reads (`by_number`).

    Each name that is written out takes the next number; `last` is the one last referred to.
    """

    number_by_name: dict[bytes, int] = field(default_factory=dict)
    by_number: list[bytes] = field(default_factory=list)
    last: int = 0

    def __len__(self) -> int:
        return len(self.number_by_name) or len(self.by_number)


def split(frame: bytes, names: Names) -> Columns:
    """The columns of a frame that is msgpack; what is named in it is kept in `names`."""
    heads, texts, small, large, data, known = (bytearray() for _ in range(COLUMNS))
    numbers = names.number_by_name
    at, size = 0, len(frame)
    while True:
        start = at
        alone = _HEADS_ALONE.match(frame, at)
        at = alone.end() if alone else at
        heads += frame[start:at]
        if at >= size:
            return bytes(heads), bytes(texts), bytes(small), bytes(large), bytes(data), bytes(known)
        head = frame[at]
        if _FIRST_NUMBER <= head <= _LAST_NUMBER:
            width = 1 << (head & 3)
            heads.append(head)
            column = large if width == 8 else small
            column += frame[at + 1 : at + 1 + width]
            at += 1 + width
            continue
        begins = at + 1 + (_LENGTH_BYTES.get(head) or _COUNT_BYTES.get(head, 0))
        length = _payload(head, frame[at + 1 : begins])
        payload = frame[begins : begins + length]
        number = None
        if head == _NAME_HEAD and NAME_BYTES_MIN <= length <= NAME_BYTES_MAX:
            number = numbers.get(payload)
            if number is None:
                numbers[payload] = len(numbers)
        if number is None:
            heads += frame[at:begins]
            column = data if head in _BYTES else texts
            column += payload
        else:
            heads.append(_KNOWN)
            _refer(known, number - names.last)
            names.last = number
        at = begins + length


def _payload(head: int, length: bytes) -> int:
    """How many bytes follow a head and its length."""
    if head < 0xC0:
        return head & 31
    return int.from_bytes(length, "big") if head in _LENGTH_BYTES else 0


def _refer(known: bytearray, step: int) -> None:
    """Write a step among the numbers of names: odd where it goes back, seven bits a byte."""
    value = 2 * step if step >= 0 else -2 * step - 1
    while value >= 128:
        known.append(value & 127 | 128)
        value >>= 7
    known.append(value)


def join(columns: Columns, names: Names) -> bytes:
    """The frame of its columns; what is named in it is kept in `names`.

    Raises:
        Malformed: the columns do not fit each other, or refer to a name that never came.
        OverLimit: the frame has more than `FRAME_BYTES_MAX` bytes.
    """
    heads, texts, small, large, data, known = columns
    # How far each column has been read; one that ends too early is found out at the end.
    text_at = small_at = large_at = data_at = known_at = at = 0
    size, room = len(heads), FRAME_BYTES_MAX - sum(map(len, columns[:-1]))
    parts: list[bytes] = []
    while True:
        start = at
        alone = _HEADS_ALONE.match(heads, at)
        at = alone.end() if alone else at
        parts.append(heads[start:at])
        if at >= size:
            break
        head = heads[at]
        if _FIRST_NUMBER <= head <= _LAST_NUMBER:
            width = 1 << (head & 3)
            parts.append(heads[at : at + 1])
            if width == 8:
                parts.append(large[large_at : large_at + width])
                large_at += width
            else:
                parts.append(small[small_at : small_at + width])
                small_at += width
            at += 1
            continue
        if head == _KNOWN:
            step, known_at = _step(known, known_at)
            name = _name(names, step)
            parts += (bytes((_NAME_HEAD, len(name))), name)
            room -= 1 + len(name)
            if room < 0:
                raise OverLimit(f"a packed frame is over {FRAME_BYTES_MAX} bytes")
            at += 1
            continue
        begins = at + 1 + (_LENGTH_BYTES.get(head) or _COUNT_BYTES.get(head, 0))
        length = _payload(head, heads[at + 1 : begins])
        parts.append(heads[at:begins])
        if head in _BYTES:
            payload = data[data_at : data_at + length]
            data_at += length
            if head == _NAME_HEAD and NAME_BYTES_MIN <= length <= NAME_BYTES_MAX:
                names.by_number.append(payload)
        else:
            payload = texts[text_at : text_at + length]
            text_at += length
        parts.append(payload)
        at = begins
    read = (text_at, small_at, large_at, data_at, known_at)
    if at != size or read != tuple(map(len, columns[1:])):
        raise Malformed("the columns of a packed frame do not fit each other")
    return b"".join(parts)


def _step(known: bytes, at: int) -> tuple[int, int]:
    """A step among the numbers of names, and where the next one begins."""
    value, shift = 0, 0
    while True:
        # Four bytes reach further than any frame's names.
        if at >= len(known) or shift > 21:
            raise Malformed("a packed frame refers to no name")
        byte = known[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return (value >> 1 if value % 2 == 0 else -(value >> 1) - 1), at


def _name(names: Names, step: int) -> bytes:
    """The name so many numbers after the one that was referred to last."""
    number = names.last + step
    if not 0 <= number < len(names.by_number):
        raise Malformed("a packed frame refers to a name that never came")
    names.last = number
    return names.by_number[number]
