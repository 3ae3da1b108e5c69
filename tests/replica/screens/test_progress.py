"""Laws of taps: whatever a worker taps, one log runs at most, and undo restores what was."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.fields import Phase
from replica.replica import Replica
from replica.screens.progress import OpenLog, Turn, move
from tests.build import SettableClock, Site, clock_of, hold
from tests.replica.screens.conftest import DAY

PHASES = st.sampled_from([phase for phase in Phase if phase > Phase.RECEIVED])
TAPS = st.lists(st.tuples(st.integers(0, 1), PHASES, st.booleans()), min_size=1, max_size=8)


@contextmanager
def two_jobs() -> Iterator[tuple[Replica, bytes, list[tuple[bytes, bytes]]]]:
    """A phone with two jobs; its worker, and job and turn of each."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        clock = SettableClock()
        hub = site.hub(clock=clock)
        worker = site.worker(hub, "Petr")
        phone = site.phone(hub, worker, clock=clock)
        jobs = [site.job(hub, title, worker) for title in ("Boiler", "Pump")]
        hold(phone, hub)
        yield phone, worker, [(job, turns[0]) for job, turns in jobs]
        site.close()


def standing(phone: Replica, job: bytes) -> tuple[str, list[OpenLog]]:
    """The job's phase, and what logs run."""
    db = phone.store.db
    sql = "SELECT phase FROM assignment WHERE job = ?"
    (phase,) = db.execute(sql, (job.hex(),)).fetchone()
    running = db.execute(
        "SELECT day, log, job, kind, source, start_at FROM time_log "
        "WHERE stop_at IS NULL AND superseded = 0"
    ).fetchall()
    return phase, [
        OpenLog(day, bytes.fromhex(log), bytes.fromhex(of) or None, kind, source, start)
        for day, log, of, kind, source, start in running
    ]


@settings(max_examples=12)
@given(TAPS)
def test_one_log_runs_at_most_and_undo_restores_what_was(
    taps: list[tuple[int, Phase, bool]],
) -> None:
    with two_jobs() as (phone, worker, jobs):
        for index, phase, undone in taps:
            job, turn = jobs[index]
            clock_of(phone).pass_ms(600_000)
            before = standing(phone, job)
            moved = move(
                Turn(job, worker, turn, before[0]),
                phase,
                open_logs=before[1],
                today=DAY,
                entropy=phone.entropy,
                reason="so it is",
            )
            phone.write(moved.changes)
            shown, running = standing(phone, job)
            assert shown == phase.name.lower().replace("_", " ")
            assert len(running) <= 1
            worked = phase in (Phase.TRAVELLING, Phase.ON_SITE, Phase.PAUSED)
            assert worked <= bool(running)
            if undone:
                clock_of(phone).pass_ms(3_000)
                phone.write(moved.undo)
                assert standing(phone, job) == before
