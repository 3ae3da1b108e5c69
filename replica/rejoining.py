"""Becoming somebody anew on a replica that is at work: under the same key, or under a new one.

A phone whose certificate has run out keeps its key; one whose key was shut out begins anew under
another, and what it had not sent goes on waiting; a hub's key is replaced so too. All that is new
is made in a folder of its own first, and put in place once it is whole, so that nothing is given up
before a hub, or the site's key, has agreed.
Holds no screens. Invariant: after a power cut the next start finishes what was whole, and forgets
what was not.
"""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from core.sentence import say
from replica.generation import begin_anew
from replica.identity import (
    IDENTITY_FILE,
    KEY_FILE,
    Identity,
    fsync_folder,
    load_identity,
    load_key,
    public_bytes,
)
from replica.joining import HUB_FILE, WORK_OF_ANOTHER_SITE
from replica.screens.port import EnrolmentRefused
from replica.store import STORE_FILE, Store
from replica.transport_security import TRANSPORT_FILE_NAME

# Below the phone's folder; what lies in it is not this phone's yet.
NEXT_FOLDER = "next"

Join = Callable[[Path], Awaitable[None]]


async def join_beside(folder: Path, current: Identity, join: Join, *, new_key: bool) -> None:
    """Join again in a folder beside; nothing of `folder` itself is changed.

    `join` joins in the folder that it is given. `current` is who the phone is so far.

    Raises:
        EnrolmentRefused: it did not work, or the code is for another site or worker.
    """
    beside = fresh_beside(folder)
    try:
        if not new_key:
            for name in (KEY_FILE, TRANSPORT_FILE_NAME):
                if (folder / name).exists():
                    shutil.copy2(folder / name, beside / name)
        await join(beside)
        found = load_identity(beside)
        assert found is not None
        if found.site != current.site:
            raise EnrolmentRefused(WORK_OF_ANOTHER_SITE)
        if found.own.subject != current.own.subject:
            raise EnrolmentRefused(
                say(
                    "the code is for another worker than this phone's; take one of the same "
                    "worker, or start with a new folder"
                )
            )
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def fresh_beside(folder: Path) -> Path:
    """The empty folder in which the next identity of `folder` is made."""
    beside = folder / NEXT_FOLDER
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    return beside


def put_in_place(folder: Path, entropy: Callable[[int], bytes], store: Store | None = None) -> None:
    """Let the replica be who it became beside, if it did; nothing else may have the store open.

    `store` is the folder's, where the caller has it open.

    May be repeated after a power cut. Under a new key the old one is taken away first, as
    `begin_anew` does.

    Raises:
        IdentityError, StoreError, OSError: what lies beside is broken, or the disk refused.
    """
    beside = folder / NEXT_FOLDER
    if not (beside / IDENTITY_FILE).exists():
        # Nothing was begun, or it is not whole yet: the certificates are what is written last.
        return
    if (beside / KEY_FILE).exists():
        new = public_bytes(load_key(beside / KEY_FILE))
        old = folder / KEY_FILE
        if old.exists() and public_bytes(load_key(old)) != new and (folder / STORE_FILE).exists():
            opened = store or Store(folder / STORE_FILE)
            try:
                begin_anew(opened, entropy)
            finally:
                if store is None:
                    opened.close()
    # The certificates go last: as long as they lie beside, all of this is done again.
    for name in (TRANSPORT_FILE_NAME, HUB_FILE, KEY_FILE, IDENTITY_FILE):
        if (beside / name).exists():
            (beside / name).replace(folder / name)
            fsync_folder(folder)
    load_identity(folder)
    shutil.rmtree(beside, ignore_errors=True)
