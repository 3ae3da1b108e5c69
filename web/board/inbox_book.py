"""The inbox's own part of the running program: the newest list, and which problems are news.

Pages ask often and alerts flicker: a worker at the edge of lateness is late, in time and late again
within minutes. Such a repeat is no news. Holds no HTML and nothing that is kept: after a restart
everything that is there is known. Invariants: a list is never older than its alerts, but on a
site so large that it takes long; a problem is news once, and again only after it was gone for
`QUIET_MS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from hub.hub import Hub
from web.board.problems import KnownJobs, Problem, forked_keys, gather
from web.board.state import AlertBook

QUIET_MS: Final = 10 * 60_000
FORKED_MS_MAX: Final = 60_000
"""How old the answer may be which keys wrote in two places: nobody acts on it within a minute."""
LONG_S: Final = 0.05
REST: Final = 3
"""Where making the list takes longer than `LONG_S`, so many times as long passes until it is made
again: a quarter of the time at most goes into it, however much is written."""


class Repeats:
    """In which list each problem stood first, gaps of less than `QUIET_MS` aside.

    Lists are numbered, from 0; a clock would let two that follow closely be taken for one.
    """

    def __init__(self) -> None:
        self.number = -1
        self._seen: dict[str, tuple[int, int]] = {}

    def listed(self, keys: Iterable[str], now_ms: int) -> dict[str, int]:
        """The number of the list that each of the next list's keys stood in first."""
        self.number += 1
        found = {}
        for key in keys:
            found[key], _ = self._seen.get(key, (self.number, now_ms))
            self._seen[key] = (found[key], now_ms)
        self._seen = {
            key: (first, last_ms)
            for key, (first, last_ms) in self._seen.items()
            if now_ms - last_ms < QUIET_MS
        }
        return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A problem, and the number of the list that it stood in first (0: the hub's first)."""

    problem: Problem
    listed: int


class InboxBook:
    """The newest list of problems, for as long as the alerts that it was made with hold."""

    def __init__(self, hub: Hub, alerts: AlertBook) -> None:
        self._hub = hub
        self._alerts = alerts
        self._known = KnownJobs()
        self._changes = hub.writer.subscribe()
        self._made_with = -1
        self._took_s = 0.0
        self._ended_s = 0.0
        self._making = asyncio.Lock()
        self._repeats = Repeats()
        self._forked: list[Any] = []
        self._forked_at_ms = -FORKED_MS_MAX
        self._problems: tuple[Listed, ...] = ()
        self._waiting = 0

    async def problems(self, now_ms: int) -> tuple[Listed, ...]:
        """All problems, what hurts most first, and last what is put aside."""
        await self._alerts.read(now_ms)
        # One at a time: who asks while a list is made gets that one, and not the one before it.
        async with self._making:
            if self._alerts.number != self._made_with and not self._rests():
                began_s = asyncio.get_running_loop().time()
                await self._make(now_ms)
                self._ended_s = asyncio.get_running_loop().time()
                self._took_s = self._ended_s - began_s
        return self._problems

    def _rests(self) -> bool:
        """Whether it was made just now; a storm of commits must not keep the hub busy."""
        if self._took_s < LONG_S:
            return False
        rested_s = asyncio.get_running_loop().time() - self._ended_s
        return rested_s < REST * self._took_s

    def close(self) -> None:
        """Hear of no changes any more."""
        self._hub.writer.unsubscribe(self._changes)

    async def _make(self, now_ms: int) -> None:
        made_with = self._alerts.number
        # Taken before anything is read: what is committed meanwhile is read again the next time.
        self._known.forget(self._changes.take())
        if not 0 <= now_ms - self._forked_at_ms < FORKED_MS_MAX:
            self._forked = await forked_keys(self._hub.reader)
            self._forked_at_ms = now_ms
        alerts, busy = self._alerts.alerts, self._alerts.busy
        found = await gather(self._hub, alerts, self._forked, now_ms, self._known, busy)
        open_keys = [each.key for each in found if not each.aside_until_ms]
        listed = self._repeats.listed(open_keys, now_ms)
        self._waiting = len(open_keys)
        self._problems = tuple(Listed(each, listed.get(each.key, 0)) for each in found)
        self._made_with = made_with

    @property
    def number(self) -> int:
        """The number of the newest list."""
        return self._repeats.number

    async def count(self, now_ms: int) -> int:
        """How many problems wait for a person now."""
        await self.problems(now_ms)
        return self._waiting


INBOX_BOOK: Final = web.AppKey("INBOX_BOOK", InboxBook)
