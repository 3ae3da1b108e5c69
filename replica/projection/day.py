"""Rows of workers' days: time logs with what counts of them, and duty.

What counts of a day follows from its logs and those of the days beside it, so when a day changes
its neighbours' rows are made anew too, where it has a bearing on them. When it counts, and where
the worker was, is read from the entries when it is asked for. Holds no rules of counting.
Invariant: rows of a day follow from the entries of that day and its two neighbours alone.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from core.dispatch.acts import day_stream
from core.dispatch.bearing import Bearing, DayLogs, bearing
from core.dispatch.duty import DutyMark, spans
from core.dispatch.fields import Kind, LogKind, Role, Source
from core.dispatch.fix import Fix, TrackError, decode_track
from core.dispatch.timelog import (
    Counted,
    Flag,
    TimeLog,
    TimeLogError,
    counted_once,
    merged,
    standings,
)
from core.dispatch.workday import (
    DUTY_FIELDS,
    LoggedLog,
    begins_log,
    day_of,
    duties_of,
    in_order,
    log_at,
    logs_of,
    neighbours,
    start_of,
    tracks_of,
)
from core.log.chain import derived_unique
from core.log.entry import Path
from replica.many import rows_of
from replica.projection.rows import Row, rewrite, workers_in

if TYPE_CHECKING:
    from core.log.stream import StreamState
    from replica.replica import Replica

LOGGER = logging.getLogger(__name__)

TABLES = ("time_log", "duty")

_SHOWN = (Flag.UNCERTAIN, Flag.BRIDGED, Flag.OVERLAPS, Flag.LONG, Flag.BACKWARDS)


def clear(db: sqlite3.Connection, stream: bytes) -> None:
    """Take out the rows of one day, whoever's it is."""
    day = day_of(stream)
    for table in TABLES:
        for worker in list(workers_in(db, table)):
            # Another moment of the day in the id makes another stream, whose rows these are not.
            if day_stream(bytes.fromhex(worker), day) == stream:
                rewrite(db, table, {"worker": worker, "day": day}, [])


def project(replica: Replica, days: set[bytes], *, fresh: bool = False) -> None:
    """Bring the rows of these days up to date, and of the days beside them that are held.

    `fresh`: no row stands.
    """
    due: set[tuple[bytes, str]] = set()
    for stream in days:
        worker = worker_of(replica, stream)
        if worker is None:
            clear(replica.store.db, stream)
            replica.days_shown.pop(replica.state(stream), None)
        else:
            day = day_of(stream)
            due |= {(worker, day), *((worker, beside) for beside in neighbours(day))}
    held = _held(replica.store.db, {each for one in due for each in _around(*one)})
    shown_by_stream: dict[bytes, DayShown] = {}
    for worker, day in sorted(due):
        stream = day_stream(worker, day)
        if stream not in held:
            continue
        around = [each for each in _around(worker, day) if each in held]
        for each in around:
            if each not in shown_by_stream:
                shown_by_stream[each] = _shown(replica, each, worker)
        own = shown_by_stream[stream]
        if fresh:
            own.made_of = None
        beside = [shown_by_stream[each].logs for each in around if each != stream]
        _project_day(replica.store.db, day, own, bearing(own.logs, beside))


@dataclass(slots=True)
class DayShown:
    """What was read of a day's state, and what its rows were last made of.

    `found` has the logs by the paths where they begin; `made_of` is None where it is not known what
    rows stand, else `rows` and `marks` do.
    """

    worker: bytes
    found: dict[Path, LoggedLog | None]
    logs: DayLogs
    made_of: Bearing | None = None
    rows: frozenset[Row] = frozenset()
    marks: frozenset[Row] = frozenset()


