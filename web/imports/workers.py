"""Planning an import of workers, with teams, vehicles and skills by name.

A worker who exists is found by name, and by phone number where both say one. Teams, vehicles and
skills that nobody has yet are made in the same act. Invariant: an update fills in; it empties
nothing and takes no skill away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.dispatch.acts import Act, edit_worker, set_group
from core.dispatch.fields import Kind
from core.sentence import Sentence, say
from web.imports.known import Group, skills_of
from web.imports.plan import (
    Cells,
    Circumstances,
    Draft,
    Item,
    Plan,
    RowError,
    equal_to,
    once_more,
    plan_rows,
)
from web.imports.table import Table
from web.imports.values import digits, plain, read_list, read_shift


@dataclass(frozen=True, slots=True)
class _Earlier:
    line: int
    phone: str


class WorkersImport:
    """Plans rows of workers, one after another."""

    def __init__(self, about: Circumstances) -> None:
        self._about = about
        self._draft = Draft()
        self._earlier: dict[str, list[_Earlier]] = {}
        known = about.known
        self._groups: dict[str, dict[str, Group]] = {
            "team": dict(known.teams),
            "vehicle": dict(known.vehicles),
            "skill": dict(known.skills),
        }
        self._by_plate = {plain(each.plate): each for each in known.vehicles.values() if each.plate}

    def plan(self, table: Table, columns: Sequence[str]) -> Plan:
        """The plan for all rows of a table. Raises Cancelled."""
        return plan_rows(table, columns, self._about.progress, self._row, self._draft)

    def _row(self, line: int, cells: Cells) -> Item:
        name = cells.get("name", "") or " ".join(
            filter(None, (cells.get("first_name", ""), cells.get("last_name", "")))
        )
        if not name:
            raise RowError(say("the name is missing"))
        phone = cells.get("phone", "")
        for other in self._earlier.get(plain(name), []):
            if _is_same_phone(phone, other.phone):
                words = say("the same worker as in line {line}", line=other.line)
                return Item(line, "same", words, cells)
        item = self._planned(line, name, phone, cells)
        self._earlier.setdefault(plain(name), []).append(_Earlier(line, phone))
        return item

    def _planned(self, line: int, name: str, phone: str, cells: Cells) -> Item:
        known, plates, added = len(self._draft.added), dict(self._by_plate), self._draft.added
        groups = {kind: dict(held) for kind, held in self._groups.items()}
        try:
            return self._written(line, name, phone, cells)
        except ValueError:
            # A row that is left out makes no team that a later one could mean.
            self._groups, self._by_plate = groups, plates
            del added[known:]
            raise

    def _written(self, line: int, name: str, phone: str, cells: Cells) -> Item:
        about = self._about
        shift = read_shift(*(cells.get(key, "") for key in ("shift", "shift_start", "shift_end")))
        existing = self._existing(name, phone)
        if existing is not None and about.same == "skip":
            return Item(line, "same", equal_to(_named(existing)), cells)
        changes, groups = self._group_changes(cells)
        values: dict[str, object] = {"name": name, "phone": phone, "note": cells.get("note", "")}
        values = {key: value for key, value in values.items() if value}
        values |= groups
        if shift:
            values["shift"] = shift
        if existing is None or about.same == "anyway":
            stream = about.new_stream(Kind.WORKER)
            self._draft.add(changes + edit_worker(stream, values))
            self._draft.made[line] = stream.hex()
            words = once_more(_named(existing)) if existing else ""
            return Item(line, "new", words, cells)
        values = _differing(existing, values)
        if not values:
            return Item(line, "same", equal_to(_named(existing)), cells)
        stream = bytes.fromhex(existing["worker"])
        self._draft.add(changes + edit_worker(stream, values))
        self._draft.basis[stream] = existing["frontier"]
        return Item(line, "updated", equal_to(_named(existing)), cells)

    def _existing(self, name: str, phone: str) -> Any | None:
        known = self._about.known
        for worker in known.workers_by_name.get(plain(name), ()):
            row = known.workers[worker]
            if _is_same_phone(phone, row["phone"]):
                return row
        return None

    def _group_changes(self, cells: Cells) -> tuple[Act, dict[str, object]]:
        """The worker's team, vehicle and skills as ids, and what makes those that are new."""
        changes: Act = []
        values: dict[str, object] = {}
        if team := cells.get("team", ""):
            values["team"] = self._group("team", team, changes)
        if cells.get("vehicle") or cells.get("plate"):
            values["vehicle"] = self._vehicle(cells, changes)
        if names := read_list(cells.get("skills", "")):
            values["skills"] = [self._group("skill", each, changes) for each in names]
        return changes, values

    def _vehicle(self, cells: Cells, changes: Act) -> bytes:
        plate = cells.get("plate", "")
        held = self._by_plate.get(plain(plate)) if plate else None
        if held is not None:
            return bytes.fromhex(held.id)
        name = cells.get("vehicle", "") or plate
        by_name = self._groups["vehicle"].get(plain(name))
        if by_name is not None and plate and by_name.plate and by_name.plate != plate:
            # Two vans of one name are told apart by their plates.
            name = f"{name} {plate}"
        return self._group("vehicle", name, changes, plate)

    def _group(self, kind: str, name: str, changes: Act, plate: str = "") -> bytes:
        held = self._groups[kind].get(plain(name))
        if held is None:
            identity = self._about.entropy(8)
            changes += set_group(kind, identity, name, plate=plate or None)
            held = Group(identity.hex(), name, plate)
            self._groups[kind][plain(name)] = held
            if plate:
                self._by_plate[plain(plate)] = held
            self._draft.added.append(_group_words(kind, name))
        return bytes.fromhex(held.id)


def _group_words(kind: str, name: str) -> Sentence:
    match kind:
        case "team":
            return say("team {name}", name=name)
        case "vehicle":
            return say("vehicle {name}", name=name)
    return say("skill {name}", name=name)


def _is_same_phone(one: str, other: str) -> bool:
    """Whether two numbers may be one worker's: where either is missing, the name decides."""
    return not one or not other or digits(one) == digits(other)


def _differing(row: Any, values: dict[str, object]) -> dict[str, object]:
    """What the row says otherwise than the store; skills are added to those that there are."""
    found: dict[str, object] = {}
    for name, value in values.items():
        match name:
            case "team" | "vehicle":
                is_new = isinstance(value, bytes) and value.hex() != row[name]
            case "skills":
                had = [bytes.fromhex(each) for each in skills_of(row)]
                wanted = sorted({*had, *(value if isinstance(value, list) else [])})
                is_new, value = wanted != sorted(had), wanted
            case "shift":
                is_new = str(value) != row["shift"]
            case _:
                is_new = value != row[name]
        if is_new:
            found[name] = value
    if row["archived"]:
        found["archived"] = False
    return found


def _named(row: Any) -> str:
    words = f"{row['name']}, {row['phone']}" if row["phone"] else str(row["name"])
    return say("{name}, archived", name=words) if row["archived"] else words
