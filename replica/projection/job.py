"""Rows of a job: it, its assignments, phases, notes, check items, conflicts and search text.

Most changes alter one field, so only what is made of the fields that changed is made anew; where
several values stand in a field, or a turn moved, the whole job is folded. Invariant: the rows are
those that all entries of the job make at once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial

from core.dispatch import fields
from core.dispatch.fields import PHASES, Phase
from core.dispatch.job import Assignment, Job, fold_job
from core.dispatch.show import show, value_at
from core.log.chain import SHORT_BYTES
from core.log.chunk_list import is_address
from core.log.entry import Entry, Path
from core.log.registers import Registers, Write
from core.log.stream import Placed, StreamState
from replica.logs import author_number, log_row
from replica.projection.conflict import conflict_rows, phase_words, snooze_rows
from replica.projection.people import DEFAULT_RADIUS_M, identity, outline, point, text
from replica.projection.rows import Place, Row, rewrite

# What the rows of each table are made of; conflicts may come of any field.
_MADE_OF = {
    "assignment": frozenset(
        {
            fields.ASSIGNED, fields.WITHDRAWN, fields.HANDED_TO, fields.ORDER, fields.PHASE,
            fields.REASON,
        }
    ),
    "note": frozenset({fields.NOTE}),
    "check_item": frozenset({fields.CHECK_ITEM, fields.TICK}),
    "phase_time": frozenset({fields.PHASE}),
    "file_ref": frozenset({fields.FILE}),
}  # fmt: skip
_TABLES = (*_MADE_OF, "conflict")
TABLES = ("job", *_TABLES, "job_text")

# The columns of a job's row, but for its local number.
_COLUMNS = (
    "job", "number", "title", "description", "customer", "place", "address", "lat_e7", "lon_e7",
    "radius_m", "outline", "contact", "contact_phone", "priority", "window_start", "window_end",
    "planned_minutes", "skills", "status", "attention", "overridden", "worker", "phase", "reason",
    "created_at", "updated_at", "arrived_at", "finished_at", "conflicts", "notes", "frontier",
)  # fmt: skip
# Those with the words that a job is found by.
_SEARCHED = [
    _COLUMNS.index(name)
    for name in ("number", "title", "description", "address", "contact", "contact_phone")
]
_CONFLICTS, _NOTES = _COLUMNS.index("conflicts"), _COLUMNS.index("notes")
_HELD = f"SELECT local, {', '.join(_COLUMNS)} FROM job WHERE job = ?"
_WRITE = f"INSERT INTO job ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"

# The columns that follow from one field alone, which is in no words that a job is found by.
_OWN_COLUMNS = {
    fields.CUSTOMER: ("customer",),
    fields.PLACE: ("place",),
    fields.POINT: ("lat_e7", "lon_e7"),
    fields.RADIUS: ("radius_m",),
    fields.OUTLINE: ("outline",),
    fields.PRIORITY: ("priority",),
    fields.WINDOW: ("window_start", "window_end"),
    fields.PLANNED_MINUTES: ("planned_minutes",),
    fields.NEEDED_SKILLS: ("skills",),
}
# Fields that show in other tables alone, and are in no conflict.
_BESIDE = frozenset({fields.NOTE, fields.TICK, fields.FILE, fields.FILE_NAME, fields.FILE_REMOVED})
_SIMPLE = _BESIDE | _OWN_COLUMNS.keys()

_AT_NO_TIME_MS = 1 << 62


def project(db: sqlite3.Connection, state: StreamState, *, fresh: bool = False) -> None:
    """Bring a job's rows up to its state; `fresh`: none of them stands.

    Where nothing that was written counts (of a key that may not make jobs, say) there is no job.
    """
    grown = state.take_grown()
    if fresh or grown is None:
        _project_whole(db, state, None)
        return
    new = [placed.entry for placed in grown if placed.entry is not None and not placed.inert]
    paths = {path for entry in new for path, _ in entry.changes}
    codes = {path[0] for path in paths}
    if not (codes <= _SIMPLE and _project_fields(db, state, new, paths)):
        _project_whole(db, state, codes)
    if fields.PHASE in codes:
        _add_phases(db, state, grown)


def _project_fields(
    db: sqlite3.Connection, state: StreamState, new: Sequence[Entry], paths: set[Path]
) -> bool:
    """Write what follows from simple fields, which new entries changed; False where more does.

    No assignment and no other column hangs on them. A conflict may come where several values stand
    in one of them, and go only where there was one.
    """
    registers, name = state.registers, state.stream.hex()
    own = {path for path in paths if path[0] in _OWN_COLUMNS}
    if any(len(path) > 1 or len(registers[path].writes) > 1 for path in own):
        return False
    at_ms = [entry.corrected_ms for entry in new]
    created = show(registers, (fields.CREATED,))
    created_ms = created.write.corrected_ms if created else min(at_ms, default=_AT_NO_TIME_MS)
    row: Row = (max(at_ms, default=-_AT_NO_TIME_MS), created_ms, state.token())
    columns = "updated_at = max(updated_at, ?), created_at = min(created_at, ?), frontier = ?"
    for (code,) in sorted(own):
        columns += "".join(f", {column} = ?" for column in _OWN_COLUMNS[code])
        row += _of_field(registers, code)
    noted = [path for path in paths if path[0] == fields.NOTE]
    notes = _notes(name, state, noted)
    standing = {(name, identity(path[1])) for path in noted if _has_note(db, name, path)}
    if noted:
        columns, row = f"{columns}, notes = notes + ?", (*row, len(notes) - len(standing))
    # Where it has conflicts, one may be settled by this.
    update = f"UPDATE job SET {columns} WHERE job = ? AND conflicts = 0"
    if not db.execute(update, (*row, name)).rowcount:
        return False
    if noted:
        rewrite(db, "note", {"job": name}, notes, standing, partial(_place_of, db, state))
    ticked = {path[1] for path in paths if path[0] == fields.TICK}
    if ticked:
        items = _check_items(name, registers)
        rewrite(db, "check_item", {"job": name}, items, {i for i in items if i[1] not in ticked})
    if any(path[0] == fields.FILE for path in paths):
        rewrite(db, "file_ref", {"job": name}, _file_refs(name, state))
    return True


def _project_whole(db: sqlite3.Connection, state: StreamState, codes: set[int] | None) -> None:
    """Fold the job, and write the tables that are made of `codes`, of which new entries are.

    None: of all that it holds.
    """
    registers, name = state.registers, state.stream.hex()
    held = db.execute(_HELD, (name,)).fetchone()
    if held is None or codes is None:
        due = set(_TABLES)
    else:
        # Of phases only what is new is added (`_add_phases`).
        due = {table for table, of in _MADE_OF.items() if codes & of} - {"phase_time"}
    rows: dict[str, list[Row]] = {table: [] for table in (*due, "conflict")}
    row = None
    if registers:
        job = fold_job(registers)
        entries = [p for p in state.entries() if p.entry is not None and not p.inert]
        rows["conflict"] = conflict_rows(name, job.conflicts) + snooze_rows(name, registers)
        if "assignment" in due:
            rows["assignment"] = [_assignment(name, state, each) for each in job.assignments]
        if "check_item" in due:
            rows["check_item"] = _check_items(name, registers)
        if "note" in due:
            rows["note"] = _notes(name, state, registers)
        if "phase_time" in due:
            rows["phase_time"] = _phase_rows(db, state.stream, entries)
        if "file_ref" in due:
            rows["file_ref"] = _file_refs(name, state)
        notes = len(rows["note"]) if "note" in due else held[1 + _NOTES]
        row = _job_row(state, job, entries, len(job.conflicts), notes)
    quiet = codes is not None and held is not None and not held[1 + _CONFLICTS]
    if quiet and not rows["conflict"]:
        del rows["conflict"]
    for table, wanted in rows.items():
        # Of a job that is new here no row stands.
        standing: set[Row] | None = set() if held is None else None
        key = _key(table, state.stream)
        rewrite(db, table, key, wanted, standing, partial(_place_of, db, state))
    _write_job(db, name, held, row)


def _key(table: str, stream: bytes) -> dict[str, object]:
    """The columns by which a table names its job."""
    if table == "phase_time":
        return {"job": stream}
    return {"stream" if table == "conflict" else "job": stream.hex()}


def clear(db: sqlite3.Connection, stream: bytes) -> None:
    """Take a job's rows out."""
    for table in _TABLES:
        rewrite(db, table, _key(table, stream), [])
    _write_job(db, stream.hex(), db.execute(_HELD, (stream.hex(),)).fetchone(), None)


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


