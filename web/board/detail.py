"""Everything about one job, as the detail pane draws it.

Puts together the job's row, customer and place, plan, assignments with their reach, time, states,
notes, changes and open conflicts. The lists with a history are in `detail_history`. Invariant: what
the pane may offer follows the job's status; what it offers is checked again when it comes back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.reasons import note_words, reason_words
from core.sentence import listed, say
from replica.history import HistoryRow
from replica.history import history_of as changes_of
from web import formats
from web.board.conflicts import ConflictView, conflicts_of
from web.board.detail_around import around_of
from web.board.detail_history import HistoryView, act_of, history_of
from web.board.detail_time import TimeView, time_of
from web.board.files import FilesView, files_in_pane
from web.board.filters import Filter
from web.board.reach import Reach, Turn, reach_of
from web.board.reader import Rows
from web.board.rows import BoardRow, board_rows, find_rows
from web.board.state import Moment
from web.board.words import Names, load_names
from web.outlines import corners_in
from web.recurring.questions import DayOf, day_of_job

VISITS_SHOWN: Final = 5
OPEN_MAX: Final = 100
"""Other open jobs of one customer that are counted."""
GONE: Final = frozenset({"withdrawn", "released"})
PHASES_BY_HAND: Final = (
    ("accepted", say("Accepted")),
    ("travelling", say("Travelling")),
    ("on site", say("On site")),
    ("paused", say("Paused")),
    ("finished", say("Finished")),
    ("rejected", say("Rejected")),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to call: name, phone as written, and phone as a link needs it."""

    name: str
    phone: str
    call: str
    email: str


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """One turn: whose, how far, and what the phone is proven to know."""

    worker: str
    turn: str
    name: str
    call: str
    phase: str
    reason: str
    assigned_at: int
    handed_from: str
    reach: Reach
    gone: bool
    leading: bool
    position: str
    position_at: int | None
    position_old: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """Another job of the same customer; `at_ms` is None for one that is open and has no date."""

    href: str
    number: str
    title: str
    at_ms: int | None
    status: str
    worker: str


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note: what, by whom, when; `act` names it to be undone, "" where it is a worker's."""

    text: str
    who: str
    at_ms: int
    act: str


@dataclass(frozen=True, slots=True)
class CheckView:
    """A check item; `number` names it in its stream."""

    number: int
    text: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class JobDetail:
    """What `board/detail.html` gets of one job."""

    row: BoardRow
    description: str
    customer_href: str
    again_href: str
    customer_note: str
    address: str
    point: str
    radius_m: int
    corners: int
    people: tuple[Person, ...]
    visits: tuple[Visit, ...]
    window: str
    planned: str
    skills: str
    assignments: tuple[AssignmentView, ...]
    time: TimeView
    history: HistoryView
    notes: tuple[NoteView, ...]
    files: FilesView
    open_jobs: tuple[Visit, ...]
    open_more: int
    checks: tuple[CheckView, ...]
    conflicts: tuple[ConflictView, ...]
    created_at: int
    frontier: str
    edit_href: str
    recurring: DayOf | None
    action: str
    phases: tuple[tuple[str, str], ...]

    @property
    def may_assign(self) -> bool:
        """Whether somebody can be put on it."""
        return self.row.status in ("open", "in progress", "rejected")

    @property
    def may_cancel(self) -> bool:
        """Whether there is anything to cancel."""
        return self.row.status in ("open", "in progress", "rejected")

    @property
    def may_reopen(self) -> bool:
        """Whether it is closed."""
        return self.row.status in ("done", "cancelled", "rejected")

    @property
    def leading(self) -> AssignmentView | None:
        """The assignment that the row shows."""
        return next((turn for turn in self.assignments if turn.leading), None)


