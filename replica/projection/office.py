"""Rows of the office stream: accounts. Only hubs hold it."""

from __future__ import annotations

import sqlite3

from core.dispatch import fields
from core.dispatch.show import value_at
from core.log.stream import StreamState


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Write the office's rows; those of before have been taken out."""
    registers = state.registers
    for path in registers:
        if path[0] != fields.ACCOUNT_NAME or len(path) != 2:
            continue
        account = path[1]
        name = value_at(registers, path, "")
        password = value_at(registers, (fields.ACCOUNT_PASSWORD, account), "")
        role = value_at(registers, (fields.ACCOUNT_ROLE, account), "manager")
        disabled = int(bool(value_at(registers, (fields.ACCOUNT_DISABLED, account))))
        db.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?)",
            (account.hex(), name, password, role, disabled),
        )
