"""Planted bugs of shutting out: too much of a revoked key counts, or too little.

Each is a context manager. Holds no judgement of who catches it. Invariant: outside their blocks
nothing is changed.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from core.log.stream import StreamState
from replica import intake
from simulator.planted.patching import replaced


def revoked_counts() -> AbstractContextManager[None]:
    """A key goes on counting in all streams in which a hub has cut it once."""

    def wrong(_: object) -> object:
        return lambda self, placed: bool(self._cuts.get(placed.stored.author))

    return replaced(StreamState, "_before_cut", wrong)


def cuts_forgotten() -> AbstractContextManager[None]:
    """A hub that hears of a revocation from another writes no cuts for what it holds."""
    return replaced(intake, "write_cuts", lambda _: lambda replica, authors: 0)
