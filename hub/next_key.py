"""A hub lets a phone change its key: certifies the next one, and retires the former one after it.

Holds no sessions. Invariant: a former key is shut out only when its successor has met this hub and
agreed with it on what both hold, so nothing that was waiting falls with it.
"""

from __future__ import annotations

from core.dispatch.acts import certify
from core.dispatch.fields import Kind, Role
from core.dispatch.next_key import is_asked, next_keys
from core.log.certificate import Certificate, issue
from hub.enrolment import PHONE_SESSION_MS
from replica.cuts import revoke_and_cut
from replica.replica import Replica


def follow_keys(replica: Replica, peer: Certificate, *, agreed: bool) -> None:
    """Do what a phone's change of key needs from this hub; `agreed`: both hold the same just now.

    Raises:
        StoreError: the disk refused; the next contact does it.
    """
    if peer.role != Role.WORKER or peer.subject[4:5] != bytes([Kind.WORKER]):
        return
    state = replica.state(peer.subject)
    for named in next_keys(state):
        if not is_asked(state, named.former) or replica.standing(named.former).revoked:
            continue
        if named.former == peer.author and replica.standing(named.author).role == 0:
            _certify(replica, peer, named.author, named.tls)
        elif named.author == peer.author and agreed:
            revoke_and_cut(replica, named.former)


def _certify(replica: Replica, former: Certificate, author: bytes, tls: bytes) -> None:
    """The next key acts for whom the former did, with the same rights, from a new time on."""
    identity = replica.identity
    until = replica.clock.now_ms() + PHONE_SESSION_MS
    subject, role, rights = former.subject, former.role, former.rights
    unsigned = Certificate(replica.site, author, subject, role, rights, until, tls, identity.author)
    replica.write(certify(author, issue(unsigned, identity.key).to_bytes()))
