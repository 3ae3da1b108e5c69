"""Questions to a store, beside its writer: aiosqlite on read-only connections.

Serves pages and the API. Never writes, never checkpoints. Invariant: what it answers was committed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any

import aiosqlite

from core.dispatch.acts import day_stream, track_stream
from core.log.canonical import unpack
from core.log.chain import chain_start
from core.log.stream import Stored, StreamState
from replica.history import HistoryRow, folded, history_of, history_since
from replica.logs import chain_of
from replica.projection.day import Track, tracks_in

_ENTRIES = """
    SELECT log.author, log.base, log.base_hash, log.height, log.head,
           entry.log, entry.hash, entry.body
    FROM log JOIN entry ON entry.log = log.log WHERE log.stream = ? ORDER BY entry.log, entry.seq
"""
_AUTHORS = "IN (SELECT author FROM log WHERE stream = ?)"


Question = tuple[str, Sequence[Any]]


class _Connection(aiosqlite.Connection):
    """Answers several questions on one way to its thread and back; each way costs some 100 µs."""

    async def answers(self, questions: Sequence[Question]) -> list[list[sqlite3.Row]]:
        found: list[list[sqlite3.Row]] = await self._execute(self._answers, questions)  # type: ignore[no-untyped-call]
        return found

    def _answers(self, questions: Sequence[Question]) -> list[list[sqlite3.Row]]:
        return [self._conn.execute(sql, tuple(values)).fetchall() for sql, values in questions]


class Reader:
    """Read-only connections: `async with Reader(path) as reader`.

    Args:
        path: the store's file.
        connections: how many questions are answered at once, each on a thread of its own.
    """

    def __init__(self, path: Path, connections: int = 1) -> None:
        self._path = path
        self._connections = connections
        self._open: list[_Connection] = []
        self._idle: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()

    async def __aenter__(self) -> Reader:
        try:
            for _ in range(self._connections):
                db = _Connection(self._connect, iter_chunk_size=64)
                await db
                self._open.append(db)
                db.row_factory = sqlite3.Row
                self._idle.put_nowait(db)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)

    async def _close(self) -> None:
        self._idle = asyncio.LifoQueue()
        while self._open:
            await self._open.pop().close()

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a question, asked by the connection that is free first."""
        (found,) = await self.answers((sql, parameters))
        return found

    async def answers(self, *questions: Question) -> list[list[sqlite3.Row]]:
        """The rows of each question, SQL and parameters, asked one after another.

        What is committed meanwhile may be in the later ones.
        """
        assert self._open, "open the reader with `async with`"
        idle = self._idle
        db = await idle.get()
        try:
            return await db.answers(questions)
        finally:
            idle.put_nowait(db)

    async def row(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a question, None where there is none."""
        found = await self.rows(sql, parameters)
        return found[0] if found else None

    async def history(self, stream: str) -> list[HistoryRow]:
        """Every change of a stream (hex id), the oldest first; none where nothing is held of it."""
        return history_of(await self.state(stream))

    async def history_since(self, stream: str, tips: Sequence[bytes]) -> list[HistoryRow]:
        """The changes of a stream that `tips`, the heads of a frontier token, do not cover."""
        return history_since(await self.state(stream), tips)

    async def tracks(self, worker: bytes, day: str) -> list[Track]:
        """Where a worker (stream id) was on a local day, as far as it has come in, by time."""
        streams = (track_stream(worker, day), day_stream(worker, day))
        return tracks_in(*[await self.state(stream.hex()) for stream in streams])

    async def state(self, stream: str) -> StreamState:
        """The fold of a stream; some 90 µs for each of its entries."""
        name = (bytes.fromhex(stream),)
        entries, certificates, revoked, meta = await self.answers(
            (_ENTRIES, name),
            (f"SELECT author, certificate FROM certificate WHERE author {_AUTHORS}", name),
            (f"SELECT author FROM revoked WHERE author {_AUTHORS}", name),
            ("SELECT value FROM meta WHERE name = 'site'", ()),
        )
        site = meta[0] if meta else None
        of_site = unpack(site[0]) if site is not None else b""
        return folded(
            of_site,
            name[0],
            _stored(of_site, name[0], entries),
            [(row["author"], row["certificate"]) for row in certificates],
            {row["author"] for row in revoked},
        )


def _stored(site: bytes, stream: bytes, rows: Sequence[sqlite3.Row]) -> list[Stored]:
    """Entries of a stream from their rows, which stand in the order of their logs."""
    found: list[Stored] = []
    for _, own in groupby(rows, key=lambda row: row["log"]):
        of_log = list(own)
        _, base, base_hash, height, head, *_ = first = of_log[0]
        bodies = [(row["hash"], row["body"]) for row in of_log]
        previous = base_hash or chain_start(site, stream, first["author"])
        found += chain_of(first["author"], base, previous, height, head, bodies)
    return found
