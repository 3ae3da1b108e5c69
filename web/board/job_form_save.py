"""Saving a job's form: only what the person changed, never over what somebody else wrote meanwhile.

What others changed since the form was drawn is laid beside it (`web.stale_form`): a field that both
changed brings the form back with both values; a field that only others changed is left as they
wrote it. The act carries the frontier that the form was drawn from, so that a change which comes in
between this check and the commit becomes a conflict for people, not a loss.
Invariant: a value is written only where the person changed it or chose to keep it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import (
    Act,
    ActError,
    assign,
    create_job,
    edit_contact,
    edit_customer,
    edit_job,
    edit_place,
    new_stream_id,
)
from core.dispatch.fields import Kind
from core.log.errors import Malformed
from core.sentence import listed, marked, say
from hub.keys import ACCOUNT
from hub.past_acts import reference_of
from web import formats
from web.board.actions import absent_on_job
from web.board.filters import Filter, is_stream_id, read_back
from web.board.job_form import (
    EMPTY,
    INPUT_BY_FIELD,
    LABEL_BY_INPUT,
    ClashView,
    FormError,
    JobForm,
    draw_form,
    read_given,
    typed_parts,
    values_of_job,
    values_of_place,
    whole_number,
    window_of,
)
from web.board.rows import PRIORITY_WORDS
from web.board.state import Moment, moment_of
from web.outlines import corners_words, outline_of
from web.stale_form import Clash, Sent, changed_since, clashes_of, clean, read_sent

_CHANGED_BY_INPUT: Final = {
    "title": marked("{who} changed title"),
    "customer": marked("{who} changed customer"),
    "place": marked("{who} changed place"),
    "address": marked("{who} changed address"),
    "point": marked("{who} changed position"),
    "radius": marked("{who} changed radius"),
    "outline": marked("{who} changed outline"),
    "contact": marked("{who} changed contact"),
    "contact_phone": marked("{who} changed contact's phone"),
    "window": marked("{who} changed window"),
    "planned": marked("{who} changed duration"),
    "priority": marked("{who} changed priority"),
    "skills": marked("{who} changed skills"),
    "description": marked("{who} changed instructions"),
    "checks": marked("{who} changed checklist"),
}


@dataclass(frozen=True, slots=True)
class Saved:
    """What a form became: the job, what to tell the person, and the act ("": nothing written)."""

    job: str
    words: str
    act: str = ""


async def save_new(request: web.Request) -> Saved | JobForm:
    """Create a job from a posted form; the form again where it can't be."""
    form = await request.post()
    moment, wanted = await moment_of(request), read_back(form.get("back"))
    given = dict(EMPTY)
    try:
        given = read_given(form)
        given |= await _taken_over(moment, given, "")
        made, customer = await _customer(moment, form, given)
        job = new_stream_id(Kind.JOB, moment.now_ms, moment.hub.replica.entropy(7))
        values = _job_values(given, moment, set(LABEL_BY_INPUT))
        if customer is not None:
            values["customer"], values["place"] = customer
        items = [text for _, text in json.loads(given["checks"]) if text]
        changes = create_job(job, {**values, "check_items": items})
        assigned, name = await _assigned(moment, job, clean(form.get("worker")), values)
        act = await moment.hub.act(request[ACCOUNT], [*made, *changes, *assigned])
    except (FormError, ActError) as error:
        return await _again(moment, wanted, form, given, error)
    row = await moment.hub.reader.row("SELECT number FROM job WHERE job = ?", (job.hex(),))
    return Saved(
        job.hex(), _made_words(row["number"] if row else "", name), reference_of(act).text()
    )


def _made_words(number: str, name: str) -> str:
    if not number:
        return say("The job is made.")
    if name:
        return say("Job {number} is made and assigned to {name}.", number=number, name=name)
    return say("Job {number} is made.", number=number)


async def _assigned(
    moment: Moment, job: bytes, worker: str, values: Mapping[str, object]
) -> tuple[Act, str]:
    """What gives a new job to the worker (hex) who was chosen, and the name; nothing for ''."""
    if not worker:
        return [], ""
    row = await moment.hub.reader.row(
        "SELECT name FROM worker WHERE worker = ? AND NOT archived", (worker,)
    )
    if row is None:
        raise FormError("worker", say("Choose a worker from the list, or nobody yet."))
    window = values.get("window")
    start, end = window if isinstance(window, tuple) else (None, None)
    about = {"window_start": start, "window_end": end}
    if away := await absent_on_job(moment, about, worker):
        raise FormError(
            "worker",
            say(
                "{name} is {away}, and the job is in that time. Choose somebody else, or "
                "nobody yet and assign it afterwards all the same.",
                name=row["name"],
                away=away,
            ),
        )
    return assign(job, bytes.fromhex(worker), moment.hub.replica.entropy(8)), row["name"]


