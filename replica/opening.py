"""The start of a phone: its replica as it was, or a phone that has to join again.

A hub's start is `hub.founding`. Holds no screens. Invariant: a folder that was copied or restored
loses its key before anything is written under it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from core.dispatch.fields import Role
from core.sentence import say
from replica.clock import Clock
from replica.generation import begin_anew, is_at_home, settle
from replica.identity import (
    IdentityError,
    forget_certificates,
    load_certificates,
    load_identity,
)
from replica.purging import forget_erased
from replica.rejoining import put_in_place
from replica.replica import Replica
from replica.set_aside import join_set_aside
from replica.store import STORE_FILE, Store
from replica.transport_security import TRANSPORT_FILE_NAME

LOGGER = logging.getLogger(__name__)

# What it says where the hub no longer opens a session for the phone as it is.
TIME_IS_UP = say(
    "This phone's time to sync has run out, so it has to join again. Work on: everything on it is "
    "kept, and what waits goes to the hub once it has joined. Ask the office for a code."
)
SHUT_OUT = say(
    "The office has shut this phone out. If it is yours all the same, join again with a code of "
    "the office: everything on it is kept, and what it had not sent goes to the hub, where the "
    "office decides what of it counts."
)

# What the join page says first on a phone that holds work and no key.
JOIN_AGAIN = say(
    "This phone's data was copied or restored, so it has to join again. Everything on it is kept, "
    "and what it had not sent goes to the hub once it has joined. Ask the office for a code."
)


def open_phone(folder: Path, clock: Clock, entropy: Callable[[int], bytes]) -> Replica | None:
    """The phone's replica in `folder`; None where it has to join a site first.

    A folder that was copied or restored loses its key here, before anything is written: a phone
    can't certify a new one for itself, so it joins again. All that it holds stays.

    Raises:
        IdentityError, StoreError: the folder is a hub's, or holds something broken.
    """
    certificates = load_certificates(folder)
    if certificates is not None and certificates[0].role != Role.WORKER:
        raise IdentityError(f"{folder} is a hub's folder; start it with 'fieldlog hub'")
    put_in_place(folder, entropy)
    certificates = load_certificates(folder)
    if certificates is None and not (folder / STORE_FILE).exists():
        return None
    store = Store(folder / STORE_FILE)
    try:
        if not is_at_home(store):
            LOGGER.warning("this folder was copied or restored: the phone has to join again")
            begin_anew(store, entropy)
            # A copy must not show the same face to the network either.
            (folder / TRANSPORT_FILE_NAME).unlink(missing_ok=True)
            forget_certificates(folder)
        identity = load_identity(folder)
        settle(store, entropy)
        if identity is None:
            store.close()
            return None
        replica = Replica(store, identity, clock, entropy)
        join_set_aside(replica)
        forget_erased(replica)
        return replica
    except BaseException:
        store.close()
        raise


def open_at_rest(folder: Path, clock: Clock, entropy: Callable[[int], bytes]) -> Replica:
    """The replica of a folder on which no program runs, a hub's or a phone's, for a command.

    Raises:
        IdentityError: it has joined no site; or the folder was copied or restored, and its own
            program has to start in it first, which gets it a new key.
        StoreError: the store can't be used.
    """
    store = Store(folder / STORE_FILE)
    try:
        if not is_at_home(store):
            raise IdentityError(
                f"{folder} was copied or restored; start its hub or phone once, which makes a new "
                "key, and then do this again"
            )
        identity = load_identity(folder)
        if identity is None:
            raise IdentityError(f"{folder} has not joined a site")
        settle(store, entropy)
        replica = Replica(store, identity, clock, entropy)
        forget_erased(replica)
        return replica
    except BaseException:
        store.close()
        raise
