"""The bytes of files: an SQLite file of its own beside the store, in chunks that prove themselves.

Apart, so that neither an upgrade's copy nor a scrub of the log ever touches photos. It is made with
the first file that comes, which the store notes before. Which files entries name, and who else
holds them, stands in the store. Holds no exchange and no quota. Invariant: a file that is said to
be held is here whole, committed, and what is read of it proved true by its address.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from core.log.chunk_list import ChunkList, chunks_of, list_of, read_list
from core.log.errors import LogError, Unauthentic
from core.log.limits import FILE_ROOM_BYTES_MIN
from replica.store import DiskFull, Layout, Store

LOGGER = logging.getLogger(__name__)

FILES_FILE: Final = "files.sqlite"
# 'FLOF' in the file's header.
FILES_LAYOUT: Final = Layout("schema/files", 0x464C4F46)

# Under this name the store keeps that there is a file beside it; false while it is being made.
MADE: Final = "files"

# Wanted instead of an address: all that the store names.
_ALL: Final = b""


class FileStore:
    """The files beside one store; opened when the first of them is asked for.

    Every method raises StoreError where the disk refused or the file is damaged.
    """

    def __init__(self, log: Store) -> None:
        self.path = log.path.with_name(FILES_FILE)
        self._log = log
        self._own: Store | None = None

    def _open(self, *, make: bool = False) -> Store | None:
        """The file; None where there is none and none is to be made."""
        if self._own is None:
            is_made = self._log.get(MADE)
            if is_made is None:
                # A note that rotted must not hide the photos that lie there.
                if not make and not self.path.exists():
                    return None
                self._note_made(False)
            own = Store(self.path, self._log.disk, FILES_LAYOUT)
            # What is deleted is overwritten with zeros: photos of what was erased must go.
            own.db.execute("PRAGMA secure_delete = ON")
            self._own = own
            if not is_made:
                self._note_made(True)
            elif own.is_new:
                # It was made before, and is gone: whatever it held is lost.
                self.want([_ALL], 0)
        return self._own

    @property
    def are_any(self) -> bool:
        """Whether there may be any: what is noted of them would else be in vain."""
        return bool(self._log.get(MADE)) or self.path.exists()

    def _note_made(self, is_made: bool) -> None:
        with self._log.transaction():
            self._log.put(MADE, is_made)

    def _for_writing(self) -> Store:
        own = self._open(make=True)
        assert own is not None
        return own

    # --- what is here

    def list_of(self, address: bytes) -> ChunkList | None:
        """The list of a file of which anything is here."""
        data = self._column(address, "list")
        if not isinstance(data, bytes):
            return None
        try:
            return read_list(address, data)
        except LogError as error:
            LOGGER.error("the list of file %s is damaged: %s", address.hex()[:8], error)
            return None

    def holds(self, address: bytes) -> bool:
        """Whether a file is here whole."""
        return self._column(address, "missing") == 0

    def _column(self, address: bytes, column: str) -> object:
        own = self._open()
        if own is None:
            return None
        with own.reading() as db:
            row = db.execute(f"SELECT {column} FROM file WHERE address = ?", (address,)).fetchone()
        return None if row is None else row[0]

    def missing(self, address: bytes) -> list[int]:
        """The numbers of the chunks that are not here of a file whose list is, in order."""
        own, chunks = self._open(), self.list_of(address)
        if own is None or chunks is None:
            return []
        asked = "SELECT number FROM chunk JOIN file USING (file) WHERE address = ?"
        with own.reading() as db:
            here = {row[0] for row in db.execute(asked, (address,))}
        return [number for number in range(1, chunks.chunks + 1) if number not in here]

    def chunk(self, address: bytes, number: int) -> bytes:
        """The bytes of a chunk.

        Raises:
            Unauthentic: it is not here, or not what it was.
        """
        own, chunks = self._open(), self.list_of(address)
        row = None
        if own is not None:
            asked = (
                "SELECT bytes FROM chunk JOIN file USING (file) WHERE address = ? AND number = ?"
            )
            with own.reading() as db:
                row = db.execute(asked, (address, number)).fetchone()
        if chunks is None or row is None or not isinstance(row[0], bytes):
            raise Unauthentic(f"chunk {number} of file {address.hex()[:8]} is not here")
        if not chunks.holds(number, row[0]):
            raise Unauthentic(f"chunk {number} of file {address.hex()[:8]} is damaged")
        return row[0]

    def read(self, address: bytes) -> bytes:
        """The whole file. Raises Unauthentic: it is not here whole, or damaged."""
        chunks = self.list_of(address)
        if chunks is None:
            raise Unauthentic(f"file {address.hex()[:8]} is not here")
        return b"".join(self.chunk(address, number + 1) for number in range(chunks.chunks))

    def addresses(self) -> list[bytes]:
        """All files of which anything is here, in order."""
        own = self._open()
        if own is None:
            return []
        with own.reading() as db:
            return [row[0] for row in db.execute("SELECT address FROM file ORDER BY address")]

    # --- bringing in

    def has_room_for(self, size: int) -> bool:
        """Whether a disk has room for so many bytes, and enough beside them for entries."""
        return self._log.disk.free_bytes(self.path.parent) >= size + FILE_ROOM_BYTES_MIN

    def add(self, data: bytes) -> ChunkList:
        """Keep a whole file, durable on return; all of it or nothing.

        Raises:
            OverLimit, Malformed: it is too large, or empty.
            DiskFull: there is no room for it.
        """
        chunks = list_of(data)
        if self.holds(chunks.address):
            return chunks
        if not self.has_room_for(2 * len(data)):
            # It passes through the WAL as well.
            raise DiskFull(
                "there is no room left on this device for photos and files; what is written is "
                "still saved. Make room, then save it again"
            )
        own = self._for_writing()
        with own.transaction():
            self.begin(chunks)
            for number, chunk in enumerate(chunks_of(data), 1):
                self.put(chunks.address, number, chunk)
        return chunks

    def begin(self, chunks: ChunkList) -> None:
        """Keep a list that was proven; nothing changes where it is kept already.

        One that stands there and is damaged gives way: else it would be asked for without end.
        """
        own = self._for_writing()
        with own.transaction() as db:
            db.execute(
                "INSERT INTO file VALUES (NULL, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET "
                "size = excluded.size, list = excluded.list WHERE list <> excluded.list",
                (chunks.address, chunks.size, chunks.to_bytes(), chunks.chunks),
            )

    def put(self, address: bytes, number: int, data: bytes) -> None:
        """Keep a chunk that was proven, of a file whose list is kept."""
        own = self._for_writing()
        with own.transaction() as db:
            (file,) = db.execute("SELECT file FROM file WHERE address = ?", (address,)).fetchone()
            new = db.execute(
                "INSERT OR IGNORE INTO chunk VALUES (?, ?, ?)", (file, number, data)
            ).rowcount
            db.execute("UPDATE file SET missing = missing - ? WHERE file = ?", (new, file))
            # In the same transaction: a power cut must not leave it wanted and here.
            db.execute(
                "DELETE FROM wanted WHERE address IN "
                "(SELECT address FROM file WHERE file = ? AND missing = 0)",
                (file,),
            )

    # --- asking for, and letting go

    def want(self, addresses: Iterable[bytes], at_ms: int) -> None:
        """Note that somebody asks for files."""
        own = self._for_writing()
        with own.transaction() as db:
            rows = [(address, at_ms) for address in addresses]
            db.executemany("INSERT OR IGNORE INTO wanted VALUES (?, ?)", rows)

    def wanted(self) -> set[bytes]:
        """The files that somebody asked for and that are not here yet."""
        own = self._open()
        if own is None:
            return set()
        with own.reading() as db:
            return {row[0] for row in db.execute("SELECT address FROM wanted")}

    def is_wanted(self, address: bytes) -> bool:
        """Whether somebody asked for a file and it is not here yet."""
        own = self._open()
        if own is None:
            return False
        with own.reading() as db:
            asked = "SELECT 1 FROM wanted WHERE address = ?"
            return db.execute(asked, (address,)).fetchone() is not None

    @property
    def was_lost(self) -> bool:
        """Whether the file was made anew because it was gone, and nobody asked again for all."""
        return self.is_wanted(_ALL)

    def want_again(self, addresses: Iterable[bytes], at_ms: int) -> None:
        """Ask for what was lost: these, of all that the store names."""
        with self._for_writing().transaction() as db:
            self.want(addresses, at_ms)
            db.execute("DELETE FROM wanted WHERE address = ?", (_ALL,))

    def discard(self, address: bytes, numbers: Iterable[int]) -> None:
        """Throw damaged chunks away, so that they are fetched again; without a list all of it."""
        own = self._for_writing()
        with own.transaction() as db:
            chunks = self.list_of(address)
            if chunks is None:
                db.execute("DELETE FROM file WHERE address = ?", (address,))
                return
            (file,) = db.execute("SELECT file FROM file WHERE address = ?", (address,)).fetchone()
            for number in numbers:
                db.execute("DELETE FROM chunk WHERE file = ? AND number = ?", (file, number))
            db.execute(
                "UPDATE file SET size = ?, missing = ? WHERE file = ?",
                (chunks.size, len(self.missing(address)), file),
            )

    def kept_of(self, address: bytes) -> list[object]:
        """For those who repair: the chunks of a file as they stand, in order."""
        asked = "SELECT bytes FROM chunk JOIN file USING (file) WHERE address = ? ORDER BY number"
        with self._for_writing().reading() as db:
            return [row[0] for row in db.execute(asked, (address,))]

    def set_right(self, address: bytes, chunks: ChunkList) -> None:
        """Let the file that stands under an address be the one that a list, proven true, says."""
        with self._for_writing().transaction() as db:
            right = (chunks.address, chunks.to_bytes(), address)
            db.execute("UPDATE OR IGNORE file SET address = ?, list = ? WHERE address = ?", right)
            if chunks.address != address:
                # Where that one is here as well.
                db.execute("DELETE FROM file WHERE address = ?", (address,))

    def delete(self, addresses: Iterable[bytes]) -> bool:
        """Take files out, down to their bytes; False where a reader kept them from the disk."""
        own = self._open()
        if own is None:
            return True
        with own.transaction() as db:
            for address in addresses:
                db.execute("DELETE FROM file WHERE address = ?", (address,))
                db.execute("DELETE FROM wanted WHERE address = ?", (address,))
        with own.reading() as db:
            busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            (layout,) = db.execute("PRAGMA user_version").fetchone()
        if busy:
            return False
        # SQLite cuts its WAL short and syncs nothing: a power cut would bring back what stood in
        # it. Whatever is committed next syncs the file as it is now.
        with own.transaction() as db:
            db.execute(f"PRAGMA user_version = {int(layout)}")
        return True

    def row(self, address: bytes) -> tuple[object, int, int] | None:
        """For those who check: the list, size and number of missing chunks as they stand."""
        own = self._open()
        if own is None:
            return None
        asked = "SELECT list, size, missing FROM file WHERE address = ?"
        with own.reading() as db:
            row: tuple[object, int, int] | None = db.execute(asked, (address,)).fetchone()
        return row

    def into_one_file(self) -> None:
        """Let nothing stand in a WAL beside it: for a copy that is packed."""
        own = self._open()
        if own is not None:
            with own.reading() as db:
                db.execute("PRAGMA journal_mode = DELETE")

    def fault_of_file(self) -> str:
        """What SQLite finds wrong with the file, '' where nothing is."""
        own = self._open()
        if own is None:
            return ""
        with own.reading() as db:
            (words,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            odd = db.execute("SELECT 1 FROM file WHERE typeof(address) <> 'blob'").fetchone()
        return str(words) if words != "ok" else "an address is none" if odd else ""

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._own is not None:
            self._own.close()
            self._own = None
