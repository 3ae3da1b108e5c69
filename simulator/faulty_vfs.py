"""SQLite on a faulty disk: an apsw VFS, and a connection that looks like one of `sqlite3`.

Needs apsw, which only tests install; nothing else of the simulator imports this module. It holds no
model of faults (see `faulty_disk`). Invariant: SQLite gets nothing from the machine, neither files
nor randomness nor time, so that a run follows from the disk's source of chance.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import apsw

from replica.files import STATEMENTS_KEPT
from simulator.device_clock import EPOCH_MS
from simulator.faulty_disk import DiskFails, DiskIsFull, FaultyDisk, FaultyFile, PowerIsCut

JULIAN_MS_OF_1970: Final = 210_866_760_000_000
"""SQLite counts milliseconds from noon of 24 November 4714 BC."""
SECTOR_BYTES: Final = 4_096
WAL_VERSIONS: Final = b"\x02\x02"
"""Stands in a database's header from its 19th byte on, where the file is in WAL mode."""


class FaultyVfs(apsw.VFS):
    """Lets SQLite use a faulty disk; `with FaultyVfs(disk) as vfs`, or close it."""

    def __init__(self, disk: FaultyDisk) -> None:
        self.disk = disk
        self._temporary = itertools.count()
        taken = set(apsw.vfs_names())
        numbers = itertools.count(len(taken))
        self.vfs_name = next(name for n in numbers if (name := f"faulty {n}") not in taken)
        # An empty base lets SQLite's own VFS do what is not answered here.
        super().__init__(self.vfs_name, "")
        _seed_sqlite(disk)

    def __enter__(self) -> FaultyVfs:
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> FaultyVfsFile:
        """Open a file; one without a name is SQLite's own and temporary."""
        if isinstance(name, apsw.URIFilename):
            name = name.filename()
        flags[1] = flags[0]
        return FaultyVfsFile(self.disk, name or f"temporary {next(self._temporary)}")

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Delete a file."""
        with _IN_APSW_WORDS:
            if not self.disk.delete(filename, sync_directory=syncdir):
                raise apsw.IOError(f"there is no {filename}")

    def xAccess(self, pathname: str, flags: int) -> bool:
        """Whether there is such a file."""
        return pathname in self.disk.files

    def xFullPathname(self, name: str) -> str:
        """The disk has one folder."""
        return name

    def xCurrentTimeInt64(self) -> int:
        """Always the same moment; a store takes its times from its replica's clock."""
        return JULIAN_MS_OF_1970 + EPOCH_MS

    def xSleep(self, microseconds: int) -> int:
        """Waiting takes no time."""
        return microseconds


