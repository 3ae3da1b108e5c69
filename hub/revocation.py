"""Shutting a key out, from a page or a command.

What the hub held of the key goes on counting (`replica.cuts`); a revocation alone would make
everything inert that it ever wrote. Holds no pages. Invariant: what the hub held of the key when
it was revoked goes on counting.
"""

from __future__ import annotations

from replica.cuts import revoke_and_cut
from replica.replica import Replica


def shut_out(replica: Replica, author: bytes, *, actor: bytes = b"") -> None:
    """Revoke `author` as of what this hub holds now, in one transaction.

    Where its log was forked (a clone), each branch has a cut of its own: both count.
    """
    revoke_and_cut(replica, author, actor=actor)
