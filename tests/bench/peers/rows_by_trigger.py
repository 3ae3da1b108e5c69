"""sqlite-sync-core: rows of SQLite, replicated by triggers and vector clocks, all in Python.

It keeps whole rows and resolves by row. Three of its ways are stepped round here, each seen with
0.7.1: the key column must sort first (no update reaches the other side otherwise), a second batch
needs a content hash of its own, and it prints what it does.
Invariant: nothing but the package decides how two replicas merge.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlite_sync.engine import SyncEngine
from sqlite_sync.log.operations import operation_from_row

from tests.bench.trace import Op

PACKAGE = "sqlite-sync-core"
logging.disable(logging.CRITICAL)

_JOB = (
    "title", "description", "customer_id", "customer_name", "address", "lat", "lon",
    "planned_start", "planned_end", "duration", "priority", "skills", "assignee", "status",
    "notes", "tick", "step",
)  # fmt: skip
_LOG = ("job", "worker", "kind", "start", "end", "source", "lat", "lon")


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(f"[{name}] DEFAULT ''" for name in names)


def _insert(table: str, fields: dict[str, Any]) -> str:
    names = ", ".join(f"[{name}]" for name in ("_key", *fields))
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * (1 + len(fields)))})"


class Replica:
    """A replica of the site; durable below `folder`, else in memory."""

    def __init__(self, folder: Path | None, number: int) -> None:
        path = str(folder / "rows.sqlite") if folder else ":memory:"
        self._engine = SyncEngine(path)
        self._db: sqlite3.Connection = self._engine.connection
        made = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'job'").fetchone()
        self._engine.initialize()
        if made is None:
            for table, names in (("job", _JOB), ("time_log", _LOG)):
                key = "_key TEXT PRIMARY KEY NOT NULL"
                self._db.execute(f"CREATE TABLE {table} ({key}, {_columns(names)})")
            self._db.execute("CREATE INDEX by_worker ON job (assignee, status)")
            for table in ("job", "time_log"):
                self._engine.enable_sync_for_table(table)

    def apply(self, op: Op) -> None:
        """Write one op here."""
        if op.kind == "update":
            for name, value in op.fields.items():
                self._db.execute(f"UPDATE job SET [{name}] = ? WHERE _key = ?", (value, op.record))
            return
        fields = op.fields if op.kind == "create" else {"job": op.job, **op.fields}
        table = "job" if op.kind == "create" else "time_log"
        self._db.execute(_insert(table, fields), (op.record, *fields.values()))

    def version(self) -> bytes:
        """The last operation that it holds, as its peer keeps it in mind."""
        row = self._db.execute("SELECT coalesce(max(rowid), 0) FROM sync_operations").fetchone()
        return int(row[0]).to_bytes(8, "big")

    def updates(self, since: bytes | None) -> bytes:
        """Its operations after `since`, as its transport has them: JSON, bytes in hex."""
        after = int.from_bytes(since or b"", "big")
        beyond = "SELECT * FROM sync_operations WHERE rowid > ? ORDER BY rowid"
        rows = self._db.execute(beyond, (after,)).fetchall()
        plain = [[{"hex": v.hex()} if isinstance(v, bytes) else v for v in row] for row in rows]
        return json.dumps(plain, separators=(",", ":")).encode()

    def merge(self, updates: bytes) -> None:
        """Take in a peer's operations, in one transaction."""
        operations = []
        for row in json.loads(updates):
            values = [bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for v in row]
            values[12] = 0
            operations.append(operation_from_row(tuple(values)))
        if operations:
            with contextlib.redirect_stdout(io.StringIO()):
                author = operations[0].device_id
                self._engine.apply_batch(operations, author, content_hash=os.urandom(32))

    def answer(self, worker: str) -> int:
        """How many open jobs a worker has."""
        question = "SELECT count(*) FROM job WHERE assignee = ? AND status = 'open'"
        return int(self._db.execute(question, (worker,)).fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._engine.close()