async def job_detail(moment: Moment, wanted: Filter, job: str) -> JobDetail | None:
    """The pane of a job; None where this hub holds no such job."""
    reader, zone, now_ms = moment.hub.reader, moment.zone, moment.now_ms
    question = await moment.question(wanted)
    found = await find_rows(reader, question.of_some([job]), 1)
    if not found.rows:
        return None
    raw = found.rows[0]
    (row,) = board_rows(moment, question, found)
    names = await load_names(reader, raw["customer"])
    state = await reader.state(job)
    changes = changes_of(state)
    around = await around_of(reader, state, changes, raw, zone)
    assignments = await _assignments(moment, raw, names)
    open_jobs = await _open_jobs(reader, wanted, raw)
    customer = await reader.row("SELECT * FROM customer WHERE customer = ?", (raw["customer"],))
    return JobDetail(
        row=row,
        description=raw["description"],
        customer_href=f"/customers/{raw['customer']}" if customer else "",
        again_href=wanted.url(do="new", **{"for": raw["customer"]}) if customer else "",
        customer_note=customer["note"] if customer else "",
        address=raw["address"],
        point=formats.point_words(raw["lat_e7"], raw["lon_e7"]),
        radius_m=raw["radius_m"],
        corners=corners_in(raw),
        people=await _people(reader, raw),
        visits=await _visits(reader, wanted, raw),
        window=formats.window_words(raw["window_start"], raw["window_end"], zone, now_ms),
        planned=formats.minutes_words(raw["planned_minutes"]) if raw["planned_minutes"] else "",
        skills=_skills(raw["skills"], names),
        assignments=assignments,
        time=await time_of(reader, raw, names, zone, now_ms),
        history=history_of(job, changes, names, zone, now_ms, around),
        notes=await _notes(reader, job, changes, names),
        files=await files_in_pane(
            moment, state, names, [turn.worker for turn in assignments if not turn.gone]
        ),
        open_jobs=open_jobs[:VISITS_SHOWN],
        open_more=max(len(open_jobs) - VISITS_SHOWN, 0),
        checks=tuple(
            CheckView(item["item"], item["text"], bool(item["ticked"]))
            for item in await reader.rows(
                "SELECT item, text, ticked FROM check_item WHERE job = ? ORDER BY item", (job,)
            )
        ),
        conflicts=await conflicts_of(reader, job, names, zone, now_ms),
        created_at=raw["created_at"],
        frontier=raw["frontier"],
        edit_href=wanted.url(job=job, do="edit"),
        recurring=await day_of_job(reader, job, raw["number"]),
        action=f"/board/job/{job}",
        phases=PHASES_BY_HAND,
    )


def _skills(text: str, names: Names) -> str:
    return listed(names.skill.get(skill, say("unknown skill")) for skill in json.loads(text))


def call_number(phone: str) -> str:
    """A phone number as a `tel:` link takes it; '' where there is nothing to call."""
    digits = "".join(letter for letter in phone if letter.isdigit())
    return ("+" if phone.strip().startswith("+") else "") + digits if len(digits) > 2 else ""


async def _people(reader: Rows, raw: Any) -> tuple[Person, ...]:
    found = []
    if raw["contact"] or raw["contact_phone"]:
        name, phone = raw["contact"], raw["contact_phone"]
        found.append(Person(name or say("Contact"), phone, call_number(phone), ""))
    rows = await reader.rows(
        "SELECT name, phone, email FROM contact WHERE customer = ? AND NOT archived"
        " ORDER BY lower(name) LIMIT 20",
        (raw["customer"],),
    )
    for row in rows:
        person = Person(row["name"], row["phone"], call_number(row["phone"]), row["email"])
        if all((person.name, person.call) != (other.name, other.call) for other in found):
            found.append(person)
    return tuple(found)


async def _visits(reader: Rows, wanted: Filter, raw: Any) -> tuple[Visit, ...]:
    if not raw["customer"]:
        return ()
    rows = await reader.rows(
        "SELECT job.job, job.number, job.title, job.status, job.updated_at, job.finished_at,"
        " coalesce(worker.name, '') AS worker_name FROM job LEFT JOIN worker USING (worker)"
        " WHERE job.customer = ? AND job.job <> ? AND job.status IN ('done', 'rejected')"
        " ORDER BY coalesce(job.finished_at, job.updated_at) DESC LIMIT ?",
        (raw["customer"], raw["job"], VISITS_SHOWN),
    )
    return tuple(
        Visit(
            wanted.url(job=row["job"]),
            row["number"],
            row["title"],
            row["finished_at"] or row["updated_at"],
            row["status"],
            row["worker_name"],
        )
        for row in rows
    )


