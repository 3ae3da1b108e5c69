"""Checking the files beside a store: every chunk against its list, every list against its address.

A repair throws away what is damaged, so that it is fetched again from whoever holds it. Answers in
words that name the file and its jobs. Invariant: without a repair nothing is changed, and with it
no chunk goes that proves true.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.dispatch.fields import Role
from core.log.chunk_list import ChunkList, address_of, list_of, read_list
from core.log.errors import LogError
from replica.file_going import is_going, is_named
from replica.file_store import FileStore
from replica.filing import jobs_naming
from replica.replica import Replica
from replica.store import StoreError, read_only


@dataclass(slots=True)
class RepairedFiles:
    """What a repair of files did: chunks thrown away, files that lack any now and are asked for.

    `mended` files have their address or their list again, which their chunks, or the jobs that
    name them, told. `damaged` is where the old file lies, None where it could stay.
    """

    mended: int = 0
    chunks: int = 0
    files: int = 0
    damaged: Path | None = None


def check_files(replica: Replica) -> list[str]:
    """What is wrong with the files beside a store, as sentences; empty where all is well."""
    try:
        fault = replica.files.fault_of_file()
        if fault:
            return [f"SQLite finds the files damaged: {fault}"]
        known = replica.files.addresses()
        findings = [words for address in known for words in _faults(replica, address)]
        if replica.files.was_lost:
            findings.append(f"{replica.files.path} is gone, and the files with it")
    except StoreError as error:
        return [f"the files can't be read whole: {error}"]
    return findings


def check_files_of(replica: Replica, stream: bytes) -> list[str]:
    """What is wrong with the files that one stream names."""
    asked = "SELECT DISTINCT address FROM file_ref WHERE job = ? ORDER BY address"
    try:
        named = [row[0] for row in replica.store.db.execute(asked, (stream.hex(),))]
        return [words for address in named for words in _faults(replica, address)]
    except (StoreError, sqlite3.Error) as error:
        return [f"the files can't be read whole: {error}"]


def _faults(replica: Replica, address: bytes) -> list[str]:
    files = replica.files
    row = files.row(address)
    if row is None:
        return []
    data, _, _ = row
    name = f"file {address.hex()[:8]}{_of_jobs(replica, address)}"
    chunks = _proven(address, data)
    if chunks is None:
        return [f"{name}: its list is not what its address names"]
    bad = _bad_chunks(files, address, chunks)
    words = [f"{name}: chunk {number} of {chunks.chunks} is damaged" for number in bad]
    if not _says_so(files, address, chunks):
        words.append(f"{name}: what is said of its size or of what is missing is not true")
    return words


def _says_so(files: FileStore, address: bytes, chunks: ChunkList) -> bool:
    """Whether what a file's row says beside its list is true."""
    row = files.row(address)
    return row is not None and row[1:] == (chunks.size, len(files.missing(address)))


def _of_jobs(replica: Replica, address: bytes) -> str:
    asked = "SELECT number FROM job WHERE job = ?"
    numbers = [
        row[0]
        for job in sorted(jobs_naming(replica, address))
        for row in replica.store.db.execute(asked, (job.hex(),))
    ]
    return f" of {', '.join(numbers)}" if numbers else ""


def _proven(address: bytes, data: object) -> ChunkList | None:
    try:
        return read_list(address, data) if isinstance(data, bytes) else None
    except LogError:
        return None


def _bad_chunks(files: FileStore, address: bytes, chunks: ChunkList) -> list[int]:
    here = sorted({*range(1, chunks.chunks + 1)} - {*files.missing(address)})
    bad = []
    for number in here:
        try:
            files.chunk(address, number)
        except LogError:
            bad.append(number)
    return bad


