"""The clock of a live simulated site: pinned while a morning is made up, then running at a speed.

Every replica of the site shares it, the hub included. Invariant: it never goes back, and its
monotonic side runs with it.
"""

from __future__ import annotations

import asyncio
import time


class SiteClock:
    """A `replica.clock.Clock` that is set by hand or runs `speed` times as fast as the world.

    Args:
        now_ms: where it begins, ms UTC; it stands until `go`.
    """

    def __init__(self, now_ms: int) -> None:
        self._begun_ms = now_ms
        self._anchor_ms = now_ms
        self._anchor_ns = 0
        self._speed = 0.0

    def now_ms(self) -> int:
        """What the site's clocks say."""
        if not self._speed:
            return self._anchor_ms
        passed_ms = (time.monotonic_ns() - self._anchor_ns) / 1_000_000
        return self._anchor_ms + int(passed_ms * self._speed)

    def uptime_ms(self) -> int:
        """Milliseconds since the simulated machines started, an hour before the clock did."""
        return self.now_ms() - self._begun_ms + 3_600_000

    def boot(self) -> int:
        """The boot's number: one clock, one boot."""
        return self._begun_ms // 60_000 % 2**31

    def pin(self, now_ms: int) -> None:
        """Let it stand at a moment that is not before where it is."""
        self._anchor_ms = max(now_ms, self.now_ms())
        self._speed = 0.0

    def go(self, speed: float) -> None:
        """Let it run from where it is."""
        self._anchor_ms = self.now_ms()
        self._anchor_ns = time.monotonic_ns()
        self._speed = speed

    async def sleep_until(self, at_ms: int) -> None:
        """Wait until the clock, which runs, has come to a moment."""
        left_ms = at_ms - self.now_ms()
        if left_ms > 0:
            await asyncio.sleep(left_ms / 1000 / self._speed)
