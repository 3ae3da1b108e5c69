"""Jobs that were made already, brought into line with their recurrence, where somebody asks for it.

A recurrence that is changed says what is made from then on. Whoever changes it may want the jobs of
the coming days to follow: this writes them anew, as the rule's own values. Invariant: what a person
wrote in a job, whom a person gave it to, and a job that was begun are left alone.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from core.dispatch import fields
from core.dispatch.acts import Act, ActError, Change, assign, cancel_job, withdraw
from core.dispatch.job import TO_DO, fold_job
from core.dispatch.recurrence import (
    FILLS,
    Recurrence,
    occurrence,
    occurrence_number,
    occurrence_stream,
    occurrence_turn,
)
from core.dispatch.show import value_at
from core.log.registers import Registers
from core.sentence import say
from hub.recurring import is_at_work, recurrence_of, today_in, zone_of
from replica.replica import Replica

OFF_WORDS: Final = "it does not fall on this day any more"
_CODES: Final = (*FILLS.values(), fields.WINDOW)


def bring_in_line(replica: Replica, stream: bytes, *, actor: bytes = b"") -> tuple[int, int]:
    """Let made jobs from today on that nobody has begun be what the recurrence says now.

    One act. A day that it does not fall on any more has its job cancelled. Returns how many jobs
    were changed and how many were cancelled.

    Raises:
        ActError: there is no such recurrence here, or it makes no jobs.
        StoreError: the disk refused; nothing was changed.
    """
    recurrence = recurrence_of(replica, stream)
    zone = None if recurrence is None else zone_of(recurrence)
    if recurrence is None or zone is None:
        raise ActError(say("there is no such recurring job here, or it makes no jobs"))
    today = today_in(zone, replica)
    changed: list[Act] = []
    cancelled: list[Act] = []
    for day, job in _open_jobs(replica, recurrence, today):
        if not recurrence.falls_on(day):
            if _is_rules(replica.state(job).registers, (fields.CANCELLED,)):
                cancelled.append(cancel_job(job, OFF_WORDS))
        elif act := _differences(replica, recurrence, day, zone):
            changed.append(act)
    changes = [change for act in (*changed, *cancelled) for change in act]
    if changes:
        replica.write(changes, actor=actor, by_rule=True)
    return len(changed), len(cancelled)


def open_count(replica: Replica, stream: bytes) -> int:
    """How many jobs there are that `bring_in_line` would look at."""
    recurrence = recurrence_of(replica, stream)
    zone = None if recurrence is None else zone_of(recurrence)
    if recurrence is None or zone is None:
        return 0
    return len(_open_jobs(replica, recurrence, today_in(zone, replica)))


def _open_jobs(replica: Replica, recurrence: Recurrence, today: date) -> list[tuple[date, bytes]]:
    rows = replica.store.db.execute(
        "SELECT job, number FROM job WHERE status = 'open' AND number >= ? AND number < ?",
        (f"{recurrence.number}-", f"{recurrence.number}."),
    )
    found = []
    for name, number in rows.fetchall():
        try:
            day = date.fromisoformat(number.removeprefix(f"{recurrence.number}-"))
        except ValueError:
            continue
        job = occurrence_stream(recurrence.stream, day)
        is_one = job.hex() == name and number == occurrence_number(recurrence.number, day)
        if is_one and day >= today:
            found.append((day, job))
    return sorted(found)


def _differences(replica: Replica, recurrence: Recurrence, day: date, zone: ZoneInfo) -> Act:
    job = occurrence_stream(recurrence.stream, day)
    registers = replica.state(job).registers
    wanted = {
        change.path: change.value for change in occurrence(recurrence, day, zone, assigned=False)
    }
    changes = [
        Change(job, (code,), wanted.get((code,)))
        for code in _CODES
        if _is_rules(registers, (code,)) and value_at(registers, (code,)) != wanted.get((code,))
    ]
    return changes + _worker(replica, recurrence, day, registers)


def _worker(replica: Replica, recurrence: Recurrence, day: date, registers: Registers) -> Act:
    """From whom the rule gave it to, to whom it is given now; a person's assignments stay."""
    job, worker = occurrence_stream(recurrence.stream, day), recurrence.worker
    turns = [each for each in fold_job(registers).assignments if each.counts]
    if any(
        each.phase not in TO_DO or not all(made.by_rule for made in each.makers) for each in turns
    ):
        return []
    taken_back = [path for path in registers if path[0] == fields.WITHDRAWN]
    if not turns and not all(_is_rules(registers, path) for path in taken_back):
        # A person took it from whoever had it, to have it wait.
        return []
    changes: Act = []
    for each in turns:
        if each.worker != worker:
            changes += withdraw(job, each.worker, each.turn)
    if is_at_work(replica, worker) and worker not in {each.worker for each in turns}:
        assert worker is not None
        turn = occurrence_turn(recurrence.stream, day, worker)
        if (fields.ASSIGNED, worker, turn) in registers:
            # A turn that is over stays over.
            turn = replica.entropy(8)
        changes += assign(job, worker, turn)
    return changes


def _is_rules(registers: Registers, path: tuple[object, ...]) -> bool:
    """Whether what stands at a path was written by the rule alone, or nothing stands there."""
    register = registers.get(path)
    return register is None or all(write.by_rule for write in register.writes.values())
