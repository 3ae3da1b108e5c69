"""The generation of a store: noticing that it was copied or restored, and beginning anew.

At each start a mark is laid beside the store and noted in it: a file with a random name, whose
inode and time of change no copy can have. A store whose mark is not where it says has come from
another place or another time, and must not go on under its old key, which may have written since.
Then what that key wrote is sealed while the key is there, the key is taken away, and what peers
had confirmed is asked anew. Holds no certificates: whoever starts gets a new key certified.
Invariant: a key that may have written elsewhere writes nothing more here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.log.chain import seal_leaf
from core.log.errors import LogError
from core.log.limits import SEAL_LEAVES_MAX
from core.log.seal import make_seal
from replica import logs
from replica.identity import KEY_FILE, fsync_folder, load_key, public_bytes
from replica.store import Store

MARK_PREFIX = "mark-"
TOKEN_BYTES = 8

# What a store says that must begin anew wherever it is opened next, such as one in a backup.
NOWHERE = [b"", 0, 0]

# How many former keys a store remembers as its own.
FORMER_MAX = 64

_WORDS = (
    b"Fieldlog knows by this file that the folder is not a copy. Don't copy or touch it: a folder\n"
    b"without it begins anew with a new key, which is what a copy must do.\n"
)


def is_at_home(store: Store) -> bool:
    """Whether the store lies where, and is what, it was when it was last at work.

    A store that never had a mark (a new one, or one of an earlier version) counts as at home. The
    device's number is left out: on many machines it changes from start to start.
    """
    try:
        noted = store.get("mark")
        if noted is None:
            return True
        token, inode, changed_ns = noted
        if len(token) != TOKEN_BYTES:
            return False
        found = _mark_path(store, token).stat()
    except (LogError, FileNotFoundError, ValueError, TypeError, AttributeError):
        # Also what can't be read as a mark is none: a new key does no harm.
        return False
    return (found.st_ino, found.st_ctime_ns) == (inode, changed_ns)


def settle(store: Store, entropy: Callable[[int], bytes]) -> None:
    """Lay a new mark and note it; from here on an older copy of the store is noticed.

    The new file is durable before the store names it, and the old one goes after that, so a power
    cut in between leaves a store that is at home.

    Raises:
        StoreError, OSError: the disk refused.
    """
    token = entropy(TOKEN_BYTES)
    path = _mark_path(store, token)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_WORDS)
        file.flush()
        os.fsync(file.fileno())
    fsync_folder(path.parent)
    laid = path.stat()
    with store.transaction():
        store.put("mark", [token, laid.st_ino, laid.st_ctime_ns])
    for other in path.parent.glob(f"{MARK_PREFIX}*"):
        if other != path:
            other.unlink(missing_ok=True)


def begin_anew(store: Store, entropy: Callable[[int], bytes]) -> None:
    """Seal what the old key wrote, void what peers confirmed, and take the old key away.

    May be repeated after a power cut: the mark is laid by `settle`, once a new key is there.

    Raises:
        IdentityError: the old key is broken, so what it wrote and did not send can't be sealed.
        StoreError, OSError: the disk refused.
    """
    path = store.path.parent / KEY_FILE
    key = load_key(path) if path.exists() else None
    with store.transaction():
        if key is not None:
            seal_own(store, key)
            remember_former(store, public_bytes(key))
        void_reach(store, entropy)
        store.put("mine", 0)
    path.unlink(missing_ok=True)
    fsync_folder(path.parent)


def seal_own(store: Store, key: Ed25519PrivateKey) -> None:
    """Seal every log of a key, so that others can check its entries without it.

    A seal makes no entry, so it forks nothing. Within the caller's transaction.
    """
    site = store.get("site")
    if site is None:
        return
    author, number = public_bytes(key), store.get("mine", 0)
    streams = "SELECT DISTINCT stream FROM log WHERE author = ? ORDER BY stream"
    rows = [
        row
        for (stream,) in store.db.execute(streams, (author,)).fetchall()
        for row in logs.log_rows(store.db, stream)
        if row.author == author and row.height > row.base
    ]
    for first in range(0, len(rows), SEAL_LEAVES_MAX):
        part = rows[first : first + SEAL_LEAVES_MAX]
        leaves = tuple(seal_leaf(row.stream, row.height, row.head) for row in part)
        seal = logs.keep_seal(store.db, make_seal(site, author, key, number, leaves))
        for row in part:
            logs.cover(store.db, row, seal)


def void_reach(store: Store, entropy: Callable[[int], bytes]) -> None:
    """Begin a new generation: what peers confirmed to the store before is asked anew.

    Peers do the same when they hear the new generation. Within the caller's transaction.
    """
    store.put("generation", entropy(8))
    for table in ("reach", "peer_stream", "dropped", "file_held"):
        store.db.execute(f"DELETE FROM {table}")
    store.db.execute("UPDATE peer SET generation = x'', mark = 0")


def remember_former(store: Store, author: bytes) -> None:
    """Keep that a key was this replica's own, so that its unsent entries count as waiting."""
    others = [former for former in former_authors(store) if former != author]
    store.put("former", [*others, author][-FORMER_MAX:])


def former_authors(store: Store) -> list[bytes]:
    """The keys under which this replica wrote before, the latest last."""
    return list(store.get("former", []))


def _mark_path(store: Store, token: bytes) -> Path:
    return store.path.parent / f"{MARK_PREFIX}{token.hex()}"
