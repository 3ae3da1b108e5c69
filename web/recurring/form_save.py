"""Saving the form of a recurring job: a new one, or only what a person changed of an old one.

What others changed since the form was drawn is laid beside it (`web.stale_form`), as for a job. A
new one makes its first jobs at once. Invariant: a value is written only where the person changed it
or chose to keep it, and whatever is wrong is told beside its input.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from core.dispatch import fields
from core.dispatch.acts import Act, ActError, new_stream_id
from core.dispatch.fields import Kind
from core.dispatch.outline_text import outline_text, read_outline
from core.dispatch.recurrence import recurrence_with
from core.dispatch.recurrence_acts import create_recurrence, edit_recurrence, skip_day
from core.log.errors import Malformed
from core.sentence import listed, say, say_n
from hub.hub import Hub
from hub.keys import ACCOUNT, HUB
from hub.recurring import days_due_of, make_some
from hub.recurring_in_line import open_count
from replica.store import StoreError
from web import formats
from web.board.filters import is_stream_id
from web.board.job_form import ClashView, FormError, values_of_place, whole_number
from web.board.reader import Rows
from web.board.rows import PRIORITY_WORDS
from web.formats import folded, sentence
from web.frame import must_write, see_other, settings_of, zone_of
from web.outlines import corners_words, outline_of
from web.recurring.form import (
    FROM_PLACE,
    INPUT_BY_FIELD,
    LABEL_BY_INPUT,
    RecurrenceFormPage,
    compose_repeats,
    draw_form,
    empty_texts,
    hours_of,
    repeat_sent,
    repeats_of,
    texts_from_address,
    texts_from_customer,
    texts_from_job,
    texts_of,
)
from web.recurring.words import horizon_words, hours_words, rule_words
from web.rendering import show
from web.stale_form import Clash, Sent, changed_since, clashes_of, clean, read_sent

LOGGER = logging.getLogger(__name__)

RECURRENCE: str = "{recurrence:[0-9a-f]{8}08[0-9a-f]{14}}"
_NAME_BY_INPUT: dict[str, str] = {"planned": "planned_minutes"}


@dataclass(frozen=True, slots=True)
class Given:
    """A form that came: its texts by name, what was wrong by input, and the form as it came."""

    texts: dict[str, str]
    errors: dict[str, str]
    form: Any
    made: int = 0

    async def drawn(
        self,
        reader: Rows,
        recurrence: str,
        number: str,
        basis: str,
        shown: Mapping[str, str],
        errors: Mapping[str, str],
        cancel_href: str,
    ) -> RecurrenceFormPage:
        """The same form again with what is wrong in words."""
        return await draw_form(
            reader,
            recurrence,
            number,
            basis,
            self.texts,
            shown,
            repeat=repeat_sent(self.form),
            hours=(clean(self.form.get("hours_start")), clean(self.form.get("hours_end"))),
            customer_text=clean(self.form.get("customer_text")),
            job=clean(self.form.get("job")),
            cancel_href=cancel_href,
            errors=errors,
            made=self.made,
            before=clean(self.form.get("before")),
        )


async def new_page(request: web.Request) -> web.StreamResponse:
    """GET /recurring/new?job=&customer=…: empty, or filled with what is known of either.

    Further inputs of the form under their names, such as a pattern that was found gives them, go
    before that; one that can't be read is left out.
    """
    must_write(request)
    hub = request.app[HUB]
    zone = zone_of(await settings_of(request))
    texts = empty_texts(_today(hub, zone), zone)
    job, customer = request.query.get("job", ""), request.query.get("customer", "")
    cancel_href = "/recurring"
    if is_stream_id(job):
        row = await hub.reader.row("SELECT * FROM job WHERE job = ?", (job,))
        if row is None:
            raise web.HTTPNotFound(text="There is no such job on this hub.\nOpen the board.")
        texts = await texts_from_job(hub.reader, row, zone, texts)
        cancel_href = f"/jobs/{job}"
    elif is_stream_id(customer):
        texts = await texts_from_customer(
            hub.reader, customer, request.query.get("place", ""), texts
        )
        cancel_href = f"/customers/{customer}"
    texts |= texts_from_address(request.query)
    page = await draw_form(
        hub.reader, "", "", "", texts, {}, job=job if is_stream_id(job) else "",
        cancel_href=cancel_href,
    )  # fmt: skip
    return await show(request, "recurrence_form.html", page)


async def create(request: web.Request) -> web.StreamResponse:
    """POST /recurring/new: begin it, make its first jobs, and show it."""
    hub = request.app[HUB]
    given = await _read(hub.reader, await request.post(), {})
    stream = new_stream_id(Kind.RECURRENCE, hub.clock.now_ms(), hub.replica.entropy(7))
    _, errors = _changes(stream, given.texts, set(LABEL_BY_INPUT), given.errors)
    if not errors:
        try:
            values = _values(given.texts, set(LABEL_BY_INPUT))
            changes = create_recurrence(stream, values)
            changes += await _without_the_day_of(hub.reader, stream, given)
            await hub.act(request[ACCOUNT], changes)
        except ActError as refusal:
            errors = {"": sentence(str(refusal))}
    if errors:
        page = await given.drawn(hub.reader, "", "", "", {}, errors, "/recurring")
        return await show(request, "recurrence_form.html", page, status=422)
    made = await _make_first(hub, stream)
    row = await hub.reader.row(
        "SELECT number FROM recurrence WHERE recurrence = ?", (stream.hex(),)
    )
    words = say_n(
        "{number} is added: {n} job is made so far.",
        "{number} is added: {n} jobs are made so far.",
        made,
        number=row["number"] if row is not None else "",
    )
    raise see_other(f"/recurring/{stream.hex()}", words)


async def _without_the_day_of(reader: Rows, stream: bytes, given: Given) -> Act:
    """Where one is begun from a job: that job's day is left out, for the job is that day's."""
    job = clean(given.form.get("job"))
    row = (
        await reader.row("SELECT window_start FROM job WHERE job = ?", (job,))
        if is_stream_id(job)
        else None
    )
    if row is None or row["window_start"] is None:
        return []
    day = formats.local_time(row["window_start"], ZoneInfo(given.texts["zone"])).date()
    begun = recurrence_with(
        stream,
        number="A-0",
        repeats=repeats_of(given.texts["repeats"]),
        starts=given.texts["starts"],
        ends=given.texts["ends"] or None,
        hours=None,
        zone=given.texts["zone"],
        horizon_days=0,
        skipped=(),
        worker=None,
        each={fields.TITLE: given.texts["title"]},
    )
    return skip_day(stream, day) if begun is not None and begun.falls_on(day) else []


async def _make_first(hub: Hub, stream: bytes) -> int:
    """Make some of the first jobs, so that the page shows them; the hub makes all in a moment."""
    try:
        return (
            await hub.writer.run(lambda: make_some(hub.replica, days_due_of(hub.replica, stream)))
        )[0]
    except StoreError as error:
        LOGGER.warning("the first jobs were not made; the next time does it: %s", error)
        return 0


async def edit_page(request: web.Request) -> web.StreamResponse:
    """GET /recurring/{recurrence}/edit."""
    must_write(request)
    stream = request.match_info["recurrence"]
    current, basis, number = await _current(request, stream)
    page = await draw_form(
        request.app[HUB].reader, stream, number, basis, current, current,
        made=await _made(request.app[HUB], stream), cancel_href=f"/recurring/{stream}",
    )  # fmt: skip
    return await show(request, "recurrence_form.html", page)


async def save(request: web.Request) -> web.StreamResponse:
    """POST /recurring/{recurrence}/edit: write what was changed, or ask about what clashes."""
    stream = request.match_info["recurrence"]
    hub, form = request.app[HUB], await request.post()
    current, basis, number = await _current(request, stream)
    back, made = f"/recurring/{stream}", await _made(hub, stream)
    try:
        sent = read_sent(form, ())
        # Where a choice was asked for and not made, what had changed is asked about once more.
        undecided = [
            name
            for name in map(clean, form.getall("clash", []))
            if form.get(f"keep_{name}") not in ("mine", "theirs")
        ]
        since = (clean(form.get("before")) or sent.basis) if undecided else sent.basis
        changes = await changed_since(hub.reader, stream, since, INPUT_BY_FIELD)
    except Malformed as wrong:
        page = await draw_form(
            hub.reader, stream, number, basis, current, current,
            made=made, cancel_href=back, errors={"": sentence(str(wrong))},
        )  # fmt: skip
        return await show(request, "recurrence_form.html", page, status=400)
    given = replace(await _read(hub.reader, form, sent.shown), made=made)
    edited = Sent(sent.basis, sent.shown, given.texts).edited()
    for name in list(edited):
        if form.get(f"keep_{name}") == "theirs":
            del edited[name]
    registers = {(each.field, each.path): INPUT_BY_FIELD[each.field] for each in changes}
    clashes = clashes_of(edited, current, changes, registers, LABEL_BY_INPUT)
    errors = {name: words for name, words in given.errors.items() if name in edited}
    if clashes and not errors:
        page = await draw_form(
            hub.reader, stream, number, basis, current | edited, current,
            clashes=[await _clash_view(hub.reader, clash) for clash in clashes],
            before=since, made=made, cancel_href=back,
            errors={"": say("Choose for each field whose value stays.")} if undecided else None,
        )  # fmt: skip
        return await show(request, "recurrence_form.html", page, status=409)
    written = {name for name, text in edited.items() if text != current[name]}
    act, errors = _changes(bytes.fromhex(stream), current | edited, written, errors)
    words: list[str] = []
    if not errors:
        try:
            if written:
                await hub.act(request[ACCOUNT], act, {bytes.fromhex(stream): sent.basis})
                words.append(say("Saved."))
            if form.get("in_line") == "1":
                words.append(await _in_line(request, stream))
            elif written and made:
                words.append(say("Jobs that are made already stay as they are."))
        except ActError as refusal:
            errors = {"": sentence(str(refusal))}
    if errors:
        page = await given.drawn(hub.reader, stream, number, sent.basis, sent.shown, errors, back)
        return await show(request, "recurrence_form.html", page, status=422)
    raise see_other(back, listed(words or [say("Nothing was changed.")], " "))


async def _in_line(request: web.Request, stream: str) -> str:
    """Let jobs that are made follow; what became of them in words."""
    hub = request.app[HUB]
    changed, cancelled = await hub.bring_in_line(request[ACCOUNT], bytes.fromhex(stream))
    if not (changed or cancelled):
        return say("No job that is made had to be changed.")
    return say(
        "Of the made jobs {changed} follow and {cancelled} are cancelled.",
        changed=changed,
        cancelled=cancelled,
    )


async def _made(hub: Hub, stream: str) -> int:
    """How many of its jobs are made that nobody has begun."""
    return await hub.writer.run(open_count, hub.replica, bytes.fromhex(stream))


async def _current(request: web.Request, stream: str) -> tuple[dict[str, str], str, str]:
    """The form's texts as they stand, the frontier they stand for, and the number."""
    reader = request.app[HUB].reader
    row = await reader.row("SELECT number FROM recurrence WHERE recurrence = ?", (stream,))
    if row is None:
        raise web.HTTPNotFound(
            text="There is no such recurring job on this hub.\nOpen the list of all."
        )
    state = await reader.state(stream)
    return texts_of(state.registers), state.token(), row["number"]


