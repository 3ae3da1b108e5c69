"""Salvage: all that can be read of a damaged store, by SQLite and from the raw bytes.

Reads each table from both ends as far as SQLite can, and the bytes beside (`carving`). Believes
nothing: what fits together is found in `mending`. Writes nothing. Invariant: any file at all is
read without an error.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.log.chain import HASH_BYTES, SHORT_BYTES
from core.log.limits import ENTRY_BYTES_MAX
from core.log.seal import Seal
from replica.carving import carve
from replica.store import read_only

Row = tuple[bytes, bytes, int | None]
"""Hash (or how it begins), body and time of arrival of an entry, as a row says, unproven."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a row of `log` says; it may be damaged, so the chain decides.

    `author` is empty where it can't be read which key it names.
    """

    stream: bytes
    author: bytes
    base: int
    base_hash: bytes
    height: int
    head: bytes


@dataclass(slots=True)
class Salvaged:
    """What was read: rows by log and seq, hints by log, and the small tables as they are.

    `keys` are the authors' by their local numbers.
    """

    rows: dict[int, dict[int, list[Row]]] = field(default_factory=dict)
    hints: dict[int, list[Hint]] = field(default_factory=dict)
    keys: dict[int, set[bytes]] = field(default_factory=dict)
    seals: list[Seal] = field(default_factory=list)
    meta: dict[str, bytes] = field(default_factory=dict)
    left_at: dict[bytes, int] = field(default_factory=dict)
    certificates: list[bytes] = field(default_factory=list)
    peers: list[tuple[bytes, int]] = field(default_factory=list)
    refused: list[tuple[Any, ...]] = field(default_factory=list)
    staged: list[tuple[Any, ...]] = field(default_factory=list)
    only_here: list[tuple[Any, ...]] = field(default_factory=list)
    file_going: list[tuple[bytes, int]] = field(default_factory=list)
    witnesses: list[tuple[Any, ...]] = field(default_factory=list)
    witnessed: list[tuple[Any, ...]] = field(default_factory=list)
    streams: set[bytes] = field(default_factory=set)
    whole: bool = True


def read_damaged(path: Path) -> Salvaged:
    """Everything that the store's file holds, as far as it can be read."""
    found = Salvaged()
    try:
        with contextlib.closing(read_only(path)) as db:
            db.text_factory = bytes
            db.execute("PRAGMA trusted_schema = OFF")
            _read_tables(db, found)
    except (sqlite3.Error, ValueError):
        # Of names that rotted SQLite makes words which are no text.
        found.whole = False
    _add_carved(path, found)
    return found


def _read_tables(db: sqlite3.Connection, found: Salvaged) -> None:
    for number, key in _table(db, found, "author", "number, author", (int, 32)):
        found.keys.setdefault(number, set()).add(key)
    columns = "log, stream, author, base, base_hash, height, head"
    shape: tuple[Any, ...] = (int, 12, object, int, object, int, 32)
    for log, stream, author, base, base_hash, height, head in _table(
        db, found, _table_of_logs(db), columns, shape
    ):
        _add_hints(found, log, stream, author, base, base_hash or b"", height, head)
    for log, seq, entry_hash, body, arrived in _table(
        db, found, "entry", "log, seq, hash, body, arrived", (int, int, bytes, bytes, object)
    ):
        arrived = arrived if isinstance(arrived, int) else None
        _add_row(found, log, seq, (entry_hash, body, arrived))
    for author, number, leaves, signature in _table(
        db, found, "seal", "author, number, leaves, signature", (32, int, bytes, 64)
    ):
        found.seals.append(_seal(author, number, leaves, signature))
    for name, value in _table(db, found, "meta", "name, value", (bytes, bytes)):
        found.meta[name.decode("utf-8", "replace")] = value
    for stream, left_at in _table(db, found, "stream", "stream, left_at", (12, object)):
        found.streams.add(stream)
        if isinstance(left_at, int):
            found.left_at[stream] = left_at
    for (data,) in _table(db, found, "certificate", "certificate", (bytes,)):
        found.certificates.append(data)
    columns = "witness, at, hub, leaves, signature"
    found.witnesses += _table(db, found, "witness", columns, (int, int, 32, bytes, 64))
    shape = (bytes, int, int, bytes, bytes, int)
    found.only_here += _table(
        db, found, "only_here", "stream, number, at, field, value, until", shape
    )
    if db.execute("PRAGMA table_info (file_going)").fetchall():
        # Before schema 6 there was none, which is no damage.
        found.file_going += _table(db, found, "file_going", "address, until_held", (32, int))
    columns = "stream, witness, tips"
    found.witnessed += _table(db, found, "witnessed", columns, (12, int, bytes))
    found.peers += _table(db, found, "peer", "peer, met_at", (32, int))
    found.refused += _table(
        db, found, "refused", "at, peer, stream, reason", (int, object, object, bytes)
    )
    shape = (12, 32, int, 32, 32, bytes)
    columns = "stream, author, seq, previous, hash, body"
    found.staged += _table(db, found, "staged", columns, shape)


