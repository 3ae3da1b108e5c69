"""What the phone answered for, and what the hub makes of it: each tap, once, and the minutes.

The truth is written down as the phone answers, by the world's own time; what the hub holds is read
from its rows, its history and its bytes. Holds no phone. Invariant: `wrong_at` says nothing only
where both are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.dispatch.acts import day_stream
from core.dispatch.fields import Kind
from core.log.errors import LogError
from replica.history import history_of
from replica.projection.day import tracks_in
from replica.replica import Replica
from tests.blackbox.phone import picture

# A log's seconds are whole ones, and its clocks tell hundredths.
SECONDS_OFF_MAX = 1.0

_RUNS = {"travelling": "travel", "on site": "on site", "paused": "break"}


@dataclass
class Running:
    """A time log that runs: since when by the true clock, and on which day of the phone's."""

    kind: str
    job: int
    day: str
    since_ms: int


@dataclass
class Truth:
    """All that was acknowledged, by the number of its job."""

    phases: dict[int, list[str]] = field(default_factory=dict)
    notes: list[tuple[int, str]] = field(default_factory=list)
    photos: list[tuple[int, str, int]] = field(default_factory=list)
    duties: Counter[str] = field(default_factory=Counter)
    fixes: list[tuple[str, int]] = field(default_factory=list)
    seconds: dict[tuple[str, int, str], float] = field(default_factory=dict)
    logs: int = 0
    _running: Running | None = None

    def tapped(self, job: int, to: str, day: str, true_ms: int) -> None:
        """The phone says that a job is at a phase."""
        self.phases.setdefault(job, []).append(to)
        kind = _RUNS.get(to)
        running = self._running
        if running is not None and (kind is not None or running.job == job):
            key = (running.day, running.job, running.kind)
            spent = (true_ms - running.since_ms) / 1000
            self.seconds[key] = self.seconds.get(key, 0.0) + spent
            self.logs += 1
            self._running = None
        if kind is not None:
            self._running = Running(kind, job, day, true_ms)

    @property
    def taps(self) -> int:
        """How many taps and other acts were acknowledged."""
        phases = sum(map(len, self.phases.values()))
        return phases + len(self.notes) + len(self.photos) + sum(self.duties.values())


def wrong_at(hub: Replica, truth: Truth, jobs: list[bytes], worker: bytes) -> list[str]:
    """What the hub does not hold as it was, or holds twice, in sentences."""
    return [
        *_wrong_phases(hub, truth, jobs),
        *_wrong_notes(hub, truth, jobs),
        *_wrong_photos(hub, truth, jobs),
        *_wrong_days(hub, truth, worker),
        *_wrong_minutes(hub, truth, jobs, worker),
    ]


def _wrong_phases(hub: Replica, truth: Truth, jobs: list[bytes]) -> Iterator[str]:
    for number, phases in truth.phases.items():
        rows = history_of(hub.state(jobs[number]))
        told = [row.value.lower() for row in rows if row.field == "phase" and not row.inert]
        # The first word is the phone's own: that it received the job, where it says so.
        if Counter(told) != Counter(phases):
            yield f"job {number}: tapped {phases}, the hub has {told}"
        (shown,) = hub.store.db.execute(
            "SELECT phase FROM job WHERE job = ?", (jobs[number].hex(),)
        ).fetchone()
        if shown != phases[-1]:
            yield f"job {number} was {phases[-1]} at last, the hub shows {shown}"


def _wrong_notes(hub: Replica, truth: Truth, jobs: list[bytes]) -> Iterator[str]:
    held = Counter(hub.store.db.execute("SELECT job, text FROM note").fetchall())
    written = Counter((jobs[number].hex(), text) for number, text in truth.notes)
    yield from _differing("notes", written, held)


def _differing(what: str, true: Counter[Any], held: Counter[Any]) -> Iterator[str]:
    lost, more = true - held, held - true
    if lost:
        yield f"{lost.total()} of {true.total()} {what} lost: {list(lost)[:3]}"
    if more:
        yield f"{more.total()} {what} doubled or invented: {list(more)[:3]}"


def _wrong_photos(hub: Replica, truth: Truth, jobs: list[bytes]) -> Iterator[str]:
    true: Counter[tuple[str, bytes]] = Counter()
    damaged = 0
    by_bytes = {}
    for address in hub.files.addresses():
        try:
            by_bytes[hub.files.read(address)] = address
        except LogError:
            damaged += 1
    missing = 0
    for number, key, side in truth.photos:
        data = picture(key, side)
        missing += data not in by_bytes
        if data in by_bytes:
            true[(jobs[number].hex(), by_bytes[data])] += 1
    if missing:
        yield f"{missing} of {len(truth.photos)} photos are not at the hub, byte for byte"
    if damaged:
        yield f"{damaged} files at the hub are not whole"
    held = Counter(hub.store.db.execute("SELECT job, address FROM file_ref").fetchall())
    yield from _differing("photos in jobs", true, held)


def _wrong_days(hub: Replica, truth: Truth, worker: bytes) -> Iterator[str]:
    rows = hub.store.db.execute("SELECT duty, stop_at FROM duty").fetchall()
    marks = Counter("start" for _ in rows) + Counter("stop" for row in rows if row[1] is not None)
    yield from _differing("marks of duty", truth.duties, marks)
    days = {day for day, _ in truth.fixes}
    fixes: Counter[tuple[str, int]] = Counter()
    for day in days:
        day_id = day_stream(worker, day)
        track = day_id[:4] + bytes([Kind.TRACK]) + day_id[5:]
        for each in tracks_in(hub.state(track), hub.state(day_id)):
            fixes.update((day, fix.time_ms) for fix in each.fixes)
    yield from _differing("fixes", Counter(truth.fixes), fixes)


def _wrong_minutes(hub: Replica, truth: Truth, jobs: list[bytes], worker: bytes) -> Iterator[str]:
    numbers = {job.hex(): number for number, job in enumerate(jobs)}
    held: dict[tuple[str, int, str], float] = {}
    logs = open_logs = 0
    for day, job, kind, seconds, stop in hub.store.db.execute(
        "SELECT day, job, kind, seconds, stop_at FROM time_log WHERE superseded = 0 AND worker = ?",
        (worker.hex(),),
    ):
        key = (day, numbers[job], kind)
        held[key] = held.get(key, 0.0) + seconds
        logs, open_logs = logs + 1, open_logs + (stop is None)
    if (logs, open_logs) != (truth.logs, 0):
        yield f"{truth.logs} time logs were kept, the hub has {logs}, {open_logs} of them open"
    for key in sorted(held.keys() | truth.seconds.keys()):
        off = held.get(key, 0.0) - truth.seconds.get(key, 0.0)
        # Several logs of one job on one day round each for itself.
        if abs(off) > 2 * SECONDS_OFF_MAX:
            day, number, kind = key
            yield (
                f"{kind} at job {number} on {day}: {truth.seconds.get(key, 0.0):.0f} s were spent, "
                f"the hub counts {held.get(key, 0.0):.0f} s"
            )
