"""The start of a hub: the first makes a site, its key and the hub's own certificate.

Every later one loads them; one in a folder that was copied or restored makes the hub a new key,
which the site's key certifies. Accounts are made later, by the one-time link. Invariant: a folder
holds one site, and its site key never changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from core.dispatch.acts import SITE_STREAM, Change, certify
from core.dispatch.fields import CLOSED, Role
from core.log.certificate import Certificate, issue
from hub.site_key import open_site_key
from replica.clock import Clock
from replica.cuts import revoke_and_cut
from replica.generation import begin_anew, is_at_home, settle
from replica.identity import (
    KEY_FILE,
    SITE_KEY_FILE,
    Identity,
    IdentityError,
    load_certificates,
    load_identity,
    load_or_make_key,
    public_bytes,
    save_identity,
)
from replica.purging import forget_erased
from replica.rejoining import put_in_place
from replica.replica import Replica
from replica.set_aside import join_set_aside
from replica.store import STORE_FILE, Store

LOGGER = logging.getLogger(__name__)

# A hub's own certificate lasts; a hub that must go is revoked.
HUB_SESSION_MS = 20 * 365 * 86_400_000

# Stands in the folder of a hub that asked to be another one of a site, until it is: such a hub must
# not found a site of its own.
ASKED_FILE = "asked"

# Under this name the store keeps, from when a new key is made until the old one is shut out, the
# old key and the site key's closing of it.
RETIRING = "retiring"

# Under this name the store counts the jobs that this hub numbered.
JOBS_NUMBERED = "jobs numbered"

# A restored hub goes on from the next full thousand: nobody knows yet how many numbers were given
# since the backup, and a number that two jobs have helps nobody. A hub numbers fewer in a day.
NUMBERS_SKIPPED_TO = 1_000


def open_hub_replica(
    folder: Path,
    clock: Clock,
    entropy: Callable[[int], bytes],
    *,
    tls_fingerprint: bytes,
    letter: str = "A",
    site_secret: str = "",
) -> Replica:
    """The hub's replica in `folder`; on the first start its site is founded there.

    `site_secret` opens the site's key where that is locked and a new hub key has to be certified.

    Raises:
        IdentityError, StoreError: the folder holds something broken, or another program's files.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    put_in_place(folder, entropy)
    certificates = load_certificates(folder)
    if certificates is None and (folder / ASKED_FILE).exists():
        raise IdentityError(
            f"the hub in {folder} has asked to be one of a site and has no answer yet; take it in "
            "with 'fieldlog enrol take', or give another folder"
        )
    if certificates is not None:
        if certificates[0].role != Role.HUB:
            raise IdentityError(f"{folder} is a phone's folder; start it with 'fieldlog device'")
        letter = certificates[0].subject.decode("ascii", "replace")
    store = Store(folder / STORE_FILE)
    try:
        if is_at_home(store):
            identity = load_identity(folder)
        else:
            _begin_anew(store, folder, entropy, letter, site_secret)
            identity = None
        if identity is None:
            identity = _found(folder, clock, entropy, tls_fingerprint, letter, site_secret)
        settle(store, entropy)
        replica = Replica(store, identity, clock, entropy)
    except BaseException:
        store.close()
        raise
    (certified,) = certify(identity.author, identity.own.to_bytes())
    if certified.path not in replica.state(SITE_STREAM).registers:
        replica.write([certified])
    retire(replica)
    join_set_aside(replica)
    forget_erased(replica)
    return replica


def retire(replica: Replica) -> None:
    """Shut out the key that this hub had before, if it was replaced, by the site's own word."""
    retiring = replica.store.get(RETIRING)
    if retiring is None or retiring[0] == replica.author:
        return
    author, last, signature = retiring
    with replica.store.transaction():
        replica.write([Change(SITE_STREAM, (CLOSED, author), [last, signature])])
        revoke_and_cut(replica, author)
        replica.store.put(RETIRING, None)


def _begin_anew(
    store: Store, folder: Path, entropy: Callable[[int], bytes], letter: str, site_secret: str
) -> None:
    """Take the old key away from a store that was copied or restored.

    Raises:
        IdentityError: the site's key, which alone can certify a new one, is not there or locked;
            nothing was changed.
    """
    path, site = folder / SITE_KEY_FILE, store.get("site")
    there = path.exists() and public_bytes(open_site_key(folder, site_secret)) == site
    if site is not None and not there:
        raise IdentityError(
            f"{folder} was copied or restored, so this hub needs a new key, which only the site's "
            f"key can certify: put {SITE_KEY_FILE} of its site there and start again"
        )
    begin_anew(store, entropy)
    skipped_to = skip_numbers(store, letter)
    LOGGER.warning(
        "this folder was copied or restored: the hub has a new key, and numbers new jobs from "
        "%s-%d; what was written since comes back from phones and other hubs",
        letter, skipped_to + 1,
    )  # fmt: skip


def skip_numbers(store: Store, letter: str) -> int:
    """Go on from the next full thousand, which is given back; for a hub that was restored."""
    with store.transaction():
        given = max(store.get(JOBS_NUMBERED, 0), _highest_number(store, letter))
        skipped_to: int = (given // NUMBERS_SKIPPED_TO + 1) * NUMBERS_SKIPPED_TO
        store.put(JOBS_NUMBERED, skipped_to)
    return skipped_to


def _highest_number(store: Store, letter: str) -> int:
    """The highest number that a job of this letter has: the count itself may have been lost."""
    numbers = store.db.execute(
        "SELECT number FROM (SELECT number FROM job UNION SELECT number FROM recurrence) "
        "WHERE number LIKE ?",
        (f"{letter}-%",),
    )
    ends = [number.partition("-")[2] for (number,) in numbers]
    return max([int(end) for end in ends if end.isascii() and end.isdigit()], default=0)


def _found(
    folder: Path,
    clock: Clock,
    entropy: Callable[[int], bytes],
    tls_fingerprint: bytes,
    letter: str,
    site_secret: str,
) -> Identity:
    if not (folder / SITE_KEY_FILE).exists():
        load_or_make_key(folder / SITE_KEY_FILE, entropy)
    site_key = open_site_key(folder, site_secret)
    key = load_or_make_key(folder / KEY_FILE, entropy)
    site = public_bytes(site_key)
    unsigned = Certificate(
        site,
        public_bytes(key),
        letter.encode(),
        int(Role.HUB),
        (),
        clock.now_ms() + HUB_SESSION_MS,
        tls_fingerprint,
        site,
    )
    save_identity(folder, site, (issue(unsigned, site_key),))
    identity = load_identity(folder)
    assert identity is not None
    return identity
