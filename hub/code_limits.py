"""How often a code for a phone may be mistyped from one address.

A typed code has 80 random bits and five tries of its own; this keeps a machine on the network from
trying codes by the thousand, and the hub from working for it. Counts lie in memory: no code
outlives a restart either. Invariant: however many addresses try, memory stays within
`ADDRESSES_MAX` counts.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from hub.origins import origin_of

WINDOW_MS: Final = 15 * 60_000
MISTYPED_MAX: Final = 20
"""Four codes with five tries each: whoever needs more asks the office to read it out again."""
ADDRESSES_MAX: Final = 4_096
"""Some megabytes at most; those that were silent longest go first."""


class TooManyCodes(Exception):
    """This address has mistyped too often; `wait_ms` says when the next try is taken."""

    def __init__(self, wait_ms: int) -> None:
        self.wait_ms = wait_ms
        minutes = -(-wait_ms // 60_000)
        super().__init__(
            f"too many codes were tried from this phone's address; try again in {minutes} min"
        )


class CodeLimits:
    """Counts refused codes by address, by the hub's clock `now_ms`."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._mistyped: OrderedDict[str, deque[int]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raise TooManyCodes where the address has used up its tries."""
        times = self._mistyped.get(origin_of(address))
        now_ms = self._now_ms()
        # A time ahead of now is of a clock that was wrong; it would lock people out until then.
        while times and not now_ms - WINDOW_MS < times[0] <= now_ms:
            times.popleft()
        if times and len(times) >= MISTYPED_MAX:
            raise TooManyCodes(times[0] + WINDOW_MS - now_ms)

    def count(self, address: str) -> None:
        """Count a code that was refused."""
        origin = origin_of(address)
        self._mistyped.setdefault(origin, deque(maxlen=MISTYPED_MAX)).append(self._now_ms())
        self._mistyped.move_to_end(origin)
        while len(self._mistyped) > ADDRESSES_MAX:
            self._mistyped.popitem(last=False)