def _shown(replica: Replica, stream: bytes, worker: bytes) -> DayShown:
    """What a day says, of which only what changed since is read again."""
    state = replica.state(stream)
    kept, grown = replica.days_shown.get(state), state.take_grown()
    if kept is None or grown is None or kept.worker != worker:
        found = {path: log_at(state, worker, path) for path in filter(begins_log, state.registers)}
        kept = replica.days_shown[state] = DayShown(worker, found, _logs(found, duties_of(state)))
        return kept
    changed = {
        path
        for placed in grown
        if placed.entry is not None and not placed.inert
        for path, _ in placed.entry.changes
    }
    # In the order of the registers: where one has no start yet, there is no log.
    again = {start for path in changed if (start := start_of(path)) in state.registers}
    for path in [each for each in state.registers if each in again] if again else ():
        kept.found[path] = log_at(state, worker, path)
    on_duty = any(path[0] in DUTY_FIELDS for path in changed)
    if again or on_duty:
        duties = duties_of(state) if on_duty else kept.logs.duties
        kept.logs = _logs(kept.found, duties)
    return kept


def _logs(found: Mapping[Path, LoggedLog | None], duties: Sequence[DutyMark]) -> DayLogs:
    return DayLogs([read.log for read in in_order(found.values())], duties)


class CountedInterval(NamedTuple):
    """A stretch of time that counts for one log; `end_ms` is None while it goes on."""

    start_ms: int
    end_ms: int | None
    log: bytes
    kind: LogKind


class Track(NamedTuple):
    """Where a worker was for some minutes: the track's id, and its fixes in order of time."""

    track: bytes
    fixes: tuple[Fix, ...]


def _around(worker: bytes, day: str) -> list[bytes]:
    return [day_stream(worker, each) for each in (*neighbours(day), day)]


def _held(db: sqlite3.Connection, days: set[bytes]) -> set[bytes]:
    """Those of these days that are held and did not leave."""
    asked = "SELECT stream FROM stream WHERE left_at IS NULL AND stream IN (:ids)"
    return {row[0] for row in rows_of(db, asked, days)}


def worker_of(replica: Replica, stream: bytes) -> bytes | None:
    """Whose day a stream is: from who wrote to it, else from the workers that are known.

    Of one that was erased the name is gone, and the hours stay.
    """
    for log in replica.state(stream).logs.values():
        # All entries of a log are of one author, and so of one standing.
        for placed in log.placed[:1]:
            standing = placed.standing
            if standing.role == Role.WORKER and derived_unique(standing.subject) == stream[5:]:
                return standing.subject
    for (worker,) in replica.store.db.execute("SELECT worker FROM worker"):
        if derived_unique(bytes.fromhex(worker)) == stream[5:]:
            return bytes.fromhex(worker)
    for worker in replica.erased.streams:
        if worker[4] == Kind.WORKER and derived_unique(worker) == stream[5:]:
            return worker
    return None


def _project_day(db: sqlite3.Connection, day: str, own: DayShown, made_of: Bearing) -> None:
    """Write a day's rows, unless they were made of the same already."""
    if own.made_of == made_of:
        return
    name, known = own.worker.hex(), own.made_of is not None
    key: dict[str, object] = {"worker": name, "day": day}
    logs = {read.log.log_id: read for read in in_order(own.found.values())}
    rows = _log_rows(name, logs, _count(made_of))
    rewrite(db, "time_log", key, rows, own.rows if known else None)
    marks: list[Row] = [
        (name, day, mark.duty_id.hex(), mark.start_ms, mark.stop_ms) for mark in own.logs.duties
    ]
    rewrite(db, "duty", key, marks, own.marks if known else None)
    own.made_of, own.rows, own.marks = made_of, frozenset(rows), frozenset(marks)


def _count(made_of: Bearing) -> Counted:
    return _counted(made_of.logs, made_of.duties, made_of.known_ms, made_of.base_by_boot)


