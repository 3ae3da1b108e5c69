"""Floors: what the parts alone cost that no log of ours can go below.

The same trace merged by plain SQL with the last writer winning, entries put into SQLite as they
are, signatures checked and nothing else, frames sent over a socket and nothing else. No floor
checks, signs, keeps a conflict or can sync, so none is a forecast.
Invariant: a floor does its work on the very bytes or ops that ours does.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.bench.measuring import Timing, watched
from tests.bench.trace import Op

BATCH = 1_000

_TABLES = """
CREATE TABLE log (writer INTEGER, at INTEGER, record TEXT, op BLOB,
    PRIMARY KEY (writer, at, record)) WITHOUT ROWID;
CREATE TABLE cell (record TEXT, name TEXT, at INTEGER, writer INTEGER, value,
    PRIMARY KEY (record, name)) WITHOUT ROWID;
CREATE TABLE time_log (record TEXT PRIMARY KEY, op BLOB) WITHOUT ROWID;
"""
_NEWER = (
    "INSERT INTO cell VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, "
    "writer = excluded.writer, value = excluded.value "
    "WHERE (excluded.at, excluded.writer) > (at, writer)"
)


@contextmanager
def _database(synchronous: str) -> Iterator[sqlite3.Connection]:
    """A new database in WAL mode; gone afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "floor.sqlite", isolation_level=None)) as db,
    ):
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {synchronous}")
        yield db


def packed(ops: Sequence[Op]) -> list[bytes]:
    """The ops as a peer would send them: a thousand in a message, without signatures."""
    return [
        msgpack.packb([op.plain() for op in ops[at : at + BATCH]])
        for at in range(0, len(ops), BATCH)
    ]


def merge_by_sql(messages: Sequence[bytes], synchronous: str = "NORMAL") -> Timing:
    """Merge ops into a log and a table of cells where the last writer wins."""
    count = 0
    with _database(synchronous) as db:
        db.executescript(_TABLES)
        with watched() as watch:
            for message in messages:
                count += _merge_message(db, message)
    return watch.of(count)


def _merge_message(db: sqlite3.Connection, message: bytes) -> int:
    cells, logs, entries = [], [], []
    ops = msgpack.unpackb(message)
    for kind, record, _, at_ms, writer, fields in ops:
        body = msgpack.packb(fields)
        entries.append((writer, at_ms, record, body))
        if kind == "log":
            logs.append((record, body))
        else:
            cells += [(record, name, at_ms, writer, value) for name, value in fields.items()]
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?)", entries)
    db.executemany("INSERT OR IGNORE INTO time_log VALUES (?, ?)", logs)
    db.executemany(_NEWER, cells)
    db.execute("COMMIT")
    return len(ops)


def insert_bodies(bodies: Sequence[bytes], batch: int = BATCH) -> Timing:
    """Put entries into one table, `batch` a transaction, each durable as ours are (FULL)."""
    with _database("FULL") as db:
        db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, body BLOB)")
        with watched() as watch:
            for at in range(0, len(bodies), batch):
                db.execute("BEGIN IMMEDIATE")
                db.executemany(
                    "INSERT INTO entry (body) VALUES (?)",
                    [(body,) for body in bodies[at : at + batch]],
                )
                db.execute("COMMIT")
    return watch.of(len(bodies))


def bytes_of_blobs(bodies: Sequence[bytes]) -> int:
    """What the entries take in SQLite as bare blobs, in bytes of the file."""
    with _database("FULL") as db:
        db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, body BLOB)")
        db.execute("BEGIN")
        db.executemany("INSERT INTO entry (body) VALUES (?)", [(body,) for body in bodies])
        db.execute("COMMIT")
        db.execute("VACUUM")
        (size,) = db.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
    return int(size)


def verify(count: int) -> Timing:
    """Check so many Ed25519 signatures over 32 bytes, as seals have them."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key()
    signed = [(key.sign(number.to_bytes(32, "big")), number) for number in range(count)]
    with watched() as watch:
        for signature, number in signed:
            public.verify(signature, number.to_bytes(32, "big"))
    return watch.of(count)


def send_frames(frames: Sequence[bytes]) -> Timing:
    """Send frames over a loopback socket, each acked by its reader, in bytes a second."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        reader = threading.Thread(target=_ack_all, args=(server, len(frames)))
        reader.start()
        with socket.create_connection(server.getsockname()) as sender, watched() as watch:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for frame in frames:
                sender.sendall(len(frame).to_bytes(4, "big") + frame)
                sender.recv(1)
        reader.join()
    return watch.of(sum(map(len, frames)))


def _ack_all(server: socket.socket, count: int) -> None:
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as stream:
        for _ in range(count):
            stream.read(int.from_bytes(stream.read(4), "big"))
            connection.sendall(b"a")


def write_and_sync(count: int) -> Timing:
    """Write 200 bytes to a file and wait for the disk, so many times."""
    with tempfile.TemporaryFile() as file, watched() as watch:
        for _ in range(count):
            os.write(file.fileno(), bytes(200))
            os.fsync(file.fileno())
    return watch.of(count)
