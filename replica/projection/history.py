"""Rows of history: every change of a stream, in an order that the entries alone decide."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from core.dispatch import fields
from core.dispatch.fields import FIELDS, PHASES, Kind, Phase
from core.log.entry import Path
from core.log.stream import Placed, StreamState
from replica.projection.conflict import words

# Tracks and passwords are no history that people read.
_SILENT = frozenset({fields.FIXES, fields.TRACK_FIXES, fields.ACCOUNT_PASSWORD, fields.CERTIFICATE})


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Bring a stream's history up to its state.

    Entries mostly come in the order in which they were made, so what stands before the first that
    differs stays. A row follows from its entry's hash, whether that is inert, and who acted.
    """
    if state.stream[4] in (Kind.SITE, Kind.OFFICE, Kind.SUMMARY):
        return
    stream = state.stream.hex()
    held = db.execute(
        "SELECT entry, actor, inert FROM history WHERE stream = ? ORDER BY number", (stream,)
    ).fetchall()
    kept, rows, goes_on = 0, [], True
    for number, (placed, path, value) in enumerate(_changes(state)):
        if goes_on and number < len(held) and held[number] == _identity(placed):
            kept += 1
            continue
        goes_on = False
        rows.append(_row(stream, 1 + number, placed, path, value))
    if kept < len(held):
        db.execute("DELETE FROM history WHERE stream = ? AND number > ?", (stream, kept))
    if rows:
        db.executemany("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _changes(state: StreamState) -> Iterator[tuple[Placed, Path, Any]]:
    """Every change that people read, in order; an entry that nobody can read has an empty path."""
    for placed in state.entries():
        if placed.entry is None:
            yield placed, (), placed.inert
            continue
        for path, value in placed.entry.changes:
            if path[0] not in _SILENT:
                yield placed, path, value


def _identity(placed: Placed) -> tuple[str, str, int]:
    return placed.stored.hash[:8].hex(), actor_of(placed), int(bool(placed.inert))


def _value(code: int, value: object) -> str:
    if code == fields.PHASE and type(value) is int and value in PHASES:
        return phase_words(Phase(value))
    return words(value)


def phase_words(phase: Phase) -> str:
    """A phase as people read it."""
    return phase.name.lower().replace("_", " ")


def _row(stream: str, number: int, placed: Placed, path: Path, value: Any) -> tuple[object, ...]:
    entry = placed.entry
    field = FIELDS.get(path[0]) if path else None
    name = field.name if field is not None else f"field {path[0]}" if path else ""
    entry_hash, actor, inert = _identity(placed)
    return (
        stream,
        number,
        entry.corrected_ms if entry is not None else 0,
        placed.stored.author.hex(),
        actor,
        entry_hash,
        entry.act.hex() if entry is not None else "",
        name,
        "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in path[1:]),
        _value(path[0], value) if path else value,
        inert,
    )


def actor_of(placed: Placed) -> str:
    """Who acted: the id of an account or a worker, 'rule', or ''."""
    if placed.entry is not None and placed.entry.by_rule:
        return "rule"
    if placed.entry is not None and placed.entry.actor:
        return placed.entry.actor.hex()
    return placed.standing.subject.hex()