def intervals_of(replica: Replica, worker: bytes, day: str) -> list[CountedInterval]:
    """What counts of the logs that began on a worker's local day, disjoint, in order of time."""
    around = _around(worker, day)
    held = _held(replica.store.db, set(around))
    states = [replica.state(stream) for stream in around if stream in held]
    logs = [log for state in states for log in logs_of(state, worker)]
    known_ms = _known_ms(logs)
    duties = [mark for state in states for mark in duties_of(state)]
    found = _counted(merged(read.log for read in logs), duties, known_ms)
    own = {read.log.log_id: read.log for read in logs if read.log.day == day}
    return [
        CountedInterval(
            interval.start_ms,
            # Of an open log only the piece that goes on has no end.
            None
            if own[interval.log_id].stop is None and interval.stop_ms == known_ms
            else interval.stop_ms,
            interval.log_id,
            interval.kind,
        )
        for interval in found.intervals
        if interval.log_id in own
    ]


def tracks_in(*states: StreamState) -> list[Track]:
    """The tracks of a worker-day that can be read, in order of time.

    Given are the states of its track's stream and of the day's own, where they stood at first;
    whoever writes one id into both has one track.
    """
    found: dict[bytes, Track] = {}
    for state in states:
        for track, coded in tracks_of(state.registers):
            try:
                fixes = decode_track(coded)
            except TrackError:
                # It stays in the log as it is; a later version may read it.
                continue
            if fixes:
                found.setdefault(track, Track(track, tuple(fixes)))
    return sorted(found.values(), key=lambda track: (track.fixes[0].time_ms, track.track))


def _known_ms(logs: list[LoggedLog]) -> int:
    """Up to when anything is known of these days."""
    moments = [m for read in logs for m in (read.log.start, read.log.stop) if m is not None]
    return max((moment.corrected_ms for moment in moments), default=0)


def _counted(
    logs: Sequence[TimeLog],
    duties: Sequence[DutyMark],
    known_ms: int,
    base_by_boot: Mapping[int, int] | None = None,
) -> Counted:
    """What counts of logs that are given once each, and what to know of it.

    An open log counts as far as anything is known of that time.
    """
    try:
        return counted_once(logs, spans(duties, known_ms), known_ms, base_by_boot)
    except TimeLogError as error:
        # Nobody works so many logs: they are kept and shown, and count nothing.
        LOGGER.warning("a worker's days were not counted: %s", error)
        return Counted([], {}, standings(logs))


def _log_rows(worker: str, own: Mapping[bytes, LoggedLog], found: Counted) -> list[Row]:
    """The rows of the day's time logs."""
    seconds = dict.fromkeys(own, 0.0)
    for interval in found.intervals:
        read = own.get(interval.log_id)
        if read is not None and read.log.stop is not None:
            seconds[interval.log_id] += interval.duration_ms / 1000
    rows: list[Row] = []
    for log_id, read in own.items():
        told = found.flags_by_id.get(log_id, frozenset())
        certainty = ", ".join(flag.value for flag in _SHOWN if flag in told)
        if read.log.uncertain and not certainty:
            certainty = Flag.UNCERTAIN.value
        counts = found.standing_by_id[log_id].counts
        rows.append(_log_row(worker, read, round(seconds[log_id]), certainty, counts))
    return rows


def _log_row(worker: str, read: LoggedLog, seconds: int, certainty: str, counts: bool) -> Row:
    log = read.log
    evidence = {"fixes": list(log.evidence_ms), "rule": list(read.rule)}
    return (
        worker,
        log.day,
        log.log_id.hex(),
        log.job.hex() if log.job else "",
        kind_words(log.kind),
        log.start.corrected_ms,
        log.stop.corrected_ms if log.stop is not None else None,
        seconds,
        source_words(log.source),
        certainty,
        json.dumps(evidence) if log.evidence_ms or read.rule else "{}",
        log.supersedes.hex() if log.supersedes else "",
        int(not counts),
        log.reason,
        read.actor.hex(),
    )


def kind_words(kind: LogKind) -> str:
    """A kind of log as people read it."""
    return kind.name.lower().replace("_", " ")


def source_words(source: Source) -> str:
    """A source of a log as people read it."""
    return source.name.lower()
