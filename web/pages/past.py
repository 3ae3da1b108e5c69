"""The history of the office: visits by day, worker or customer, and a day of a worker on the map.

Puts together what `web.history` finds. The page is its URL; without a period it shows today, or the
last four weeks of a worker or a customer. Invariant: nothing here writes, and a track that was
erased is told as such.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from core.sentence import say
from hub.guard import Refused
from hub.keys import HUB
from web.assets import ASSETS
from web.board.filters import is_stream_id
from web.board.page import map_assets
from web.formats import local_time
from web.frame import settings_of, zone_of
from web.history.track import DayTrack, track_of
from web.history.visits import PAGE_ROWS, Visits, visits_of
from web.rendering import show
from web.reports.completeness import Completeness, completeness
from web.reports.figures import choices
from web.reports.period import Period, presets, read_period
from web.reports.wanted import Wanted, read_wanted

USUAL_DAYS: Final = 28
SPEEDS: Final = (
    (30, say("30 times")),
    (120, say("2 min a second")),
    (600, say("10 min a second")),
)
STOPS_SHOWN_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class PastPage:
    """Visits of a period and, for one worker's day, its track; `page_number` counts from 1."""

    wanted: Wanted
    visits: Visits
    track: DayTrack | None
    map_assets: str
    completeness: Completeness
    presets: tuple[tuple[str, str, bool], ...]
    workers: Sequence[Any]
    teams: Sequence[Any]
    customer_name: str
    page_number: int
    error: str = ""

    @property
    def steps(self) -> tuple[str, str]:
        """The same of the period before, and of the one after."""
        period = self.wanted.period
        return _href(self.wanted, period.step(-1)), _href(self.wanted, period.step(1))

    @property
    def speeds(self) -> tuple[tuple[int, str], ...]:
        """How much faster than it was a day can be replayed."""
        return SPEEDS

    @property
    def pages(self) -> tuple[str, str]:
        """The addresses of the page of visits before and after; '' where there is none."""
        here, query = self.page_number, self.wanted.choice
        last = -(-self.visits.count // PAGE_ROWS)
        return (
            f"/history?{query}&page={here - 1}" if here > 1 else "",
            f"/history?{query}&page={here + 1}" if here < last else "",
        )

    @property
    def without_customer(self) -> str:
        """The address for all customers."""
        return _href(replace(self.wanted, customer=""), self.wanted.period)


def _href(wanted: Wanted, period: Period) -> str:
    return f"/history?{replace(wanted, period=period).choice}"


async def past_page(request: web.Request) -> web.StreamResponse:
    """GET /history?from=&to=&worker=&customer=&team=&page=."""
    hub = request.app[HUB]
    zone, now_ms = zone_of(await settings_of(request)), hub.clock.now_ms()
    today = local_time(now_ms, zone).date()
    wanted, _ = read_wanted(request.query, today)
    usual, usual_words = Period(today, today), say("Today")
    if wanted.worker or wanted.customer:
        weeks = dt.timedelta(days=USUAL_DAYS - 1)
        usual, usual_words = Period(today - weeks, today), say("The last four weeks")
    period, error = read_period(request.query, usual, usual_words)
    wanted = replace(wanted, period=period)
    number = _page_number(request.query.get("page", ""))
    _, end_ms = period.bounds_ms(zone)
    workers, teams = await choices(hub.reader)
    one_day = wanted.worker and period.first == period.last
    page = PastPage(
        wanted=wanted,
        visits=await visits_of(hub.reader, wanted, zone, number),
        track=await track_of(hub.reader, wanted.worker, str(period.first)) if one_day else None,
        map_assets=map_assets(request.app[ASSETS]),
        completeness=await completeness(hub, end_ms, wanted.worker, wanted.team),
        presets=tuple(
            (words, _href(wanted, each), each == period) for words, each in presets(today)
        ),
        workers=workers,
        teams=teams,
        customer_name=await _customer_name(hub.reader, wanted.customer),
        page_number=number,
        error=error,
    )
    return await show(request, "past.html", page)


def _page_number(text: str) -> int:
    return max(int(text), 1) if text.isdecimal() and len(text) < 6 else 1


async def _customer_name(reader: Any, customer: str) -> str:
    if not customer:
        return ""
    row = await reader.row("SELECT name FROM customer WHERE customer = ?", (customer,))
    return row["name"] if row is not None else say("an unknown customer")


async def track_json(request: web.Request) -> web.StreamResponse:
    """GET /history/track.json?worker=&day=: the points and stops of a worker's local day.

    Raises:
        Refused: the address names no worker or no day.
    """
    worker, day = request.query.get("worker", ""), request.query.get("day", "")
    try:
        date = dt.date.fromisoformat(day)
    except ValueError:
        raise Refused(400, say("That is no day."), say("Give it as day=2026-11-23.")) from None
    if not is_stream_id(worker):
        raise Refused(
            400, say("That is no worker."), say("Give the id of one as worker=…, 24 hex digits.")
        )
    track = await track_of(request.app[HUB].reader, worker, date.isoformat())
    return web.json_response(track.data(), headers={"Cache-Control": "no-store"})


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/history", past_page)
    app.router.add_get("/history/track.json", track_json)
