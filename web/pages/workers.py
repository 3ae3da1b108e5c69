"""Workers: the list with teams, vehicles and phones, and one worker with phone and jobs.

Asks and shows; the form is `web.pages.worker_form`, a phone joins on `web.pages.enrol`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.sentence import Sentence, say
from hub.guard import Refused
from hub.keys import ACCOUNT, HUB
from web.board.days import today
from web.formats import folded, matches, minute_of_day_text
from web.frame import see_other, settings_of, zone_of
from web.pages.customers import JobRow
from web.pages.history import HistoryRow, history_of
from web.pages.roster import RosterPart, roster_part
from web.pages.search import WORDS_MAX
from web.phones import Phone, phones_of
from web.rendering import show
from web.roster import RosterDay, absent_words, roster_on

SHOWN_MAX: Final = 500
JOBS_SHOWN_MAX: Final = 30

_LIST: Final = """
    SELECT worker.*, coalesce(team.name, '') AS team_name,
           coalesce(vehicle.name, '') AS vehicle_name, coalesce(vehicle.plate, '') AS plate,
           (SELECT count(*) FROM job WHERE job.worker = worker.worker
            AND job.status IN ('open', 'in progress')) AS open_jobs
    FROM worker LEFT JOIN team ON team.team = worker.team
    LEFT JOIN vehicle ON vehicle.vehicle = worker.vehicle
"""
_SKILLS: Final = "SELECT skill, name FROM skill"
_JOBS: Final = """
    SELECT job.job, job.number, job.title, job.status, job.window_start, job.window_end,
           job.finished_at, coalesce(customer.name, '') AS who
    FROM job LEFT JOIN customer ON customer.customer = job.customer
    WHERE job.worker = ? AND job.status IN ('open', 'in progress')
    ORDER BY coalesce(job.window_start, 9e15) LIMIT ?
"""

AUTO_MODE_WORDS: Final = {
    "off": say("off"),
    "suggest": say("suggests, the worker decides"),
    "timed": say("logs time, leaves the state alone"),
    "automatic": say("logs time and moves the state"),
}


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One line of the list; `phones` are the worker's own."""

    worker: str
    name: str
    phone: str
    team: str
    vehicle: str
    skills: tuple[str, ...]
    shift: str
    archived: bool
    open_jobs: int
    phones: tuple[Phone, ...]
    away: str = ""
    """`on holiday until 3 Dec`, where the worker is absent today."""

    @property
    def newest(self) -> Phone | None:
        """The phone that was heard last, None where none has joined."""
        return max(self.phones, key=lambda phone: phone.heard_at_ms or 0, default=None)


@dataclass(frozen=True, slots=True)
class WorkersPage:
    """The list: what was looked for, by which team, and the teams to choose from."""

    text: str
    team: str
    teams: dict[str, str]
    rows: tuple[WorkerRow, ...]
    total: int
    archived: bool
    now_ms: int


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """One worker, the phones, what is still to do, and what was changed."""

    row: WorkerRow
    note: str
    jobs_on: bool
    auto_on: bool
    auto_mode: str
    threshold_min: int | None
    jobs: tuple[JobRow, ...]
    history: tuple[HistoryRow, ...]
    roster: RosterPart
    frontier: str
    now_ms: int


async def workers_page(request: web.Request) -> web.StreamResponse:
    """GET /workers?q=&team=&archived=yes."""
    hub = request.app[HUB]
    text, team = request.query.get("q", "").strip()[:200], request.query.get("team", "")
    archived = request.query.get("archived") == "yes"
    words = folded(text).split()[:WORDS_MAX]
    phones = await phones_of(hub)
    skills = await _skill_names(hub.reader)
    present = today(hub.clock.now_ms(), zone_of(await settings_of(request)))
    roster = await roster_on(hub.reader, present)
    rows = [
        _row(row, phones, skills, roster[row["worker"]], present)
        for row in await hub.reader.rows(_LIST)
        if bool(row["archived"]) == archived and (not team or row["team"] == team)
    ]
    found = [
        row
        for row in rows
        if matches(words, row.name, row.phone, row.team, row.vehicle, " ".join(row.skills))
    ]
    found.sort(key=lambda row: folded(row.name))
    teams = await hub.reader.rows("SELECT team, name FROM team WHERE archived = 0 ORDER BY name")
    page = WorkersPage(
        text,
        team,
        {each["team"]: each["name"] for each in teams},
        tuple(found[:SHOWN_MAX]),
        len(rows),
        archived,
        hub.clock.now_ms(),
    )
    return await show(request, "workers.html", page)


