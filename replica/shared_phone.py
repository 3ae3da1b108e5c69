"""The folders of a phone that several workers share: one for each, and which of them is in use.

The first worker's files lie in the phone's own folder, as on a phone of one; those of others in
folders of their own below it, each a replica with a key of its own. Holds no store open. Invariant:
a folder is emptied only after it was noted that nothing in it is owed any more, and what a power
cut left of it goes at the next start.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from replica.identity import KEY_FILE, fsync_folder, load_certificates, write_private
from replica.occupied import LOCK_FILE
from replica.preferences import PREFERENCES_FILE
from replica.standstill import BEAT_FILE
from replica.store import STORE_FILE

# Below the phone's folder.
WORKERS_FOLDER: Final = "workers"
IN_FILE: Final = "who-is-in"
# In a worker's folder: it is left once nothing in it waits any more; nothing does, so it goes.
LEAVING_FILE: Final = "leaving"
GONE_FILE: Final = "gone"

FOLDERS_MAX: Final = 32

# What is the phone's and no worker's.
_STAYS: Final = frozenset(
    {WORKERS_FOLDER, IN_FILE, LOCK_FILE, BEAT_FILE, PREFERENCES_FILE, "screens.secret", "ballast"}
)


def folder_in(phone: Path) -> Path:
    """The folder of whoever is in: at first the phone's own."""
    try:
        name = (phone / IN_FILE).read_text("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return phone
    found = phone / WORKERS_FOLDER / name
    # Whatever stands in the file, nothing outside of the phone's folder is opened by it.
    sound = name.isalnum() and name.isascii() and found.is_dir()
    return found if sound else phone


def let_in(phone: Path, folder: Path) -> None:
    """Note whose folder is in use from here on; durable on return."""
    name = "" if folder == phone else folder.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(phone / IN_FILE, name.encode())


def worker_folders(phone: Path) -> list[Path]:
    """The folders of all workers that have joined here, the first one's first."""
    others = sorted((phone / WORKERS_FOLDER).glob("*"))
    return [each for each in (phone, *others) if (each / STORE_FILE).exists()]


def empty_folder(phone: Path, entropy: Callable[[int], bytes]) -> Path:
    """A folder in which nobody has joined yet; the phone's own, where that is free."""
    if not _is_used(phone):
        return phone
    below = phone / WORKERS_FOLDER
    unused = [each for each in sorted(below.glob("*")) if not _is_used(each)]
    return unused[0] if unused else below / entropy(4).hex()


def _is_used(folder: Path) -> bool:
    return any((folder / name).exists() for name in (STORE_FILE, KEY_FILE, GONE_FILE))


def worker_of(folder: Path) -> bytes:
    """Whose folder it is, as its certificate says; empty where it holds none."""
    certificates = load_certificates(folder)
    return certificates[0].subject if certificates else b""


def is_leaving(folder: Path) -> bool:
    """Whether its worker has logged out, and it goes once nothing in it waits."""
    return (folder / LEAVING_FILE).exists()


def set_leaving(folder: Path, leaving: bool) -> None:
    """Note that it goes once nothing in it waits, or that it stays; durable on return."""
    if leaving:
        write_private(folder / LEAVING_FILE, b"")
    else:
        (folder / LEAVING_FILE).unlink(missing_ok=True)
        fsync_folder(folder)


def empty(phone: Path, folder: Path) -> None:
    """Take a worker's folder away with its key; nothing may have it open, and nothing be owed.

    May be repeated after a power cut: from the first line on it is gone.
    """
    write_private(folder / GONE_FILE, b"")
    # The key first: a store without one writes nothing more.
    for path in sorted(folder.iterdir(), key=lambda each: each.name != KEY_FILE):
        if path.name == GONE_FILE or (folder == phone and path.name in _STAYS):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (folder / GONE_FILE).unlink()
    fsync_folder(folder)
    if folder != phone:
        with contextlib.suppress(OSError):
            folder.rmdir()


def finish_emptying(phone: Path) -> None:
    """At a start: what a power cut left of folders that were gone already."""
    for folder in (phone, *sorted((phone / WORKERS_FOLDER).glob("*"))):
        if (folder / GONE_FILE).exists():
            empty(phone, folder)
