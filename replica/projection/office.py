"""Rows of the office stream: accounts and saved views. Only hubs hold it."""

from __future__ import annotations

import sqlite3

from core.dispatch import fields
from core.dispatch.show import value_at
from core.log.stream import StreamState


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Write the office's rows; those of before have been taken out."""
    registers = state.registers
    for path in registers:
        if path[0] == fields.ACCOUNT_NAME and len(path) == 2:
            _project_account(db, state, path[1])
        elif path[0] == fields.SAVED_VIEW and len(path) == 2:
            _project_view(db, state, path[1])


def _project_account(db: sqlite3.Connection, state: StreamState, account: bytes) -> None:
    registers = state.registers
    name = value_at(registers, (fields.ACCOUNT_NAME, account), "")
    password = value_at(registers, (fields.ACCOUNT_PASSWORD, account), "")
    role = value_at(registers, (fields.ACCOUNT_ROLE, account), "manager")
    disabled = int(bool(value_at(registers, (fields.ACCOUNT_DISABLED, account))))
    db.execute(
        "INSERT INTO account VALUES (?, ?, ?, ?, ?)",
        (account.hex(), name, password, role, disabled),
    )


def _project_view(db: sqlite3.Connection, state: StreamState, view: bytes) -> None:
    """A view is there as long as it has a query."""
    registers = state.registers
    query = value_at(registers, (fields.SAVED_VIEW, view))
    if query is None:
        return
    name = value_at(registers, (fields.VIEW_NAME, view), "")
    owner = value_at(registers, (fields.VIEW_OWNER, view), b"")
    position = value_at(registers, (fields.VIEW_POSITION, view), 0)
    db.execute(
        "INSERT INTO saved_view VALUES (?, ?, ?, ?, ?)",
        (view.hex(), name, query, owner.hex(), position),
    )