def _table_of_logs(db: sqlite3.Connection) -> str:
    """Where the logs stand; before schema 8 that was no view."""
    return "log_row" if db.execute("PRAGMA table_info (log_row)").fetchall() else "log"


def _add_hints(
    found: Salvaged,
    log: int,
    stream: bytes,
    author: bytes | int,
    base: int,
    base_hash: bytes,
    height: int,
    head: bytes,
) -> None:
    """What a log's row says, for each key that its author's number may stand for."""
    keys = {author} if isinstance(author, bytes) else found.keys.get(author, {b""})
    hints = found.hints.setdefault(log, [])
    for key in sorted(keys):
        hint = Hint(stream, key, base, base_hash, height, head)
        if hint not in hints:
            hints.append(hint)


def _table(
    db: sqlite3.Connection, found: Salvaged, table: str, columns: str, shape: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    """The rows of a table that can be read, from its beginning and from its end; odd ones go."""
    key = "seq" if table == "entry" else columns.partition(",")[0]
    orders = (
        "",
        f" ORDER BY log DESC, {key} DESC" if table == "entry" else f" ORDER BY {key} DESC",
    )
    rows: dict[tuple[Any, ...], None] = {}
    for order in orders:
        try:
            for row in db.execute(f"SELECT {columns} FROM {table}{order}"):
                rows[row] = None
        except (sqlite3.Error, ValueError, OverflowError):
            found.whole = False
            continue
        break
    return [row for row in rows if all(_fits(*pair) for pair in zip(row, shape, strict=True))]


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, int):
        return isinstance(value, bytes) and len(value) == wanted
    return isinstance(value, wanted)


def _add_row(found: Salvaged, log: int, seq: int, row: Row) -> None:
    if len(row[0]) in (SHORT_BYTES, HASH_BYTES) and 0 < len(row[1]) <= ENTRY_BYTES_MAX and seq > 0:
        held = found.rows.setdefault(log, {}).setdefault(seq, [])
        if all(row[:2] != other[:2] for other in held):
            held.append(row)


def _seal(author: bytes, number: int, leaves: bytes, signature: bytes) -> Seal:
    split = tuple(leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES))
    return Seal(author, number, split, signature)


def _add_carved(path: Path, found: Salvaged) -> None:
    """Rows from the raw bytes, after those that SQLite gave, which are the newer ones."""
    carved = carve(path)
    live = {log: (hint.base, hint.height) for log, hints in found.hints.items() for hint in hints}
    for log, seq, entry_hash, body, arrived in carved.entries:
        base, height = live.get(log, (0, 0))
        # Where SQLite could read all, old bytes only fill what the tables say should be there.
        if not found.whole or base < seq <= height:
            _add_row(found, log, seq, (entry_hash, body, arrived))
    if found.whole:
        return
    for number, key in carved.keys:
        found.keys.setdefault(number, set()).add(key)
    for row in carved.logs:
        _add_hints(found, *row)
        found.streams.add(row[1])
    for log, stream, author in carved.indexed:
        if log not in found.hints:
            _add_hints(found, log, stream, author, 0, b"", 0, b"")
    found.streams |= carved.streams
    found.seals += [_seal(*values) for values in carved.seals]
    for stream, left_at in carved.left:
        found.left_at.setdefault(stream, left_at)
        found.streams.add(stream)
