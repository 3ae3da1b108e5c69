"""The store: one SQLite file, one writing connection, one method one transaction.

Opens, upgrades and guards the file; what stands in the tables is for `logs`, `peers` and the
projections. Settings are those measured to survive power cuts: created with EXTRA, run with FULL in
WAL mode, never NORMAL, which would let a sent entry vanish and fork the replica's own log.
Invariant: outside `transaction()` nothing is written.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.log.canonical import pack, unpack
from core.sentence import say
from replica.files import MACHINE_FILES, Files


class StoreError(Exception):
    """The store can't be used; the sentence says why and what to do."""


class DiskFull(StoreError):
    """There is no room left on the disk; what was asked for was not done."""


STORE_FILE = "store.sqlite"

# Under this name a store keeps the entries that wait for one that was lost (`set_aside`), each run
# with its stream first: no table, since a sound store has none.
SET_ASIDE = "set aside"

# Stands in the file's header ('FLOG'), so that no other program's database is taken for a store.
APPLICATION_ID = 0x464C4F47

# How SQLite numbers its settings of `synchronous`.
_NORMAL, _FULL = 1, 2

# Types of named values that are remembered: nobody can alter one that was given.
_AT_HAND = (int, bytes)


@dataclass(frozen=True, slots=True)
class Layout:
    """What tables a file of ours has: the folder of their SQL below `replica`, and its mark."""

    folder: str
    application_id: int


LOG_LAYOUT = Layout("schema", APPLICATION_ID)

# The pages that are written back at a time; small, so that a phone's WAL stays small.
AUTOCHECKPOINT_PAGES = 1_000


@functools.cache
def schema_files(layout: Layout = LOG_LAYOUT) -> tuple[tuple[int, str, str], ...]:
    """Number, name and text of each schema file, in order."""
    files = sorted(_schema_folder(layout), key=lambda entry: entry.name)
    return tuple((int(entry.name[:4]), entry.name, entry.read_text("utf-8")) for entry in files)


@functools.cache
def newest_schema(layout: Layout = LOG_LAYOUT) -> int:
    """The number of the newest schema file; a start that upgrades nothing reads none of them."""
    return max(int(entry.name[:4]) for entry in _schema_folder(layout))


def _schema_folder(layout: Layout) -> list[Path]:
    # Not by `importlib.resources`, which imports for longer than a store takes to open.
    return list(Path(__file__).parent.joinpath(layout.folder).glob("*.sql"))


