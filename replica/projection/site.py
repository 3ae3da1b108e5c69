"""Rows of the site stream: settings, teams, vehicles, skills, what was erased."""

from __future__ import annotations

import json
import sqlite3

from core.dispatch import fields
from core.dispatch.show import value_at
from core.log.stream import StreamState
from replica.projection.conflict import actor_of


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Write the site's rows; those of before have been taken out."""
    registers = state.registers
    _project_erased(db, state)
    for path in registers:
        value = value_at(registers, path)
        if value is None or len(path) != 2:
            continue
        identity = path[1].hex() if isinstance(path[1], bytes) else str(path[1])
        archived = int(bool(value_at(registers, (fields.GROUP_ARCHIVED, path[1]))))
        match path[0]:
            case fields.SETTING:
                words = (str(path[1]), json.dumps(value, sort_keys=True, default=bytes.hex))
                db.execute("INSERT INTO setting VALUES (?, ?)", words)
            case fields.TEAM_NAME:
                db.execute("INSERT INTO team VALUES (?, ?, ?)", (identity, value, archived))
            case fields.VEHICLE_NAME:
                plate = value_at(registers, (fields.VEHICLE_PLATE, path[1]), "")
                row = (identity, value, plate, archived)
                db.execute("INSERT INTO vehicle VALUES (?, ?, ?, ?)", row)
            case fields.SKILL_NAME:
                db.execute("INSERT INTO skill VALUES (?, ?, ?)", (identity, value, archived))


def _project_erased(db: sqlite3.Connection, state: StreamState) -> None:
    """What was erased, when and by whom: of several that say so the first, in time."""
    rows: dict[str, tuple[object, ...]] = {}
    for placed in state.entries():
        entry = placed.entry
        if entry is None or placed.inert:
            continue
        by = (entry.corrected_ms, actor_of(placed))
        for path, value in entry.changes:
            if path[0] == fields.ERASED and value:
                what = path[1].hex()
                rows.setdefault(what, (what, path[1][4], None, *by))
            elif path[0] == fields.ERASED_BEFORE and value:
                what = f"before {path[1]}"
                if what not in rows or value > rows[what][2]:
                    rows[what] = (what, path[1], value, *by)
    db.executemany("INSERT INTO erased VALUES (?, ?, ?, ?, ?)", list(rows.values()))
