"""Backups: one file that holds all that can't be made anew of a hub or a phone.

A copy of the store is taken beside whoever is at work on it, sealed, checked entry by entry and
packed with the few files that belong to it; `docs/formats/backup.md` has the form. Reading one
back is in `restoring`. Holds no replica's own key: what is restored makes itself a new one.
Invariant: what has a backup's name is whole, was checked, and is on the disk.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from core.dispatch.fields import Role
from core.log.errors import LogError
from replica.ballast import BALLAST_FILE
from replica.checking import UNREADABLE, check_store, replica_to_check
from replica.clock import Clock
from replica.file_checking import check_files
from replica.file_store import FILES_FILE
from replica.generation import NOWHERE, seal_own
from replica.identity import KEY_FILE, fsync_folder, load_certificates, load_key
from replica.standstill import BEAT_FILE
from replica.store import STORE_FILE, Store, read_only

FORMAT = 1
MANIFEST_FILE = "manifest.json"
MANIFEST_BYTES_MAX = 65_536
CHUNK_BYTES = 262_144

# What lies in a folder and can't be made anew, by who has it. The browsers' root is trusted by
# machines where somebody installed it, the transport key is pinned by every phone.
# Files that entries name lie beside the store where there are any.
HUB_FILES = ("identity", "site.key", "transport.pem", "browser-root.pem")
PHONE_FILES = ("hub", "screens.json", "colleagues.json", "preferences.json")

# What lies there and is left out, with what comes of it.
LEFT_OUT = {
    KEY_FILE: "the replica's own key: what is restored makes a new one, so that no log is forked",
    "browsers.sqlite": "who is signed in: everybody signs in again",
    "browser-leaf.pem": "the certificate for browsers: it is made anew at the start",
    "map": "the map: import it again with 'fieldlog map import'; phones fetch it",
    BALLAST_FILE: "room that is kept back for a full disk: it is laid anew at the start",
    BEAT_FILE: "when the program last ran: it says nothing of another folder",
    "screens.secret": "the secret of the phone's screens: location apps get a new address",
}


class BackupError(Exception):
    """The backup can't be made or read; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself: whose it is, when it was made, and its files.

    `role` is 'hub' or 'phone'; `files` gives size in bytes and BLAKE2b-256 by name.
    """

    made_at_ms: int
    role: str
    site: bytes
    author: bytes
    entries: int
    streams: int
    files: dict[str, tuple[int, bytes]]

    def to_bytes(self) -> bytes:
        """The manifest as JSON text."""
        text = {
            "fieldlog_backup": FORMAT,
            "made_at": _moment(self.made_at_ms).isoformat(timespec="milliseconds"),
            "role": self.role,
            "site": self.site.hex(),
            "author": self.author.hex(),
            "entries": self.entries,
            "streams": self.streams,
            "files": {
                name: {"bytes": size, "blake2b": digest.hex()}
                for name, (size, digest) in self.files.items()
            },
            "left_out": LEFT_OUT,
        }
        return json.dumps(text, indent=1).encode() + b"\n"


def make_backup(
    folder: Path, to: Path, clock: Clock, entropy: Callable[[int], bytes]
) -> tuple[Path, Manifest]:
    """Back up the hub or phone in `folder`, which may be at work; the new file and its manifest.

    `to` is the file's name, or a folder in which it gets a name by its time.

    Raises:
        BackupError: there is no store, it is damaged, or a file of the name is there already.
        StoreError, IdentityError: the files are broken.
        OSError: the disk refused.
    """
    if not (folder / STORE_FILE).is_file():
        raise BackupError(f"there is no store in {folder}; give the folder of a hub or phone")
    certificates = load_certificates(folder)
    role = "hub" if certificates and certificates[0].role == Role.HUB else "phone"
    now_ms = clock.now_ms()
    if to.is_dir():
        to = to / f"fieldlog-{role}-{_moment(now_ms):%Y%m%dT%H%M%SZ}.tar.gz"
    if to.exists():
        raise BackupError(f"{to} is there already; give another name, or a folder")
    with _workroom(to) as room:
        _copy_store(folder / STORE_FILE, room / STORE_FILE)
        names = [STORE_FILE]
        if (folder / FILES_FILE).is_file():
            # After the store: what that names and was here then is in this copy too.
            _copy_store(folder / FILES_FILE, room / FILES_FILE)
            names.append(FILES_FILE)
        site, author, entries, streams = _seal_and_check(room, folder, clock, entropy)
        for name in HUB_FILES if role == "hub" else PHONE_FILES:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, room / name)
                names.append(name)
        files = {name: digest_of_file(room / name) for name in names}
        manifest = Manifest(now_ms, role, site, author, entries, streams, files)
        packed = room / "packed"
        _pack(packed, manifest, room)
        if to.exists():
            raise BackupError(f"{to} is there already; give another name, or a folder")
        packed.replace(to)
        fsync_folder(to.parent)
    return to, manifest


@contextlib.contextmanager
def _workroom(to: Path) -> Iterator[Path]:
    """A private folder beside the backup to be; it is gone afterwards, whatever happened."""
    room = to.with_name(f".{to.name}.new")
    shutil.rmtree(room, ignore_errors=True)
    try:
        room.mkdir(mode=0o700)
    except FileNotFoundError as error:
        raise BackupError(f"there is no folder {to.parent}; make it first") from error
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _copy_store(source: Path, target: Path) -> None:
    """A copy of one moment, by a connection that can't write, while others go on writing.

    VACUUM INTO rather than the backup API: what was deleted does not come along.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with contextlib.closing(read_only(source)) as db:
            db.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.DatabaseError as error:
        if "full" in str(error):
            raise BackupError(f"the disk that holds {target.parent.parent} is full") from error
        raise BackupError(
            f"{source} can't be read whole ({error}), so no backup was made; run 'fieldlog check'"
        ) from error


