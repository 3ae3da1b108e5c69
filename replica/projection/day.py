"""Rows of workers' days: time logs, what counts of them, duty, tracks.

What counts of a day follows from its logs and those of the days beside it, so when a day changes
its neighbours' rows are made anew too. Holds no rules of counting.
Invariant: rows of a day follow from the entries of that day and its two neighbours alone.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import TYPE_CHECKING

from core.dispatch.acts import day_stream
from core.dispatch.duty import DutyMark, spans
from core.dispatch.fields import LogKind, Role, Source
from core.dispatch.fix import TrackError, decode_track
from core.dispatch.timelog import (
    Flag,
    Interval,
    TimeLogError,
    effective,
    flags_by_log,
    standings,
)
from core.dispatch.workday import (
    LoggedLog,
    day_of,
    duties_of,
    logs_of,
    neighbours,
    tracks_of,
)
from core.log.chain import derived_unique

if TYPE_CHECKING:
    from core.log.stream import StreamState
    from replica.replica import Replica

LOGGER = logging.getLogger(__name__)

TABLES = ("time_log", "interval", "duty", "track")

_SHOWN = (Flag.UNCERTAIN, Flag.BRIDGED, Flag.OVERLAPS, Flag.LONG, Flag.BACKWARDS)


def clear(db: sqlite3.Connection, stream: bytes) -> None:
    """Take out the rows of one day, whoever's it is."""
    day = day_of(stream)
    found = db.execute("SELECT DISTINCT worker FROM time_log WHERE day = ?", (day,)).fetchall()
    found += db.execute("SELECT DISTINCT worker FROM duty WHERE day = ?", (day,)).fetchall()
    found += db.execute("SELECT DISTINCT worker FROM track WHERE day = ?", (day,)).fetchall()
    for worker in {row[0] for row in found}:
        if derived_unique(bytes.fromhex(worker)) == stream[5:]:
            _clear_day(db, worker, day)


def _clear_day(db: sqlite3.Connection, worker: str, day: str) -> None:
    for table in TABLES:
        db.execute(f"DELETE FROM {table} WHERE worker = ? AND day = ?", (worker, day))


def project(replica: Replica, days: set[bytes]) -> None:
    """Write the rows of these days, and of the days beside them that are held."""
    due: set[tuple[bytes, str]] = set()
    for stream in days:
        worker = worker_of(replica, stream)
        if worker is not None:
            day = day_of(stream)
            due |= {(worker, day), *((worker, beside) for beside in neighbours(day))}
    held = {row[0] for row in replica.store.db.execute(_HELD)}
    for worker, day in sorted(due):
        if day_stream(worker, day) in held:
            _project_day(replica, worker, day, held)


_HELD = "SELECT stream FROM stream WHERE kind = 5 AND left_at IS NULL"


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


def _project_day(replica: Replica, worker: bytes, day: str, held: set[bytes]) -> None:
    db, name = replica.store.db, worker.hex()
    around = [day_stream(worker, each) for each in (*neighbours(day), day)]
    states = {stream: replica.state(stream) for stream in around if stream in held}
    logs = [read for state in states.values() for read in logs_of(state, worker)]
    duties = [mark for state in states.values() for mark in duties_of(state)]
    own = states[day_stream(worker, day)]
    _clear_day(db, name, day)
    known_ms = _known_ms(logs)
    intervals, flags = _counted(logs, duties, known_ms)
    _write_logs(db, name, day, logs, intervals, flags, known_ms)
    for mark in duties_of(own):
        row = (name, day, mark.duty_id.hex(), mark.start_ms, mark.stop_ms)
        db.execute("INSERT INTO duty VALUES (?, ?, ?, ?, ?)", row)
    _write_tracks(db, name, day, own)


def _known_ms(logs: list[LoggedLog]) -> int:
    """Up to when anything is known of these days."""
    moments = [m for read in logs for m in (read.log.start, read.log.stop) if m is not None]
    return max((moment.corrected_ms for moment in moments), default=0)


def _counted(
    logs: list[LoggedLog], duties: list[DutyMark], known_ms: int
) -> tuple[list[Interval], dict[bytes, frozenset[Flag]]]:
    """What counts, an open log as far as anything is known of that time, and what to know of it."""
    plain, duty = [read.log for read in logs], spans(duties, known_ms)
    try:
        return effective(plain, duty, known_ms), flags_by_log(plain, duty, known_ms)
    except TimeLogError as error:
        # Nobody works so many logs: they are kept and shown, and count nothing.
        LOGGER.warning("a worker's days were not counted: %s", error)
        return [], {}


def _write_logs(
    db: sqlite3.Connection,
    worker: str,
    day: str,
    logs: list[LoggedLog],
    intervals: list[Interval],
    flags: dict[bytes, frozenset[Flag]],
    known_ms: int,
) -> None:
    own = {read.log.log_id: read for read in logs if read.log.day == day}
    found = standings(read.log for read in logs)
    seconds = dict.fromkeys(own, 0.0)
    for interval in intervals:
        read = own.get(interval.log_id)
        if read is None:
            continue
        is_open = read.log.stop is None
        if not is_open:
            seconds[interval.log_id] += interval.duration_ms / 1000
        db.execute(
            "INSERT INTO interval VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                worker,
                day,
                interval.start_ms,
                interval.log_id.hex(),
                # Of an open log only the piece that goes on has no end.
                None if is_open and interval.stop_ms == known_ms else interval.stop_ms,
                kind_words(interval.kind),
                interval.job.hex() if interval.job else "",
            ),
        )
    for log_id, read in own.items():
        told = flags.get(log_id, frozenset())
        certainty = ", ".join(flag.value for flag in _SHOWN if flag in told)
        if read.log.uncertain and not certainty:
            certainty = Flag.UNCERTAIN.value
        _write_log(db, worker, read, round(seconds[log_id]), certainty, found[log_id].counts)


def _write_log(
    db: sqlite3.Connection,
    worker: str,
    read: LoggedLog,
    seconds: int,
    certainty: str,
    counts: bool,
) -> None:
    log = read.log
    evidence = {"fixes": list(log.evidence_ms), "rule": list(read.rule)}
    db.execute(
        f"INSERT INTO time_log VALUES ({', '.join('?' * 15)})",
        (
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
        ),
    )


def _write_tracks(db: sqlite3.Connection, worker: str, day: str, state: StreamState) -> None:
    for track, coded in tracks_of(state.registers):
        try:
            fixes = decode_track(coded)
        except TrackError:
            # It stays in the log as it is; a later version may read it.
            continue
        if fixes:
            rows = [[f.time_ms, f.lat_e7, f.lon_e7, f.accuracy_m] for f in fixes]
            db.execute(
                "INSERT INTO track VALUES (?, ?, ?, ?, ?)",
                (worker, day, track.hex(), fixes[0].time_ms, json.dumps(rows)),
            )


def kind_words(kind: LogKind) -> str:
    """A kind of log as people read it."""
    return kind.name.lower().replace("_", " ")


def source_words(source: Source) -> str:
    """A source of a log as people read it."""
    return source.name.lower()
