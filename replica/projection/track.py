"""Rows of tracks: where a worker was on a day.

Fixes stand in a stream of their own, which is forgotten sooner than the day; those of earlier
versions stand in the day itself. Holds no rules. Invariant: rows of a day's tracks follow from the
entries of these two streams alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from core.dispatch.acts import day_stream, track_stream
from core.dispatch.fix import TrackError, decode_track
from core.dispatch.workday import day_of, tracks_of
from replica.projection.rows import Row, rewrite, workers_in

if TYPE_CHECKING:
    from replica.replica import Replica

TABLES = ("track",)

# Tracks whose fixes are kept in memory as text; one of some minutes takes some 2 kB.
TRACKS_KEPT_MAX = 2_000


def clear(db: sqlite3.Connection, stream: bytes) -> None:
    """Take out the tracks of the day of a track's or a day's stream, whoever's it is."""
    day = day_of(stream)
    for worker in list(workers_in(db, "track")):
        own = bytes.fromhex(worker)
        if stream in (day_stream(own, day), track_stream(own, day)):
            db.execute("DELETE FROM track WHERE worker = ? AND day = ?", (worker, day))


def project(replica: Replica, worker_by_stream: Iterable[tuple[bytes, bytes]]) -> None:
    """Bring the tracks of these tracks' and days' streams up to date, given with their workers."""
    db = replica.store.db
    held = "SELECT 1 FROM stream WHERE stream = ? AND left_at IS NULL"
    for worker, day in sorted({(worker, day_of(stream)) for stream, worker in worker_by_stream}):
        # By id: whoever writes one id into both streams has one track.
        rows: dict[bytes, Row] = {}
        for stream in (day_stream(worker, day), track_stream(worker, day)):
            if db.execute(held, (stream,)).fetchone() is None:
                continue
            for track, coded in tracks_of(replica.state(stream).registers):
                start_ms, fixes = _track(tuple(coded))
                if start_ms is not None:
                    rows[track] = (worker.hex(), day, track.hex(), start_ms, fixes)
        rewrite(db, "track", {"worker": worker.hex(), "day": day}, list(rows.values()))


@lru_cache(maxsize=TRACKS_KEPT_MAX)
def _track(coded: tuple[Any, ...]) -> tuple[int | None, str]:
    """Start and fixes (JSON) of a coded track; no start where it shows nothing.

    What a track says never changes, and a day is read at its every change.
    """
    try:
        fixes = decode_track(coded)
    except TrackError:
        # It stays in the log as it is; a later version may read it.
        return None, ""
    rows = [[f.time_ms, f.lat_e7, f.lon_e7, f.accuracy_m] for f in fixes]
    return (fixes[0].time_ms if fixes else None), json.dumps(rows)


def forget_fixes() -> None:
    """Forget the fixes that are kept in memory: some of them were erased."""
    _track.cache_clear()
