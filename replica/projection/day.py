"""Rows of workers' days: time logs, what counts of them, duty, tracks."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replica.replica import Replica

TABLES = ("time_log", "interval", "duty", "track")


def clear(db: sqlite3.Connection, stream: bytes) -> None:
    """Take out the rows of one day."""


def streams_of(db: sqlite3.Connection, worker: bytes) -> set[bytes]:
    """The day streams of a worker that are held."""
    return set()


def project(replica: Replica, days: set[bytes]) -> None:
    """Write the rows of these days, and of the days beside them."""