def _seal_and_check(
    room: Path, folder: Path, clock: Clock, entropy: Callable[[int], bytes]
) -> tuple[bytes, bytes, int, int]:
    """Make the copy one that can stand without its key, and prove it; site, author and counts."""
    store = Store(room / STORE_FILE)
    try:
        with store.transaction():
            if (folder / KEY_FILE).exists():
                seal_own(store, load_key(folder / KEY_FILE))
            store.put("mark", NOWHERE)
    except (LogError, ValueError, TypeError, LookupError) as error:
        raise BackupError(f"the store is damaged: {error}; run 'fieldlog check'") from error
    finally:
        store.close()
    return prove_store(room, folder, clock, entropy)


def prove_store(
    room: Path, folder: Path, clock: Clock, entropy: Callable[[int], bytes]
) -> tuple[bytes, bytes, int, int]:
    """Site, author, entries and streams of the store in `room` that belongs in `folder`.

    Raises:
        BackupError: anything at all is wrong with it.
    """
    try:
        replica = replica_to_check(room / STORE_FILE, load_certificates(folder), clock, entropy)
        try:
            findings = check_store(replica, sealed=True)
            if (room / FILES_FILE).is_file():
                findings += check_files(replica)
                replica.files.into_one_file()
            (entries,) = replica.store.db.execute("SELECT count(*) FROM entry").fetchone()
            (streams,) = replica.store.db.execute("SELECT count(*) FROM stream").fetchone()
            # One file alone, without a WAL beside it.
            replica.store.db.execute("PRAGMA journal_mode = DELETE")
        finally:
            replica.close()
    except UNREADABLE as error:
        raise BackupError(f"the store is damaged: {error}; run 'fieldlog check'") from error
    if findings:
        raise BackupError(f"the store is damaged: {findings[0]}; run 'fieldlog check'")
    return replica.site, replica.author, entries, streams


def digest_of_file(path: Path) -> tuple[int, bytes]:
    """Size and BLAKE2b-256 of a file."""
    digest, size = blake2b(digest_size=32), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.digest()


def _pack(packed: Path, manifest: Manifest, room: Path) -> None:
    descriptor = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with (
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w|") as tar,
        ):
            data = manifest.to_bytes()
            tar.addfile(_member(MANIFEST_FILE, len(data), manifest), io.BytesIO(data))
            for name, (size, _) in manifest.files.items():
                with (room / name).open("rb") as content:
                    tar.addfile(_member(name, size, manifest), content)
        file.flush()
        os.fsync(file.fileno())


def _member(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, manifest.made_at_ms // 1000
    return member


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