# --- from a form to an act


async def _read(reader: Rows, form: Any, shown: Mapping[str, str]) -> Given:
    """The texts of a posted form, and by input what could not be read."""
    texts = {name: clean(form.get(name)) for name in LABEL_BY_INPUT}
    errors: dict[str, str] = {}
    texts["skills"] = ",".join(sorted(clean(skill) for skill in form.getall("skills", [])))
    start, end = clean(form.get("hours_start")), clean(form.get("hours_end"))
    texts["hours"] = f"{start}-{end}" if start or end else ""
    try:
        texts["repeats"] = compose_repeats(repeat_sent(form))
    except FormError as error:
        errors["repeats"] = str(error)
    try:
        if texts["point"]:
            texts["point"] = formats.point_words(*formats.parse_point(texts["point"]))
    except ValueError as error:
        errors["point"] = str(error)
    try:
        texts["outline"] = outline_text(read_outline(texts["outline"]))
    except ValueError as error:
        errors["outline"] = str(error)
    try:
        texts["customer"] = await _customer(reader, texts["customer"], form)
        await _fill_from_place(reader, texts, shown)
    except FormError as error:
        errors["customer"] = str(error)
    return Given(texts, errors, form)


async def _customer(reader: Rows, chosen: str, form: Any) -> str:
    """The customer that the form names: the chosen one, or without a script the one of the name."""
    name = clean(form.get("customer_text"))
    if not name:
        return ""
    rows = await reader.rows("SELECT customer, name FROM customer WHERE NOT archived")
    found = [row["customer"] for row in rows if folded(row["name"]) == folded(name)]
    row = await reader.row("SELECT name FROM customer WHERE customer = ?", (chosen,))
    if row is not None and folded(row["name"]) == folded(name):
        return chosen
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise FormError(
            "customer",
            say(
                "There is no customer '{name}'; choose one from the list, or leave it empty.",
                name=name,
            ),
        )
    raise FormError(
        "customer",
        say_n(
            "{n} customer is called '{name}'; choose one from the list.",
            "{n} customers are called '{name}'; choose one from the list.",
            len(found),
            name=name,
        ),
    )


