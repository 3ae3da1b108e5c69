"""Rows of history: every change of a stream, in an order that the entries alone decide."""

from __future__ import annotations

import sqlite3

from core.dispatch import fields
from core.dispatch.fields import FIELDS, PHASES, Kind, Phase
from core.log.stream import Placed, StreamState
from replica.projection.conflict import words

# Tracks and passwords are no history that people read.
_SILENT = frozenset({fields.FIXES, fields.ACCOUNT_PASSWORD, fields.CERTIFICATE})


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Write a stream's history; that of before has been taken out."""
    if state.stream[4] in (Kind.SITE, Kind.OFFICE):
        return
    stream = state.stream.hex()
    number = 0
    rows = []
    for placed in state.entries():
        if placed.entry is None:
            number += 1
            rows.append(_row(stream, number, placed, "", (), placed.inert))
            continue
        for path, value in placed.entry.changes:
            if path[0] in _SILENT:
                continue
            number += 1
            field = FIELDS.get(path[0])
            name = field.name if field is not None else f"field {path[0]}"
            rows.append(_row(stream, number, placed, name, path[1:], _value(path[0], value)))
    db.executemany("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _value(code: int, value: object) -> str:
    if code == fields.PHASE and type(value) is int and value in PHASES:
        return phase_words(Phase(value))
    return words(value)


def phase_words(phase: Phase) -> str:
    """A phase as people read it."""
    return phase.name.lower().replace("_", " ")


def _row(
    stream: str, number: int, placed: Placed, field: str, ids: tuple[object, ...], value: str
) -> tuple[object, ...]:
    entry = placed.entry
    return (
        stream,
        number,
        entry.corrected_ms if entry is not None else 0,
        placed.stored.author.hex(),
        _actor(placed),
        placed.stored.hash[:8].hex(),
        entry.act.hex() if entry is not None else "",
        field,
        "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in ids),
        value,
        int(bool(placed.inert)),
    )


def _actor(placed: Placed) -> str:
    if placed.entry is not None and placed.entry.by_rule:
        return "rule"
    if placed.entry is not None and placed.entry.actor:
        return placed.entry.actor.hex()
    return placed.standing.subject.hex()
