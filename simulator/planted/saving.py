"""Planted bugs of writing down: what was said to be saved and is not, or is saved otherwise.

Each is a context manager. Holds no judgement of who catches it. Invariant: outside their blocks
nothing is changed.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from core.dispatch.fields import Kind
from core.log.certificate import Certificate
from core.log.messages import Runs
from replica import intake, logs, shelf
from replica import replica as replica_module
from replica.ballast import Ballast
from replica.replica import Replica
from replica.store import Store, StoreError
from simulator.planted.patching import replaced

COMMITS_EVERY = 7


def early_ack() -> AbstractContextManager[None]:
    """A write returns before it was committed: transactions are committed several at a time."""

    def wrong(_: object) -> Any:
        @contextlib.contextmanager
        def transaction(self: Store) -> Iterator[sqlite3.Connection]:
            if self._deep:
                yield self.db
                return
            self._deep = True
            try:
                if not self.db.in_transaction:
                    self.db.execute("BEGIN IMMEDIATE")
                yield self.db
                self.waiting = getattr(self, "waiting", 0) + 1  # type: ignore[attr-defined]
                if self.waiting % COMMITS_EVERY == 0:  # type: ignore[attr-defined]
                    self.db.execute("COMMIT")
            except sqlite3.Error as error:
                # A disk that refuses is none of this bug.
                raise StoreError(str(error)) from error
            finally:
                self._deep = False

        return transaction

    return replaced(Store, "transaction", wrong)


def not_synced() -> AbstractContextManager[None]:
    """What was committed is left to the disk to write when it likes."""

    def wrong(right: Any) -> Any:
        def opened(self: Store, *args: Any, **options: Any) -> None:
            right(self, *args, **options)
            self.db.execute("PRAGMA synchronous = OFF")

        return opened

    return replaced(Store, "__init__", wrong)


def ballast_kept() -> AbstractContextManager[None]:
    """Room that is kept back for a full disk is never given up."""
    return replaced(Ballast, "give_up", lambda _: lambda self: False)


def phantom_states() -> AbstractContextManager[None]:
    """States in memory are kept although the transaction that made them did not commit."""
    return replaced(Replica, "_forget", lambda _: lambda self: None)


def appends_twice() -> AbstractContextManager[None]:
    """An entry that comes again is not recognised."""
    return replaced(logs, "holds", lambda _: lambda *place: False)


def stale_rows() -> AbstractContextManager[None]:
    """Rows of a job are not rewritten when the entries came from a peer and it had rows before."""

    def skipping(right: Any) -> Any:
        def project_stream(replica: Replica, streams: Iterable[bytes]) -> None:
            right(replica, {stream for stream in streams if not _has_row(replica, stream)})

        return project_stream

    def wrong(right: Any) -> Any:
        def take_runs(replica: Replica, peer: Certificate, runs: Runs) -> intake.Intake:
            with replaced(replica_module, "project_stream", skipping):
                taken: intake.Intake = right(replica, peer, runs)
            return taken

        return take_runs

    return replaced(shelf, "take_runs", wrong)


def _has_row(replica: Replica, stream: bytes) -> bool:
    found = replica.store.db.execute("SELECT 1 FROM job WHERE job = ?", (stream.hex(),))
    return stream[4] == Kind.JOB and found.fetchone() is not None


def forgets_staged() -> AbstractContextManager[None]:
    """Entries that wait for a seal are thrown away."""
    return replaced(logs, "stage", lambda _: lambda db, stream, entries: None)


def forgets_own_log() -> AbstractContextManager[None]:
    """A stream that leaves a phone takes the phone's own log with it."""

    def wrong(right: Any) -> Any:
        def drop_streams(self: Replica, streams: Iterable[bytes]) -> None:
            gone = list(streams)
            right(self, gone)
            with self.store.transaction() as db:
                for stream in gone:
                    for row in logs.log_rows(db, stream):
                        db.execute("DELETE FROM entry WHERE log = ?", (row.log,))
                        db.execute("DELETE FROM log_row WHERE log = ?", (row.log,))

        return drop_streams

    return replaced(Replica, "drop_streams", wrong)


def seal_unverified() -> AbstractContextManager[None]:
    """The signature of a seal is not looked at."""
    return replaced(intake, "check_seal", lambda _: lambda site, seal: None)