class FaultyVfsFile(apsw.VFSFile):
    """An open file on a faulty disk."""

    def __init__(self, disk: FaultyDisk, name: str) -> None:
        self._disk = disk
        self._file: FaultyFile = disk.open(name)

    def xRead(self, amount: int, offset: int) -> bytes:
        """Read what programs see."""
        return bytes(memoryview(self._file.now)[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        """Write."""
        with _IN_APSW_WORDS:
            self._disk.write(self._file, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:
        """Cut or extend."""
        with _IN_APSW_WORDS:
            self._disk.resize(self._file, newsize)

    def xSync(self, flags: int) -> None:
        """Make durable."""
        with _IN_APSW_WORDS:
            self._disk.sync(self._file)

    def xFileSize(self) -> int:
        """The length that programs see."""
        return len(self._file.now)

    def xLock(self, level: int) -> None:
        """There is one program, so every lock is free."""

    def xUnlock(self, level: int) -> None:
        """There is one program."""

    def xCheckReservedLock(self) -> bool:
        """There is one program."""
        return False

    def xClose(self) -> None:
        """Closing makes nothing durable."""

    def xSectorSize(self) -> int:
        """What SQLite must expect to be torn together."""
        return SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:
        """Nothing is promised: no atomic, no sequential, no power-safe writes."""
        return 0

    def xFileControl(self, op: int, ptr: int) -> bool:
        """No wish of SQLite's is known here."""
        return False


class _Seed(apsw.VFS):
    """Is SQLite's default VFS for a moment, since that is the one whose randomness it takes."""

    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        super().__init__("seed", "", makedefault=True)

    def xRandomness(self, numbytes: int) -> bytes:
        """The salts of a WAL follow from this, so it must replay."""
        return self._disk.chance.randbytes(numbytes)


def _seed_sqlite(disk: FaultyDisk) -> None:
    """Seed the generator that all connections of the process share."""
    seed = _Seed(disk)
    apsw.randomness(0)
    apsw.randomness(1)
    seed.unregister()


class FaultyConnection:
    """What a store asks of a `sqlite3.Connection` in autocommit, on a faulty disk.

    WAL needs memory that a VFS in Python cannot share, so for a file in WAL mode the connection
    takes the exclusive lock, which keeps the index of the WAL in its own memory. Any other file is
    locked as usual: under the exclusive lock its journal would not be deleted at each commit, and a
    disk could not bring it back. Errors are those of `sqlite3`.
    """

    def __init__(self, vfs: FaultyVfs, name: str) -> None:
        with _IN_SQLITE3_WORDS:
            self._connection = apsw.Connection(
                name, vfs=vfs.vfs_name, statementcachesize=STATEMENTS_KEPT
            )
            # Else the newest SQLite plans many a question anew each time that it is asked, which
            # takes ten times as long.
            self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        file = vfs.disk.files.get(name)
        # As SQLite does: the header may be torn, and whole in the WAL.
        if f"{name}-wal" in vfs.disk.files or (file and file.now[18:20] == WAL_VERSIONS):
            self._stay_alone()

    def _stay_alone(self) -> None:
        with _IN_SQLITE3_WORDS:
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    @property
    def total_changes(self) -> int:
        """Rows that were written since it was opened."""
        return self._connection.total_changes()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> FaultyRows:
        """Run one statement."""
        if sql == "PRAGMA journal_mode = WAL":
            self._stay_alone()
        with _IN_SQLITE3_WORDS:
            cursor = self._connection.execute(sql, tuple(parameters))
            rows = list(cursor)
        if sql.startswith("SELECT"):
            return FaultyRows(rows, -1)
        changed = self._connection.changes()
        return FaultyRows(rows, changed, self._connection.last_insert_rowid())

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> FaultyRows:
        """Run one statement for each row of parameters."""
        with _IN_SQLITE3_WORDS:
            self._connection.executemany(sql, [tuple(row) for row in parameters])
        return FaultyRows([], self._connection.changes())

    def executescript(self, sql: str) -> FaultyRows:
        """Run statements one after another."""
        with _IN_SQLITE3_WORDS:
            self._connection.execute(sql)
        return FaultyRows([], -1)

    def backup(self, target: FaultyConnection) -> None:
        """Copy the whole database to another connection's."""
        with _IN_SQLITE3_WORDS:
            copying = target._connection.backup("main", self._connection, "main")
            try:
                while not copying.done:
                    copying.step()
            finally:
                # What went wrong in a step is raised there; that apsw stumbles over it is no news.
                with suppress(apsw.Error, SystemError):
                    copying.close()

    def close(self) -> None:
        """Close; it is closed even where the disk failed meanwhile and an error says so."""
        with _IN_SQLITE3_WORDS:
            self._connection.close()


class FaultyRows:
    """What a statement gave; `rowcount` is how many rows it changed."""

    def __init__(self, rows: list[Any], rowcount: int, lastrowid: int | None = None) -> None:
        self.rowcount = rowcount
        self.lastrowid = lastrowid
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return list(self._rows)


class _InApswWords:
    """Says what befell the disk as SQLite's own VFS would."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, (PowerIsCut, DiskFails)):
            raise apsw.IOError(type(error).__name__) from None
        if isinstance(error, DiskIsFull):
            raise apsw.FullError("database or disk is full") from None


class _InSqlite3Words:
    """Says what apsw says as `sqlite3` does."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, apsw.Error):
            return
        if isinstance(error, apsw.ConstraintError):
            raise sqlite3.IntegrityError(str(error)) from error
        if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
            raise sqlite3.DatabaseError(str(error)) from error
        if isinstance(error, apsw.FullError):
            raise sqlite3.OperationalError("database or disk is full") from error
        raise sqlite3.OperationalError(str(error)) from error


# They hold nothing, and one is entered at each statement and write.
_IN_APSW_WORDS = _InApswWords()
_IN_SQLITE3_WORDS = _InSqlite3Words()
