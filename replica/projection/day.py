"""Rows of workers' days: time logs, what counts of them, duty, tracks.

What counts of a day follows from its logs and those of the days beside it, so when a day changes
its neighbours' rows are made anew too. Holds no rules of counting.
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
from core.dispatch.fix import TrackError, decode_track
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


class _Read(NamedTuple):
    """What one day's stream says, read once for the three days whose rows need it."""

    logs: list[LoggedLog]
    duties: list[DutyMark]


def _around(worker: bytes, day: str) -> list[bytes]:
    return [day_stream(worker, each) for each in (*neighbours(day), day)]


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


def _project_day(
    replica: Replica, worker: bytes, day: str, own_duties: list[DutyMark], around: list[_Read]
) -> None:
    db, name = replica.store.db, worker.hex()
    logs = [log for read in around for log in read.logs]
    duties = [mark for read in around for mark in read.duties]
    _clear_day(db, name, day)
    known_ms = _known_ms(logs)
    _write_logs(db, name, day, logs, _counted(logs, duties, known_ms), known_ms)
    for mark in own_duties:
        row = (name, day, mark.duty_id.hex(), mark.start_ms, mark.stop_ms)
        db.execute("INSERT INTO duty VALUES (?, ?, ?, ?, ?)", row)
    _write_tracks(db, name, day, replica.state(day_stream(worker, day)))


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


def _write_logs(
    db: sqlite3.Connection,
    worker: str,
    day: str,
    logs: list[LoggedLog],
    found: Counted,
    known_ms: int,
) -> None:
    own = {read.log.log_id: read for read in logs if read.log.day == day}
    seconds = dict.fromkeys(own, 0.0)
    for interval in found.intervals:
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
        told = found.flags_by_id.get(log_id, frozenset())
        certainty = ", ".join(flag.value for flag in _SHOWN if flag in told)
        if read.log.uncertain and not certainty:
            certainty = Flag.UNCERTAIN.value
        _write_log(
            db, worker, read, round(seconds[log_id]), certainty, found.standing_by_id[log_id].counts
        )


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
