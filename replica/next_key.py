"""A phone that was asked for a new key: it makes one, names it, and goes on under it.

The key is made beside the folder and named in the worker's stream under the old one; once a hub has
certified it, the phone changes over, and what it had not sent goes on waiting. Holds no sessions:
whoever changes over ends them first. Invariant: the old key stays until the new one is certified.
"""

from __future__ import annotations

from pathlib import Path

from core.dispatch.next_key import is_asked, name_next_key, next_keys
from core.log.certificate import read_certificate
from core.log.succession import NextKey
from replica.identity import (
    KEY_FILE,
    load_identity,
    load_key,
    load_or_make_key,
    public_bytes,
    save_identity,
)
from replica.rejoining import NEXT_FOLDER, fresh_beside, put_in_place
from replica.replica import Replica


def answer_request(replica: Replica, folder: Path) -> bool:
    """Do what the office's request needs next; whether all is ready to change over.

    Raises:
        StoreError, OSError: the disk refused; the next commit tries again.
    """
    own = replica.identity.own
    state = replica.state(own.subject)
    if not is_asked(state, own.author) or replica.standing(own.author).revoked:
        # What a key writes that was shut out names nothing; its phone joins again with a code.
        return False
    beside = folder / NEXT_FOLDER
    path = beside / KEY_FILE
    named = [each.author for each in next_keys(state) if each.former == own.author]
    if not path.exists() or public_bytes(load_key(path)) not in named:
        # The key is on the disk before it is named, as any is before its first signature.
        key = load_or_make_key(fresh_beside(folder) / KEY_FILE, replica.entropy)
        following = NextKey(replica.site, own.author, public_bytes(key), own.tls)
        replica.write(name_next_key(own.subject, following, following.sign(key)))
        return False
    return _take_certificate(replica, beside, public_bytes(load_key(path)))


def _take_certificate(replica: Replica, beside: Path, author: bytes) -> bool:
    """Keep the next key's certificate beside it, if a hub has issued it."""
    db, own = replica.store.db, replica.identity.own
    by_author = "SELECT certificate FROM certificate WHERE author = ?"
    for (data,) in db.execute(by_author, (author,)).fetchall():
        found = read_certificate(data)
        issuers = [read_certificate(row[0]) for row in db.execute(by_author, (found.issuer,))]
        if (found.role, found.subject) == (own.role, own.subject) and issuers:
            save_identity(beside, replica.site, (found, issuers[0]))
            return True
    return False


def change_over(replica: Replica, folder: Path) -> None:
    """Go on under the next key. No session may be open.

    Raises:
        IdentityError, StoreError, OSError: the disk refused; the next start does it.
    """
    put_in_place(folder, replica.entropy, replica.store)
    identity = load_identity(folder)
    assert identity is not None
    replica.become(identity)