async def _fill_from_place(reader: Rows, texts: dict[str, str], shown: Mapping[str, str]) -> None:
    """What a newly chosen place fills in where the form left it empty, or as another filled it."""
    customer = texts["customer"]
    if shown and (customer, texts["place"]) == (shown.get("customer"), shown.get("place")):
        return
    is_theirs = await reader.row(
        "SELECT 1 FROM customer_place WHERE customer = ? AND place = ?", (customer, texts["place"])
    )
    if is_theirs is None:
        texts["place"] = ""
    untouched = [name for name in FROM_PLACE[1:] if texts[name] == shown.get(name, "")]
    texts |= dict.fromkeys(untouched, "")
    if customer:
        known = await values_of_place(reader, customer, texts["place"])
        if texts["point"] and texts["point"] != known.get("point"):
            # It lies elsewhere than the place, and so does what bounds it.
            known.pop("outline", None)
        texts |= {name: text for name, text in known.items() if not texts.get(name)}


def _changes(
    stream: bytes, texts: Mapping[str, str], names: set[str], errors: Mapping[str, str]
) -> tuple[Act, dict[str, str]]:
    """The changes to these inputs, and what is wrong, each beside its input."""
    changes: Act = []
    found = dict(errors)
    for name in sorted(names - errors.keys(), key=list(LABEL_BY_INPUT).index):
        try:
            if name in ("starts", "title", "zone") and not texts[name]:
                label = LABEL_BY_INPUT[name]
                raise FormError(name, say("{label} is missing; give one.", label=label))
            changes += edit_recurrence(stream, _values(texts, {name}))
        except FormError as error:
            found[name] = str(error)
        except ActError as error:
            found[name] = sentence(str(error))
    if {"point", "outline"} & names and not {"point", "outline"} & found.keys():
        try:
            outline_of(texts["outline"], texts["point"])
        except ValueError as error:
            found["outline"] = sentence(str(error))
    starts, ends = texts["starts"], texts["ends"]
    if not found and {"starts", "ends"} & names and ends and starts > ends:
        found["ends"] = say("The last day is before the first; put it after, or leave it empty.")
    return changes, found


