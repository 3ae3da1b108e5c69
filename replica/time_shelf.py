"""What a comparing of clocks asks of a replica: the `core.log.time_told.TimeShelf` of this package.

Invariant: nothing but the offset is changed by what a hub tells; entries stay as they were written.
"""

from __future__ import annotations

import logging

from core.dispatch.fields import Role
from replica.clock_offset import words_of
from replica.replica import Replica

LOGGER = logging.getLogger(__name__)


class ReplicaTimeShelf:
    """A replica's clocks as one session sees them."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    @property
    def is_hub(self) -> bool:
        """As `TimeShelf` says."""
        return self._replica.identity.own.role == Role.HUB

    def is_due(self) -> bool:
        """As `TimeShelf` says."""
        return self._replica.offset.is_due()

    def uptime_ms(self) -> int:
        """As `TimeShelf` says."""
        return self._replica.clock.uptime_ms()

    def now_ms(self) -> int:
        """As `TimeShelf` says."""
        return self._replica.clock.now_ms()

    def compared(self, asked_ms: int, told_ms: int) -> None:
        """As `TimeShelf` says."""
        replica = self._replica
        if not replica.offset.compare(asked_ms, told_ms):
            LOGGER.info("the hub told the time too late to be of use")
            return
        words = words_of(replica.offset.now_ms())
        if words:
            LOGGER.warning("this machine's clock is %s, as its hub says", words)
