"""Rows of recurrences: what the lists of recurring jobs show. Only hubs hold them."""

from __future__ import annotations

import json
import sqlite3

from core.dispatch import fields
from core.dispatch.job import field_conflicts
from core.dispatch.recurrence import HORIZON_DAYS
from core.dispatch.show import value_at
from core.log.stream import StreamState
from replica.projection.conflict import conflict_rows
from replica.projection.people import identity, text
from replica.projection.rows import rewrite


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Write a recurrence's row; the one of before has been taken out."""
    registers, name = state.registers, state.stream.hex()
    rewrite(db, "conflict", {"stream": name}, conflict_rows(name, field_conflicts(registers)))
    if not registers:
        # Nothing that was written counts: of a key that was shut out, say.
        return
    skipped = [
        path[1] for path in registers if path[0] == fields.SKIPPED and value_at(registers, path)
    ]
    db.execute(
        "INSERT INTO recurrence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name,
            text(registers, (fields.RECURRENCE_NUMBER,)),
            text(registers, (fields.EACH_TITLE,)),
            identity(value_at(registers, (fields.EACH_CUSTOMER,))),
            identity(value_at(registers, (fields.EACH_WORKER,))),
            json.dumps(value_at(registers, (fields.REPEATS,))),
            text(registers, (fields.STARTS,)),
            value_at(registers, (fields.ENDS,)),
            json.dumps(value_at(registers, (fields.HOURS,))),
            value_at(registers, (fields.ZONE,), "UTC"),
            value_at(registers, (fields.HORIZON,), HORIZON_DAYS),
            json.dumps(sorted(skipped)),
            state.token(),
        ),
    )
