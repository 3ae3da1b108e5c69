"""The form that makes or changes a customer, with several places and contacts.

Inputs are named by what they edit: `name`, `place.<id>.address`, `contact.new2.phone`. Only what a
person edited is written, in one act; what others changed meanwhile is laid beside it
(`web.stale_form`). Nothing is deleted: a place no longer used is archived, so old jobs keep it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from core.dispatch.acts import (
    Act,
    ActError,
    edit_contact,
    edit_customer,
    edit_place,
    new_stream_id,
)
from core.dispatch.fields import Kind
from core.log.errors import Malformed
from core.sentence import say
from hub.guard import Refused
from hub.keys import ACCOUNT, HUB
from hub.past_acts import reference_of
from replica.projection.people import DEFAULT_RADIUS_M
from web.formats import parse_point
from web.frame import must_write, see_other, settings_of
from web.outlines import outline_of
from web.pages.customers import contacts_of, places_of
from web.rendering import show
from web.stale_form import Clash, Sent, changed_since, clashes_of, clean, read_sent, seal_shown

PARTS_MAX: Final = 200
"""Places and contacts of one customer on one form; a chain of shops has that many."""
PLACE_INPUTS: Final = {
    "name": "place name",
    "address": "place address",
    "point": "place point",
    "radius": "place radius",
    "outline": "place outline",
    "archived": "place archived",
}
CONTACT_INPUTS: Final = {
    "name": "contact",
    "phone": "contact phone",
    "email": "contact e-mail",
    "archived": "contact archived",
}
_OWN_INPUTS: Final = ("name", "number", "note", "archived")
_PART: Final = re.compile(r"(place|contact)\.([0-9a-f]{16}|new[0-9]{1,3})\.([a-z]+)\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """One place or contact of the form: its id (or `new1`) and its texts by input name."""

    id: str
    values: Mapping[str, str]

    @property
    def is_new(self) -> bool:
        """Whether it is not stored yet."""
        return self.id.startswith("new")


@dataclass(frozen=True, slots=True)
class CustomerFormPage:
    """The form; `customer` is "" for a new one, `basis` and `shown` go back with it."""

    customer: str
    values: Mapping[str, str]
    places: tuple[Part, ...]
    contacts: tuple[Part, ...]
    basis: str
    shown: str
    radius_m: int
    clashes: tuple[Clash, ...] = ()
    error: str = ""


async def new_page(request: web.Request) -> web.StreamResponse:
    """GET /customers/new."""
    must_write(request)
    values = {"name": request.query.get("name", "")[:200]}
    return await _show_form(request, "", values, {}, "")


async def create(request: web.Request) -> web.StreamResponse:
    """POST /customers/new."""
    form = await request.post()
    hub = request.app[HUB]
    sent = Sent("", {}, {name: clean(form[name]) for name in _input_names(form)})
    unique = hub.replica.entropy(7)
    customer = new_stream_id(Kind.CUSTOMER, hub.clock.now_ms(), unique)
    try:
        edited = {"name": "", **sent.edited()}
        act = _act(customer, edited, edited, hub.replica.entropy, await _radius_m(request))
        written = await hub.act(request[ACCOUNT], act)
    except ActError as refusal:
        return await _show_form(request, "", sent.given, {}, "", error=str(refusal), status=422)
    words = say("{name} was added.", name=sent.given["name"])
    undo = reference_of(written).text()
    raise see_other(f"/customers/{customer.hex()}", words, undo=undo)


async def edit_page(request: web.Request) -> web.StreamResponse:
    """GET /customers/{customer}/edit."""
    must_write(request)
    customer = request.match_info["customer"]
    current, basis = await _current(request, customer)
    return await _show_form(request, customer, current, current, basis)


async def save(request: web.Request) -> web.StreamResponse:
    """POST /customers/{customer}/edit: write what was edited, or ask about what clashes."""
    customer = request.match_info["customer"]
    hub = request.app[HUB]
    current, basis = await _current(request, customer)
    form = await request.post()
    try:
        sent = read_sent(form, {*_input_names(form), *current})
        changes = await changed_since(hub.reader, customer, sent.basis, _FIELDS)
    except Malformed as wrong:
        return await _show_form(
            request, customer, current, current, basis, error=str(wrong), status=400
        )
    edited = sent.edited()
    clashes = clashes_of(edited, current, changes, _inputs(current), _labels(current))
    if clashes:
        # Drawn anew over what stands now, so that saving again is a decision that knows both.
        return await _show_form(
            request, customer, current | edited, current, basis, clashes=clashes, status=409
        )
    undo = ""
    try:
        if edited:
            radius_m = await _radius_m(request)
            given = current | edited
            act = _act(bytes.fromhex(customer), edited, given, hub.replica.entropy, radius_m)
            written = await hub.act(request[ACCOUNT], act, {bytes.fromhex(customer): sent.basis})
            undo = reference_of(written).text()
    except ActError as refusal:
        return await _show_form(
            request,
            customer,
            current | edited,
            sent.shown,
            sent.basis,
            error=str(refusal),
            status=422,
        )
    words = say("Saved.") if edited else say("Nothing was changed.")
    raise see_other(f"/customers/{customer}", words, undo=undo)


# --- from the form to an act


def _input_names(form: Mapping[str, Any]) -> list[str]:
    """The inputs of a posted form that edit something; more parts than `PARTS_MAX` are refused."""
    names = [name for name in form if name in _OWN_INPUTS or _PART.match(name)]
    if len(names) > PARTS_MAX * len(PLACE_INPUTS):
        raise Refused(
            413,
            say("That is more places and contacts than one customer can have."),
            say("Keep to {most}; make a customer for each region, for example.", most=PARTS_MAX),
        )
    return names


def _act(
    customer: bytes,
    edited: Mapping[str, str],
    given: Mapping[str, str],
    entropy: Any,
    radius_m: int,
) -> Act:
    """The changes of an edit, after which the texts are as `given`.

    A new place without a radius takes the site's, `radius_m`.
    """
    own: dict[str, object] = {}
    parts: dict[tuple[str, str], dict[str, object]] = {}
    for name, text in edited.items():
        match = _PART.match(name)
        if match is None:
            own[name] = text == "yes" if name == "archived" else text
        else:
            kind, part, field = match.groups()
            parts.setdefault((kind, part), {})[field] = _part_value(kind, field, text)
    changes: Act = edit_customer(customer, own) if own else []
    for (kind, part), values in parts.items():
        is_new = part.startswith("new")
        if is_new and kind == "place" and values.get("radius") is None:
            values["radius"] = radius_m
        if kind == "place" and {"point", "outline"} & values.keys():
            at = f"place.{part}"
            # A pin that moves away from the outline is told before it leaves it behind.
            outline = _outline(given.get(f"{at}.outline", ""), given.get(f"{at}.point", ""))
            if "outline" in values:
                values["outline"] = outline
        identity = entropy(8) if is_new else bytes.fromhex(part)
        edit = edit_place if kind == "place" else edit_contact
        changes += edit(customer, identity, values)
    return changes


def _outline(text: str, point: str) -> list[int] | None:
    try:
        return outline_of(text, point)
    except ValueError as error:
        raise ActError(*error.args) from error


def _part_value(kind: str, field: str, text: str) -> object:
    if field == "archived":
        return text == "yes"
    if kind == "place" and field == "point":
        try:
            return parse_point(text) if text else None
        except ValueError as error:
            raise ActError(*error.args) from error
    if kind == "place" and field == "radius":
        if text and (not text.isdecimal() or len(text) > 6):
            raise ActError(say("Give the radius in whole metres, such as 150."))
        return int(text) if text else None
    return text


# --- from what is stored to the form


_FIELDS: Final = (
    "name",
    "number",
    "note",
    "archived",
    *PLACE_INPUTS.values(),
    *CONTACT_INPUTS.values(),
)
_LABEL_BY_INPUT: Final = {
    "name": say("Name"),
    "number": say("Number"),
    "note": say("Note"),
    "archived": say("No longer a customer"),
    "address": say("Address"),
    "point": say("Position"),
    "radius": say("Radius"),
    "outline": say("Outline"),
    "phone": say("Phone"),
    "email": say("E-mail"),
}


async def _current(request: web.Request, customer: str) -> tuple[dict[str, str], str]:
    """The texts of the form as it would be drawn now, and the frontier that they stand for."""
    reader = request.app[HUB].reader
    row = await reader.row(
        "SELECT name, number, note, archived, frontier FROM customer WHERE customer = ?",
        (customer,),
    )
    if row is None:
        raise web.HTTPNotFound
    values = {name: row[name] for name in ("name", "number", "note")}
    values["archived"] = "yes" if row["archived"] else ""
    for place in await places_of(reader, customer):
        at = f"place.{place.place}"
        values |= {
            f"{at}.name": place.name,
            f"{at}.address": place.address,
            f"{at}.point": place.point,
            f"{at}.radius": str(place.radius_m),
            f"{at}.outline": place.outline,
            f"{at}.archived": "yes" if place.archived else "",
        }
    for contact in await contacts_of(reader, customer):
        at = f"contact.{contact.contact}"
        values |= {
            f"{at}.name": contact.name,
            f"{at}.phone": contact.phone,
            f"{at}.email": contact.email,
            f"{at}.archived": "yes" if contact.archived else "",
        }
    return values, row["frontier"]


def _inputs(values: Iterable[str]) -> dict[tuple[str, str], str]:
    """Which input edits the register `(field, path)` of a change."""
    inputs = {(name, ""): name for name in _OWN_INPUTS}
    for name in values:
        match = _PART.match(name)
        if match is not None:
            kind, part, field = match.groups()
            table = PLACE_INPUTS if kind == "place" else CONTACT_INPUTS
            inputs[table[field], part] = name
    return inputs


def _labels(values: Mapping[str, str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for name in values:
        match = _PART.match(name)
        label = _LABEL_BY_INPUT.get(match[3] if match else name, name)
        if match:
            part = say("the place") if match[1] == "place" else say("the contact")
            whose = values.get(f"{match[1]}.{match[2]}.name") or part
            label = say("No longer used") if match[3] == "archived" else label
            label = say("{field} of {whose}", field=label, whose=whose)
        labels[name] = label
    return labels


def _parts(values: Mapping[str, str], kind: str, *, spare: bool) -> tuple[Part, ...]:
    by_part: dict[str, dict[str, str]] = {}
    for name, text in values.items():
        match = _PART.match(name)
        if match is not None and match[1] == kind:
            by_part.setdefault(match[2], {})[match[3]] = text
    parts = [Part(part, texts) for part, texts in by_part.items()]
    if spare and not parts:
        parts.append(Part("new0", {}))
    return tuple(parts)


async def _show_form(
    request: web.Request,
    customer: str,
    values: Mapping[str, str],
    shown: Mapping[str, str],
    basis: str,
    *,
    clashes: Iterable[Clash] = (),
    error: str = "",
    status: int = 200,
) -> web.Response:
    page = CustomerFormPage(
        customer=customer,
        values={name: values.get(name, "") for name in _OWN_INPUTS},
        places=_parts(values, "place", spare=not customer),
        contacts=_parts(values, "contact", spare=not customer),
        basis=basis,
        shown=seal_shown(shown),
        radius_m=await _radius_m(request),
        clashes=tuple(clashes),
        error=error,
    )
    return await show(request, "customer_form.html", page, status=status)


async def _radius_m(request: web.Request) -> int:
    """The site's radius of a new place."""
    radius_m = (await settings_of(request)).get("radius_m")
    return radius_m if isinstance(radius_m, int) else DEFAULT_RADIUS_M


def add_routes(app: web.Application) -> None:
    """Add this module's pages to `app`."""
    app.router.add_get("/customers/new", new_page)
    app.router.add_post("/customers/new", create)
    app.router.add_get("/customers/{customer:[0-9a-f]{24}}/edit", edit_page)
    app.router.add_post("/customers/{customer:[0-9a-f]{24}}/edit", save)
