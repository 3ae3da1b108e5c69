"""The form that makes or changes a worker: name, phone, team, vehicle, skills, shift, note.

Skills are check boxes that make one field together, so two people who tick different skills at
once meet in one register and are shown both. Only what was edited is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import ActError, edit_worker, new_stream_id
from core.dispatch.fields import Kind
from core.log.errors import Malformed
from core.sentence import say
from hub.keys import ACCOUNT, HUB
from hub.past_acts import reference_of
from web.formats import minute_of_day_text, parse_minute_of_day
from web.frame import must_write, see_other
from web.rendering import show
from web.stale_form import Clash, Sent, changed_since, clashes_of, clean, read_sent, seal_shown

LABELS: Final = {
    "name": say("Name"),
    "phone": say("Phone number"),
    "team": say("Team"),
    "vehicle": say("Vehicle"),
    "skills": say("Skills"),
    "shift": say("Shift"),
    "note": say("Note"),
    "archived": say("No longer works here"),
}
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Choice:
    """A team, vehicle or skill to choose, by id."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class WorkerFormPage:
    """The form; `worker` is "" for a new one, `basis` and `shown` go back with it."""

    worker: str
    values: Mapping[str, str]
    teams: Mapping[str, str]
    vehicles: Mapping[str, str]
    skills: tuple[Choice, ...]
    basis: str
    shown: str
    clashes: tuple[Clash, ...] = ()
    error: str = ""

    @property
    def chosen_skills(self) -> list[str]:
        """Ids of the ticked skills."""
        return self.values.get("skills", "").split()

    @property
    def shift_start(self) -> str:
        """The shift's start as a time input takes it."""
        return self.values.get("shift", "").partition(" ")[0]

    @property
    def shift_end(self) -> str:
        """The shift's end as a time input takes it."""
        return self.values.get("shift", "").partition(" ")[2]


async def new_page(request: web.Request) -> web.StreamResponse:
    """GET /workers/new."""
    must_write(request)
    return await _show_form(request, "", {}, {}, "")


async def create(request: web.Request) -> web.StreamResponse:
    """POST /workers/new: make the worker and go on to the phone."""
    form = await request.post()
    hub = request.app[HUB]
    sent = Sent("", {}, _given(form))
    worker = new_stream_id(Kind.WORKER, hub.clock.now_ms(), hub.replica.entropy(7))
    try:
        edited = {"name": "", **sent.edited()}
        written = await hub.act(request[ACCOUNT], edit_worker(worker, _values(edited)))
    except ActError as refusal:
        return await _show_form(request, "", sent.given, {}, "", error=str(refusal), status=422)
    words = say("{name} was added. Now let a phone join.", name=sent.given["name"])
    raise see_other(f"/workers/{worker.hex()}", words, undo=reference_of(written).text())


async def edit_page(request: web.Request) -> web.StreamResponse:
    """GET /workers/{worker}/edit."""
    must_write(request)
    worker = request.match_info["worker"]
    current, basis = await _current(request, worker)
    return await _show_form(request, worker, current, current, basis)


async def save(request: web.Request) -> web.StreamResponse:
    """POST /workers/{worker}/edit: write what was edited, or ask about what clashes."""
    worker = request.match_info["worker"]
    hub = request.app[HUB]
    current, basis = await _current(request, worker)
    form = await request.post()
    try:
        frame = read_sent(form, ())
        sent = Sent(frame.basis, frame.shown, _given(form))
        changes = await changed_since(hub.reader, worker, sent.basis, LABELS)
    except Malformed as wrong:
        return await _show_form(
            request, worker, current, current, basis, error=str(wrong), status=400
        )
    edited = sent.edited()
    inputs = {(name, ""): name for name in LABELS}
    clashes = clashes_of(edited, current, changes, inputs, LABELS)
    if clashes:
        clashes = await _in_words(request, clashes)
        return await _show_form(
            request, worker, current | edited, current, basis, clashes=clashes, status=409
        )
    undo = ""
    try:
        if edited:
            act = edit_worker(bytes.fromhex(worker), _values(edited))
            written = await hub.act(request[ACCOUNT], act, {bytes.fromhex(worker): sent.basis})
            undo = reference_of(written).text()
    except ActError as refusal:
        return await _show_form(
            request,
            worker,
            current | edited,
            sent.shown,
            sent.basis,
            error=str(refusal),
            status=422,
        )
    words = say("Saved.") if edited else say("Nothing was changed.")
    raise see_other(f"/workers/{worker}", words, undo=undo)