async def _open_jobs(reader: Rows, wanted: Filter, raw: Any) -> tuple[Visit, ...]:
    """What else is to be done for the same customer, what comes first before."""
    if not raw["customer"]:
        return ()
    rows = await reader.rows(
        "SELECT job.job, job.number, job.title, job.status, job.window_start,"
        " coalesce(worker.name, '') AS worker_name FROM job LEFT JOIN worker USING (worker)"
        " WHERE job.customer = ? AND job.job <> ? AND job.status IN ('open', 'in progress')"
        " ORDER BY coalesce(job.window_start, 9e15), job.number LIMIT ?",
        (raw["customer"], raw["job"], OPEN_MAX),
    )
    return tuple(
        Visit(
            wanted.in_view("all").url(job=row["job"]),
            row["number"],
            row["title"],
            row["window_start"],
            row["status"],
            row["worker_name"] or say("nobody yet"),
        )
        for row in rows
    )


async def _notes(
    reader: Rows, job: str, changes: Sequence[HistoryRow], names: Names
) -> tuple[NoteView, ...]:
    rows = await reader.rows(
        "SELECT note, at, text, actor FROM note WHERE job = ? ORDER BY at DESC, note", (job,)
    )
    made = {row.path: row for row in changes if row.field == "note"}

    def view(row: Any) -> NoteView:
        by = made.get(row["note"])
        who = names.author(row["actor"], by.author if by is not None else "")
        act = act_of(job, by, names) if by is not None else ""
        return NoteView(note_words(row["text"]), who, row["at"], act)

    return tuple(view(row) for row in rows)


async def _assignments(moment: Moment, raw: Any, names: Names) -> tuple[AssignmentView, ...]:
    reader = moment.hub.reader
    rows = await reader.rows(
        "SELECT assignment.*, coalesce(worker.phone, '') AS phone FROM assignment"
        " LEFT JOIN worker USING (worker) WHERE job = ? ORDER BY assigned_at, turn",
        (raw["job"],),
    )
    turns = {
        row["turn"] + row["worker"]: Turn(row["job"], row["worker"], row["turn"], row["entry"])
        for row in rows
    }
    reach = await reach_of(reader, turns.values())
    leads = [
        row["turn"]
        for row in rows
        if row["worker"] == raw["worker"] and row["phase"] == raw["phase"]
    ]
    views = []
    for row in rows:
        gone = row["phase"] in GONE
        where = _position(moment, row["worker"], moment.zone) if not gone else ("", None, False)
        views.append(
            AssignmentView(
                worker=row["worker"],
                turn=row["turn"],
                name=names.worker.get(row["worker"], say("Unknown worker")),
                call=call_number(row["phone"]),
                phase=row["phase"],
                reason=reason_words(row["reason"]),
                assigned_at=row["assigned_at"],
                handed_from=names.worker.get(row["handed_from"], ""),
                reach=reach[turns[row["turn"] + row["worker"]]],
                gone=gone,
                leading=bool(leads) and row["turn"] == leads[-1] and not gone,
                position=where[0],
                position_at=where[1],
                position_old=where[2],
            )
        )
    return tuple(sorted(views, key=lambda view: (view.gone, not view.leading)))


def _position(moment: Moment, worker: str, _zone: ZoneInfo) -> tuple[str, int | None, bool]:
    presence = moment.hub.presence.get(worker)
    if presence is None or presence.lat_e7 is None:
        return "", None, False
    words = formats.point_words(presence.lat_e7, presence.lon_e7)
    return words, presence.at_ms, moment.now_ms - presence.at_ms > 5 * formats.MINUTE_MS
