"""The board's own part of the running program, and the moment that one answer is drawn at.

Holds the alerts of live jobs and in which views each job stands, both kept up by what changed, so
that the many small questions of many pages cost little. Invariant: what was committed before a
question is in its answer, and nothing that the clock or the phones change is older than
`HEARD_MS_MAX`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from core.dispatch.fields import Kind
from core.sentence import say
from hub.guard import Refused
from hub.hub import Hub
from hub.keys import HUB
from hub.reckoning import Reckoner
from web.board.alerts import Alert
from web.board.days import day_bounds, today
from web.board.filters import VIEWS, Filter, Query
from web.board.kept_alerts import BREATH_JOBS, KeptAlerts
from web.board.naming import Names, Reading, read_query
from web.board.near import KeptNames, Workers
from web.board.questions import Question, alert_text, views_of
from web.board.reach import Reach
from web.board.reader import Rows
from web.formats import sentence
from web.frame import settings_of, zone_of

HEARD_MS_MAX: Final = 5_000
"""A minute is what people see; where phones are is looked at every five seconds."""
LATE_MS_MAX: Final = 10_000
"""So long after it began an answer may come to ask: others asked of later moments meanwhile. By so
little no clock is set back that matters; one that is set back further makes all alerts anew."""


class ViewCounts:
    """How many jobs each standard view holds, counted anew by the jobs that changed alone."""

    def __init__(self, reader: Rows) -> None:
        self._reader = reader
        self._views_by_job: dict[str, int] = {}
        self._numbers = [0] * len(VIEWS)
        self._day: object = None

    async def count(
        self, text_by_job: dict[str, str], jobs: Collection[str], now_ms: int, zone: ZoneInfo
    ) -> dict[str, int]:
        """The counts by view, where only `jobs` may stand elsewhere than before.

        `text_by_job` has every alert as `alert_text` says it.
        """
        day = day_bounds(today(now_ms, zone), zone)
        among = None if day != self._day else sorted(jobs)
        if among is None:
            # Other jobs are of today now.
            self._views_by_job, self._numbers = {}, [0] * len(VIEWS)
        if among is None or among:
            told = text_by_job.values() if among is None else map(text_by_job.get, among)
            text = f"{{{','.join(each for each in told if each)}}}"
            found = await views_of(self._reader, text, now_ms, zone, among)
            for job in among or found:
                self._move(job, found.get(job, 0))
        self._day = day
        return {view.id: number for view, number in zip(VIEWS, self._numbers, strict=True)}

    def forget(self) -> None:
        """Count everything the next time."""
        self._day = None

    def _move(self, job: str, views: int) -> None:
        before = self._views_by_job.pop(job, 0)
        if views:
            self._views_by_job[job] = views
        for place in range(len(VIEWS)):
            self._numbers[place] += (views >> place & 1) - (before >> place & 1)


class AlertBook:
    """The alerts as they are now, with the counts of all views."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._kept = KeptAlerts(hub)
        self._views = ViewCounts(hub.reader)
        self._changes = hub.writer.subscribe()
        self._heard_at_ms = -HEARD_MS_MAX
        self._renewed_at_ms = 0
        self._is_whole = False
        # Whole at any moment, where those that are kept may be half made.
        self._by_job: Mapping[str, Alert] = {}
        self._alerts: tuple[Alert, ...] | None = ()
        self._text_by_job: dict[str, str] = {}
        self._text: str | None = "{}"
        self._to_count: set[str] = set()
        # Jobs whose alert changed since that was asked for; None: any may have.
        self._unlisted: set[str] | None = None
        self._turn = asyncio.Lock()
        self.number = 0
        """How often anything was new: what was made with the alerts goes by this."""

    def close(self) -> None:
        """Hear of no changes any more."""
        self._hub.writer.unsubscribe(self._changes)

    async def read(self, now_ms: int) -> str:
        """The JSON of all alerts, of the newest commit."""
        async with self._turn:
            await self._renew(now_ms)
        return self.text

    async def _renew(self, now_ms: int) -> None:
        if 0 < self._renewed_at_ms - now_ms <= LATE_MS_MAX:
            now_ms = self._renewed_at_ms
        streams = self._changes.take()
        listens = not 0 <= now_ms - self._heard_at_ms < HEARD_MS_MAX
        if not streams and not listens and self._is_whole:
            return
        known, self._is_whole = self._is_whole, False
        changed = await self._kept.renew(now_ms, streams if known else None, listens=listens)
        if listens:
            self._heard_at_ms = now_ms
        for number, job in enumerate(changed):
            if number % BREATH_JOBS == BREATH_JOBS - 1:
                await asyncio.sleep(0)
            alert = self._kept.alert_by_job.get(job)
            text = "" if alert is None else alert_text(alert)
            if text:
                self._text_by_job[job] = text
            else:
                self._text_by_job.pop(job, None)
        if known:
            self._to_count |= changed
            self._to_count.update(stream.hex() for stream in streams if stream[4] == Kind.JOB)
        else:
            self._views.forget()
        self._by_job = self._kept.alert_by_job
        if not known:
            self._unlisted = None
        elif self._unlisted is not None:
            self._unlisted |= changed
        if changed:
            self._alerts = self._text = None
        if changed or streams or listens:
            self.number += 1
        # Whoever was interrupted in between would have lost what changed: then all is read anew.
        self._is_whole, self._renewed_at_ms = True, now_ms

    async def counts(self, now_ms: int, zone: ZoneInfo) -> dict[str, int]:
        """How many jobs each view holds: the same for everybody."""
        async with self._turn:
            await self._renew(now_ms)
            jobs, self._to_count = self._to_count, set()
            try:
                return await self._views.count(self._text_by_job, jobs, now_ms, zone)
            except BaseException:
                self._views.forget()
                raise

    @property
    def text(self) -> str:
        """The JSON of the alerts that were made last."""
        if self._text is None:
            self._text = f"{{{','.join(self._text_by_job.values())}}}"
        return self._text

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts that were made last, in the order of their jobs."""
        if self._alerts is None:
            self._alerts = tuple(alert for _, alert in sorted(self._by_job.items()))
        return self._alerts

    @property
    def alert_by_job(self) -> Mapping[str, Alert]:
        """The same by job (hex ids)."""
        return self._by_job

    def take_changed(self) -> set[str] | None:
        """Jobs whose alert is another or none since this was last asked; None: any may be.

        For the one list that is made of all alerts.
        """
        changed, self._unlisted = self._unlisted, set()
        return changed

    @property
    def reach_of(self) -> Callable[[str, str], Reach | None]:
        """Says what the phone knows of a live job at a frontier (`KeptAlerts.reach_of`)."""
        return self._kept.reach_of

    @property
    def busy(self) -> frozenset[str]:
        """The workers (hex ids) who have jobs that are not over."""
        return self._kept.busy

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that have an alert now."""
        return tuple(alert.job for alert in self.alerts)


