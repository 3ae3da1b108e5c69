"""Restoring: a backup becomes a hub's or phone's folder, once all of it was checked.

Everything is unpacked and proven in a folder beside the new one, which then takes its name. What
is restored holds no key and no mark, so its first start makes it a new key. Writing backups is in
`backup`. Invariant: the new folder is there whole, or not at all.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from replica.backup import (
    CHUNK_BYTES,
    FORMAT,
    HUB_FILES,
    MANIFEST_BYTES_MAX,
    MANIFEST_FILE,
    PHONE_FILES,
    BackupError,
    Manifest,
    prove_store,
)
from replica.clock import Clock
from replica.file_store import FILES_FILE
from replica.identity import IdentityError, fsync_folder
from replica.occupied import LOCK_FILE, occupied
from replica.store import STORE_FILE


def restore_backup(
    backup: Path, folder: Path, clock: Clock, entropy: Callable[[int], bytes]
) -> Manifest:
    """Make `folder`, which is empty or not there, of a backup.

    Raises:
        BackupError: the backup is damaged or of another version, or the folder is not empty.
        FolderInUse: a hub or phone runs there.
        OSError: the disk refused.
    """
    _see_that_it_is_empty(folder)
    room = folder.with_name(f".{folder.name}.restored")
    shutil.rmtree(room, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    room.mkdir(mode=0o700)
    try:
        manifest = unpack_backup(backup, room)
        try:
            site, *_ = prove_store(room, room, clock, entropy)
        except (BackupError, IdentityError) as error:
            raise BackupError(f"{backup} is damaged: {error}; take another one") from error
        if site != manifest.site:
            raise BackupError(f"{backup} is damaged: its store is of another site than it says")
        fsync_folder(room)
        # Only an empty folder gives way to another; whatever was laid there meanwhile stays.
        room.rename(folder)
        fsync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(room, ignore_errors=True)
        raise
    return manifest


def _see_that_it_is_empty(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BackupError(f"{folder} is no folder; give a new one with --data")
    if (folder / LOCK_FILE).exists():
        with occupied(folder):
            pass
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty; nothing in it was changed: give a new folder")


def unpack_backup(backup: Path, room: Path) -> Manifest:
    """Write a backup's files into `room`, durable, and see that each is what the manifest says.

    Raises:
        BackupError: the file is none of ours, damaged, or of a newer version.
        OSError: the file is not there, or the disk refused.
    """
    try:
        with gzip.open(backup, "rb") as unzipped:
            with tarfile.open(fileobj=unzipped, mode="r|") as tar:
                manifest = _unpack(tar, room)
            # Only at its end does gzip compare its sum over everything.
            while unzipped.read(CHUNK_BYTES):
                pass
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise BackupError(f"{backup} is no whole backup ({error}); take another one") from error
    except BackupError as error:
        raise BackupError(f"{backup} is no whole backup: {error}; take another one") from error
    return manifest


def _unpack(tar: tarfile.TarFile, room: Path) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST_FILE or first.size > MANIFEST_BYTES_MAX:
        raise BackupError(f"it does not begin with {MANIFEST_FILE}")
    manifest = read_manifest(_content(tar, first).read())
    waiting = list(manifest.files)
    while (member := tar.next()) is not None:
        if not waiting or member.name != waiting[0]:
            raise BackupError(f"{member.name!r} stands in it where the manifest names no such file")
        name = waiting.pop(0)
        size, digest = manifest.files[name]
        if member.size != size or _write(_content(tar, member), room / name) != digest:
            raise BackupError(f"{name} in it is not what the manifest says")
    if waiting:
        raise BackupError(f"{waiting[0]} is missing in it")
    return manifest


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise BackupError(f"{member.name!r} in it is no file")
    return content


def _write(content: BinaryIO, path: Path) -> bytes:
    """Write a file, private and durable; its BLAKE2b-256."""
    digest = blake2b(digest_size=32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.digest()


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest's JSON.

    Raises:
        BackupError: it is no manifest, of a newer version, or names files that no backup has.
    """
    try:
        text = json.loads(data)
        if text["fieldlog_backup"] != FORMAT:
            raise BackupError(
                f"it is of format {str(text['fieldlog_backup'])[:20]}, this version reads {FORMAT}"
            )
        found = Manifest(
            round(datetime.fromisoformat(text["made_at"]).timestamp() * 1000),
            str(text["role"]),
            bytes.fromhex(text["site"]),
            bytes.fromhex(text["author"]),
            int(text["entries"]),
            int(text["streams"]),
            {
                str(name): (int(of["bytes"]), bytes.fromhex(of["blake2b"]))
                for name, of in text["files"].items()
            },
        )
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise BackupError(f"its {MANIFEST_FILE} can't be read ({type(error).__name__})") from error
    allowed = {
        STORE_FILE,
        FILES_FILE,
        *{"hub": HUB_FILES, "phone": PHONE_FILES}.get(found.role, ()),
    }
    if next(iter(found.files), "") != STORE_FILE or not {*found.files} <= allowed:
        raise BackupError(f"its {MANIFEST_FILE} names other files than a backup has")
    return found
