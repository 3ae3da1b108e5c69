"""What a phone tells its hub of itself while they are in session: duty, battery, place.

A presence is kept in memory at the hub, latest wins, and is never in the log. Holds no sync.
Invariant: a place is told only while the worker is on duty, and going off duty takes it back.
"""

from __future__ import annotations

import contextlib
from typing import Any

from core.dispatch.fix import Fix, speed_cmps
from replica.driver import Conversation

# The keys of a presence's fields, as `docs/formats/wire.md` numbers them.
AT, LAT, LON, ACCURACY, BEARING, SPEED, BATTERY, DUTY, JOBS = range(9)


class PresenceTeller:
    """Tells the conversation of the day what changed since it was last told.

    `placed_ms` is the time of the last place that was told, None before the first.
    """

    def __init__(self) -> None:
        self.battery_percent: int | None = None
        self.placed_ms: int | None = None
        self._told: tuple[object, ...] = ()

    async def tell_state(
        self, conversation: Conversation | None, now_ms: int, *, duty: bool, jobs: bool
    ) -> None:
        """Tell duty and app state, without a place, where they are news to this conversation."""
        news = (conversation, duty, jobs)
        if conversation is None or news == self._told:
            return
        if await self._send(conversation, now_ms, {}, duty=duty, jobs=jobs):
            self._told = news

    async def tell_place(self, conversation: Conversation | None, fix: Fix, *, jobs: bool) -> None:
        """Tell where a fix on duty was."""
        if conversation is None:
            return
        place: dict[int, int | None] = {
            LAT: fix.lat_e7,
            LON: fix.lon_e7,
            ACCURACY: fix.accuracy_m,
            BEARING: fix.bearing_deg,
            SPEED: speed_cmps(fix) if fix.speed_mps is not None else None,
        }
        if await self._send(conversation, fix.time_ms, place, duty=True, jobs=jobs):
            self.placed_ms = fix.time_ms
            self._told = (conversation, True, jobs)

    async def _send(
        self,
        conversation: Conversation,
        at_ms: int,
        place: dict[int, int | None],
        *,
        duty: bool,
        jobs: bool,
    ) -> bool:
        """Whether the session was far enough to say it."""
        message: dict[int, Any] = {AT: at_ms, **place, BATTERY: self.battery_percent}
        message |= {DUTY: int(duty), JOBS: int(jobs)}
        given = {key: value for key, value in message.items() if value is not None}
        effects = conversation.session.presence(given)
        with contextlib.suppress(ConnectionError):
            await conversation.carry_out(effects)
            return bool(effects)
        return False