ALERT_BOOK: Final = web.AppKey("ALERT_BOOK", AlertBook)
NAMES: Final = web.AppKey("NAMES", KeptNames)
RECKONER: Final = web.AppKey("RECKONER", Reckoner)


@dataclass(frozen=True, slots=True)
class Moment:
    """What every answer of the board starts from.

    `seq` is the live feed's newest event before anything was read: what comes after it is news.
    `names` are those that the running program keeps; without them they are read. `reach_of` says
    what the phone knows of a job (hex id) that stands at a frontier.
    """

    hub: Hub
    now_ms: int
    zone: ZoneInfo
    dispatch_on: bool
    alerts: str
    seq: int = 0
    names: KeptNames | None = None
    reach_of: Callable[[str, str], Reach | None] = lambda job, frontier: None

    async def question(self, wanted: Filter) -> Question:
        """The question that a filter asks now."""
        near = await (self.names or KeptNames(self.hub.reader)).near(wanted)
        return Question(wanted, self.alerts, self.now_ms, self.zone, near)

    async def workers(self) -> Workers:
        """The workers that can be chosen."""
        return await (self.names or KeptNames(self.hub.reader)).workers()

    async def known_names(self) -> Names:
        """The names that a filter's text may say."""
        return await (self.names or KeptNames(self.hub.reader)).names()

    async def filter_of(self, query: Query) -> Filter:
        """What an address asks for.

        Raises:
            Refused: its text is no filter; a piece of a page or a file shows no other one.
        """
        reading = await self.reading(query)
        if reading.fault is not None:
            what = say("{what} Mend it on the board.", what=sentence(reading.fault.words))
            raise Refused(400, say("The filter can't be read."), what)
        return reading.wanted

    async def reading(self, query: Query) -> Reading:
        """What an address asks for, or says was shown where its text is no filter."""
        return await read_query(self.known_names, query)


async def moment_of(request: web.Request) -> Moment:
    """The present of this request."""
    hub = request.app[HUB]
    seq = hub.feed.seq
    settings = await settings_of(request)
    now_ms = hub.clock.now_ms()
    book = request.app[ALERT_BOOK]
    return Moment(
        hub=hub,
        now_ms=now_ms,
        zone=zone_of(settings),
        dispatch_on=settings.get("job_dispatch") is True,
        alerts=await book.read(now_ms),
        seq=seq,
        names=request.app[NAMES],
        reach_of=book.reach_of,
    )
