"""Whether the hub of a live run answers, looked at once a second from beginning to end.

Holds outages as they were; judges nothing. Invariant: a hub that is only slow ends no run; one that
is gone does, so that nobody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

LOOK_EVERY_S: Final = 1.0
ANSWER_S_MAX: Final = 10.0
GONE_S: Final = 30.0
"""Nothing listens at the address for so long: the hub is gone."""
SILENT_S_MAX: Final = 120.0
"""Something listens and says nothing for so long: gone as well."""


class HubGone(Exception):
    """The hub does not answer any more."""


@dataclass(slots=True)
class Outage:
    """A time without an answer; seconds since the run began, and the stage in which it began.

    `until_s` is None while it lasts.
    """

    from_s: float
    stage: str
    until_s: float | None = None


class HubWatch:
    """Looks at a hub: `run` until it is cancelled, or the hub is gone.

    Args:
        ask: asks the hub for its figures; None where it tells none.
        tell: is given what it told.
        stage: says the stage of the run.
        failed: is told in words when an outage begins.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[dict[str, Any] | None]],
        tell: Callable[[dict[str, Any]], None],
        stage: Callable[[], str],
        failed: Callable[[str], None],
    ) -> None:
        self._ask = ask
        self._tell = tell
        self._stage = stage
        self._failed = failed
        self._began_s = time.monotonic()
        self.outages: list[Outage] = []

    @property
    def is_away(self) -> bool:
        """Whether the last look found nobody."""
        return bool(self.outages) and self.outages[-1].until_s is None

    async def run(self) -> None:
        """Look until cancelled. Raises HubGone."""
        while True:
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    told = await self._ask()
            except (aiohttp.ClientError, OSError) as error:
                silent = isinstance(error, TimeoutError)
                self._has_not_answered(SILENT_S_MAX if silent else GONE_S)
            else:
                if self.is_away:
                    self.outages[-1].until_s = self._now_s
                if told is not None:
                    self._tell(told)
            await asyncio.sleep(LOOK_EVERY_S)

    @property
    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _has_not_answered(self, gone_s: float) -> None:
        now_s = self._now_s
        if not self.is_away:
            self.outages.append(Outage(now_s, self._stage()))
            self._failed("the hub did not answer")
        if now_s - self.outages[-1].from_s >= gone_s:
            raise HubGone
