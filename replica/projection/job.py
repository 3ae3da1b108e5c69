"""Rows of a job: it, its assignments, phases, notes, check items, conflicts and search text."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from core.dispatch import fields
from core.dispatch.fields import PHASES, Phase
from core.dispatch.job import Assignment, Job, fold_job
from core.dispatch.show import show, value_at
from core.log.chain import SHORT_BYTES
from core.log.registers import Registers, Write
from core.log.stream import StreamState
from replica.logs import author_number
from replica.projection.conflict import conflict_rows, phase_words
from replica.projection.people import DEFAULT_RADIUS_M, identity, point, text
from replica.projection.rows import Row, rewrite

_TABLES = ("assignment", "note", "check_item", "conflict", "phase_time")
TABLES = ("job", *_TABLES, "job_text")

# The columns of a job's row, but for its local number.
_COLUMNS = (
    "job", "number", "title", "description", "customer", "place", "address", "lat_e7", "lon_e7",
    "radius_m", "contact", "contact_phone", "priority", "window_start", "window_end",
    "planned_minutes", "skills", "status", "attention", "overridden", "worker", "phase", "reason",
    "created_at", "updated_at", "arrived_at", "finished_at", "conflicts", "notes", "frontier",
)  # fmt: skip
# Those with the words that a job is found by.
_SEARCHED = [
    _COLUMNS.index(name)
    for name in ("number", "title", "description", "address", "contact", "contact_phone")
]
_HELD = f"SELECT local, {', '.join(_COLUMNS)} FROM job WHERE job = ?"
_WRITE = (
    f"INSERT INTO job ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    "ON CONFLICT (job) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
    + " RETURNING local"
)


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Bring a job's rows up to its state.

    Where nothing that was written counts (of a key that may not make jobs, say) there is no job.
    """
    rows: dict[str, list[Row]] = {table: [] for table in _TABLES}
    row = _fill(db, state, rows) if state.registers else None
    for table, wanted in rows.items():
        rewrite(db, table, _key(table, state.stream), wanted)
    _write_job(db, state.stream.hex(), row)


def _key(table: str, stream: bytes) -> dict[str, object]:
    """The columns by which a table names its job."""
    if table == "phase_time":
        return {"job": stream}
    return {"stream" if table == "conflict" else "job": stream.hex()}


def clear(db: sqlite3.Connection, stream: bytes) -> None:
    """Take a job's rows out."""
    for table in _TABLES:
        rewrite(db, table, _key(table, stream), [])
    _write_job(db, stream.hex(), None)


def clear_all(db: sqlite3.Connection) -> None:
    """Take all jobs and the index of their text out; the other tables are the caller's."""
    db.execute("DELETE FROM job")
    db.execute("INSERT INTO job_text (job_text) VALUES ('delete-all')")


def dump_text(db: sqlite3.Connection) -> list[Row]:
    """What the index of text says: job, word and place in the text."""
    # Made for each look: one that stands since before a rollback can't be asked any more.
    db.execute("CREATE VIRTUAL TABLE temp.job_word USING fts5vocab (main, job_text, instance)")
    question = "SELECT job, term, offset FROM job_word LEFT JOIN job ON local = job_word.doc"
    try:
        return db.execute(question).fetchall()
    finally:
        db.execute("DROP TABLE temp.job_word")


def _fill(db: sqlite3.Connection, state: StreamState, rows: dict[str, list[Row]]) -> Row:
    """Add what a job has of rows in the other tables; returns its own."""
    registers = state.registers
    name = state.stream.hex()
    job = fold_job(registers)
    rows["conflict"] = conflict_rows(name, job.conflicts)
    rows["note"] = _notes(name, state)
    rows["check_item"] = _check_items(name, registers)
    rows["assignment"] = [_assignment(name, state, each) for each in job.assignments]
    rows["phase_time"] = _phase_rows(db, state)
    return _job_row(state, job, _phase_times(state), len(rows["conflict"]), len(rows["note"]))


def _write_job(db: sqlite3.Connection, name: str, row: Row | None) -> None:
    """Keep a job's row, None for no job, and let the index of text follow it.

    The index can't be asked for what it holds, only told to forget it: that stands in the row.
    """
    held = db.execute(_HELD, (name,)).fetchone()
    if (held is None and row is None) or (held is not None and held[1:] == row):
        return
    before = None if held is None else _words(held[1:])
    after = None if row is None else _words(row)
    if held is not None and before != after:
        forget = "INSERT INTO job_text (job_text, rowid, text) VALUES ('delete', ?, ?)"
        db.execute(forget, (held[0], before))
    if row is None:
        db.execute("DELETE FROM job WHERE job = ?", (name,))
        return
    ((local,),) = db.execute(_WRITE, row).fetchall()
    if before != after:
        db.execute("INSERT INTO job_text (rowid, text) VALUES (?, ?)", (local, after))


def _words(row: Row) -> str:
    """The text that a job is found by."""
    return " ".join(str(row[at]) for at in _SEARCHED if row[at])


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


def _assignment(name: str, state: StreamState, assignment: Assignment) -> Row:
    phase = phase_words(assignment.phase)
    if assignment.withdrawn:
        phase = "withdrawn"
    elif assignment.released:
        phase = "released"
    made = assignment.made
    log = state.logs[made.log]
    entry_hash = log.placed[made.seq - log.base - 1].stored.hash[:SHORT_BYTES]
    return (
        name,
        assignment.worker.hex(),
        assignment.turn.hex(),
        phase,
        assignment.reason,
        assignment.position,
        made.corrected_ms,
        assignment.handed_from.hex(),
        entry_hash,
    )


def _notes(name: str, state: StreamState) -> list[Row]:
    registers = state.registers
    rows: list[Row] = []
    for path in registers:
        if path[0] != fields.NOTE:
            continue
        shown = show(registers, path)
        if shown is None or not isinstance(shown.value, str):
            continue
        write = shown.write
        who = _who(state, write)
        rows.append((name, identity(path[1]), write.corrected_ms, who, shown.value))
    return rows


def _who(state: StreamState, write: Write) -> str:
    """Who wrote: the acting person where the entry names one, else whom the key acts for."""
    log = state.logs[write.log]
    subject = log.placed[write.seq - log.base - 1].standing.subject
    return (write.actor or subject).hex()


def _check_items(name: str, registers: Registers) -> list[Row]:
    rows: list[Row] = []
    for path in registers:
        if path[0] != fields.CHECK_ITEM or type(path[1]) is not int:
            continue
        words = text(registers, path)
        if words:
            ticked = int(bool(value_at(registers, (fields.TICK, path[1]))))
            rows.append((name, path[1], words, ticked))
    return rows


def _phase_rows(db: sqlite3.Connection, state: StreamState) -> list[Row]:
    """When each key first wrote each phase, of what stands."""
    first: dict[tuple[bytes, int], int] = {}
    for placed in state.entries():
        if placed.entry is None or placed.inert:
            continue
        for path, value in placed.entry.changes:
            if path[0] == fields.PHASE and type(value) is int and value in PHASES:
                first.setdefault((placed.stored.author, value), placed.entry.corrected_ms)
    return [
        (state.stream, author_number(db, author), phase, at)
        for (author, phase), at in first.items()
    ]


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
