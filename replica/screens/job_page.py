"""One job: its page, and the pages that ask for a reason or a state.

Reads and draws; the acts are in `job_acts`. The one thing it writes is that the job was opened,
which the office sees as reach. Invariant: the page has one primary action at most, that of the
phase.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from core.dispatch import acts
from core.dispatch.fields import NOTE, Phase
from core.dispatch.geometry import distance_m
from core.dispatch.reasons import PROBLEMS, REJECT_REASONS, note_words
from core.dispatch.show import show
from core.log.registers import Registers, Write
from core.sentence import say
from replica.screens import files_page
from replica.screens.changed_by import changed_by
from replica.screens.here import SCREENS, Here, message_of
from replica.screens.joblist import GIVEN_AWAY, Card, load_card, looked_at, news
from replica.screens.overruled import overruled
from replica.screens.port import OwnFix
from replica.screens.progress import (
    BY_HAND,
    PRIMARY_BY_PHASE,
    REJECTABLE,
    SECONDARY_BY_PHASE,
)
from replica.screens.words import bearing_degrees, bearing_words, degrees_text

REFRESH_HEADER = "X-Fieldlog-Refresh"

_NOTES = (
    "SELECT note.note, note.at, note.actor, note.text, worker.name FROM note "
    "LEFT JOIN worker ON worker.worker = note.actor WHERE note.job = ? "
    "ORDER BY note.at DESC, note.note"
)
# A job without a customer has none: no customer's id is empty.
_CONTACTS = (
    "SELECT name, phone FROM contact WHERE customer = ? AND archived = 0 AND phone <> '' "
    "ORDER BY name LIMIT 5"
)


@dataclass(frozen=True, slots=True)
class WayThere:
    """How far and where a job lies from the last own position."""

    metres: float
    degrees: int
    wind: str
    age: str
    accuracy_m: int


@dataclass(frozen=True, slots=True)
class Contact:
    """Someone to call at the customer's."""

    name: str
    phone: str

    @property
    def link(self) -> str:
        """The number for a `tel:` link: digits and a leading plus; '' where there is none."""
        digits = re.sub(r"[^0-9+*#]", "", self.phone)
        return f"tel:{digits}" if digits else ""


class JobGone(web.HTTPException):
    """The job is not on this phone; drawn by the application's error page."""

    status_code = 410


async def card_of(request: web.Request) -> tuple[Here, Card]:
    """The job that an address names.

    Raises:
        JobGone: it is not, or no longer, on this phone.
        HTTPSeeOther: jobs are off.
    """
    screens = request.app[SCREENS]
    here = await screens.here()
    if not here.jobs_shown:
        raise web.HTTPSeeOther("/jobs")
    card = await load_card(screens.device.reader, here.worker, request.match_info["job"])
    if card is None:
        raise JobGone
    return here, card


async def job(request: web.Request) -> web.Response:
    """The job's page; opening it the first time is told to the office."""
    screens = request.app[SCREENS]
    here, card = await card_of(request)
    first = card.phase in ("assigned", "received")
    if first and REFRESH_HEADER not in request.headers:
        opened = acts.set_phase(
            bytes.fromhex(card.job),
            bytes.fromhex(here.worker),
            bytes.fromhex(card.turn),
            Phase.OPENED,
        )
        await screens.device.act(opened)
        here, card = await card_of(request)
    if screens.marks.seen(card.job) is None:
        screens.marks.look_at(card.job, looked_at(card))
    reader = screens.device.reader
    noted, called, customers, items = await reader.answers(
        (_NOTES, (card.job,)),
        (_CONTACTS, (card.customer,)),
        ("SELECT note FROM customer WHERE customer = ?", (card.customer,)),
        ("SELECT item, text, ticked FROM check_item WHERE job = ? ORDER BY item", (card.job,)),
    )
    notes = _notes(noted, here)
    return screens.page(
        here,
        "job.html",
        title=card.title,
        back="/jobs",
        message=message_of(request),
        card=card,
        primary=PRIMARY_BY_PHASE.get(card.phase),
        secondary=SECONDARY_BY_PHASE.get(card.phase, ()),
        rejectable=card.phase in REJECTABLE,
        news=news(
            card,
            screens.marks,
            here.zone,
            here.now_ms,
            await changed_by(request, here, card),
        ),
        overruled=await overruled(reader, here, card, screens.marks),
        navigate=navigate_link(card),
        way=way_there(here, card, screens.device.last_fix()),
        contacts=_contacts(called, card),
        # What the office tells everybody who has a job there: access, dogs, parking.
        customer_note=customers[0]["note"] if customers else "",
        items=items,
        notes=notes,
        files=await files_page.files_on_phone(request, here, card),
        files_limit=files_page.LIMIT,
        question=await _question(reader, card, notes),
        handed_from=await _worker_name(request, card.handed_from),
        handed_to=await _worker_name(request, card.handed_to),
        with_colleague=bool(card.handed_to)
        and await screens.device.is_with(bytes.fromhex(card.job), bytes.fromhex(card.handed_to)),
        given_away=GIVEN_AWAY,
        running=next((log for log in here.running if log.job == bytes.fromhex(card.job)), None),
        unsent=here.unsent_by_stream.get(card.job, 0),
    )