def _write_job(db: sqlite3.Connection, name: str, held: Row | None, row: Row | None) -> None:
    """Keep a job's row, None for no job, and let the index of text follow it.

    `held` is its local number and the row that stands. The index can't be asked for what it holds,
    only told to forget it: that stands in the row.
    """
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
    if held is None:
        local = db.execute(_WRITE, row).lastrowid
    else:
        local = held[0]
        changed = [at for at in range(len(row)) if row[at] != held[1 + at]]
        columns = ", ".join(f"{_COLUMNS[at]} = ?" for at in changed)
        values = [row[at] for at in changed]
        db.execute(f"UPDATE job SET {columns} WHERE local = ?", (*values, local))
    if before != after:
        db.execute("INSERT INTO job_text (rowid, text) VALUES (?, ?)", (local, after))


def _words(row: Row) -> str:
    """The text that a job is found by."""
    return " ".join(str(row[at]) for at in _SEARCHED if row[at])


def _of_field(registers: Registers, code: int) -> Row:
    """What the own columns of a field say."""
    match code:
        case fields.CUSTOMER | fields.PLACE:
            return (identity(value_at(registers, (code,))),)
        case fields.POINT:
            return point(value_at(registers, (code,)))
        case fields.RADIUS:
            return (value_at(registers, (code,), DEFAULT_RADIUS_M),)
        case fields.OUTLINE:
            return (outline(value_at(registers, (code,))),)
        case fields.PRIORITY:
            return (value_at(registers, (code,), 1),)
        case fields.WINDOW:
            window = value_at(registers, (code,))
            return tuple(window) if isinstance(window, list) and len(window) == 2 else (None, None)
        case fields.NEEDED_SKILLS:
            skills = value_at(registers, (code,), [])
            return (json.dumps([identity(skill) for skill in skills]),)
    return (value_at(registers, (code,)),)