async def save_edit(request: web.Request, job: str) -> Saved | JobForm | None:
    """Write what the person changed; the form again where others changed the same meanwhile."""
    form = await request.post()
    moment, wanted = await moment_of(request), read_back(form.get("back"))
    reader = moment.hub.reader
    row = await reader.row("SELECT * FROM job WHERE job = ?", (job,))
    if row is None:
        return None
    current = await values_of_job(reader, row, moment.zone)
    given = dict(current)
    try:
        sent = read_sent(form, ())
        given = read_given(form)
        sent = Sent(sent.basis, sent.shown, given)
        edited = sent.edited()
        for name in list(edited):
            if form.get(f"keep_{name}") == "theirs":
                del edited[name]
        # Where a choice was asked for and not made, what had changed is asked about once more.
        before = clean(form.get("before")) or sent.basis
        undecided = [
            name
            for name in map(clean, form.getall("clash", []))
            if form.get(f"keep_{name}") not in ("mine", "theirs")
        ]
        since = before if undecided else sent.basis
        changes = await changed_since(reader, job, since, INPUT_BY_FIELD)
        registers = {
            (change.field, change.path): INPUT_BY_FIELD[change.field] for change in changes
        }
        clashes = clashes_of(edited, current, changes, registers, LABEL_BY_INPUT)
        if clashes:
            views = [await _clash_view(moment, clash) for clash in clashes]
            return await draw_form(
                moment,
                wanted,
                job,
                row["frontier"],
                current | edited,
                current,
                row["number"],
                clashes=views,
                before=since,
                errors={"": say("Choose for each field whose value stays.")} if undecided else None,
            )
        written = {name: text for name, text in edited.items() if text != current[name]}
        act = ""
        if written:
            act = await _write(request, moment, job, written, current, sent.basis)
    except (FormError, ActError, Malformed) as error:
        return await _again(moment, wanted, form, given, error, row, current)
    others = sorted(
        {(change.who, registers[change.field, change.path]) for change in changes},
        key=lambda other: (other[0], LABEL_BY_INPUT[other[1]]),
    )
    return Saved(job, _saved_words(row["number"], written, others), act)


def _saved_words(number: str, written: Mapping[str, str], others: list[tuple[str, str]]) -> str:
    words = (
        say("{number} is saved.", number=number)
        if written
        else say("Nothing was changed in {number}.", number=number)
    )
    if not others:
        return words
    told = (say(_CHANGED_BY_INPUT[name], who=who or say("somebody")) for who, name in others)
    return say("{saved} Meanwhile {others}: kept as well.", saved=words, others=listed(told, "; "))


async def _write(
    request: web.Request,
    moment: Moment,
    job: str,
    written: Mapping[str, str],
    current: Mapping[str, str],
    basis: str,
) -> str:
    """Write it; the act, by which it is undone."""
    stream = bytes.fromhex(job)
    given = dict(current) | dict(written)
    if "place" in written or "customer" in written:
        filled = await _taken_over(moment, given, written.get("place", ""))
        filled = {name: text for name, text in filled.items() if name not in written}
        given |= filled
        written = dict(written) | filled
    values = _job_values(given, moment, set(written))
    if "checks" in written:
        rows = dict(json.loads(written["checks"]))
        values["check_items"] = [rows.get(index) for index in range(max(rows, default=-1) + 1)]
    made = await moment.hub.act(request[ACCOUNT], edit_job(stream, values), {stream: basis})
    return reference_of(made).text()


async def _taken_over(moment: Moment, given: Mapping[str, str], place: str) -> dict[str, str]:
    """What a chosen place fills in where the form left it empty."""
    customer = given["customer"]
    if not is_stream_id(customer):
        return {}
    found = await values_of_place(moment.hub.reader, customer, place or given["place"])
    if given.get("point") and given["point"] != found.get("point"):
        # The job lies elsewhere than the place, and so does what bounds it.
        found.pop("outline", None)
    return {name: text for name, text in found.items() if not given.get(name)}


async def _customer(
    moment: Moment, form: Any, given: Mapping[str, str]
) -> tuple[Act, tuple[bytes, bytes] | None]:
    """The acts that make a new customer with the job, where the person asked for one."""
    name = clean(form.get("customer_text"))
    if given["customer"] or not name:
        return [], None
    if form.get("new_customer") != "1":
        raise FormError("customer", say("There is no customer '{name}' yet.", name=name))
    entropy = moment.hub.replica.entropy
    customer = new_stream_id(Kind.CUSTOMER, moment.now_ms, entropy(7))
    place = entropy(8)
    point = formats.parse_point(given["point"]) if given["point"] else None
    acts = edit_customer(customer, {"name": name})
    acts += edit_place(
        customer,
        place,
        {
            "name": given["address"] or name,
            "address": given["address"] or None,
            "point": point,
            "outline": _outline(given),
        },
    )
    if given["contact"] or given["contact_phone"]:
        contact = {"name": given["contact"] or name, "phone": given["contact_phone"] or None}
        acts += edit_contact(customer, entropy(8), contact)
    return acts, (customer, place)


