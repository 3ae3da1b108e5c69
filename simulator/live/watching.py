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

    `until_s` is None while it lasts. `refused_s`: since when nothing listens at the address; None
    where something does, and says nothing.
    """

    from_s: float
    stage: str
    until_s: float | None = None
    refused_s: float | None = None
    was_refused: bool = False


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

    @property
    def is_refused(self) -> bool:
        """Whether the last look found nothing that listens at the address."""
        return self.is_away and self.outages[-1].refused_s is not None

    @property
    def is_gone(self) -> bool:
        """Whether nobody needs to wait for it any more."""
        if not self.is_away:
            return False
        now_s, outage = self._now_s, self.outages[-1]
        refused_s = now_s if outage.refused_s is None else outage.refused_s
        return now_s - refused_s >= GONE_S or now_s - outage.from_s >= SILENT_S_MAX

    async def run(self) -> None:
        """Look until cancelled. Raises HubGone."""
        while True:
            await self.look()
            if self.is_gone:
                raise HubGone
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Ask once."""
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                told = await self._ask()
        except TimeoutError:
            self._outage().refused_s = None
        except (aiohttp.ClientError, OSError, ValueError):
            outage = self._outage()
            outage.was_refused = True
            if outage.refused_s is None:
                outage.refused_s = self._now_s
        else:
            if self.is_away:
                self.outages[-1].until_s = self._now_s
            if told is not None:
                self._tell(told)

    @property
    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _outage(self) -> Outage:
        """The outage that goes on; one begins where none does."""
        if not self.is_away:
            self.outages.append(Outage(self._now_s, self._stage()))
            self._failed("the hub did not answer")
        return self.outages[-1]
