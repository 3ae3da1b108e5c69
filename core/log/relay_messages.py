"""Messages about carried files and clocks (docs/formats/wire.md): protocol 3 has them.

Holds shapes and limits, no order of the exchange (`core.log.relay`, `core.log.time_told`).
Invariant: as in `core.log.messages`, which reads these too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.log.chain import HASH_BYTES
from core.log.errors import Malformed, OverLimit
from core.log.limits import RELAY_PART_BYTES_MAX, RELAYED_BYTES_MAX, WALL_MS_MAX
from core.log.parts import bytes_of, count_of, text_of


@dataclass(frozen=True, slots=True)
class Relay:
    """A part of a carried file of `size` bytes, from byte `at` on; `name` is the file's hash."""

    name: bytes
    size: int
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Relayed:
    """So many bytes of a carried file came; all of them: it is kept, or taken in, and durable.

    `why` says in words why it was not taken; empty where it was.
    """

    name: bytes
    upto: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class TimeAsked:
    """What time is it? `asked_ms` comes back as it is."""

    asked_ms: int


@dataclass(frozen=True, slots=True)
class TimeTold:
    """The sender's clock said `now_ms` (ms UTC) when the question with `asked_ms` came."""

    asked_ms: int
    now_ms: int


RelayMessage = Relay | Relayed
TimeMessage = TimeAsked | TimeTold


def relay_parts(message: RelayMessage | TimeMessage) -> list[Any]:
    """What the message's list consists of, its number first."""
    match message:
        case Relay():
            return [18, message.name, message.size, message.at, message.data]
        case Relayed():
            return [19, message.name, message.upto, *([message.why] if message.why else [])]
        case TimeAsked():
            return [20, message.asked_ms]
        case TimeTold():
            return [21, message.asked_ms, message.now_ms]


def _read_relay(parts: list[Any]) -> Relay:
    name, size, at, data = parts
    if count_of(size) > RELAYED_BYTES_MAX or len(bytes_of(data)) > RELAY_PART_BYTES_MAX:
        raise OverLimit(
            f"a carried file that a session takes has at most {RELAYED_BYTES_MAX:,} bytes, and "
            f"comes in parts of {RELAY_PART_BYTES_MAX:,}"
        )
    if not data or count_of(at) + len(data) > size:
        raise Malformed("a part of a carried file lies outside of it")
    return Relay(bytes_of(name, HASH_BYTES), size, at, data)


def _read_relayed(parts: list[Any]) -> Relayed:
    name, upto, *why = parts
    if len(why) > 1 or why == [""]:
        raise Malformed("a carried file is refused for one reason, or for none")
    words = text_of(why[0]) if why else ""
    return Relayed(bytes_of(name, HASH_BYTES), count_of(upto), words)


def _read_asked(parts: list[Any]) -> TimeAsked:
    (asked_ms,) = parts
    return TimeAsked(count_of(asked_ms))


def _read_told(parts: list[Any]) -> TimeTold:
    asked_ms, now_ms = parts
    if count_of(now_ms) > WALL_MS_MAX:
        raise OverLimit("a clock says a time beyond the year 9999")
    return TimeTold(count_of(asked_ms), now_ms)


RELAY_READERS: dict[int, Callable[[list[Any]], RelayMessage | TimeMessage]] = {
    18: _read_relay,
    19: _read_relayed,
    20: _read_asked,
    21: _read_told,
}
