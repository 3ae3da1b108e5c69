"""A worker's day: the facts that stand in its registers, as time logs and duty marks.

Reads registers and gives the values that `timelog` and `duty` count with. Holds no rules of
counting.
Invariant: the same registers give the same facts on every replica.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from core.dispatch import fields
from core.dispatch.duty import DutyMark
from core.dispatch.fields import LogKind, Source
from core.dispatch.show import Shown, show, value_at
from core.dispatch.timelog import Moment, TimeLog
from core.log.chain import stream_time_s
from core.log.entry import Path
from core.log.registers import Registers
from core.log.stream import StreamState

_KINDS = frozenset(int(kind) for kind in LogKind)
_SOURCES = frozenset(int(source) for source in Source)
_OF_A_LOG = frozenset(
    {fields.LOG_START, fields.LOG_STOP, fields.LOG_SUPERSEDES, fields.LOG_REMOVED}
)
DUTY_FIELDS = frozenset({fields.DUTY_START, fields.DUTY_STOP})


@dataclass(frozen=True, slots=True)
class LoggedLog:
    """A time log with what screens show beside it: rule, who made it, what it replaces."""

    log: TimeLog
    rule: tuple[int, ...]
    actor: bytes
    superseded_job: bytes


@lru_cache(maxsize=4096)
def day_of(stream: bytes) -> str:
    """The local day of a day's stream, as 'YYYY-MM-DD'."""
    return datetime.fromtimestamp(stream_time_s(stream), UTC).date().isoformat()


@lru_cache(maxsize=4096)
def neighbours(day: str) -> tuple[str, str]:
    """The days before and after."""
    middle = date.fromisoformat(day)
    return (middle - timedelta(1)).isoformat(), (middle + timedelta(1)).isoformat()


def _moment(state: StreamState, shown: Shown, at_ms: object) -> Moment:
    """When a fact was: as it says, or when its entry was made."""
    if type(at_ms) is int and at_ms >= 0:
        return Moment(at_ms)
    log = state.logs[shown.write.log]
    entry = log.placed[shown.write.seq - log.base - 1].entry
    assert entry is not None, "what stands in a register came from an entry that was read"
    return Moment(entry.wall_ms, entry.offset_ms, entry.uptime_ms, entry.boot)


def logs_of(state: StreamState, worker: bytes) -> list[LoggedLog]:
    """The time logs of one day's stream, in an order that the registers decide."""
    found = {path: log_at(state, worker, path) for path in state.registers if begins_log(path)}
    return in_order(found.values())


def begins_log(path: Path) -> bool:
    """Whether the start of a time log stands at a path of a day."""
    return path[0] == fields.LOG_START and len(path) == 3


def start_of(path: Path) -> Path | None:
    """Where the log begins that a path of a day says something of, None for anything else."""
    return (fields.LOG_START, *path[1:]) if path[0] in _OF_A_LOG and len(path) == 3 else None


def in_order(logs: Iterable[LoggedLog | None]) -> list[LoggedLog]:
    """The logs of a day that can be read, in order of time."""
    found = [read for read in logs if read is not None]
    return sorted(found, key=lambda read: (read.log.start.corrected_ms, read.log.log_id))


def log_at(state: StreamState, worker: bytes, path: Path) -> LoggedLog | None:
    """The time log of a day that begins at a path, None where nothing that can be read does."""
    return _log(state, worker, day_of(state.stream), path)


def _log(state: StreamState, worker: bytes, day: str, path: Path) -> LoggedLog | None:
    registers = state.registers
    shown = show(registers, path)
    if shown is None or shown.value is None:
        return None
    kind, source, at_ms, evidence, rule = _start_parts(shown.value, shown.write.role)
    if kind is None:
        return None
    stop, uncertain = _stop(state, path)
    replaces = value_at(registers, (fields.LOG_SUPERSEDES, *path[1:]))
    old_job, old, reason = replaces if _is_replacement(replaces) else (b"", None, "")
    removed = value_at(registers, (fields.LOG_REMOVED, *path[1:]))
    log = TimeLog(
        path[2],
        worker,
        day,
        path[1] or None,
        kind,
        _moment(state, shown, at_ms),
        stop,
        source,
        evidence,
        old,
        reason or (removed if isinstance(removed, str) else ""),
        uncertain,
        removed is not None,
    )
    return LoggedLog(log, rule, shown.write.actor, old_job)


def _start_parts(
    value: Any, role: int
) -> tuple[LogKind | None, Source, object, tuple[int, ...], tuple[int, ...]]:
    if type(value) is int:
        by_hand = Source.MANUAL if role == fields.Role.WORKER else Source.DISPATCHER
        return (LogKind(value) if value in _KINDS else None), by_hand, None, (), ()
    if not isinstance(value, list) or len(value) != 5 or value[0] not in _KINDS:
        return None, Source.MANUAL, None, (), ()
    kind, source, at_ms, evidence, rule = value
    return (
        LogKind(kind),
        Source(source) if source in _SOURCES else Source.MANUAL,
        at_ms,
        _numbers(evidence),
        _numbers(rule),
    )


def _numbers(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(number for number in value if type(number) is int)


def _stop(state: StreamState, path: Path) -> tuple[Moment | None, bool]:
    shown = show(state.registers, (fields.LOG_STOP, *path[1:]))
    if shown is None or shown.value is None:
        return None, False
    value = shown.value
    if isinstance(value, list) and len(value) == 3:
        return _moment(state, shown, value[0]), bool(value[1])
    return _moment(state, shown, None), False


def _is_replacement(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], bytes)
        and isinstance(value[1], bytes)
        and isinstance(value[2], str)
    )


def duty_moments(state: StreamState) -> list[tuple[bytes, Moment, Moment | None]]:
    """The duties of one day's stream: id, start, and stop where it has ended."""
    found = []
    for path in state.registers:
        if path[0] != fields.DUTY_START or len(path) != 2:
            continue
        start = show(state.registers, path)
        if start is None or start.value is None:
            continue
        stop = show(state.registers, (fields.DUTY_STOP, path[1]))
        ended = None
        if stop is not None and stop.value is not None:
            ended = _moment(state, stop, _plain_ms(stop.value))
        found.append((path[1], _moment(state, start, _plain_ms(start.value)), ended))
    return found


def duties_of(state: StreamState) -> list[DutyMark]:
    """The duty marks of one day's stream."""
    marks = [
        DutyMark(duty, start.corrected_ms, None if stop is None else stop.corrected_ms)
        for duty, start, stop in duty_moments(state)
    ]
    return sorted(marks, key=lambda mark: (mark.start_ms, mark.duty_id))


def _plain_ms(value: object) -> object:
    return value if type(value) is int else None


def tracks_of(registers: Registers) -> list[tuple[bytes, list[Any]]]:
    """The coded tracks of one track's or, as they were at first, one day's stream, by their ids."""
    found = []
    for path in registers:
        if path[0] in (fields.FIXES, fields.TRACK_FIXES) and len(path) == 2:
            value = value_at(registers, path)
            if isinstance(value, list):
                found.append((path[1], value))
    return sorted(found)
