"""The inbox's own part of the running program: the newest list, and which problems are news.

Pages ask often and alerts flicker: a worker at the edge of lateness is late, in time and late again
within minutes. Such a repeat is no news. Holds no HTML and nothing that is kept: after a restart
everything that is there is known. Invariants: a list is never older than its alerts, but on a
site so large that it takes long; a problem is news once, and again only after it was gone for
`QUIET_MS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from hub.hub import Hub
from web.board.problem import Problem
from web.board.problems import KnownJobs, forked_keys, gather
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
        self._first: dict[str, int] = {}
        # Of what is gone where it stood first, and when it was last listed.
        self._gone: dict[str, tuple[int, int]] = {}
        self._listed_ms = 0

    def listed(self, keys: Collection[str], now_ms: int) -> Mapping[str, int]:
        """The number of the list that each of the next list's keys stood in first."""
        self.number += 1
        here = frozenset(keys)
        for key in self._first.keys() - here:
            self._gone[key] = (self._first.pop(key), self._listed_ms)
        self._gone = {
            key: (first, last_ms)
            for key, (first, last_ms) in self._gone.items()
            if now_ms - last_ms < QUIET_MS
        }
        for key in here - self._first.keys():
            self._first[key], _ = self._gone.pop(key, (self.number, now_ms))
        self._listed_ms = now_ms
        return dict(self._first)


@dataclass(frozen=True, slots=True)
class Inbox:
    """A list: what waits for a person, what hurts most first, and what is put aside.

    `first` says of what waits the number of the list that it stood in first (0: the hub's first).
    """

    waiting: Sequence[Problem]
    aside: Sequence[Problem]
    first: Mapping[str, int]


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
        self._inbox = Inbox((), (), {})

    async def newest(self, now_ms: int) -> Inbox:
        """The list of all problems as they are now."""
        await self._alerts.read(now_ms)
        # One at a time: who asks while a list is made gets that one, and not the one before it.
        async with self._making:
            if self._alerts.number != self._made_with and not self._rests():
                began_s = asyncio.get_running_loop().time()
                await self._make(now_ms)
                self._ended_s = asyncio.get_running_loop().time()
                self._took_s = self._ended_s - began_s
        return self._inbox

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
        self._known.forget(self._changes.take(), self._alerts.take_changed())
        if not 0 <= now_ms - self._forked_at_ms < FORKED_MS_MAX:
            self._forked = await forked_keys(self._hub.reader)
            self._forked_at_ms = now_ms
        alerts, busy = self._alerts.alert_by_job, self._alerts.busy
        waiting, aside = await gather(self._hub, alerts, self._forked, now_ms, self._known, busy)
        first = self._repeats.listed([each.key for each in waiting], now_ms)
        self._inbox = Inbox(waiting, aside, first)
        self._made_with = made_with

    @property
    def number(self) -> int:
        """The number of the newest list."""
        return self._repeats.number

    async def count(self, now_ms: int) -> int:
        """How many problems wait for a person now."""
        return len((await self.newest(now_ms)).waiting)


INBOX_BOOK: Final = web.AppKey("INBOX_BOOK", InboxBook)