def _given(form: Any) -> dict[str, str]:
    """The form's texts; skills and shift as one text each, as they are compared."""
    given = {name: clean(form.get(name)) for name in LABELS if name not in ("skills", "shift")}
    given["skills"] = " ".join(sorted(clean(skill) for skill in form.getall("skill", [])))
    times = (clean(form.get("shift_start")), clean(form.get("shift_end")))
    given["shift"] = " ".join(times) if any(times) else ""
    return given


def _values(edited: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, text in edited.items():
        match name:
            case "team" | "vehicle":
                values[name] = _identity(text) if text else None
            case "skills":
                values[name] = [_identity(skill) for skill in text.split()] or None
            case "shift":
                values[name] = _shift(text) if text else None
            case "archived":
                values[name] = text == "yes"
            case _:
                values[name] = text
    return values


def _identity(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ActError(say("Choose from the list; this is not one of its lines.")) from error


def _shift(text: str) -> list[int]:
    start_text, _, end_text = text.partition(" ")
    if not start_text or not end_text:
        raise ActError(say("A shift needs a start and an end; leave both empty for none."))
    try:
        start, end = parse_minute_of_day(start_text), parse_minute_of_day(end_text)
    except ValueError as error:
        raise ActError(*error.args) from error
    # An end that is not after the start is on the next day: a night shift.
    return [start, end if end > start else end + _DAY_MINUTES]


async def _current(request: web.Request, worker: str) -> tuple[dict[str, str], str]:
    """The texts of the form as it would be drawn now, and the frontier that they stand for."""
    row = await request.app[HUB].reader.row("SELECT * FROM worker WHERE worker = ?", (worker,))
    if row is None:
        raise web.HTTPNotFound
    shift = json.loads(row["shift"])
    values = {name: row[name] for name in ("name", "phone", "team", "vehicle", "note")}
    values["skills"] = " ".join(sorted(json.loads(row["skills"])))
    values["shift"] = " ".join(minute_of_day_text(minute) for minute in shift) if shift else ""
    values["archived"] = "yes" if row["archived"] else ""
    return values, row["frontier"]


async def _in_words(request: web.Request, clashes: Iterable[Clash]) -> list[Clash]:
    """Clashes with names in place of the ids of teams, vehicles and skills."""
    reader = request.app[HUB].reader
    names = {}
    for kind in ("team", "vehicle", "skill"):
        for row in await reader.rows(f"SELECT {kind} AS id, name FROM {kind}"):
            names[row["id"]] = row["name"]

    def words(name: str, text: str) -> str:
        if name in ("team", "vehicle", "skills"):
            return ", ".join(names.get(part, part) for part in text.split())
        return text.replace(" ", "–") if name == "shift" else text

    return [
        replace(
            clash,
            mine_words=words(clash.name, clash.mine),
            theirs_words=words(clash.name, clash.theirs),
        )
        for clash in clashes
    ]


async def _show_form(
    request: web.Request,
    worker: str,
    values: Mapping[str, str],
    shown: Mapping[str, str],
    basis: str,
    *,
    clashes: Iterable[Clash] = (),
    error: str = "",
    status: int = 200,
) -> web.Response:
    reader = request.app[HUB].reader
    choices: dict[str, dict[str, str]] = {}
    for kind in ("team", "vehicle", "skill"):
        # One that is archived stays to be chosen where the worker has it.
        rows = await reader.rows(f"SELECT {kind} AS id, name, archived FROM {kind} ORDER BY name")
        used = values.get("skills" if kind == "skill" else kind, "").split()
        choices[kind] = {
            row["id"]: row["name"] for row in rows if not row["archived"] or row["id"] in used
        }
    page = WorkerFormPage(
        worker=worker,
        values={name: values.get(name, "") for name in LABELS},
        teams=choices["team"],
        vehicles=choices["vehicle"],
        skills=tuple(Choice(skill, name) for skill, name in choices["skill"].items()),
        basis=basis,
        shown=seal_shown(shown),
        clashes=tuple(clashes),
        error=error,
    )
    return await show(request, "worker_form.html", page, status=status)


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/workers/new", new_page)
    app.router.add_post("/workers/new", create)
    app.router.add_get("/workers/{worker:[0-9a-f]{24}}/edit", edit_page)
    app.router.add_post("/workers/{worker:[0-9a-f]{24}}/edit", save)
