"""What an office and a worker do, one act at a time, drawn from chance.

For the proofs, where thousands of days are lived and each act has to be cheap. Everything is read
from the replica's own store and written through `Replica.write`. Holds no sessions and no checks.
Invariant: an act is one that a screen offers in that state.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from core.dispatch import acts, day_acts
from core.dispatch.acts import Act
from core.dispatch.fields import Kind, LogKind
from replica.replica import Replica, Written
from simulator.world.worker import NEXT_PHASE

DAY_MS = 86_400_000
DAY_ENTRIES_MIN = 12

_MINE = (
    "SELECT job, turn, phase FROM assignment WHERE worker = ? AND phase NOT IN "
    "('withdrawn', 'released', 'finished', 'rejected') ORDER BY job, turn LIMIT 1"
)

_RUNNING = (
    "SELECT day, job, log FROM time_log WHERE worker = ? AND stop_at IS NULL "
    "ORDER BY start_at DESC LIMIT 1"
)


class Office:
    """A dispatcher at a hub.

    Args:
        workers: whom jobs are given to.
    """

    def __init__(self, hub: Replica, workers: list[bytes], chance: Random) -> None:
        self.hub = hub
        self._workers = workers
        self._chance = chance
        self._jobs: list[bytes] = []

    def act(self) -> Written:
        """Make a job and give it to somebody, or change or note something on one."""
        chance, now_ms = self._chance, self.hub.clock.now_ms()
        if not self._jobs or chance.random() < 0.5:
            job = acts.new_stream_id(Kind.JOB, now_ms, chance.randbytes(7))
            changes = acts.create_job(job, {"title": f"Job {len(self._jobs)}"})
            changes += acts.assign(job, chance.choice(self._workers), chance.randbytes(8))
            self._jobs.append(job)
            return self.hub.write(changes)
        job = chance.choice(self._jobs[-12:])
        if chance.random() < 0.5:
            return self.hub.write(acts.edit_job(job, {"title": f"Job {chance.randrange(99)}"}))
        return self.hub.write(acts.add_note(job, f"note {chance.randrange(9_999)}"))


class Hand:
    """A worker with a phone."""

    def __init__(self, worker: bytes, chance: Random) -> None:
        self.worker = worker
        self._chance = chance
        self._running: tuple[str, bytes | None, bytes] | None = None
        self._is_sure = True

    def changes(self, phone: Replica, day: str) -> Act:
        """What the worker taps next on a day written as YYYY-MM-DD."""
        chance = self._chance
        if not self._is_sure:
            self._running, self._is_sure = self._shown_as_running(phone), True
        drawn = chance.random()
        if drawn < 0.25:
            return day_acts.add_fixes(self.worker, day, self._fixes(phone))
        row = phone.store.db.execute(_MINE, (self.worker.hex(),)).fetchone()
        if drawn < 0.45 or row is None:
            return self._log(day, None if row is None else bytes.fromhex(row[0]))
        job, turn = bytes.fromhex(row[0]), bytes.fromhex(row[1])
        if drawn < 0.65:
            return acts.add_note(job, f"note {chance.randrange(9_999)}")
        if drawn < 0.8:
            return acts.set_tick(job, chance.randrange(4), chance.random() < 0.8)
        # As on the screen: a phase begins or ends a time log in the same act.
        moved = acts.set_phase(job, self.worker, turn, NEXT_PHASE[row[2]])
        return moved + self._log(day, job)

    def forget(self) -> None:
        """What was tapped last was not saved, or nobody knows; before the next tap look again."""
        self._is_sure = False

    def _shown_as_running(self, phone: Replica) -> tuple[str, bytes | None, bytes] | None:
        row = phone.store.db.execute(_RUNNING, (self.worker.hex(),)).fetchone()
        if row is None:
            return None
        day, job, log = row
        return day, bytes.fromhex(job) or None, bytes.fromhex(log)

    def _log(self, day: str, job: bytes | None) -> Act:
        """Stop the time log that runs, or start one."""
        if self._running is not None:
            began, of, log = self._running
            self._running = None
            return day_acts.stop_log(self.worker, began, of, log)
        log = self._chance.randbytes(8)
        self._running = (day, job, log)
        return day_acts.start_log(self.worker, day, job, log, LogKind.ON_SITE)

    def _fixes(self, phone: Replica) -> list[int]:
        at_ms = phone.clock.now_ms() // 1_000 * 1_000
        steps = (self._chance.randrange(-99, 99) for _ in range(20))
        return [at_ms, 601_700_000, 249_400_000, 8, *steps]


def day_of(phone: Replica) -> str:
    """The day that a phone's clock says, as YYYY-MM-DD."""
    return datetime.fromtimestamp(phone.clock.now_ms() / 1_000, UTC).date().isoformat()
