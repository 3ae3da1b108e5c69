"""Rows of a job: the job, its assignments, notes, check items, conflicts and search text."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from core.dispatch import fields
from core.dispatch.fields import PHASES, Phase
from core.dispatch.job import Assignment, Job, fold_job
from core.dispatch.show import show, value_at
from core.log.registers import Registers, Write
from core.log.stream import StreamState
from replica.projection.conflict import write_conflicts
from replica.projection.history import phase_words
from replica.projection.people import DEFAULT_RADIUS_M, identity, point, text


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Write a job's rows; those of before have been taken out.

    Where nothing that was written counts (of a key that may not make jobs, say) there is no job.
    """
    registers = state.registers
    if not registers:
        return
    name = state.stream.hex()
    job = fold_job(registers)
    conflicts = write_conflicts(db, name, job.conflicts)
    notes = _notes(db, name, state)
    _check_items(db, name, registers)
    times = _phase_times(state)
    for assignment in job.assignments:
        _assignment(db, name, state, assignment)
    row = _job_row(state, job, times, conflicts, notes)
    db.execute(f"INSERT INTO job VALUES ({', '.join('?' * len(row))})", row)
    searched = [row[1], row[2], row[3], row[6], row[10], row[11]]
    words = " ".join(str(part) for part in searched if part)
    db.execute("INSERT INTO job_text VALUES (?, ?)", (name, words))


def _job_row(
    state: StreamState,
    job: Job,
    times: dict[tuple[bytes, bytes, Phase], int],
    conflicts: int,
    notes: int,
) -> tuple[Any, ...]:
    registers = state.registers
    name = state.stream.hex()
    lat, lon = point(value_at(registers, (fields.POINT,)))
    window = value_at(registers, (fields.WINDOW,))
    start, end = window if isinstance(window, list) and len(window) == 2 else (None, None)
    leading = job.leading
    standing = [p.entry.corrected_ms for p in state.entries() if p.entry and not p.inert]
    created = show(registers, (fields.CREATED,))
    skills = value_at(registers, (fields.NEEDED_SKILLS,), [])
    reason = job.cancelled or (leading.reason if leading else _rejection(job))
    arrived = finished = None
    if leading is not None:
        arrived = times.get((leading.worker, leading.turn, Phase.ON_SITE))
        finished = times.get((leading.worker, leading.turn, Phase.FINISHED))
    return (
        name,
        text(registers, (fields.NUMBER,)) or f"~{name[-6:]}",
        text(registers, (fields.TITLE,)),
        text(registers, (fields.DESCRIPTION,)),
        identity(value_at(registers, (fields.CUSTOMER,))),
        identity(value_at(registers, (fields.PLACE,))),
        text(registers, (fields.ADDRESS,)),
        lat,
        lon,
        value_at(registers, (fields.RADIUS,), DEFAULT_RADIUS_M),
        text(registers, (fields.CONTACT,)),
        text(registers, (fields.CONTACT_CALL,)),
        value_at(registers, (fields.PRIORITY,), 1),
        start,
        end,
        value_at(registers, (fields.PLANNED_MINUTES,)),
        json.dumps([identity(skill) for skill in skills]),
        job.status,
        job.attention,
        int(job.overridden),
        leading.worker.hex() if leading else "",
        phase_words(leading.phase) if leading else "",
        reason,
        created.write.corrected_ms if created else min(standing, default=0),
        max(standing, default=0),
        arrived,
        finished,
        conflicts,
        notes,
        state.token(),
    )


def _rejection(job: Job) -> str:
    return next((a.reason for a in reversed(job.assignments) if a.phase is Phase.REJECTED), "")


def _assignment(
    db: sqlite3.Connection, name: str, state: StreamState, assignment: Assignment
) -> None:
    phase = phase_words(assignment.phase)
    if assignment.withdrawn:
        phase = "withdrawn"
    elif assignment.released:
        phase = "released"
    made = assignment.made
    log = state.logs[made.log]
    entry_hash = log.placed[made.seq - log.base - 1].stored.hash
    db.execute(
        "INSERT INTO assignment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name,
            assignment.worker.hex(),
            assignment.turn.hex(),
            phase,
            assignment.reason,
            assignment.position,
            made.corrected_ms,
            assignment.handed_from.hex(),
            entry_hash,
        ),
    )


def _notes(db: sqlite3.Connection, name: str, state: StreamState) -> int:
    registers = state.registers
    count = 0
    for path in registers:
        if path[0] != fields.NOTE:
            continue
        shown = show(registers, path)
        if shown is None or not isinstance(shown.value, str):
            continue
        count += 1
        write = shown.write
        db.execute(
            "INSERT INTO note VALUES (?, ?, ?, ?, ?)",
            (name, identity(path[1]), write.corrected_ms, _who(state, write), shown.value),
        )
    return count


def _who(state: StreamState, write: Write) -> str:
    """Who wrote: the acting person where the entry names one, else whom the key acts for."""
    log = state.logs[write.log]
    subject = log.placed[write.seq - log.base - 1].standing.subject
    return (write.actor or subject).hex()


def _check_items(db: sqlite3.Connection, name: str, registers: Registers) -> None:
    for path in registers:
        if path[0] != fields.CHECK_ITEM or type(path[1]) is not int:
            continue
        words = text(registers, path)
        if words:
            ticked = int(bool(value_at(registers, (fields.TICK, path[1]))))
            db.execute("INSERT INTO check_item VALUES (?, ?, ?, ?)", (name, path[1], words, ticked))


def _phase_times(state: StreamState) -> dict[tuple[bytes, bytes, Phase], int]:
    """When each phase of each turn was first reached, by what stands."""
    times: dict[tuple[bytes, bytes, Phase], int] = {}
    for placed in state.entries():
        if placed.entry is None or placed.inert:
            continue
        for path, value in placed.entry.changes:
            if path[0] == fields.PHASE and len(path) == 3 and value in PHASES:
                key = (path[1], path[2], Phase(value))
                times.setdefault(key, placed.entry.corrected_ms)
    return times