def _contacts(rows: Sequence[Any], card: Card) -> list[Contact]:
    """The job's own contact first, then the customer's others that can be called."""
    own = Contact(card.contact, card.contact_phone)
    found = [own] if own.name or own.phone else []
    known = {each.phone for each in found}
    return found + [Contact(row["name"], row["phone"]) for row in rows if row["phone"] not in known]


def _notes(rows: Sequence[Any], here: Here) -> list[dict[str, Any]]:
    return [
        {
            "note": row["note"],
            "at": row["at"],
            "text": row["text"],
            "words": note_words(row["text"]),
            "by": say("You") if row["actor"] == here.worker else row["name"] or say("The office"),
            "own": row["actor"] == here.worker,
            "asks": row["text"].startswith(acts.QUESTION) and row["name"] is None,
        }
        for row in rows
    ]


async def _question(reader: Any, card: Card, notes: list[dict[str, Any]]) -> str:
    """What the office asks, '' where the worker has written a note that knew of it."""
    asked = [note for note in notes if note["asks"]]
    if not asked:
        return ""
    # By what a note had seen, not by its time: one of an hour without a network answers nothing.
    registers = (await reader.state(card.job)).registers
    own = [_write_of(registers, note) for note in notes if note["own"]]
    for note in asked:
        question = _write_of(registers, note)
        if not any(each.saw(question) for each in own):
            return str(note["text"]).removeprefix(acts.QUESTION)
    return ""


def _write_of(registers: Registers, note: dict[str, Any]) -> Write:
    shown = show(registers, (NOTE, bytes.fromhex(note["note"])))
    assert shown is not None, "a note has a row while it shows"
    return shown.write


async def _worker_name(request: web.Request, worker: str) -> str:
    if not worker:
        return ""
    screens = request.app[SCREENS]
    known = screens.colleagues.named(worker)
    if known is not None:
        return known.name
    row = await screens.device.reader.row("SELECT name FROM worker WHERE worker = ?", (worker,))
    return row["name"] if row is not None else say("a colleague")


def navigate_link(card: Card) -> str:
    """A `geo:` link that any installed navigation app opens; by address where no point is known."""
    label = re.sub(r"[()]", " ", card.customer_name or card.title)[:60].strip()
    if card.point is not None:
        point = ",".join(degrees_text(part) for part in card.point)
        return f"geo:{point}?q={point}({quote(label)})"
    return f"geo:0,0?q={quote(card.address)}" if card.address else ""


def way_there(here: Here, card: Card, fix: OwnFix | None) -> WayThere | None:
    """How far the job is from the last own fix, however old: the page says its age."""
    if card.point is None or fix is None:
        return None
    metres = distance_m(fix.lat_e7, fix.lon_e7, *card.point)
    degrees = bearing_degrees((fix.lat_e7, fix.lon_e7), card.point)
    return WayThere(
        metres,
        round(degrees),
        bearing_words(degrees),
        here.ago(fix.time_ms),
        fix.accuracy_m,
    )


async def _ask(request: web.Request, template: str, title: str, **more: Any) -> web.Response:
    """A question about one job, which leads back to it."""
    here, card = await card_of(request)
    return request.app[SCREENS].page(
        here,
        template,
        title=title,
        back=f"/jobs/{card.job}",
        message=message_of(request),
        card=card,
        **more,
    )


async def reject(request: web.Request) -> web.Response:
    """Ask why the job is rejected."""
    return await _ask(
        request, "reason.html", say("Reject this job"), reasons=REJECT_REASONS, action="reject"
    )


async def problem(request: web.Request) -> web.Response:
    """Ask what the problem is and what is to become of the job."""
    return await _ask(
        request, "reason.html", say("Report a problem"), reasons=PROBLEMS, action="problem"
    )


async def state(request: web.Request) -> web.Response:
    """Ask for any state, set by hand."""
    choices = [(phase.name.lower().replace("_", " "), words) for phase, words in BY_HAND]
    return await _ask(request, "state.html", say("Set state by hand"), choices=choices)


async def sign(request: web.Request) -> web.Response:
    """Where somebody signs for a job; what is drawn is saved as a file of it."""
    return await _ask(request, "sign.html", say("Signature"))
