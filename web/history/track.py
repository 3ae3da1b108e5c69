"""A worker's day on the map: the track as far as it has come in, its stops, and the logs beside it.

Read from the entries of the day's streams when somebody asks; nothing of it stands anywhere else.
What was erased is not there any more, and the answer says so. Holds no HTML. Invariant: the points
are fixes that can be used, in order of time, each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from core.dispatch.acts import day_stream, track_stream
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix, order_of, usable
from core.dispatch.geometry import distance_m
from core.dispatch.stops import Stop, stops_in
from core.log.chain import stream_time_s
from core.log.stream import StreamState
from replica.projection.day import tracks_in
from web.board.reader import Rows

PLACE_M: Final = 200
"""A stop this near to a job's place is called by the job."""


class Streams(Rows, Protocol):
    """What can be asked: `replica.reader.Reader` in a running hub."""

    async def state(self, stream: str) -> StreamState:
        """The fold of a stream (hex id)."""


@dataclass(frozen=True, slots=True)
class StopView:
    """A stop with the job that it was made for, as far as its place tells."""

    stop: Stop
    job: str
    words: str

    @property
    def minutes(self) -> int:
        """Whole minutes that it lasted."""
        return round((self.stop.end_ms - self.stop.start_ms) / 60_000)


@dataclass(frozen=True, slots=True)
class DayTrack:
    """Where a worker was on a local day: fixes, stops, metres on the way, whether it was erased."""

    worker: str
    day: str
    fixes: tuple[Fix, ...]
    stops: tuple[StopView, ...]
    metres: float
    erased: bool

    def data(self) -> dict[str, Any]:
        """As JSON: `points` are [ms, longitude, latitude, accuracy in m], degrees in full."""
        return {
            "worker": self.worker,
            "day": self.day,
            "erased": self.erased,
            "metres": round(self.metres),
            "points": [
                [fix.time_ms, fix.lon_e7 / 1e7, fix.lat_e7 / 1e7, fix.accuracy_m]
                for fix in self.fixes
            ],
            "stops": [
                {
                    "start": view.stop.start_ms,
                    "end": view.stop.end_ms,
                    "at": [view.stop.lon_e7 / 1e7, view.stop.lat_e7 / 1e7],
                    "job": view.job,
                    "words": view.words,
                }
                for view in self.stops
            ],
        }


async def track_of(reader: Streams, worker: str, day: str) -> DayTrack:
    """The track of a worker (hex id) on a local day '2026-11-23'.

    Raises:
        ActError: that is no day.
    """
    track = track_stream(bytes.fromhex(worker), day)
    fixes = await fixes_of(reader, worker, day)
    places = await _places(reader, worker, day)
    return DayTrack(
        worker=worker,
        day=day,
        fixes=fixes,
        stops=tuple(_view(stop, places) for stop in stops_in(fixes)),
        metres=_metres(fixes),
        erased=not fixes and await _is_erased(reader, track),
    )


async def fixes_of(reader: Streams, worker: str, day: str) -> tuple[Fix, ...]:
    """The usable fixes of a worker (hex id) on a local day, in order of time, each once.

    Raises:
        ActError: that is no day.
    """
    stream = bytes.fromhex(worker)
    track, own = track_stream(stream, day), day_stream(stream, day)
    states = [await reader.state(track.hex()), await reader.state(own.hex())]
    by_order = {order_of(fix): fix for one in tracks_in(*states) for fix in one.fixes}
    return tuple(by_order[order] for order in sorted(by_order) if usable(by_order[order]))


async def _places(reader: Rows, worker: str, day: str) -> list[Any]:
    """The jobs with a place on which this worker logged something that day."""
    return await reader.rows(
        "SELECT DISTINCT job.job, job.number, job.title, job.lat_e7, job.lon_e7"
        " FROM time_log JOIN job ON job.job = time_log.job"
        " WHERE time_log.worker = ? AND time_log.day = ? AND job.lat_e7 IS NOT NULL"
        " ORDER BY job.number",
        (worker, day),
    )


def _view(stop: Stop, places: list[Any]) -> StopView:
    def apart(row: Any) -> float:
        return distance_m(stop.lat_e7, stop.lon_e7, row["lat_e7"], row["lon_e7"])

    nearest = min(places, key=apart, default=None)
    if nearest is None or apart(nearest) > PLACE_M:
        return StopView(stop, "", "")
    return StopView(stop, nearest["job"], f"{nearest['number']} {nearest['title']}")


def _metres(fixes: tuple[Fix, ...]) -> float:
    """The length of the way, without the drift of standing still."""
    metres, last = 0.0, None
    for fix in fixes:
        if last is None:
            last = fix
            continue
        step = distance_m(last.lat_e7, last.lon_e7, fix.lat_e7, fix.lon_e7)
        if step > max(25, fix.accuracy_m or 0):
            metres, last = metres + step, fix
    return metres


async def _is_erased(reader: Rows, track: bytes) -> bool:
    """Whether the track was erased: itself, or all tracks before a time."""
    row = await reader.row(
        "SELECT 1 FROM erased WHERE what = ? OR (kind = ? AND before_at > ?) LIMIT 1",
        (track.hex(), int(Kind.TRACK), stream_time_s(track) * 1000),
    )
    return row is not None