def _job_row(
    state: StreamState, job: Job, entries: Sequence[Placed], conflicts: int, notes: int
) -> Row:
    registers = state.registers
    name = state.stream.hex()
    leading = job.leading
    standing = [placed.entry.corrected_ms for placed in entries if placed.entry is not None]
    created = show(registers, (fields.CREATED,))
    reason = job.cancelled or (leading.reason if leading else _rejection(job))
    arrived = finished = None
    if leading is not None:
        arrived = _first_ms(entries, leading, Phase.ON_SITE)
        finished = _first_ms(entries, leading, Phase.FINISHED)
    return (
        name,
        text(registers, (fields.NUMBER,)) or f"~{name[-6:]}",
        text(registers, (fields.TITLE,)),
        text(registers, (fields.DESCRIPTION,)),
        *_of_field(registers, fields.CUSTOMER),
        *_of_field(registers, fields.PLACE),
        text(registers, (fields.ADDRESS,)),
        *_of_field(registers, fields.POINT),
        *_of_field(registers, fields.RADIUS),
        *_of_field(registers, fields.OUTLINE),
        text(registers, (fields.CONTACT,)),
        text(registers, (fields.CONTACT_CALL,)),
        *_of_field(registers, fields.PRIORITY),
        *_of_field(registers, fields.WINDOW),
        *_of_field(registers, fields.PLANNED_MINUTES),
        *_of_field(registers, fields.NEEDED_SKILLS),
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


def _first_ms(entries: Sequence[Placed], turn: Assignment, phase: Phase) -> int | None:
    """When a turn first reached a phase, by entries that stand, in order of time."""
    path = (fields.PHASE, turn.worker, turn.turn)
    for placed in entries:
        assert placed.entry is not None
        for changed, value in placed.entry.changes:
            if changed == path and value == phase:
                return placed.entry.corrected_ms
    return None


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


def _has_note(db: sqlite3.Connection, name: str, path: Path) -> bool:
    """Whether a note has a row; the one table whose rows of a job may be thousands."""
    of_job = "job = (SELECT number FROM word WHERE word = ?)"
    asked = f"SELECT 1 FROM note_row WHERE {of_job} AND note = ?"
    return db.execute(asked, (name, path[1])).fetchone() is not None


def _notes(name: str, state: StreamState, paths: Iterable[Path]) -> list[Row]:
    """The rows of those of these registers that show a note."""
    rows: list[Row] = []
    for path in paths:
        if path[0] != fields.NOTE:
            continue
        shown = show(state.registers, path)
        if shown is None or not isinstance(shown.value, str):
            continue
        write = shown.write
        who = _who(state, write)
        rows.append((name, identity(path[1]), write.corrected_ms, who, shown.value))
    return rows


def _place_of(db: sqlite3.Connection, state: StreamState, note: Row) -> Place | None:
    """Where an entry has the text of a note."""
    path, text = (fields.NOTE, bytes.fromhex(note[1])), note[-1]
    shown = show(state.registers, path)
    # Where a text ends, SQL can't tell if it has what looks like an end.
    if shown is None or "\0" in text:
        return None
    log, data = state.logs[shown.write.log], text.encode()
    first = log.placed[shown.write.seq - log.base - 1].stored.body.find(data)
    row = log_row(db, state.stream, log.key) if first >= 0 else None
    return None if row is None else (row.log, shown.write.seq, first + 1, len(data))


def _file_refs(name: str, state: StreamState) -> list[Row]:
    """Files that the job names; a value that is no address names none."""
    rows: list[Row] = []
    for path in state.registers:
        if path[0] != fields.FILE:
            continue
        shown = show(state.registers, path)
        if shown is None or not is_address(shown.value):
            continue
        write = shown.write
        author = write.log[0]
        who = _who(state, write)
        rows.append((name, identity(path[1]), shown.value, write.corrected_ms, who, author))
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


def _phase_rows(db: sqlite3.Connection, stream: bytes, entries: Iterable[Placed]) -> list[Row]:
    """When each key first wrote each phase, by entries that stand."""
    first: dict[tuple[bytes, int], int] = {}
    for placed in entries:
        if placed.entry is None or placed.inert:
            continue
        at_ms = placed.entry.corrected_ms
        for path, value in placed.entry.changes:
            if path[0] == fields.PHASE and type(value) is int and value in PHASES:
                key = (placed.stored.author, value)
                first[key] = min(at_ms, first.get(key, at_ms))
    return [
        (stream, author_number(db, author), phase, at_ms)
        for (author, phase), at_ms in first.items()
    ]


def _add_phases(db: sqlite3.Connection, state: StreamState, grown: Sequence[Placed]) -> None:
    """Let what new entries say of phases stand where nothing earlier does."""
    db.executemany(
        "INSERT INTO phase_time VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "at = excluded.at WHERE excluded.at < at",
        _phase_rows(db, state.stream, grown),
    )
