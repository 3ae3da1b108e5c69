"""What time it is: a phone asks its hub within a session, and keeps how far its clock stands off.

The answer is as good as the session that it comes in: nobody but the hub can have given it. Holds
no clock and corrects nothing. Invariant: what is kept was measured between a question and its
answer, and is off by no more than the time between them.
"""

from __future__ import annotations

from typing import Protocol

from core.log.certificate import HUB_ROLE, Certificate
from core.log.errors import Malformed, OverLimit
from core.log.limits import TIMES_TOLD_MAX
from core.log.relay_messages import TimeAsked, TimeMessage, TimeTold


class TimeShelf(Protocol):
    """What is asked of a replica's clocks."""

    @property
    def is_hub(self) -> bool:
        """Whether the replica is a hub: it tells the time, and never asks."""

    def is_due(self) -> bool:
        """Whether the clock should be compared with a hub's again."""

    def uptime_ms(self) -> int:
        """The monotonic clock."""

    def now_ms(self) -> int:
        """The wall clock, ms UTC."""

    def compared(self, asked_ms: int, told_ms: int) -> None:
        """A hub's clock said `told_ms` between the uptime `asked_ms` and now. Durable on return."""


class TimeExchange:
    """One side of the comparing of clocks with one peer that has protocol 3."""

    def __init__(self, shelf: TimeShelf, peer: Certificate) -> None:
        self._shelf = shelf
        self._asks = peer.role == HUB_ROLE and not shelf.is_hub
        self._asked_ms: int | None = None
        self._told = 0

    def receive(self, message: TimeMessage) -> list[TimeMessage]:
        """What is answered at once.

        Raises:
            Malformed: an answer that nobody waits for.
            OverLimit: the peer asks without end.
        """
        if isinstance(message, TimeAsked):
            self._told += 1
            if self._told > TIMES_TOLD_MAX:
                raise OverLimit(f"the time was asked for more than {TIMES_TOLD_MAX} times")
            return [TimeTold(message.asked_ms, self._shelf.now_ms())]
        if message.asked_ms != self._asked_ms:
            raise Malformed("the time was told to one who did not ask")
        self._asked_ms = None
        self._shelf.compared(message.asked_ms, message.now_ms)
        return []

    def go_on(self) -> list[TimeMessage]:
        """The question, where it is due."""
        if not self._asks or self._asked_ms is not None or not self._shelf.is_due():
            return []
        self._asked_ms = self._shelf.uptime_ms()
        return [TimeAsked(self._asked_ms)]
