"""Planning an import of customers, with their places and contacts.

Several rows of one customer (the same number, or without numbers the same name) make one customer
with several places and contacts. One that exists is found by its number, else by name and address.
Holds no reading of files. Invariant: an update fills in and adds; it empties nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.dispatch.acts import Act, edit_contact, edit_customer, edit_place
from core.dispatch.fields import Kind
from core.sentence import Sentence, say
from web.formats import point_words
from web.imports.plan import (
    Cells,
    Circumstances,
    Draft,
    Item,
    Plan,
    RowError,
    address_of,
    equal_to,
    once_more,
    plan_rows,
    same_as,
)
from web.imports.table import Table
from web.imports.values import plain, read_point, read_radius


@dataclass(slots=True)
class _Subject:
    """A customer that rows tell about: where it stands, and which places and contacts it has."""

    stream: bytes
    line: int
    name: str
    state: str
    row: Any = None
    places: dict[str, bytes] = field(default_factory=dict)
    contacts: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a row says, checked."""

    name: str
    number: str
    note: str
    place: str
    address: str
    point: tuple[int, int] | None
    radius: int | None
    contact: str
    phone: str
    email: str
    notes: tuple[str, ...]


class CustomersImport:
    """Plans rows of customers, one after another."""

    def __init__(self, about: Circumstances) -> None:
        self._about = about
        self._draft = Draft()
        self._subjects: dict[str, _Subject] = {}

    def plan(self, table: Table, columns: Sequence[str]) -> Plan:
        """The plan for all rows of a table. Raises Cancelled."""
        return plan_rows(table, columns, self._about.progress, self._row, self._draft)

    def _row(self, line: int, cells: Cells) -> Item:
        told = self._told(cells)
        key = f"#{plain(told.number)}" if told.number else plain(told.name)
        subject = self._subjects.get(key)
        if subject is not None:
            item = self._more(line, subject, told)
        else:
            subject, item = self._first(line, told)
            self._subjects[key] = subject
        return Item(item.line, item.state, item.words, _shown(cells, told), told.notes)

    def _told(self, cells: Cells) -> _Told:
        name, address = cells.get("name", ""), address_of(cells)
        if not name:
            raise RowError(say("the name is missing"))
        point = read_point(*(cells.get(key, "") for key in ("point", "lat", "lon")))
        notes: tuple[str, ...] = ()
        if point is None and address:
            found = self._about.addresses.find(address)
            point, notes = found.point, (found.note,) if found.note else ()
        return _Told(
            name=name,
            number=cells.get("number", ""),
            note=cells.get("note", ""),
            place=cells.get("place", ""),
            address=address,
            point=point,
            radius=read_radius(cells.get("radius", "")),
            contact=cells.get("contact", ""),
            phone=cells.get("phone", ""),
            email=cells.get("email", ""),
            notes=notes,
        )

    def _first(self, line: int, told: _Told) -> tuple[_Subject, Item]:
        """The first row of a customer: one that exists, or a new one."""
        known, same = self._about.known, self._about.same
        existing = self._existing(told)
        if existing is None or same == "anyway":
            stream = self._about.new_stream(Kind.CUSTOMER)
            subject = _Subject(stream, line, told.name, "new")
            own = {"name": told.name, "number": told.number or None, "note": told.note or None}
            changes = edit_customer(
                stream, {name: value for name, value in own.items() if value is not None}
            )
            self._draft.add(changes + self._parts(subject, told))
            self._draft.made[line] = stream.hex()
            words = once_more(_named(known.customers[existing])) if existing else ""
            return subject, Item(line, "new", words)
        row = known.customers[existing]
        subject = _Subject(bytes.fromhex(existing), line, row["name"], same, row)
        for place in known.places.get(existing, ()):
            subject.places[_place_key(place["name"], place["address"])] = bytes.fromhex(
                place["place"]
            )
        for contact in known.contacts.get(existing, ()):
            subject.contacts[plain(contact["name"])] = bytes.fromhex(contact["contact"])
        words = equal_to(_named(row))
        if same == "skip" or not self._fill_in(subject, told):
            return subject, Item(line, "same", words)
        return subject, Item(line, "updated", words)

    def _existing(self, told: _Told) -> str | None:
        """The customer that the row means: by number, else by name and address."""
        known = self._about.known
        if told.number:
            for customer in known.customers_by_number.get(plain(told.number), ()):
                return customer
        for customer in known.customers_by_name.get(plain(told.name), ()):
            if told.number and known.customers[customer]["number"]:
                continue  # Two numbers are two customers, whatever they are called.
            addresses = [plain(each["address"]) for each in known.places.get(customer, ())]
            if not told.address or plain(told.address) in addresses:
                return customer
        return None

    def _more(self, line: int, subject: _Subject, told: _Told) -> Item:
        """A further row of a customer that an earlier row told of."""
        if subject.state == "skip":
            return Item(line, "same", _exists(subject.line))
        changes = self._parts(subject, told)
        if not changes:
            return Item(line, "same", same_as(subject.line))
        self._draft.add(changes)
        if subject.row is not None:
            self._draft.basis[subject.stream] = subject.row["frontier"]
            words = say(
                "more of {customer}, as in line {line}",
                customer=_named(subject.row), line=subject.line,
            )  # fmt: skip
            return Item(line, "updated", words)
        words = say("another place or contact of {customer}", customer=subject.name)
        return Item(line, "more", words)

    def _fill_in(self, subject: _Subject, told: _Told) -> bool:
        """Write what the row says otherwise than the store; whether there was anything."""
        own = {
            name: text
            for name, text in (("name", told.name), ("number", told.number), ("note", told.note))
            if text and text != subject.row[name]
        }
        if subject.row["archived"]:
            own["archived"] = ""
        changes = edit_customer(subject.stream, own) if own else []
        changes += self._parts(subject, told)
        if not changes:
            return False
        self._draft.add(changes)
        self._draft.basis[subject.stream] = subject.row["frontier"]
        return True

    def _parts(self, subject: _Subject, told: _Told) -> Act:
        """The changes that give the customer the row's place and contact, where it lacks them."""
        return self._place(subject, told) + self._contact(subject, told)

    def _place(self, subject: _Subject, told: _Told) -> Act:
        if not (told.address or told.place or told.point):
            return []
        key = _place_key(told.place, told.address)
        held = subject.places.get(key)
        values: dict[str, object] = {}
        if held is None:
            held = subject.places[key] = self._about.entropy(8)
            values = {
                "name": told.place or told.address or told.name,
                "address": told.address or None,
                "point": told.point,
                "radius": told.radius or self._about.radius_m,
            }
            return edit_place(subject.stream, held, values)
        if subject.row is None:
            return []
        place = next(
            (
                each
                for each in self._about.known.places.get(subject.row["customer"], ())
                if each["place"] == held.hex()
            ),
            None,
        )
        if place is None:
            return []
        if told.place and told.place != place["name"]:
            values["name"] = told.place
        has_point = place["lat_e7"] is not None
        if (
            told.point
            and (place["lat_e7"], place["lon_e7"]) != told.point
            and not (has_point and not self._was_given(told))
        ):
            values["point"] = told.point
        if told.radius and told.radius != place["radius_m"]:
            values["radius"] = told.radius
        return edit_place(subject.stream, held, values) if values else []

    def _was_given(self, told: _Told) -> bool:
        """Whether the file itself says the position; one that was looked up moves none."""
        return told.point != self._about.addresses.find(told.address).point

    def _contact(self, subject: _Subject, told: _Told) -> Act:
        if not (told.contact or told.phone or told.email):
            return []
        name = told.contact or told.name
        held = subject.contacts.get(plain(name))
        given = {"phone": told.phone, "email": told.email}
        if held is None:
            held = subject.contacts[plain(name)] = self._about.entropy(8)
            values = {"name": name, **{key: text for key, text in given.items() if text}}
            return edit_contact(subject.stream, held, values)
        if subject.row is None:
            return []
        contact = next(
            (
                each
                for each in self._about.known.contacts.get(subject.row["customer"], ())
                if each["contact"] == held.hex()
            ),
            None,
        )
        changed = {
            key: text for key, text in given.items() if text and contact and text != contact[key]
        }
        return edit_contact(subject.stream, held, changed) if changed else []


def _place_key(name: str, address: str) -> str:
    return plain(address) or plain(name)


def _exists(line: int) -> Sentence:
    return say("more of line {line}, which exists", line=line)


def _named(row: Any) -> str:
    words = f"{row['name']} ({row['number']})" if row["number"] else str(row["name"])
    return say("{name}, archived", name=words) if row["archived"] else words


def _shown(cells: Cells, told: _Told) -> dict[str, str]:
    shown = dict(cells)
    if told.point is not None:
        shown["point"] = point_words(*told.point)
    return shown
