"""A hub's key replaced while the site is at work, and another hub closed by the site's key.

The hub that keeps the site's key certifies a new key for itself; the old one is shut out as of all
that it wrote, and closed, so that it can say nothing more of others. Letter and transport
certificate stay, so phones and hubs find the hub where it was. Holds no questions and no printing.
Invariant: after a power cut the next start finishes what was begun, and no key writes in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import CLOSED, Role
from core.log.authority import Closing
from core.log.certificate import issue
from hub.founding import HUB_SESSION_MS, RETIRING
from hub.second_hub import HubRefused, site_key_of
from replica.clock import Clock
from replica.cuts import revoke_and_cut
from replica.identity import KEY_FILE, load_or_make_key, public_bytes, save_identity
from replica.rejoining import fresh_beside
from replica.replica import Replica


def prepare_rekey(
    replica: Replica, folder: Path, clock: Clock, entropy: Callable[[int], bytes], secret: str = ""
) -> bytes:
    """Make and certify the hub's next key beside its folder; the next start puts it in place.

    The replica must be closed after this and written to no more. Gives the new public key.

    Raises:
        HubRefused: this hub has not the site's key.
        IdentityError: the site's key is locked, or broken.
    """
    site_key = site_key_of(replica, folder, secret)
    beside = fresh_beside(folder)
    own = replica.identity.own
    author = public_bytes(load_or_make_key(beside / KEY_FILE, entropy))
    until = max(clock.now_ms() + HUB_SESSION_MS, own.session_until + 1)
    unsigned = replace(own, author=author, session_until=until, signature=b"")
    closing = Closing(replica.site, own.author, _head(replica, own.author))
    with replica.store.transaction():
        replica.store.put(RETIRING, [own.author, *closing.value(site_key)])
    save_identity(beside, replica.site, (issue(unsigned, site_key),))
    return author


def close_hub(
    replica: Replica, folder: Path, letter: str, secret: str = "", stolen_ms: int | None = None
) -> int:
    """Shut out every key of another hub by the site key's own word; how many keys that were.

    What this hub holds of them goes on counting, but in the site stream only what lies before the
    first entry of `stolen_ms` or later: beyond it they revoke and certify nobody.

    Raises:
        HubRefused: this hub has not the site's key, or there is no other hub of that letter.
        IdentityError: the site's key is locked, or broken.
    """
    site_key = site_key_of(replica, folder, secret)
    keys = {
        each.author
        for each in replica.certificates_of(Role.HUB)
        if each.subject == letter.encode() and each.author != replica.author
    }
    if not keys or letter == replica.subject.decode("ascii", "replace"):
        raise HubRefused(f"there is no other hub {letter} of this site")
    with replica.store.transaction():
        for author in sorted(keys):
            closing = Closing(replica.site, author, _head(replica, author, stolen_ms))
            revoke_and_cut(replica, author)
            value = closing.value(site_key)
            replica.write([Change(SITE_STREAM, (CLOSED, author), value)])
    return len(keys)


def _head(replica: Replica, author: bytes, before_ms: int | None = None) -> bytes:
    """The last entry of a key in the site stream, before any of `before_ms`; zeros for none.

    Of branches the one that goes furthest: a closing names one place. By the key's own clock.
    """
    state = replica.state(SITE_STREAM)
    own = [log for log in state.logs.values() if log.key[0] == author and log.placed]
    if not own:
        return bytes(32)
    log = max(own, key=lambda log: (log.height, log.key))
    chain = list(log.placed)
    while log.parent is not None:
        base, log = log.base, state.logs[log.parent]
        chain = [each for each in log.placed if each.stored.seq <= base] + chain
    last = bytes(32)
    for placed in chain:
        at_ms = placed.entry.corrected_ms if placed.entry is not None else 0
        if before_ms is not None and at_ms >= before_ms:
            break
        last = placed.stored.hash
    return last
