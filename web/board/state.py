"""The board's own part of the running program, and the moment that one answer is drawn at.

Holds the alerts of live jobs for some seconds, so that the many small questions of many pages
(counts, rows, map) cost one computation. Invariant: nothing here is older than `ALERTS_MS_MAX`, and
a commit makes it be computed again, at once unless that takes long.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.guard import Refused
from hub.hub import Hub
from hub.keys import HUB
from hub.reckoning import Reckoner
from web.board.alerts import Alert, compute_alerts
from web.board.filters import Filter, Query
from web.board.naming import Reading, read_query
from web.board.near import near_of
from web.board.questions import Question, alerts_json, counts
from web.formats import sentence
from web.frame import settings_of, zone_of

ALERTS_MS_MAX: Final = 5_000
"""A minute is what people see; five seconds keep a burst of questions cheap."""
LONG_S: Final = 0.05
REST: Final = 3
"""Where computing the alerts takes longer than `LONG_S`, so many times as long passes until they
are computed again: a quarter of the time at most goes into them, however much is written."""


class AlertBook:
    """The newest computed alerts with the counts of all views, for as long as they hold."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._version = -1
        self._computed_at_ms = -ALERTS_MS_MAX
        self._alerts: tuple[Alert, ...] = ()
        self._text = "[]"
        self.number = 0
        """How often they were computed: what was made with them goes by this."""
        self._counts: dict[str, int] | None = None
        self._turn = asyncio.Lock()
        self._took_s = 0.0
        self._ended_s = 0.0

    async def read(self, now_ms: int) -> str:
        """The JSON of all alerts, of the newest commit.

        On a site so large that they take long it may be of one some tenths of a second before.
        """
        async with self._turn:
            await self._renew(now_ms)
        return self._text

    def _rests(self) -> bool:
        """Whether they were computed just now; a storm of commits must not keep the hub busy."""
        if self._took_s < LONG_S:
            return False
        rested_s = asyncio.get_running_loop().time() - self._ended_s
        return rested_s < REST * self._took_s

    async def _renew(self, now_ms: int) -> None:
        # SQLite's own number for "another connection has committed": asked before computing, so
        # that what is committed meanwhile counts as newer.
        row = await self._hub.reader.row("PRAGMA data_version")
        version = row[0] if row is not None else -1
        age_ms = now_ms - self._computed_at_ms
        is_old = not 0 <= age_ms < ALERTS_MS_MAX
        if is_old or (version != self._version and not self._rests()):
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            self._alerts = tuple(await compute_alerts(self._hub, now_ms))
            self._text, self._counts = alerts_json(self._alerts), None
            self._version, self._computed_at_ms = version, now_ms
            self.number += 1
            self._ended_s = loop.time()
            self._took_s = self._ended_s - began_s

    async def counts(self, now_ms: int, zone: ZoneInfo) -> dict[str, int]:
        """How many jobs each view holds: the same for everybody, so counted once a change."""
        text = await self.read(now_ms)
        found = self._counts
        if found is None:
            found = await counts(self._hub.reader, text, now_ms, zone)
            if text is self._text:
                self._counts = found
        return found

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts that were computed last."""
        return self._alerts

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that have an alert now."""
        return tuple(alert.job for alert in self._alerts)


ALERT_BOOK: Final = web.AppKey("ALERT_BOOK", AlertBook)
RECKONER: Final = web.AppKey("RECKONER", Reckoner)


@dataclass(frozen=True, slots=True)
class Moment:
    """What every answer of the board starts from."""

    hub: Hub
    now_ms: int
    zone: ZoneInfo
    dispatch_on: bool
    alerts: str

    async def question(self, wanted: Filter) -> Question:
        """The question that a filter asks now."""
        near = await near_of(self.hub.reader, wanted)
        return Question(wanted, self.alerts, self.now_ms, self.zone, near)

    async def filter_of(self, query: Query) -> Filter:
        """What an address asks for.

        Raises:
            Refused: its text is no filter; a piece of a page or a file shows no other one.
        """
        reading = await self.reading(query)
        if reading.fault is not None:
            what = sentence(reading.fault.words)
            raise Refused(400, "The filter can't be read.", f"{what} Mend it on the board.")
        return reading.wanted

    async def reading(self, query: Query) -> Reading:
        """What an address asks for, or says was shown where its text is no filter."""
        return await read_query(self.hub.reader, query)


async def moment_of(request: web.Request) -> Moment:
    """The present of this request."""
    hub = request.app[HUB]
    settings = await settings_of(request)
    now_ms = hub.clock.now_ms()
    return Moment(
        hub=hub,
        now_ms=now_ms,
        zone=zone_of(settings),
        dispatch_on=settings.get("job_dispatch") is True,
        alerts=await request.app[ALERT_BOOK].read(now_ms),
    )
