"""What a phone tells its hub of itself while they are in session: duty, battery, place.

A presence is kept in memory at the hub, latest wins, and is never in the log. Holds no sync.
Invariant: a place is told only while the worker is on duty, and going off duty takes it back.

Source: a field-tuned tracker found that a radio stays up for 10 to 20 s after each send, and that
sending more rarely, not the receiver, was what saved its phones; a position of the last minute
counts as live on the board.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

from core.dispatch.fix import Fix, speed_cmps
from core.dispatch.geometry import distance_m
from replica.driver import Conversation

# Places are told no oftener than this: each keeps a phone's radio up. One that is still where it
# was is told when the link would else be pinged (`replica.link.HEARTBEAT_S`), and costs nothing.
PLACE_MS, PLACE_STILL_MS = 30_000, 240_000
STILL_M: Final = 100

# The keys of a presence's fields, as `docs/formats/wire.md` numbers them.
AT, LAT, LON, ACCURACY, BEARING, SPEED, BATTERY, DUTY, JOBS = range(9)


class PresenceTeller:
    """Tells the conversation of the day what changed since it was last told."""

    def __init__(self) -> None:
        self.battery_percent: int | None = None
        self._placed: Fix | None = None
        self._told: tuple[object, ...] = ()
        self._placed_in: Conversation | None = None

    @property
    def placed_ms(self) -> int | None:
        """The time of the last place that was told."""
        return None if self._placed is None else self._placed.time_ms

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
        """Tell where a fix on duty was, unless another was told just before."""
        if conversation is None:
            return
        is_known = self._told == (conversation, True, jobs) and self._placed_in is conversation
        if is_known and self._placed is not None and _is_soon(fix, self._placed):
            return
        place: dict[int, int | None] = {
            LAT: fix.lat_e7,
            LON: fix.lon_e7,
            ACCURACY: fix.accuracy_m,
            BEARING: fix.bearing_deg,
            SPEED: speed_cmps(fix) if fix.speed_mps is not None else None,
        }
        if await self._send(conversation, fix.time_ms, place, duty=True, jobs=jobs):
            self._placed, self._placed_in = fix, conversation
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


def _is_soon(fix: Fix, told: Fix) -> bool:
    """Whether a place needs no telling yet after the one that was told last."""
    moved_m = distance_m(told.lat_e7, told.lon_e7, fix.lat_e7, fix.lon_e7)
    return 0 <= fix.time_ms - told.time_ms < (PLACE_STILL_MS if moved_m < STILL_M else PLACE_MS)
