"""A worker's absences and vehicles by day: added, changed and taken back on the worker's page.

Each is an act of its own. What an absence meets (jobs that are assigned in those days) and whose
vehicle is taken is told after it was saved, for people to decide. Invariant: nothing is forbidden
because of an absence or a vehicle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import Act, ActError
from core.dispatch.fields import AbsenceKind
from core.dispatch.roster import Absence, clear_absence, set_absence, set_vehicle_on
from core.log.errors import Malformed
from core.log.frontier import read_token
from core.sentence import Sentence, listed, say, say_n
from hub.keys import ACCOUNT, HUB
from web.board.days import day_bounds, today
from web.formats import date_words, sentence
from web.frame import see_other, settings_of, zone_of
from web.roster import vehicle_names
from web.stale_form import clean

KIND_CHOICES: Final = {
    str(int(AbsenceKind.HOLIDAY)): say("Holiday"),
    str(int(AbsenceKind.SICK)): say("Sick"),
    str(int(AbsenceKind.OTHER)): say("Other"),
}
PAST_SHOWN_MAX: Final = 20
_WORKER: Final = "/workers/{worker:[0-9a-f]{24}}"


@dataclass(frozen=True, slots=True)
class AbsenceLine:
    """One absence on the page, with its days in words."""

    id: str
    first: str
    last: str
    kind: str
    kind_words: str
    note: str
    days_words: str
    is_past: bool
    is_now: bool


@dataclass(frozen=True, slots=True)
class VehicleLine:
    """One day with another vehicle; `name` is "" for none."""

    day: str
    day_words: str
    name: str
    is_past: bool


@dataclass(frozen=True, slots=True)
class RosterPart:
    """What the worker's page shows of both, with what can be chosen."""

    absences: tuple[AbsenceLine, ...]
    vehicle_days: tuple[VehicleLine, ...]
    kinds: Mapping[str, str]
    vehicles: dict[str, str]
    today: str


async def roster_part(request: web.Request, worker: str) -> RosterPart:
    """Absences and vehicles by day of a worker: what is to come first, then what was."""
    reader = request.app[HUB].reader
    now_ms = request.app[HUB].clock.now_ms()
    present = today(now_ms, zone_of(await settings_of(request)))
    rows = await reader.rows("SELECT * FROM absence WHERE worker = ? ORDER BY first", (worker,))
    lines = [_absence_line(row, present) for row in rows]
    past = [line for line in reversed(lines) if line.is_past][:PAST_SHOWN_MAX]
    names = await vehicle_names(reader)
    days = [
        VehicleLine(
            row["day"],
            date_words(row["day"], present),
            names.get(row["vehicle"], ""),
            row["day"] < present,
        )
        for row in await reader.rows(
            "SELECT day, vehicle FROM vehicle_day WHERE worker = ? ORDER BY day", (worker,)
        )
    ]
    gone = [line for line in reversed(days) if line.is_past][:PAST_SHOWN_MAX]
    usable = await reader.rows("SELECT vehicle, name FROM vehicle WHERE NOT archived ORDER BY name")
    return RosterPart(
        absences=(*(line for line in lines if not line.is_past), *past),
        vehicle_days=(*(line for line in days if not line.is_past), *gone),
        kinds=KIND_CHOICES,
        vehicles={row["vehicle"]: row["name"] for row in usable},
        today=present,
    )


def _absence_line(row: Any, present: str) -> AbsenceLine:
    absence = Absence(row["first"], row["last"], row["kind"], row["note"])
    days = date_words(absence.first, present)
    if absence.last != absence.first:
        days = listed([days, date_words(absence.last, present)], " – ")
    kind = str(row["kind"])
    return AbsenceLine(
        id=row["absence"],
        first=absence.first,
        last=absence.last,
        kind=kind,
        kind_words=KIND_CHOICES.get(kind, say("Absent")),
        note=absence.note,
        days_words=days,
        is_past=absence.last < present,
        is_now=absence.first <= present <= absence.last,
    )


# --- what the forms do


