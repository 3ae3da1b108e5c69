"""Rows of workers' days: time logs with what counts of them, and duty.

What counts of a day follows from its logs and those of the days beside it, so when a day changes
its neighbours' rows are made anew too. When it counts, and where the worker was, is read from the
entries when it is asked for. Holds no rules of counting.
Invariant: rows of a day follow from the entries of that day and its two neighbours alone.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from core.dispatch.acts import day_stream
from core.dispatch.duty import DutyMark, spans
from core.dispatch.fields import LogKind, Role, Source
from core.dispatch.fix import Fix, TrackError, decode_track
from core.dispatch.timelog import Counted, Flag, TimeLogError, counted, standings
from core.dispatch.workday import (
    LoggedLog,
    day_of,
    duties_of,
    logs_of,
    neighbours,
    tracks_of,
)
from core.log.chain import derived_unique
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


def project(replica: Replica, days: set[bytes]) -> None:
    """Bring the rows of these days up to date, and of the days beside them that are held."""
    due: set[tuple[bytes, str]] = set()
    for stream in days:
        worker = worker_of(replica, stream)
        if worker is None:
            clear(replica.store.db, stream)
        else:
            day = day_of(stream)
            due |= {(worker, day), *((worker, beside) for beside in neighbours(day))}
    held = _held(replica.store.db, {each for one in due for each in _around(*one)})
    read_by_stream: dict[bytes, _Read] = {}
    for worker, day in sorted(due):
        stream = day_stream(worker, day)
        if stream not in held:
            continue
        around = [each for each in _around(worker, day) if each in held]
        for each in around:
            if each not in read_by_stream:
                state = replica.state(each)
                read_by_stream[each] = _Read(logs_of(state, worker), duties_of(state))
        days_read = [read_by_stream[each] for each in around]
        _project_day(replica, worker, day, read_by_stream[stream].duties, days_read)


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


class _Read(NamedTuple):
    """What one day's stream says, read once for the three days whose rows need it."""

    logs: list[LoggedLog]
    duties: list[DutyMark]


def _around(worker: bytes, day: str) -> list[bytes]:
    return [day_stream(worker, each) for each in (*neighbours(day), day)]


def _held(db: sqlite3.Connection, days: set[bytes]) -> set[bytes]:
    """Those of these days that are held and did not leave."""
    asked = "SELECT 1 FROM stream WHERE stream = ? AND left_at IS NULL"
    return {day for day in days if db.execute(asked, (day,)).fetchone() is not None}


def worker_of(replica: Replica, stream: bytes) -> bytes | None:
    """Whose day a stream is: from who wrote to it, else from the workers that are known."""
    for log in replica.state(stream).logs.values():
        for placed in log.placed:
            standing = placed.standing
            if standing.role == Role.WORKER and derived_unique(standing.subject) == stream[5:]:
                return standing.subject
    for (worker,) in replica.store.db.execute("SELECT worker FROM worker"):
        if derived_unique(bytes.fromhex(worker)) == stream[5:]:
            return bytes.fromhex(worker)
    return None


def _project_day(
    replica: Replica, worker: bytes, day: str, own_duties: list[DutyMark], around: list[_Read]
) -> None:
    db, name = replica.store.db, worker.hex()
    logs = [log for read in around for log in read.logs]
    duties = [mark for read in around for mark in read.duties]
    known_ms = _known_ms(logs)
    key: dict[str, object] = {"worker": name, "day": day}
    time_logs = _log_rows(name, day, logs, _counted(logs, duties, known_ms))
    rewrite(db, "time_log", key, time_logs)
    marks = [(name, day, mark.duty_id.hex(), mark.start_ms, mark.stop_ms) for mark in own_duties]
    rewrite(db, "duty", key, marks)


def intervals_of(replica: Replica, worker: bytes, day: str) -> list[CountedInterval]:
    """What counts of the logs that began on a worker's local day, disjoint, in order of time."""
    around = _around(worker, day)
    held = _held(replica.store.db, set(around))
    states = [replica.state(stream) for stream in around if stream in held]
    logs = [log for state in states for log in logs_of(state, worker)]
    known_ms = _known_ms(logs)
    found = _counted(logs, [mark for state in states for mark in duties_of(state)], known_ms)
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


def _counted(logs: list[LoggedLog], duties: list[DutyMark], known_ms: int) -> Counted:
    """What counts, an open log as far as anything is known of that time, and what to know of it."""
    plain = [read.log for read in logs]
    try:
        return counted(plain, spans(duties, known_ms), known_ms)
    except TimeLogError as error:
        # Nobody works so many logs: they are kept and shown, and count nothing.
        LOGGER.warning("a worker's days were not counted: %s", error)
        return Counted([], {}, standings(plain))


def _log_rows(worker: str, day: str, logs: list[LoggedLog], found: Counted) -> list[Row]:
    """The rows of the day's time logs."""
    own = {read.log.log_id: read for read in logs if read.log.day == day}
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
