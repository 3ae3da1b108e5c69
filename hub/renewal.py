"""Renewal: a phone that meets a hub in time gets a longer certificate for the same key.

So does one that lacks a right which the site has given its workers since. A right is never taken
back by this: what a key may, it may for as long as it stands (`core.dispatch.permits`).

Whoever is met proved its key just then, so any hub may say that the key opens sessions for longer;
what has run out already is renewed by an enrolment alone. Holds no sessions. Invariant: a renewal
changes nothing of a certificate but its issuer, how long it opens sessions, and rights added.
"""

from __future__ import annotations

from dataclasses import replace

from core.dispatch.acts import certify
from core.dispatch.fields import Role
from core.log.certificate import Certificate, issue
from hub.enrolment import PHONE_SESSION_MS, rights_now
from replica.replica import Replica

# What lasts longer than this is left as it is. Half of a certificate's life lets a phone that meets
# a hub twice in it go on for ever, and costs a site one entry a phone in two hundred days.
RENEWED_BELOW_MS = PHONE_SESSION_MS // 2


def renew(replica: Replica, peer: Certificate) -> Certificate | None:
    """Certify a peer anew whose certificate comes near its end; None where it needs none.

    `peer` is what it opened this session with, so it is in good standing and has not run out.

    Raises:
        StoreError: the disk refused; nothing was written, and the next contact does it.
    """
    now_ms = replica.clock.now_ms()
    longest = replica.store.db.execute(
        "SELECT max(session_until) FROM certificate WHERE author = ? AND role = ? AND subject = ?",
        (peer.author, peer.role, peer.subject),
    ).fetchone()[0]
    until_ms = now_ms + PHONE_SESSION_MS
    if peer.role >= Role.HUB:
        return None
    held = replica.standing(peer.author).rights
    lacking = peer.role == Role.WORKER and not held.issuperset(rights_now(replica))
    if (longest or 0) - now_ms > RENEWED_BELOW_MS and not lacking:
        return None
    own = replica.identity
    rights = tuple(sorted({*held, *rights_now(replica)})) if lacking else peer.rights
    unsigned = replace(
        peer, issuer=own.author, session_until=until_ms, rights=rights, signature=b""
    )
    certificate = issue(unsigned, own.key)
    replica.write(certify(peer.author, certificate.to_bytes()))
    return certificate
