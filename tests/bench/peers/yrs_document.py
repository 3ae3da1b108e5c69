"""pycrdt (Yrs, the Rust Yjs): one document for the whole site; its updates in one SQLite table.

One document is its fast case. Overwritten values are dropped, so it holds no history.
Invariant: nothing but Yrs decides how two replicas merge.
"""

from __future__ import annotations

from pathlib import Path

from pycrdt import Doc, Map

from tests.bench.peers.updates import UpdateTable
from tests.bench.trace import Op

PACKAGE = "pycrdt"


class Replica:
    """A replica of the site; durable below `folder`, else in memory."""

    def __init__(self, folder: Path | None, number: int) -> None:
        self.doc = Doc(client_id=number)
        self.jobs = self.doc.get("jobs", type=Map)
        self.logs = self.doc.get("logs", type=Map)
        self.table = UpdateTable(folder) if folder else None
        for kept in self.table.all() if self.table is not None else ():
            self.doc.apply_update(kept)

    def apply(self, op: Op) -> None:
        """Write one op here."""
        with self.doc.transaction():
            if op.kind == "log":
                self.logs[op.record] = {"job": op.job, **op.fields}
            elif op.kind == "create":
                self.jobs[op.record] = Map(op.fields)
            else:
                row = self.jobs[op.record]
                for name, value in op.fields.items():
                    row[name] = value

    def version(self) -> bytes:
        """What it holds, as it tells a peer."""
        return self.doc.get_state()

    def updates(self, since: bytes | None) -> bytes:
        """What a peer lacks that told `since`; everything for one that holds nothing."""
        return self.doc.get_update() if since is None else self.doc.get_update(since)

    def merge(self, updates: bytes) -> None:
        """Take in a peer's updates, in one transaction."""
        self.doc.apply_update(updates)
        if self.table is not None:
            self.table.add(updates)

    def answer(self, worker: str) -> int:
        """How many open jobs a worker has."""
        rows = (self.jobs[name] for name in self.jobs.keys())  # noqa: SIM118  # no mapping
        return sum(row["assignee"] == worker and row["status"] == "open" for row in rows)

    def close(self) -> None:
        """Close the table."""
        if self.table is not None:
            self.table.close()
