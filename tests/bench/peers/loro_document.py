"""Loro: one document for the whole site; its updates in one SQLite table, since it ships no store.

One document is its fast case. Jobs are maps of fields with the last writer winning, time logs
plain values. Invariant: nothing but Loro decides how two replicas merge.
"""

from __future__ import annotations

from pathlib import Path

from loro import ExportMode, LoroDoc, LoroMap, ValueOrContainer, VersionVector

from tests.bench.peers.updates import UpdateTable
from tests.bench.trace import Op

PACKAGE = "loro"


class Replica:
    """A replica of the site; durable below `folder`, else in memory."""

    def __init__(self, folder: Path | None, number: int) -> None:
        self.doc = LoroDoc()
        self.doc.peer_id = number
        self.jobs = self.doc.get_map("jobs")
        self.logs = self.doc.get_map("logs")
        self.table = UpdateTable(folder) if folder else None
        if self.table is not None and (kept := self.table.all()):
            self.doc.import_batch(kept)

    def apply(self, op: Op) -> None:
        """Write one op here."""
        if op.kind == "log":
            self.logs.insert(op.record, {"job": op.job, **op.fields})
        else:
            row = self._row(op)
            for name, value in op.fields.items():
                row.insert(name, value)
        self.doc.commit()

    def _row(self, op: Op) -> LoroMap:
        if op.kind == "create":
            return self.jobs.insert_container(op.record, LoroMap())
        found = self.jobs.get(op.record)
        assert isinstance(found, ValueOrContainer.Container)
        return found.container

    def version(self) -> bytes:
        """What it holds, as it tells a peer."""
        return self.doc.oplog_vv.encode()

    def updates(self, since: bytes | None) -> bytes:
        """What a peer lacks that told `since`; everything for one that holds nothing."""
        if since is None:
            whole = self.doc.export(ExportMode.Updates(VersionVector()))
            snapshot = self.doc.export(ExportMode.Snapshot())
            return min(whole, snapshot, key=len)
        return self.doc.export(ExportMode.Updates(VersionVector.decode(since)))

    def merge(self, updates: bytes) -> None:
        """Take in a peer's updates, in one transaction."""
        self.doc.import_(updates)
        if self.table is not None:
            self.table.add(updates)

    def answer(self, worker: str) -> int:
        """How many open jobs a worker has."""
        jobs = self.doc.get_deep_value()["jobs"].values()
        return sum(job["assignee"] == worker and job["status"] == "open" for job in jobs)

    def close(self) -> None:
        """Close the table."""
        if self.table is not None:
            self.table.close()