async def _skill_names(reader: Any) -> dict[str, str]:
    return {row["skill"]: row["name"] for row in await reader.rows(_SKILLS)}


def _row(
    row: Any, phones: list[Phone], skill_names: dict[str, str], on: RosterDay, present: str
) -> WorkerRow:
    vehicle = " · ".join(part for part in (row["vehicle_name"], row["plate"]) if part)
    if on.is_exception:
        vehicle = _todays_vehicle(on.vehicle_name, vehicle)
    return WorkerRow(
        worker=row["worker"],
        name=row["name"],
        phone=row["phone"],
        team=row["team_name"],
        vehicle=vehicle,
        skills=tuple(sorted(skill_names.get(each, "?") for each in json.loads(row["skills"]))),
        shift=shift_words(json.loads(row["shift"])),
        archived=bool(row["archived"]),
        open_jobs=row["open_jobs"],
        phones=tuple(phone for phone in phones if phone.worker == row["worker"]),
        away=absent_words(on.absence, present),
    )


def _todays_vehicle(name: str, usual: str) -> Sentence:
    if name and usual:
        return say("{vehicle} today (else {usual})", vehicle=name, usual=usual)
    if usual:
        return say("none today (else {usual})", usual=usual)
    return say("{vehicle} today", vehicle=name) if name else say("none today")


def shift_words(shift: list[int] | None) -> str:
    """A shift as `08:00–16:30`, with `+1` where it ends on the next day; "" for none."""
    if not shift:
        return ""
    start, end = shift
    next_day = " +1" if end > 24 * 60 else ""
    return f"{minute_of_day_text(start)}–{minute_of_day_text(end)}{next_day}"


async def worker_page(request: web.Request) -> web.StreamResponse:
    """GET /workers/{worker}."""
    hub = request.app[HUB]
    worker = request.match_info["worker"]
    row = await hub.reader.row(f"{_LIST} WHERE worker.worker = ?", (worker,))
    if row is None:
        raise web.HTTPNotFound
    jobs = await hub.reader.rows(_JOBS, (worker, JOBS_SHOWN_MAX))
    present = today(hub.clock.now_ms(), zone_of(await settings_of(request)))
    on = (await roster_on(hub.reader, present))[worker]
    page = WorkerPage(
        row=_row(row, await phones_of(hub), await _skill_names(hub.reader), on, present),
        note=row["note"],
        jobs_on=bool(row["jobs_on"]),
        auto_on=bool(row["auto_on"]),
        auto_mode=AUTO_MODE_WORDS.get(row["auto_mode"], row["auto_mode"]),
        threshold_min=row["threshold_min"],
        jobs=tuple(
            JobRow(
                each["job"],
                each["number"],
                each["title"],
                each["status"],
                each["window_start"],
                each["window_end"],
                each["finished_at"],
                each["who"],
            )
            for each in jobs
        ),
        history=await history_of(hub.reader, worker),
        roster=await roster_part(request, worker),
        frontier=row["frontier"],
        now_ms=hub.clock.now_ms(),
    )
    return await show(request, "worker.html", page)


async def revoke_phone(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/phones/{author}/revoke: the phone's key counts no more."""
    hub = request.app[HUB]
    worker, author = request.match_info["worker"], request.match_info["author"]
    if all(phone.author != author or phone.worker != worker for phone in await phones_of(hub)):
        raise Refused(
            404,
            say("This worker has no such phone."),
            say("Load the worker's page anew; it may be gone."),
        )
    await hub.revoke(request[ACCOUNT], bytes.fromhex(author))
    raise see_other(
        f"/workers/{worker}",
        say(
            "The phone is shut out. What it had sent is kept; what comes from now on does not "
            "count."
        ),
    )


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/workers", workers_page)
    app.router.add_get("/workers/{worker:[0-9a-f]{24}}", worker_page)
    app.router.add_post(
        "/workers/{worker:[0-9a-f]{24}}/phones/{author:[0-9a-f]{64}}/revoke", revoke_phone
    )
