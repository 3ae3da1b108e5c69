"""Planning an import of jobs, for customers and workers that exist.

What a row leaves out comes from the customer: place, address, position and contact, as in the
form of a job. A job that exists is found by this site's number, else by title, customer and window.
Invariant: a job of an unknown customer or worker is a faulty row, never a job without one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from core.dispatch.acts import assign, create_job, edit_job
from core.dispatch.fields import Kind
from core.dispatch.outline import flat, standing_corners
from core.dispatch.roster import absence_on
from core.sentence import marked, say, say_n
from web import formats
from web.board.rows import PRIORITY_WORDS
from web.formats import folded
from web.imports.known import TextKey, text_key
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
from web.imports.values import (
    plain,
    read_list,
    read_minutes,
    read_point,
    read_priority,
    read_radius,
    read_window,
)
from web.roster import absent_words, days_of_job

Values = dict[str, Any]
_CLOSED = (marked("done"), marked("cancelled"), marked("rejected"))


class JobsImport:
    """Plans rows of jobs, one after another."""

    def __init__(self, about: Circumstances) -> None:
        self._about = about
        self._draft = Draft()
        self._earlier: dict[TextKey, int] = {}

    def plan(self, table: Table, columns: Sequence[str]) -> Plan:
        """The plan for all rows of a table. Raises Cancelled."""
        return plan_rows(table, columns, self._about.progress, self._row, self._draft)

    def _row(self, line: int, cells: Cells) -> Item:
        title = cells.get("title", "")
        if not title:
            raise RowError(say("the title is missing"))
        notes: list[str] = []
        customer = self._customer(cells)
        worker = self._worker(cells)
        values = self._values(title, customer, cells, notes)
        window = values.get("window")
        key = text_key(
            title,
            customer["customer"] if customer else "",
            (window or [None])[0],
            values.get("address"),
        )
        existing = self._existing(cells, key)
        shown = self._shown(cells, customer, values)
        if existing is None and key in self._earlier:
            return Item(line, "same", same_as(self._earlier[key]), shown)
        if existing is not None and self._about.same != "anyway":
            item = self._again(line, existing, cells, values, shown, tuple(notes))
            self._earlier.setdefault(key, line)
            return item
        job = self._about.new_stream(Kind.JOB)
        changes = create_job(job, values)
        if worker is not None:
            changes += assign(job, bytes.fromhex(worker["worker"]), self._about.entropy(8))
            notes += self._absent(worker, window)
        # One that was refused is no earlier row: whoever mends it in a later one means that.
        self._draft.add(changes)
        self._earlier.setdefault(key, line)
        self._draft.made[line] = job.hex()
        words = once_more(existing["number"]) if existing else ""
        return Item(line, "new", words, shown, tuple(notes))

    def _absent(self, worker: Any, window: list[int] | None) -> list[str]:
        """That the worker is absent on a day of the job, for a person to look at."""
        about = self._about
        row = dict(zip(("window_start", "window_end"), window or (None, None), strict=True))
        first, last = days_of_job(row, about.zone, about.now_ms)
        found = absence_on(about.known.absences.get(worker["worker"], ()), first, last)
        if found is None:
            return []
        present = formats.local_time(about.now_ms, about.zone).date().isoformat()
        return [
            say(
                "{worker} is {absent}, and the job is in that time",
                worker=worker["name"], absent=absent_words(found, present),
            )
        ]  # fmt: skip

    def _existing(self, cells: Cells, key: TextKey) -> Any | None:
        known = self._about.known
        job = (
            known.jobs_by_number.get(folded(cells.get("number", ""))) if "number" in cells else None
        )
        job = job or known.jobs_by_text.get(key)
        return known.jobs[job] if job else None

    def _again(
        self, line: int, row: Any, cells: Cells, values: Values, shown: Cells,
        notes: tuple[str, ...],
    ) -> Item:  # fmt: skip
        """A job that exists: left alone, or filled in where it is not closed."""
        words = equal_to(f"{row['number']} {row['title']}")
        if self._about.same == "skip":
            return Item(line, "same", words, shown, notes)
        if row["status"] in _CLOSED:
            words = say(
                "equal to {number} {title}, which is {status}",
                number=row["number"], title=row["title"], status=say(row["status"]),
            )  # fmt: skip
            return Item(line, "same", words, shown, notes)
        changed = _differing(row, values, given_by(cells))
        if not changed:
            return Item(line, "same", words, shown, notes)
        job = bytes.fromhex(row["job"])
        self._draft.add(edit_job(job, changed))
        self._draft.basis[job] = row["frontier"]
        told = (*notes, say("the assignment stays as it is")) if "worker" in cells else notes
        return Item(line, "updated", words, shown, told)

    # --- what a row says

    def _values(self, title: str, customer: Any, cells: Cells, notes: list[str]) -> Values:
        about = self._about
        planned = read_minutes(cells.get("planned", ""))
        window = read_window(
            cells.get("day", ""), cells.get("start", ""), cells.get("end", ""), planned,
            about.zone, about.order,
        )  # fmt: skip
        values: Values = {
            "title": title,
            "description": self._description(cells),
            "planned_minutes": planned,
            "priority": read_priority(cells.get("priority", "")),
            "window": list(window) if window else None,
            "skills": self._skills(cells),
        }
        values |= self._where(customer, cells, notes)
        contacts = about.known.contacts.get(customer["customer"], ()) if customer else ()
        first = min(
            contacts, key=lambda each: (each["name"].lower(), each["contact"]), default=None
        )
        if cells.get("contact") or cells.get("phone"):
            values["contact"] = cells.get("contact")
            values["contact_phone"] = cells.get("phone")
        elif first is not None:
            values["contact"], values["contact_phone"] = first["name"], first["phone"]
        return values

    def _description(self, cells: Cells) -> str | None:
        number, text = cells.get("number", ""), cells.get("description", "")
        if number and folded(number) not in self._about.known.jobs_by_number:
            text = f"Number in the imported table: {number}\n{text}"
        return text.strip() or None

    def _where(self, customer: Any, cells: Cells, notes: list[str]) -> Values:
        """Place, address, position and bounds: what the row says, else the customer's place."""
        about, address = self._about, address_of(cells)
        point = read_point(*(cells.get(key, "") for key in ("point", "lat", "lon")))
        radius = read_radius(cells.get("radius", ""))
        place = self._place(customer, cells, address) if customer else None
        if place is None:
            if point is None and address:
                found = about.addresses.find(address)
                point = found.point
                notes += [found.note] if found.note else []
            given = {"address": address or None, "point": point, "radius": radius}
            return given | ({"customer": bytes.fromhex(customer["customer"])} if customer else {})
        corners = None
        if point is None and place["lat_e7"] is not None:
            point = (place["lat_e7"], place["lon_e7"])
            corners = standing_corners(place["outline"], *point)
        return {
            "customer": bytes.fromhex(customer["customer"]),
            "place": bytes.fromhex(place["place"]),
            "address": address or place["address"] or None,
            "point": point,
            "radius": radius or place["radius_m"],
            "outline": flat(corners) if corners else None,
        }

    def _place(self, customer: Any, cells: Cells, address: str) -> Any | None:
        """The customer's place that the row means; None for an address of its own."""
        places = sorted(
            self._about.known.places.get(customer["customer"], ()),
            key=lambda each: (each["name"].lower(), each["place"]),
        )
        named = cells.get("place", "")
        if named:
            for place in places:
                if plain(named) in (plain(place["name"]), plain(place["address"])):
                    return place
            if not address:
                raise RowError(
                    say("{customer} has no place “{place}”", customer=customer["name"], place=named)
                )
        if address:
            alike = [each for each in places if plain(each["address"]) == plain(address)]
            return alike[0] if alike else None
        return places[0] if places else None

    def _customer(self, cells: Cells) -> Any | None:
        known = self._about.known
        number, name = cells.get("customer_number", ""), cells.get("customer", "")
        if number:
            found = known.customers_by_number.get(plain(number), ())
            if not found:
                raise RowError(
                    say(
                        "no customer has the number {number}; import customers first", number=number
                    )
                )
            return known.customers[found[0]]
        if not name:
            return None
        found = [
            customer
            for customer in known.customers_by_name.get(plain(name), ())
            if not known.customers[customer]["archived"]
        ]
        if not found:
            raise RowError(
                say(
                    "there is no customer “{name}”; import customers first, or leave the column "
                    "out",
                    name=name,
                )
            )
        if len(found) > 1:
            raise RowError(
                say_n(
                    "{n} customer is called “{name}”; give the number",
                    "{n} customers are called “{name}”; give the number",
                    len(found),
                    name=name,
                )
            )
        return known.customers[found[0]]

    def _worker(self, cells: Cells) -> Any | None:
        name = cells.get("worker", "")
        if not name:
            return None
        known = self._about.known
        found = [
            worker
            for worker in known.workers_by_name.get(plain(name), ())
            if not known.workers[worker]["archived"]
        ]
        if not found:
            raise RowError(say("there is no worker “{name}”; import workers first", name=name))
        if len(found) > 1:
            raise RowError(
                say_n(
                    "{n} worker is called “{name}”; assign it on the board",
                    "{n} workers are called “{name}”; assign it on the board",
                    len(found),
                    name=name,
                )
            )
        return known.workers[found[0]]

    def _skills(self, cells: Cells) -> list[bytes] | None:
        found = []
        for name in read_list(cells.get("skills", "")):
            skill = self._about.known.skills.get(plain(name))
            if skill is None:
                raise RowError(
                    say(
                        "there is no skill “{name}”; add it under Teams, vehicles, skills",
                        name=name,
                    )
                )
            found.append(bytes.fromhex(skill.id))
        return found or None

    def _shown(self, cells: Cells, customer: Any, values: Values) -> dict[str, str]:
        shown = dict(cells)
        if customer is not None:
            shown["customer"] = customer["name"]
        if values.get("window"):
            start, end = values["window"]
            words = formats.window_words(start, end, self._about.zone, self._about.now_ms)
            shown |= {key: words for key in ("day", "start", "end") if key in cells}
        if values.get("priority") is not None:
            shown["priority"] = PRIORITY_WORDS[values["priority"]]
        return shown