def _values(texts: Mapping[str, str], names: set[str]) -> dict[str, object]:
    """Texts as an act's values, for these inputs. Raises FormError."""
    return {_NAME_BY_INPUT.get(name, name): _value(name, texts[name]) for name in names}


def _value(name: str, text: str) -> object:
    match name:
        case "repeats":
            return repeats_of(text)
        case "hours":
            return hours_of(text)
        case "starts":
            return _day(name, text)
        case "ends":
            return _day(name, text) if text else None
        case "horizon" | "radius" | "planned" | "priority":
            return whole_number(name, text)
        case "customer" | "place" | "worker":
            return _identity(name, text)
        case "skills":
            return [_identity(name, skill) for skill in text.split(",") if skill] or None
        case "point":
            return formats.parse_point(text) if text else None
        case "outline":
            return read_outline(text) or None
    return text or None


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FormError(name, say("Write the day as 2026-11-23.")) from error


def _identity(name: str, text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) or None
    except ValueError as error:
        raise FormError(name, say("Choose one from the list, or leave it empty.")) from error


async def _clash_view(reader: Rows, clash: Clash) -> ClashView:
    mine, theirs = [
        await _input_words(reader, clash.name, text) for text in (clash.mine, clash.theirs)
    ]
    return ClashView(clash.name, clash.label, mine, theirs, clash.who, clash.at_ms)


async def _input_words(reader: Rows, name: str, text: str) -> str:
    """An input's text as a person reads it."""
    if not text:
        return {"ends": say("endless"), "hours": hours_words(None)}.get(name, say("nothing"))
    match name:
        case "repeats":
            return rule_words(repeats_of(text))
        case "hours":
            return text.replace("-", "–")
        case "customer" | "worker":
            row = await reader.row(f"SELECT name FROM {name} WHERE {name} = ?", (text,))
            unknown = {"customer": say("an unknown customer"), "worker": say("an unknown worker")}
            return str(row["name"]) if row else unknown[name]
        case "place":
            row = await reader.row("SELECT name FROM customer_place WHERE place = ?", (text,))
            return str(row["name"]) if row else say("an unknown place")
        case "priority":
            return PRIORITY_WORDS[int(text)] if text in ("0", "1", "2", "3") else text
        case "planned":
            return formats.minutes_words(int(text)) if text.isdecimal() else text
        case "outline":
            return corners_words(len(text.split("\n")))
        case "horizon":
            return horizon_words(int(text)) if text.isdecimal() and len(text) < 5 else text
        case "skills":
            rows = await reader.rows("SELECT skill, name FROM skill")
            names = {row["skill"]: row["name"] for row in rows}
            return listed(names.get(skill, say("unknown")) for skill in text.split(","))
    return text


def _today(hub: Hub, zone: ZoneInfo) -> str:
    return formats.local_time(hub.clock.now_ms(), zone).date().isoformat()


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/recurring/new", new_page)
    app.router.add_post("/recurring/new", create)
    app.router.add_get(f"/recurring/{RECURRENCE}/edit", edit_page)
    app.router.add_post(f"/recurring/{RECURRENCE}/edit", save)
