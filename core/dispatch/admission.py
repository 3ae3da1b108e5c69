"""Admission: what a key wrote beyond its cut, written again by the office so that it counts.

Says of a stream what waits to be admitted, and which changes an admission makes; each names the
entries that it admits. Standing itself is never switched back. Holds no judgement of who may.
Invariant: an admission overwrites nothing that the shut-out author had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.dispatch.acts import Act, Change
from core.dispatch.fields import (
    ADMITTED,
    CUT,
    DUTY_START,
    DUTY_STOP,
    KEY_ASKED,
    LOG_START,
    LOG_STOP,
    NEXT_KEY,
    Kind,
    Role,
    Source,
)
from core.dispatch.portions import portions
from core.dispatch.show import value_at
from core.log.chain import SHORT_BYTES
from core.log.entry import Entry, Path
from core.log.registers import LogKey
from core.log.stream import AFTER_REVOCATION, Placed, StreamState

# What concerns the whole site or the office is set again by hand: nobody should let a stolen hub's
# accounts or certificates count by one click.
_ADMISSIBLE = frozenset(
    {Kind.CUSTOMER, Kind.WORKER, Kind.JOB, Kind.DAY, Kind.TRACK, Kind.RECURRENCE}
)
_NOT_BY_A_CLICK = frozenset({CUT, ADMITTED, KEY_ASKED, NEXT_KEY})


@dataclass(frozen=True, slots=True)
class Waiting:
    """Entries of one author in one stream that wait to be admitted, in the order of its logs."""

    stream: bytes
    author: bytes
    placed: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """Changes of one entry that admits others, and the heads on which their author stood."""

    changes: Act
    basis: tuple[bytes, ...]


def waiting_in(state: StreamState) -> list[Waiting]:
    """What of a stream was written beyond a cut and is not admitted yet, by author."""
    if state.stream[4] not in _ADMISSIBLE:
        return []
    found: dict[bytes, list[Placed]] = {}
    for key in sorted(state.logs, key=lambda key: (state.logs[key].base, key)):
        for placed in state.logs[key].placed:
            admitted = value_at(state.registers, (ADMITTED, placed.stored.hash))
            if placed.inert == AFTER_REVOCATION and not admitted:
                found.setdefault(key[0], []).append(placed)
    return [Waiting(state.stream, author, tuple(found[author])) for author in sorted(found)]


def admissions(state: StreamState, waiting: Waiting) -> list[Admission]:
    """How `waiting` is admitted: of each log what its author had written in the end.

    Entries made from a page stand on what that page showed, each alone; the others of a log are
    admitted together, so that what its author overwrote itself stays overwritten.
    """
    made: list[Admission] = []
    for log in dict.fromkeys(placed.log for placed in waiting.placed):
        group: list[Placed] = []
        for placed in [each for each in waiting.placed if each.log == log]:
            assert placed.entry is not None
            if placed.entry.basis is not None:
                made += _together(state, group)
                made += _together(state, [placed])
                group = []
            else:
                group.append(placed)
        made += _together(state, group)
    return made


def _together(state: StreamState, group: Sequence[Placed]) -> list[Admission]:
    if not group:
        return []
    last = group[-1]
    assert last.entry is not None
    basis = last.entry.basis if last.entry.basis is not None else _had_seen(state, last)
    written: dict[Path, Any] = {}
    for placed in group:
        assert placed.entry is not None
        for path, value in placed.entry.changes:
            if path[0] in _NOT_BY_A_CLICK:
                continue
            written[path] = at_its_time(path, value, placed.entry, placed.standing.role)
    marks = [Change(state.stream, (ADMITTED, placed.stored.hash), True) for placed in group]
    # The marks come last, so that what was cut short is not taken for admitted.
    changes = [Change(state.stream, path, value) for path, value in written.items()] + marks
    return [Admission(portion, basis) for portion in portions(changes)]


def _had_seen(state: StreamState, placed: Placed) -> tuple[bytes, ...]:
    """First bytes of the heads that an author knew when it wrote an entry, its own log's too."""
    log = state.logs[placed.log]
    heights: dict[LogKey, int] = {**log.seen, placed.log: placed.stored.seq}
    found = set()
    for key, height in heights.items():
        other = state.logs[key]
        if height > other.base:
            stored = other.placed[height - other.base - 1].stored
            found.add(stored.hash[:SHORT_BYTES])
    return tuple(sorted(found))


def at_its_time(path: Path, value: Any, entry: Entry, role: int) -> Any:
    """The value as another entry has to write it: what meant "now" says when that was.

    A time log or duty that begins or ends "at the entry" must keep the worker's time, and a log by
    hand its source.
    """
    at_ms, code = entry.corrected_ms, path[0]
    if code == LOG_START and type(value) is int:
        by_hand = Source.MANUAL if role == Role.WORKER else Source.DISPATCHER
        return [value, int(by_hand), at_ms, [], []]
    if code == LOG_START and isinstance(value, list) and value[2] is None:
        return [*value[:2], at_ms, *value[3:]]
    if code == LOG_STOP and value is True:
        return [at_ms, False, []]
    if code == LOG_STOP and isinstance(value, list) and value[0] is None:
        return [at_ms, *value[1:]]
    if code in (DUTY_START, DUTY_STOP) and value is True:
        return at_ms
    return value