def given_by(cells: Cells) -> frozenset[str]:
    """The job's fields that the row itself gives, not the customer."""
    sources = {
        "title": ("title",), "description": ("description",), "planned_minutes": ("planned",),
        "priority": ("priority",), "window": ("day", "start", "end"), "skills": ("skills",),
        "customer": ("customer", "customer_number"), "place": ("place",),
        "address": ("address", "town", "postcode"), "point": ("point", "lat", "lon"),
        "radius": ("radius",), "contact": ("contact",), "contact_phone": ("phone",),
    }  # fmt: skip
    return frozenset(name for name, keys in sources.items() if any(key in cells for key in keys))


_OF_A_PLACE = ("place", "address", "point", "radius", "outline")
_OF_A_CUSTOMER = ("customer", *_OF_A_PLACE, "contact", "contact_phone")


def _differing(row: Any, values: Values, given: frozenset[str]) -> Values:
    """What a row would change of a job; what another customer or place brings comes with it."""
    held = {
        "title": row["title"],
        "description": row["description"] or None,
        "planned_minutes": row["planned_minutes"],
        "priority": row["priority"],
        "window": [row["window_start"], row["window_end"]],
        "skills": [bytes.fromhex(skill) for skill in json.loads(row["skills"])],
        "customer": bytes.fromhex(row["customer"]),
        "place": bytes.fromhex(row["place"]),
        "address": row["address"] or None,
        "point": None if row["lat_e7"] is None else (row["lat_e7"], row["lon_e7"]),
        "radius": row["radius_m"],
        "outline": json.loads(row["outline"]) if row["outline"] else None,
        "contact": row["contact"] or None,
        "contact_phone": row["contact_phone"] or None,
    }

    def differs(name: str) -> bool:
        value, old = values.get(name), held[name]
        if name == "skills" and value is not None:
            return sorted(value) != sorted(old)
        return value is not None and value != old

    for name, brought in (("customer", _OF_A_CUSTOMER), ("place", _OF_A_PLACE)):
        if name in given and differs(name):
            given = given.union(brought)
    changed = {name: values[name] for name in sorted(given) if differs(name)}
    if "customer" in changed and row["place"]:
        # The place that it had is one of the customer before.
        changed.setdefault("place", None)
    if "point" in changed and row["outline"]:
        # The job lies elsewhere now, and so does what bounded it.
        changed.setdefault("outline", None)
    return changed
