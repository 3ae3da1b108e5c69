"""Rows of summaries: what stays of erased worker-days and jobs. Only hubs hold them."""

from __future__ import annotations

import sqlite3

from core.dispatch import fields
from core.dispatch.fields import LogKind
from core.dispatch.show import value_at
from core.log.stream import StreamState
from replica.projection.day import kind_words
from replica.projection.rows import Row, rewrite

TABLES = ("erased_time", "erased_job")

_KINDS = frozenset(int(kind) for kind in LogKind)


def project(db: sqlite3.Connection, state: StreamState) -> None:
    """Bring one month's rows up to its state."""
    name = state.stream.hex()
    minutes: dict[tuple[str, str, str, str], int] = {}
    jobs: list[Row] = []
    for path in state.registers:
        value = value_at(state.registers, path)
        if value is None:
            continue
        if path[0] == fields.DAY_SUMMARY:
            for kind, job, count in value:
                words = kind_words(LogKind(kind)) if kind in _KINDS else "other"
                key = (path[1].hex(), path[2], words, job.hex())
                minutes[key] = minutes.get(key, 0) + count
        elif path[0] == fields.JOB_SUMMARY:
            jobs.append((name, path[1].hex(), *value))
    times: list[Row] = [(name, *key, count) for key, count in minutes.items()]
    rewrite(db, "erased_time", {"stream": name}, times)
    rewrite(db, "erased_job", {"stream": name}, jobs)
