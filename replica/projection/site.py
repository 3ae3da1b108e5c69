"""Rows of the site stream: settings, teams, vehicles, skills."""

from __future__ import annotations

import json
import sqlite3

from core.dispatch import fields
from core.dispatch.show import value_at
from core.log.stream import StreamState


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Write the site's rows; those of before have been taken out."""
    registers = state.registers
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
