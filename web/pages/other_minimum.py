"""What another minimum auto-logging time would have logged over the last month, before it is saved.

Asks and shows, and writes nothing. Invariant: what is shown comes from the rules that phones run,
on the tracks that came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import THRESHOLD_MIN_MAX
from core.dispatch.visit import THRESHOLD_MIN_DEFAULT
from core.dispatch.what_if import Difference, LoggedVisit
from core.sentence import Sentence, say
from hub.keys import HUB
from web.board.filters import is_stream_id
from web.board.state import RECKONER
from web.formats import clock_words, local_time, weekday_date_words
from web.frame import settings_of, zone_of
from web.history.other_minimum import DAYS_MAX, Compared, compare
from web.rendering import show
from web.reports.figures import choices

SHOWN_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Line:
    """One difference in words; `was` and `is_now` are spans, '' where nothing is logged."""

    day: Sentence
    worker: str
    worker_name: str
    job: str
    number: str
    title: str
    what: str
    was: str
    is_now: str
    track: str


@dataclass(frozen=True, slots=True)
class OtherMinimumPage:
    """The question and, once a minimum was asked for, its answer."""

    now_min: int
    other_min: int | None
    minimum_max: int
    worker: str
    workers: Sequence[Any]
    days: int
    compared: Compared | None
    lines: tuple[Line, ...]
    more: int
    error: str = ""


async def other_minimum(request: web.Request) -> web.StreamResponse:
    """GET /settings/other-minimum?minutes=&worker=."""
    hub = request.app[HUB]
    settings = await settings_of(request)
    known = settings.get("threshold_min")
    now_min = known if type(known) is int else THRESHOLD_MIN_DEFAULT
    workers, _ = await choices(hub.reader)
    worker = text if is_stream_id(text := request.query.get("worker", "")) else ""
    typed = request.query.get("minutes", "").strip()
    other, error = _minutes(typed)
    compared: Compared | None = None
    lines: tuple[Line, ...] = ()
    if other is not None:
        zone = zone_of(settings)
        today = local_time(hub.clock.now_ms(), zone).date()
        compared = await compare(
            hub.reader, request.app[RECKONER], zone, today, (now_min, other), worker
        )
        names = {row["id"]: row["name"] for row in workers}
        lines = tuple(_line(each, day, names, zone) for day in compared.days for each in day.found)
    page = OtherMinimumPage(
        now_min=now_min,
        other_min=other,
        minimum_max=THRESHOLD_MIN_MAX,
        worker=worker,
        workers=workers,
        days=DAYS_MAX,
        compared=compared,
        lines=lines[:SHOWN_MAX],
        more=max(0, len(lines) - SHOWN_MAX),
        error=error,
    )
    return await show(request, "other_minimum.html", page, status=400 if error else 200)


def _minutes(typed: str) -> tuple[int | None, str]:
    if not typed:
        return None, ""
    if typed.isascii() and typed.isdecimal() and len(typed) < 5 and int(typed) <= THRESHOLD_MIN_MAX:
        return int(typed), ""
    return None, say(
        "The minimum is a whole number of minutes from 0 to {most}.", most=THRESHOLD_MIN_MAX
    )


def _line(each: Difference, day: Any, names: dict[str, str], zone: Any) -> Line:
    number, title = day.jobs.get(each.job.hex(), ("", ""))
    if each.after is None:
        what = say("No longer logged")
    elif each.before is None:
        what = say("Logged as well")
    else:
        what = say("Other times")
    return Line(
        weekday_date_words(local_time(each.at_ms, zone).date()),
        day.worker,
        names.get(day.worker, say("unknown worker")),
        each.job.hex(),
        number,
        title,
        what,
        _span(each.before, zone),
        _span(each.after, zone),
        f"/history?worker={day.worker}&from={day.day}&to={day.day}",
    )


def _span(visit: LoggedVisit | None, zone: Any) -> str:
    if visit is None:
        return ""
    start, stop = (clock_words(ms, zone) for ms in (visit.start_ms, visit.stop_ms))
    return say("{start}–{stop}, {minutes} min", start=start, stop=stop, minutes=visit.minutes)


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/settings/other-minimum", other_minimum)
