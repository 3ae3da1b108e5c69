"""Day sheets: what a worker has to do on one day, on paper, for a day without a phone.

One sheet a worker, each on a page of its own, in the order in which the phone lists the jobs. Asks
and shows. Invariant: nothing on a sheet is said relative to when it was printed: it is read later.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from core.dispatch.reasons import note_words
from core.sentence import say
from web.board.days import day_text, today
from web.board.filters import is_stream_id
from web.board.plans import Held, Plan, plans_of_day
from web.board.rows import PRIORITY_WORDS
from web.board.state import Moment, moment_of
from web.formats import (
    clock_words,
    date_words,
    folded,
    local_time,
    long_date_words,
    long_day_words,
    minutes_words,
)
from web.frame import see_other
from web.pages.workers import shift_words
from web.rendering import show
from web.roster import RosterDay, absent_words, roster_on

SHEETS_MAX: Final = 200
NOTES_MAX: Final = 5
"""Of a job's notes the newest are printed: a sheet has room for a day."""

_JOBS: Final = """
    SELECT job.*, coalesce(customer.name, '') AS customer_name,
           coalesce(customer.note, '') AS customer_note, coalesce(site.name, '') AS place_name,
           coalesce(site.address, '') AS place_address
    FROM job LEFT JOIN customer ON customer.customer = job.customer
    LEFT JOIN customer_place AS site ON site.customer = job.customer AND site.place = job.place
    WHERE job.job IN (SELECT value FROM json_each(?))
"""
_CONTACTS: Final = """
    SELECT customer, name, phone FROM contact WHERE NOT archived AND phone <> ''
    AND customer IN (SELECT value FROM json_each(?)) ORDER BY lower(name)
"""
_NOTES: Final = """
    SELECT job, text FROM note WHERE job IN (SELECT value FROM json_each(?)) ORDER BY at DESC, note
"""
_CHECKS: Final = """
    SELECT job, text, ticked FROM check_item WHERE job IN (SELECT value FROM json_each(?))
    ORDER BY item
"""
_WORKERS: Final = """
    SELECT worker.worker, worker.phone, worker.shift, worker.team FROM worker WHERE NOT archived
"""


@dataclass(frozen=True, slots=True)
class SheetJob:
    """One job as it stands on paper; `when` is a clock time of the sheet's day, or has a date."""

    job: str
    number: str
    title: str
    when: str
    length: str
    priority: str
    customer: str
    place: str
    address: str
    people: tuple[str, ...]
    skills: tuple[str, ...]
    description: str
    customer_note: str
    notes: tuple[str, ...]
    checks: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One worker's page."""

    worker: str
    name: str
    phone: str
    team: str
    vehicle: str
    shift: str
    away: str
    jobs: tuple[SheetJob, ...]


@dataclass(frozen=True, slots=True)
class DaySheetPage:
    """The sheets of a day. `of` is the one worker's name, "" for several; `printed` is in words."""

    day: str
    day_words: str
    of: str
    back_href: str
    previous_href: str
    next_href: str
    sheets: tuple[Sheet, ...]
    without_jobs: int
    team: str
    teams: Mapping[str, str]
    workers: tuple[str, ...]
    printed: str
    is_all: bool


async def sheet_of_worker(request: web.Request) -> web.StreamResponse:
    """GET /workers/{worker}/day?date=: one worker's sheet, also of a day without jobs."""
    worker = request.match_info["worker"]
    moment = await moment_of(request)
    day = _day_asked(request, moment, f"/workers/{worker}/day")
    plans = await plans_of_day(moment, day)
    if worker not in plans:
        raise web.HTTPNotFound
    return await _show(request, moment, day, plans, [worker], of=plans[worker].name)


async def sheets_of_day(request: web.Request) -> web.StreamResponse:
    """GET /workers/day?date=&team=&worker=: sheets of a team, of some workers, or of all."""
    moment = await moment_of(request)
    day = _day_asked(request, moment, "/workers/day")
    plans = await plans_of_day(moment, day)
    team = request.query.get("team", "")
    chosen = [each for each in request.query.getall("worker", []) if is_stream_id(each)]
    rows = await moment.hub.reader.rows(_WORKERS)
    within = {row["worker"] for row in rows if not team or row["team"] == team}
    wanted = [each for each in plans if each in within and (not chosen or each in chosen)]
    wanted.sort(key=lambda each: (folded(plans[each].name), each))
    return await _show(request, moment, day, plans, wanted, team=team, chosen=tuple(chosen))


def _day_asked(request: web.Request, moment: Moment, path: str) -> str:
    """The day of the address; another sentence where it is none."""
    asked = request.query.get("date", "") or "today"
    text = day_text(asked, moment.now_ms, moment.zone)
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        words = say(
            "“{text}” is no day; write it as 2026-11-23. Today’s sheet is shown.", text=asked[:40]
        )
        raise see_other(path, words, "bad") from error


