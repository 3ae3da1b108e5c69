"""What a listener at the writer wants to hear of: whose commits, and which streams.

Holds no listening (`subscriptions`). Invariant: what may be news for a peer is for one of its keys
or of a stream that it holds; what is none may be, too.
"""

from __future__ import annotations

from dataclasses import dataclass

Audience = frozenset[bytes] | None
"""Whose phones a commit may matter to, as `replica.scope.audience_of` says it; None: anybody's."""


@dataclass(frozen=True, slots=True)
class Interest:
    """A peer's: `keys` are those by which an audience names it, `holds` the streams that it holds.

    A hub has a thousand of these and finds by them whom a commit is told, so it holds sets alone.
    """

    keys: frozenset[bytes]
    holds: frozenset[bytes]