def _job_values(given: Mapping[str, str], moment: Moment, names: set[str]) -> dict[str, object]:
    """Texts as an act's values, for the inputs in `names` but the checklist."""
    values: dict[str, object] = {}
    if "point" in names:
        # A pin that moves away from the outline is told before it leaves it behind.
        _outline(given)
    for name in names & given.keys():
        text = given[name]
        match name:
            case "title" | "address" | "contact" | "contact_phone" | "description":
                values[name] = text or None
            case "customer" | "place":
                values[name] = _identity(name, text)
            case "point":
                values["point"] = formats.parse_point(text) if text else None
            case "window":
                values["window"] = window_of(text, moment.zone)
            case "planned":
                values["planned_minutes"] = whole_number(name, text)
            case "radius":
                values["radius"] = whole_number(name, text)
            case "outline":
                values["outline"] = _outline(given)
            case "priority":
                values["priority"] = whole_number(name, text)
            case "skills":
                values["skills"] = [_identity(name, skill) for skill in text.split(",") if skill]
    return values


def _outline(given: Mapping[str, str]) -> list[int] | None:
    try:
        return outline_of(given["outline"], given["point"])
    except ValueError as error:
        raise FormError("outline", formats.sentence(str(error))) from error


def _identity(name: str, text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) or None
    except ValueError as error:
        words = say("Choose one from the list, or leave it empty.")
        raise FormError(name, words) from error


async def _clash_view(moment: Moment, clash: Clash) -> ClashView:
    async def words(text: str) -> str:
        return await _input_words(moment, clash.name, text)

    return ClashView(
        clash.name,
        clash.label,
        await words(clash.mine),
        await words(clash.theirs),
        clash.who,
        clash.at_ms,
    )


async def _input_words(moment: Moment, name: str, text: str) -> str:
    """An input's text as a person reads it."""
    reader = moment.hub.reader
    if not text or text == "[]":
        return say("nothing")
    match name:
        case "window":
            start, end = window_of(text, moment.zone) or (None, None)
            return formats.window_words(start, end, moment.zone, moment.now_ms)
        case "customer":
            row = await reader.row("SELECT name FROM customer WHERE customer = ?", (text,))
            return row["name"] if row else say("an unknown customer")
        case "place":
            row = await reader.row("SELECT name FROM customer_place WHERE place = ?", (text,))
            return row["name"] if row else say("an unknown place")
        case "priority":
            return PRIORITY_WORDS[int(text)] if text in ("0", "1", "2", "3") else text
        case "planned":
            return formats.minutes_words(int(text)) if text.isdecimal() else text
        case "outline":
            return corners_words(len(text.split("\n")))
        case "checks":
            return "; ".join(item for _, item in json.loads(text) if item) or say("nothing")
        case "skills":
            rows = await reader.rows("SELECT skill, name FROM skill")
            names = {row["skill"]: row["name"] for row in rows}
            return listed(names.get(skill, say("unknown")) for skill in text.split(","))
    return text


async def _again(
    moment: Moment,
    wanted: Filter,
    form: Any,
    given: Mapping[str, str],
    error: Exception,
    row: Any = None,
    current: Mapping[str, str] | None = None,
) -> JobForm:
    """The form as it came, with what is wrong beside its input."""
    values = dict(given)
    # What could not be read is shown as it was typed.
    values |= {
        name: clean(form.get(name))
        for name in LABEL_BY_INPUT
        if name in form and name not in ("skills", "checks", "window")
    }
    values |= typed_parts(form)
    values["customer_text"] = clean(form.get("customer_text"))
    values["worker"] = clean(form.get("worker"))
    name = error.input if isinstance(error, FormError) else ""
    offered = name == "customer" and not values["customer"] and row is None
    shown: Mapping[str, str] = current or EMPTY
    if row is not None:
        try:
            shown = read_sent(form, ()).shown
        except Malformed:
            shown = current or EMPTY
    return await draw_form(
        moment,
        wanted,
        row["job"] if row is not None else "",
        str(form.get("basis", "")) if row is not None else "",
        values,
        shown,
        row["number"] if row is not None else "",
        errors={name: str(error)},
        offer_customer=values["customer_text"] if offered else "",
    )