async def _show(
    request: web.Request,
    moment: Moment,
    day: str,
    plans: Mapping[str, Plan],
    wanted: Sequence[str],
    *,
    of: str = "",
    team: str = "",
    chosen: tuple[str, ...] = (),
) -> web.StreamResponse:
    reader, zone = moment.hub.reader, moment.zone
    is_all = request.query.get("all") == "yes"
    having = [each for each in wanted if of or is_all or _held(plans[each])]
    shown = having[:SHEETS_MAX]
    jobs = await _jobs(moment, [held for each in shown for held in _held(plans[each])], day)
    roster = await roster_on(reader, day)
    rows = {row["worker"]: row for row in await reader.rows(_WORKERS)}
    date = dt.date.fromisoformat(day)
    path = f"/workers/{wanted[0]}/day" if of else "/workers/day"
    query = [("team", team)] if team else []
    query += [("worker", each) for each in chosen]
    query += [("all", "yes")] if is_all else []

    def on(days: int) -> str:
        there = (date + dt.timedelta(days=days)).isoformat()
        return f"{path}?{urlencode([('date', there), *query])}"

    teams = await reader.rows("SELECT team, name FROM team WHERE archived = 0 ORDER BY name")
    now = local_time(moment.now_ms, zone)
    page = DaySheetPage(
        day=day,
        day_words=long_day_words(date),
        of=of,
        back_href=f"/workers/{wanted[0]}" if of else "/workers",
        previous_href=on(-1),
        next_href=on(1),
        sheets=tuple(_sheet(plans[each], rows[each], roster[each], jobs, day) for each in shown),
        without_jobs=len(wanted) - len(having),
        team=team,
        teams={each["team"]: each["name"] for each in teams},
        workers=chosen,
        printed=say(
            "{date} {clock} ({zone})",
            date=long_date_words(now.date()),
            clock=clock_words(moment.now_ms, zone),
            zone=zone.key,
        ),
        is_all=is_all,
    )
    return await show(request, "day_sheet.html", page)


def _held(plan: Plan) -> tuple[Held, ...]:
    return (*plan.begun, *plan.ahead)


def _sheet(plan: Plan, row: Any, on: RosterDay, jobs: Mapping[str, SheetJob], day: str) -> Sheet:
    return Sheet(
        worker=plan.worker,
        name=plan.name,
        phone=row["phone"],
        team=plan.team,
        vehicle=on.vehicle_name,
        shift=shift_words(json.loads(row["shift"])),
        away=absent_words(on.absence, day),
        jobs=tuple(jobs[held.job] for held in _held(plan) if held.job in jobs),
    )


async def _jobs(moment: Moment, held: Iterable[Held], day: str) -> dict[str, SheetJob]:
    reader = moment.hub.reader
    ids = json.dumps(sorted({each.job for each in held}))
    rows = await reader.rows(_JOBS, (ids,))
    customers = json.dumps(sorted({row["customer"] for row in rows if row["customer"]}))
    contacts = _by(await reader.rows(_CONTACTS, (customers,)), "customer")
    notes = _by(await reader.rows(_NOTES, (ids,)), "job")
    checks = _by(await reader.rows(_CHECKS, (ids,)), "job")
    skills = {row["skill"]: row["name"] for row in await reader.rows("SELECT * FROM skill")}
    return {
        row["job"]: SheetJob(
            job=row["job"],
            number=row["number"],
            title=row["title"],
            when=when_on_paper(row["window_start"], row["window_end"], day, moment.zone),
            length=minutes_words(row["planned_minutes"]) if row["planned_minutes"] else "",
            priority=PRIORITY_WORDS[row["priority"]] if row["priority"] > 1 else "",
            customer=row["customer_name"],
            place=row["place_name"],
            address=row["address"] or row["place_address"],
            people=_people(row, contacts.get(row["customer"], [])),
            skills=tuple(
                skills.get(each, say("unknown skill")) for each in json.loads(row["skills"])
            ),
            description=row["description"],
            customer_note=row["customer_note"],
            notes=tuple(note_words(each["text"]) for each in notes.get(row["job"], [])[:NOTES_MAX]),
            checks=tuple(
                (each["text"], bool(each["ticked"])) for each in checks.get(row["job"], [])
            ),
        )
        for row in rows
    }


def _by(rows: Iterable[Any], key: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _people(row: Any, contacts: Iterable[Any]) -> tuple[str, ...]:
    own = " ".join(part for part in (row["contact"], row["contact_phone"]) if part)
    others = [f"{each['name']} {each['phone']}".strip() for each in contacts]
    return tuple(dict.fromkeys([*([own] if own else []), *others]))


def when_on_paper(start_ms: int | None, end_ms: int | None, day: str, zone: ZoneInfo) -> str:
    """A window as a sheet of `day` has it: `10:00–11:30`, with a date where it is another day."""

    def one(at_ms: int) -> str:
        own = today(at_ms, zone)
        clock = clock_words(at_ms, zone)
        return clock if own == day else say("{day} {clock}", day=date_words(own, day), clock=clock)

    if start_ms is None and end_ms is None:
        return say("any time")
    if start_ms is None:
        return say("by {when}", when=one(end_ms or 0))
    if end_ms is None:
        return say("from {when}", when=one(start_ms))
    same_day = today(start_ms, zone) == today(end_ms, zone)
    end = clock_words(end_ms, zone) if same_day else one(end_ms)
    return say("{start}–{end}", start=one(start_ms), end=end)


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/workers/day", sheets_of_day)
    app.router.add_get("/workers/{worker:[0-9a-f]{24}}/day", sheet_of_worker)