def repair_files(replica: Replica, damaged: Path) -> RepairedFiles:
    """Throw away what is damaged, and ask for it again; a file that SQLite can't read is made anew.

    `damaged` is a folder, made where it is needed, for the file that can't be read.

    Raises:
        StoreError, OSError: the disk refused.
    """
    files, done = replica.files, RepairedFiles()
    try:
        fault = files.fault_of_file()
    except StoreError as error:
        fault = str(error)
    if fault:
        done.damaged = _make_anew(replica, damaged)
    touched: set[bytes] = set()
    for address in files.addresses():
        chunks = files.list_of(address)
        if chunks is None and (row := files.row(address)) is not None:
            chunks = _true_list(replica, address, row[0], files.kept_of(address))
            if chunks is not None:
                files.set_right(address, chunks)
                done.mended += 1
                address = chunks.address
        bad = [] if chunks is None else _bad_chunks(files, address, chunks)
        if bad or chunks is None or not _says_so(files, address, chunks):
            done.chunks += max(1, len(bad))
            files.discard(address, bad)
            touched.add(address)
        elif done.damaged is not None and not files.holds(address):
            touched.add(address)
    if _is_hub(replica) and (done.damaged is not None or files.was_lost):
        # Of what is gone without a trace a hub asks for all that is named, as others rely on it.
        touched |= {row[0] for row in replica.store.db.execute("SELECT address FROM file_ref")}
    hurt = sorted(address for address in touched if not files.holds(address))
    if hurt or files.was_lost:
        files.want_again(hurt, replica.clock.now_ms())
    done.files = len(hurt)
    return done


def _is_hub(replica: Replica) -> bool:
    certificates = replica.identity.certificates
    return bool(certificates) and certificates[0].role == Role.HUB


def _true_list(
    replica: Replica, address: object, data: object, kept: Sequence[object]
) -> ChunkList | None:
    """The list of a file, of which its address rotted or, while all chunks are here, the list."""
    chunks = _proven(address, data) if isinstance(address, bytes) else None
    if chunks is None and isinstance(data, bytes):
        own = address_of(data)
        named = is_named(replica.store.db, own) or is_going(replica.store.db, own)
        chunks = _proven(own, data) if named else None
    if chunks is None and kept:
        with contextlib.suppress(LogError):
            made = list_of(b"".join(part for part in kept if isinstance(part, bytes)))
            chunks = made if made.address == address else None
    return chunks


def _make_anew(replica: Replica, damaged: Path) -> Path:
    """Put the file aside, and take into a new one every chunk of it that proves true."""
    files = replica.files
    files.close()
    damaged.mkdir(mode=0o700, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        part = files.path.with_name(files.path.name + suffix)
        if part.exists():
            part.replace(damaged / part.name)
    old = read_only(damaged / files.path.name)
    # A flipped bit makes a text of bytes, which SQLite would have to read as letters.
    old.text_factory = bytes
    try:
        lists = {
            number: chunks
            for number, address, data in _rows(old, "file", "file, address, list")
            if (chunks := _true_list(replica, address, data, _kept_in(old, number))) is not None
        }
        for file, number, data in _rows(old, "chunk", "file, number, bytes"):
            chunks = lists.get(file)
            sound = isinstance(number, int) and isinstance(data, bytes)
            if chunks is not None and sound and chunks.holds(number, data):
                files.begin(chunks)
                files.put(chunks.address, number, data)
    finally:
        old.close()
    return damaged


def _kept_in(old: sqlite3.Connection, file: object) -> list[object]:
    """The chunks of a file in one that is damaged; none where they can't all be read."""
    try:
        asked = "SELECT bytes FROM chunk WHERE file = ? ORDER BY number"
        return [row[0] for row in old.execute(asked, (file,))]
    except sqlite3.Error:
        return []


def _rows(db: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table that can be read at all, one by one."""
    try:
        (last,) = db.execute(f"SELECT max(rowid) FROM {table}").fetchone()
    except sqlite3.Error:
        return
    for rowid in range(1, (last or 0) + 1):
        try:
            row = db.execute(f"SELECT {columns} FROM {table} WHERE rowid = ?", (rowid,)).fetchone()
        except sqlite3.Error:
            continue
        if row is not None:
            yield tuple(row)
