"""A hub that stands still, for commands that write to it.

Invariant: no other process holds its folder meanwhile, and what a person can mend is one line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.dispatch.acts import ActError
from core.dispatch.fields import Role
from replica.clock import SystemClock
from replica.commandline import CommandError
from replica.identity import IdentityError
from replica.occupied import FolderInUse, occupied
from replica.opening import open_at_rest
from replica.replica import Replica
from replica.store import STORE_FILE, StoreError


@contextmanager
def hub_at_rest(folder: Path, does: str) -> Iterator[Replica]:
    """The hub in `folder`, which no other process may hold; errors in words.

    `does` says what only a hub does, as in "erases".
    """
    if not (folder / STORE_FILE).exists():
        raise CommandError(f"there is no store in {folder}; give the folder of a hub")
    try:
        with occupied(folder):
            replica = open_at_rest(folder, SystemClock(), os.urandom)
            try:
                if replica.identity.own.role != Role.HUB:
                    raise CommandError(f"{folder} is a phone's folder; only a hub {does}")
                yield replica
            finally:
                replica.close()
    except (FolderInUse, IdentityError, StoreError, ActError) as error:
        raise CommandError(str(error)) from error