class Store:
    """The replica's SQLite file.

    Args:
        path: the file; made where it is not there.
        files: the disk that it lies on.
        layout: what tables it has.

    Raises:
        StoreError: the file is none of ours, of a newer version, or can't be opened.
    """

    def __init__(
        self, path: Path, files: Files = MACHINE_FILES, layout: Layout = LOG_LAYOUT
    ) -> None:
        self.path = path
        self.disk = files
        self.after_rollback: Callable[[], None] | None = None
        self._layout = layout
        self.is_new = files.make(path)
        try:
            self.db = files.connect(path)
        except sqlite3.Error as error:
            raise StoreError(_in_words(error, path)) from error
        try:
            self._see_that_it_is_ours()
            (mode,) = self.db.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":
                # Without EXTRA a power cut during creation lost everything on disks that do not
                # order directory operations (measured: 903 of 1,848 cuts); and so did a later one
                # where a creation that was cut off was gone on with: the journal came back.
                self.db.execute("PRAGMA synchronous = EXTRA")
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA foreign_keys = ON")
            self.db.execute("PRAGMA trusted_schema = OFF")
            self.db.execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}")
            self._upgrade()
            self.db.execute("PRAGMA synchronous = FULL")
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            raise _told(error, path) from error
        except UnicodeDecodeError as error:
            # In its words SQLite repeats names of the file's tables, whatever bytes they are now.
            self.db.close()
            raise damaged(path) from error
        except StoreError:
            self._let_go()
            raise
        self._deep = False
        # Numbers and bytes among the named values that were asked for or kept, None for one that is
        # not there: they are asked for with every write, and only this store's owner keeps others.
        self._named: dict[str, int | bytes | None] = {}

    def _see_that_it_is_ours(self) -> None:
        """Before the first setting: a database of another program stays as it is."""
        (mark,) = self.db.execute("PRAGMA application_id").fetchone()
        (tables,) = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and mark != self._layout.application_id:
            raise StoreError(
                say("{path} is a database of another program; choose another file", path=self.path)
            )
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        newest = newest_schema(self._layout)
        if version > newest:
            raise StoreError(
                say(
                    "{path} was written by a newer version (schema {version}, this one knows "
                    "{newest}); install that version or newer",
                    path=self.path,
                    version=version,
                    newest=newest,
                )
            )

    def _upgrade(self) -> None:
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        newest = newest_schema(self._layout)
        if version == newest:
            return
        if version:
            self._copy_before_upgrade(version)
        # All in one transaction: a store is of the version that it was, or of the newest.
        texts = [text for number, _, text in schema_files(self._layout) if number > version]
        begin = f"BEGIN IMMEDIATE;\nPRAGMA application_id = {self._layout.application_id};"
        end = f"PRAGMA user_version = {newest};\nCOMMIT;"
        try:
            self.db.executescript("\n".join([begin, *texts, end]))
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            kind = DiskFull if _is_full(error) else StoreError
            words = say(
                "upgrade to schema {newest} failed: {why}",
                newest=newest,
                why=_in_words(error, self.path),
            )
            raise kind(words) from error

    def _copy_before_upgrade(self, version: int) -> None:
        """Keep the store as it is; the copy is whole and durable on return, or there is none."""
        copy = self.path.with_suffix(f".before-{version + 1}")
        self.disk.delete(copy)
        self.disk.make(copy)
        try:
            with contextlib.closing(self.disk.connect(copy)) as target:
                # As in creating a store: else a power cut brings the journal back, which takes the
                # copy away again, after the upgrade.
                target.execute("PRAGMA synchronous = EXTRA")
                self.db.backup(target)
        except BaseException:
            # A part of a copy is none, and takes up room that may be just what is missing.
            with contextlib.suppress(sqlite3.Error, OSError):
                self.disk.delete(copy)
            raise

    def _let_go(self) -> None:
        """Close a store that can't be used; why is known already."""
        with contextlib.suppress(sqlite3.Error):
            self.db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction; everything in it is durable when the block ends, or nothing is.

        Raises:
            DiskFull: the disk has no room left; nothing was written.
            StoreError: the disk is broken. After an error from COMMIT the outcome is unknown, never
                no, so whoever repeats must be idempotent.
        """
        if self._deep:
            yield self.db
            return
        self._deep = True
        try:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self.db.execute("ROLLBACK")
                self._named.clear()
                if self.after_rollback is not None:
                    self.after_rollback()
                raise
        except sqlite3.Error as error:
            if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
                raise  # The program is wrong, not the disk.
            raise _told(error, self.path) from error
        finally:
            self._deep = False

    @contextlib.contextmanager
    def durable_together(self) -> Iterator[None]:
        """Transactions that become durable when the block ends, all by one sync of the disk.

        Each is whole or undone by itself, as ever; a power cut within the block may take the last
        ones, never one of the middle. Not within a transaction.

        Raises:
            StoreError: the disk refused the sync; what the block committed may be there or not.
        """
        usual = self.db.execute("PRAGMA synchronous").fetchone()[0]
        if usual < _FULL:
            yield
            return
        before = self.db.total_changes
        self.db.execute(f"PRAGMA synchronous = {_NORMAL}")
        try:
            yield
        finally:
            self.db.execute(f"PRAGMA synchronous = {usual}")
        if self.db.total_changes != before:
            # The sync of one commit makes the whole WAL before it durable; one that changes nothing
            # has none.
            with self.transaction():
                self.put("synced", int(before))

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Questions to the file. Raises StoreError in words where the disk refused."""
        try:
            yield self.db
        except sqlite3.Error as error:
            raise _told(error, self.path) from error

    def get(self, name: str, default: Any = None) -> Any:
        """A named value of the store itself."""
        if name not in self._named:
            row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            value = None if row is None else unpack(row[0])
            if row is not None and type(value) not in _AT_HAND:
                return value
            self._named[name] = value
        known = self._named[name]
        return default if known is None else known

    def put(self, name: str, value: Any) -> None:
        """Keep a named value; within a transaction."""
        self.db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, pack(value)),
        )
        if type(value) in _AT_HAND:
            self._named[name] = value
        else:
            self._named.pop(name, None)

    def compact(self) -> None:
        """Give back to the disk what tables left that are gone; a full disk lets it be.

        Not within a transaction.
        """
        with contextlib.suppress(sqlite3.Error):
            self.db.execute("VACUUM")

    def checkpoint(self) -> None:
        """Write what the WAL holds into the file, so that its room is used again.

        Waits for no reader. Not within a transaction.
        """
        with contextlib.suppress(sqlite3.Error):
            self.db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        """Close the file; what was committed is on disk already."""
        self.db.close()


def read_only(path: Path) -> sqlite3.Connection:
    """A connection to a store's file that cannot write, beside whoever is at work on it.

    Raises:
        sqlite3.Error: there is no such file, or it can't be opened.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def damaged(path: Path) -> StoreError:
    """What to say of a store that can be opened and makes no sense."""
    return StoreError(_in_words(sqlite3.DatabaseError("malformed"), path))


def _told(error: sqlite3.Error | OSError, path: Path) -> StoreError:
    kind = DiskFull if _is_full(error) else StoreError
    return kind(_in_words(error, path))


def _is_full(error: Exception) -> bool:
    """Whether it was room that was missing."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "disk is full" in str(error)


def _in_words(error: sqlite3.Error | OSError, path: Path) -> str:
    text = str(error)
    if _is_full(error):
        return say(
            "the disk that holds {path} is full; free some space, nothing was lost", path=path
        )
    if "I/O error" in text or "Input/output error" in text:
        return say(
            "the disk that holds {path} refused to write; see that it has space and is sound",
            path=path,
        )
    if "not a database" in text:
        return say(
            "{path} is no store and no database; choose another file, or, if it was a store, run "
            "'fieldlog check --repair --data {folder}'",
            path=path,
            folder=path.parent,
        )
    if "malformed" in text:
        return say(
            "{path} is damaged; run 'fieldlog check --repair --data {folder}'",
            path=path,
            folder=path.parent,
        )
    if "locked" in text:
        return say("{path} is in use by another process; stop that one first", path=path)
    return f"{path}: {text}"
