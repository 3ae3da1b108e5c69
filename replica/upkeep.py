"""Upkeep: what a replica does for its own store now and again.

Invariant: a piece that fails is told, and keeps no other from its turn.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

LOGGER = logging.getLogger(__name__)


async def look_after(*pieces: Callable[[], Awaitable[object]]) -> None:
    """Do each piece, one after another."""
    for piece in pieces:
        try:
            await piece()
        except Exception:
            # A store that is damaged raises anything, and just then the check must have its turn.
            LOGGER.exception("the store was not looked after")
