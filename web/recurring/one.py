"""The page of one recurring job: its fields, its next days with their jobs, its conflicts.

Puts together what is shown; what is done from here is in `doings`. The zone of days and hours is
the recurrence's own, of everything else the site's. Invariant: a day is shown with the job that
hubs make of it, found by its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from core.dispatch import fields
from core.dispatch.recurrence import HORIZON_DAYS, Recurrence, read_recurrence
from core.dispatch.show import value_at
from core.log.registers import Registers
from core.sentence import say
from hub.keys import HUB
from hub.recurring import SKIPPED_WORDS
from web import formats
from web.board.conflicts import ConflictView, views_of
from web.board.reader import Rows
from web.board.rows import PRIORITY_WORDS
from web.board.words import Names, load_names
from web.frame import settings_of, zone_of
from web.pages.history import HistoryRow, history_of
from web.recurring.questions import job_on, jobs_of, made_from, next_days, zone_named
from web.recurring.words import ENDED_WORDS, date_words, horizon_words, hours_words, rule_words
from web.rendering import show

DAYS_SHOWN: Final = 8
EARLIER_SHOWN: Final = 8
LOOKED_AHEAD_DAYS: Final = 10 * 366
"""The 29th of February is at most eight years away."""


@dataclass(frozen=True, slots=True)
class JobOfDay:
    """The job of a day: its stream, number, status, worker and reason."""

    job: str
    number: str
    status: str
    worker: str
    moved: str


@dataclass(frozen=True, slots=True)
class DayView:
    """A day of the recurrence: as '2026-11-23' and in words, whether left out, its job if made."""

    day: str
    words: str
    left_out: bool
    job: JobOfDay | None
    made_words: str


@dataclass(frozen=True, slots=True)
class RecurrencePage:
    """One recurring job. Texts are ready to show; '' where there is nothing to say."""

    recurrence: str
    number: str
    title: str
    rule: str
    hours: str
    zone: str
    zone_differs: bool
    starts: str
    ends: str
    has_ended: bool
    horizon: str
    customer: str
    customer_name: str
    place: str
    address: str
    point: str
    contact: str
    contact_phone: str
    worker: str
    worker_name: str
    worker_gone: bool
    planned: str
    priority: str
    skills: tuple[str, ...]
    description: str
    trouble: str
    days: tuple[DayView, ...]
    left_out: tuple[DayView, ...]
    earlier: tuple[DayView, ...]
    open_jobs: int
    yesterday: str
    conflicts: tuple[ConflictView, ...]
    history: tuple[HistoryRow, ...]
    basis: str
    error: str


async def one_page(request: web.Request) -> web.StreamResponse:
    """GET /recurring/{recurrence}."""
    return await show_one(request, request.match_info["recurrence"])


async def show_one(
    request: web.Request, stream: str, *, error: str = "", status: int = 200
) -> web.Response:
    """The page of one, with what was wrong with an act from it."""
    hub = request.app[HUB]
    reader, now_ms = hub.reader, hub.clock.now_ms()
    state = await reader.state(stream)
    registers = state.registers
    if not registers:
        raise web.HTTPNotFound(
            text="There is no such recurring job on this hub.\nOpen the list of all."
        )
    site_zone = zone_of(await settings_of(request))
    recurrence = read_recurrence(bytes.fromhex(stream), registers)
    zone_name = str(value_at(registers, (fields.ZONE,), "UTC"))
    zone = zone_named(zone_name)
    names = await load_names(reader, _hex(registers, fields.EACH_CUSTOMER))
    today = formats.local_time(now_ms, zone or site_zone).date()
    number = _text(registers, fields.RECURRENCE_NUMBER)
    jobs = await jobs_of(reader, bytes.fromhex(stream), number)
    days, left_out = await _days(reader, recurrence, today) if zone else ((), ())
    page = RecurrencePage(
        recurrence=stream,
        number=number,
        **_rule(registers, recurrence, today),
        zone=zone_name,
        zone_differs=zone_name != str(site_zone),
        **await _each(reader, registers, names),
        trouble=_trouble(recurrence, zone, zone_name),
        days=days,
        left_out=left_out,
        earlier=tuple(
            _day_view(day, today, job, left_out=False, made_words="")
            for day, job in reversed(jobs)
            if day < today
        )[:EARLIER_SHOWN],
        open_jobs=sum(job["status"] in ("open", "in progress") for _, job in jobs),
        yesterday=(today - timedelta(days=1)).isoformat(),
        conflicts=views_of(state, names, site_zone, now_ms),
        history=await history_of(reader, stream),
        basis=state.token(),
        error=error,
    )
    return await show(request, "recurrence.html", page, status=status)


def _rule(registers: Registers, recurrence: Recurrence | None, today: date) -> dict[str, Any]:
    """When it falls, in words; what can be said of one that makes no jobs as well."""
    starts, ends = (value_at(registers, (code,)) for code in (fields.STARTS, fields.ENDS))
    hours = recurrence.hours if recurrence is not None else None
    last = date.fromisoformat(ends) if ends else None
    horizon_days = value_at(registers, (fields.HORIZON,), HORIZON_DAYS)
    return {
        "title": _text(registers, fields.EACH_TITLE),
        "rule": rule_words(value_at(registers, (fields.REPEATS,), ())),
        "hours": hours_words(hours),
        "starts": date_words(date.fromisoformat(starts), today) if starts else "",
        "ends": date_words(last, today) if last is not None else "",
        "has_ended": last is not None and last < today,
        "horizon": horizon_words(horizon_days),
    }


async def _each(reader: Rows, registers: Registers, names: Names) -> dict[str, Any]:
    """What each of its jobs begins with, in words."""
    customer, worker = (
        _hex(registers, code) for code in (fields.EACH_CUSTOMER, fields.EACH_WORKER)
    )
    gone = await reader.row("SELECT archived FROM worker WHERE worker = ?", (worker,))
    point = value_at(registers, (fields.EACH_POINT,), (None, None))
    planned = value_at(registers, (fields.EACH_PLANNED_MINUTES,))
    priority = value_at(registers, (fields.EACH_PRIORITY,), 1)
    return {
        "customer": customer if customer in names.customer else "",
        "customer_name": names.customer.get(customer, say("an unknown customer"))
        if customer
        else "",
        "place": names.place.get(_hex(registers, fields.EACH_PLACE), ""),
        "address": _text(registers, fields.EACH_ADDRESS),
        "point": formats.point_words(*point),
        "contact": _text(registers, fields.EACH_CONTACT),
        "contact_phone": _text(registers, fields.EACH_CONTACT_CALL),
        "worker": worker if worker in names.worker else "",
        "worker_name": names.worker.get(worker, say("an unknown worker")) if worker else "",
        "worker_gone": bool(gone and gone["archived"]),
        "planned": formats.minutes_words(planned) if planned else "",
        "priority": PRIORITY_WORDS[priority] if 0 <= priority < len(PRIORITY_WORDS) else "",
        "skills": tuple(
            names.skill.get(skill.hex(), say("unknown skill"))
            for skill in value_at(registers, (fields.EACH_SKILLS,), ())
        ),
        "description": _text(registers, fields.EACH_DESCRIPTION),
    }


def _trouble(recurrence: Recurrence | None, zone: ZoneInfo | None, zone_name: str) -> str:
    if recurrence is None:
        return say("Part of it is missing or can’t be read by this version, so it makes no jobs.")
    if zone is None:
        return say(
            "This hub knows no time zone {zone}, so it makes no jobs here. Edit the zone.",
            zone=zone_name,
        )
    return ""


async def _days(
    reader: Rows, recurrence: Recurrence | None, today: date
) -> tuple[tuple[DayView, ...], tuple[DayView, ...]]:
    """The next days, and the days that are left out beyond them."""
    if recurrence is None:
        return (), ()
    days = next_days(recurrence, today, DAYS_SHOWN, LOOKED_AHEAD_DAYS)
    further = sorted(day for day in recurrence.skipped if day >= today and day not in days)

    async def view(day: date) -> DayView:
        job = await job_on(reader, recurrence.stream, day)
        made = made_from(recurrence, day)
        words = say("in a moment") if made <= today else date_words(made, today)
        return _day_view(day, today, job, left_out=day in recurrence.skipped, made_words=words)

    return tuple([await view(day) for day in days]), tuple([await view(day) for day in further])


def _day_view(day: date, today: date, job: Any, *, left_out: bool, made_words: str) -> DayView:
    view = None
    if job is not None:
        moved = job["reason"] if job["status"] == "cancelled" else ""
        reason = {SKIPPED_WORDS: "", ENDED_WORDS: say(ENDED_WORDS)}.get(moved, moved)
        view = JobOfDay(job["job"], job["number"], job["status"], job["worker"], reason)
    return DayView(day.isoformat(), date_words(day, today), left_out, view, made_words)


def _text(registers: Registers, code: int) -> str:
    return str(value_at(registers, (code,), ""))


def _hex(registers: Registers, code: int) -> str:
    value = value_at(registers, (code,), b"")
    return value.hex() if isinstance(value, bytes) else ""


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/recurring/{recurrence:[0-9a-f]{8}08[0-9a-f]{14}}", one_page)