async def add_absence(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/absences: first, last, kind, note."""
    return await _save_absence(request, request.app[HUB].replica.entropy(8), is_new=True)


async def change_absence(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/absences/{absence}: other days, kind or note, or `remove`."""
    absence = bytes.fromhex(request.match_info["absence"])
    if (await request.post()).get("remove") is not None:
        worker = bytes.fromhex(request.match_info["worker"])
        words = say("The absence is taken back.")
        return await _written(request, clear_absence(worker, absence), words)
    return await _save_absence(request, absence, is_new=False)


async def _save_absence(
    request: web.Request, absence: bytes, *, is_new: bool
) -> web.StreamResponse:
    form = await request.post()
    worker = request.match_info["worker"]
    first, last = clean(form.get("first")), clean(form.get("last"))
    kind, note = clean(form.get("kind")), clean(form.get("note"))
    last = last or first
    try:
        number = int(kind) if kind.isdecimal() and len(kind) < 4 else 0
        act = set_absence(bytes.fromhex(worker), absence, first, last, number, note)
        await _check_is_new(request, worker, act[0].value, absence.hex())
    except ActError as refusal:
        raise _back(worker, sentence(str(refusal)), "bad") from refusal
    words = say("The absence is added.") if is_new else say("The absence is changed.")
    met = await _jobs_between(request, worker, first, last)
    if met:
        jobs = say_n(
            "{n} job is assigned in those days: look who can take them.",
            "{n} jobs are assigned in those days: look who can take them.",
            met,
        )
        words = listed([words, jobs], " ")
    return await _written(request, act, words, "risk" if met else "good")


async def _check_is_new(request: web.Request, worker: str, value: Any, own: str) -> None:
    """Refuse the same absence twice, as a second click or a second dispatcher makes it."""
    first, last, kind, _ = value
    same = await request.app[HUB].reader.rows(
        "SELECT 1 FROM absence WHERE worker = ? AND first = ? AND last = ? AND kind = ?"
        " AND absence <> ?",
        (worker, first, last, kind, own),
    )
    if same:
        raise ActError(say("that absence is there already; change the one that is"))


async def _jobs_between(request: web.Request, worker: str, first: str, last: str) -> int:
    """How many of the worker's jobs that are still to do lie in these local days."""
    zone = zone_of(await settings_of(request))
    (row,) = await request.app[HUB].reader.rows(
        "SELECT count(*) AS n FROM job WHERE worker = ? AND status IN ('open', 'in progress')"
        " AND window_start < ? AND window_end >= ?",
        (worker, day_bounds(last, zone)[1], day_bounds(first, zone)[0]),
    )
    return int(row["n"])


async def set_vehicle(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/vehicle-days: day, vehicle ("none" for none), or `remove`."""
    form, worker = await request.post(), request.match_info["worker"]
    day, vehicle = clean(form.get("day")), clean(form.get("vehicle"))
    reader = request.app[HUB].reader
    stream = bytes.fromhex(worker)
    words, tone = say("The vehicle for {day} is set.", day=day), "good"
    try:
        if form.get("remove") is not None:
            act = set_vehicle_on(stream, day, None)
            words = say("{day} is a day as any other again.", day=day)
            return await _written(request, act, words)
        if vehicle != "none" and vehicle not in await vehicle_names(reader):
            raise ActError(say("choose a vehicle from the list, or none"))
        identity = b"" if vehicle == "none" else bytes.fromhex(vehicle)
        act = set_vehicle_on(stream, day, identity)
        others = await _who_else_drives(reader, worker, act[0].path[1], vehicle)
        if others:
            words, tone = listed([words, _shared_words(others)], " "), "risk"
    except ActError as refusal:
        raise _back(worker, sentence(str(refusal)), "bad") from refusal
    return await _written(request, act, words, tone)


async def _who_else_drives(reader: Any, worker: str, day: str, vehicle: str) -> list[str]:
    rows = await reader.rows(
        "SELECT worker.name FROM worker LEFT JOIN vehicle_day"
        " ON vehicle_day.worker = worker.worker AND vehicle_day.day = ?"
        " WHERE worker.worker <> ? AND NOT worker.archived"
        " AND coalesce(vehicle_day.vehicle, worker.vehicle) = ?"
        " AND NOT EXISTS (SELECT 1 FROM absence WHERE absence.worker = worker.worker"
        " AND absence.first <= ? AND absence.last >= ?) ORDER BY worker.name LIMIT 5",
        (day, worker, vehicle, day, day),
    )
    return [row["name"] for row in rows]


def _shared_words(others: list[str]) -> Sentence:
    first, *rest = others
    workers: str = first
    for name in rest:
        workers = say("{workers} and {name}", workers=workers, name=name)
    return say_n(
        "{workers} has it on that day too.",
        "{workers} have it on that day too.",
        len(others),
        workers=workers,
    )


async def _written(
    request: web.Request, act: Act, words: str, tone: str = "good"
) -> web.StreamResponse:
    """Write it from the frontier that the page was drawn from, and go back there."""
    hub, worker = request.app[HUB], request.match_info["worker"]
    if await hub.reader.row("SELECT 1 FROM worker WHERE worker = ?", (worker,)) is None:
        raise web.HTTPNotFound
    basis = clean((await request.post()).get("basis"))
    try:
        read_token(basis)
        await hub.act(request[ACCOUNT], act, {bytes.fromhex(worker): basis} if basis else None)
    except (ActError, Malformed) as refusal:
        raise _back(worker, sentence(str(refusal)), "bad") from refusal
    raise _back(worker, words, tone)


def _back(worker: str, words: str, tone: str) -> web.HTTPSeeOther:
    return see_other(f"/workers/{worker}", words, tone)


def add_routes(app: web.Application) -> None:
    """Add this module's forms to `app`."""
    app.router.add_post(f"{_WORKER}/absences", add_absence)
    app.router.add_post(f"{_WORKER}/absences/{{absence:[0-9a-f]{{16}}}}", change_absence)
    app.router.add_post(f"{_WORKER}/vehicle-days", set_vehicle)
