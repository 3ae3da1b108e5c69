"""The inbox's own part of the running program: the newest list, and which problems are news.

Pages ask often and alerts flicker: a worker at the edge of lateness is late, in time and late again
within minutes. Such a repeat is no news. Holds no HTML and nothing that is kept: after a restart
everything that is there is known. Invariants: a list is never older than its alerts; a problem is
news once, and again only after it was gone for `QUIET_MS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from hub.hub import Hub
from web.board.problems import Problem, gather
from web.board.state import AlertBook

QUIET_MS: Final = 10 * 60_000


class Repeats:
    """When each problem was listed first, gaps of less than `QUIET_MS` aside."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        self._begun = False

    def listed(self, keys: Iterable[str], now_ms: int) -> dict[str, int]:
        """When each of these was listed first (ms); 0 for what was there when this began."""
        found = {}
        for key in keys:
            first_ms, _ = self._seen.get(key, (now_ms if self._begun else 0, now_ms))
            found[key] = first_ms
            self._seen[key] = (first_ms, now_ms)
        self._begun = True
        self._seen = {
            key: (first_ms, last_ms)
            for key, (first_ms, last_ms) in self._seen.items()
            if now_ms - last_ms < QUIET_MS
        }
        return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A problem, and when it was listed first (ms, 0: before this hub was started)."""

    problem: Problem
    listed_ms: int


class InboxBook:
    """The newest list of problems, for as long as the alerts that it was made with hold."""

    def __init__(self, hub: Hub, alerts: AlertBook) -> None:
        self._hub = hub
        self._alerts = alerts
        self._number = -1
        self._repeats = Repeats()
        self._problems: tuple[Listed, ...] = ()

    async def problems(self, now_ms: int) -> tuple[Listed, ...]:
        """All problems, what hurts most first, and last what is put aside."""
        await self._alerts.read(now_ms)
        number = self._alerts.number
        if number != self._number:
            found = await gather(self._hub, self._alerts.alerts, now_ms)
            open_keys = [each.key for each in found if not each.aside_until_ms]
            listed = self._repeats.listed(open_keys, now_ms)
            self._problems = tuple(Listed(each, listed.get(each.key, 0)) for each in found)
            self._number = number
        return self._problems

    async def count(self, now_ms: int) -> int:
        """How many problems wait for a person now."""
        return sum(not each.problem.aside_until_ms for each in await self.problems(now_ms))


INBOX_BOOK: Final = web.AppKey("INBOX_BOOK", InboxBook)
