"""What a decision of a conflict writes: one act that clears it on every replica.

A field's conflict clears by writing the chosen value, having seen both; the others clear by a
decision record, with a withdrawal or a reopening where the choice asks for one. Holds no SQL.
Invariant: what was not chosen stays in the history.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from core.dispatch import acts
from core.dispatch.acts import Act, ActError
from core.dispatch.fields import CHECK_ITEM
from web.board.reader import Rows

BOTH: Final = "both"

_NAME_BY_FIELD: Final = {
    "title": "title",
    "description": "description",
    "customer": "customer",
    "place": "place",
    "address": "address",
    "point": "point",
    "radius": "radius",
    "contact": "contact",
    "contact phone": "contact_phone",
    "priority": "priority",
    "window": "window",
    "planned minutes": "planned_minutes",
    "skills": "skills",
}
_IDENTITIES: Final = frozenset({"customer", "place"})
_TEXTS: Final = frozenset({"title", "description", "address", "contact", "contact phone"})


async def decision(
    reader: Rows, stream: bytes, conflict: Any, turns: Sequence[Any], choice: str
) -> Act:
    """The changes that decide `conflict` (a row) by `choice`: a side's number, or 'both'.

    Raises:
        ActError: there is no such choice.
    """
    sides = [json.loads(conflict["shown"]), *json.loads(conflict["other"])]
    key = bytes.fromhex(conflict["conflict"])
    if choice == BOTH:
        return acts.decide(stream, key, "both stand")
    if not choice.isdecimal() or int(choice) >= len(sides):
        raise ActError("choose one of the values")
    number = int(choice)
    value = sides[number]["value"]
    match conflict["kind"]:
        case "field":
            return await _field(reader, stream, conflict, key, number, value)
        case "double assignment":
            return _keep_one(stream, key, sides, number, turns)
        case "worked after cancel" if number > 0:
            return [*acts.reopen_job(stream), *acts.decide(stream, key, "the work counts")]
        case "worked after withdrawal" if number > 0:
            gone = _withdraw(stream, sides[0]["value"], turns)
            return [*gone, *acts.decide(stream, key, "withdrawn")]
    return acts.decide(stream, key, "as shown")


async def _field(
    reader: Rows, stream: bytes, conflict: Any, key: bytes, number: int, text: str
) -> Act:
    field = conflict["field"]
    name = _NAME_BY_FIELD.get(field)
    if name is not None:
        return acts.edit_job(stream, {name: field_value(field, text)})
    if field == "cancelled":
        value = _json(text)
        return acts.cancel_job(stream, text) if value else acts.reopen_job(stream)
    if field == "override":
        value = _json(text)
        if isinstance(value, list) and len(value) == 2:
            return acts.override_status(stream, value[0], value[1])
        return acts.override_status(stream, None)
    if number == 0:
        return acts.decide(stream, key, "as shown")
    if field == "check item":
        rows = await reader.history(stream.hex())
        paths = [row.path for row in rows if (row.field, row.value) == (field, text)]
        if paths:
            return [acts.Change(stream, (CHECK_ITEM, int(paths[-1])), text)]
    raise ActError("that value can't be put back here; set it in the job by hand")


def field_value(field: str, text: str) -> object:
    """A value as the projections write it, as the act takes it."""
    value = _json(text)
    if value is None:
        return None
    if field in _IDENTITIES:
        return bytes.fromhex(text)
    if field == "skills" and isinstance(value, list):
        return [bytes.fromhex(skill) for skill in value]
    return text if field in _TEXTS else value


def _keep_one(
    stream: bytes, key: bytes, sides: list[Any], number: int, turns: Sequence[Any]
) -> Act:
    changes: Act = []
    for index, side in enumerate(sides):
        if index != number:
            changes += _withdraw(stream, side["value"], turns)
    return [*changes, *acts.decide(stream, key, f"kept {sides[number]['value']}")]


def _withdraw(stream: bytes, worker: str, turns: Sequence[Any]) -> Act:
    changes: Act = []
    for turn in turns:
        if turn["worker"] == worker:
            changes += acts.withdraw(
                stream, bytes.fromhex(worker), bytes.fromhex(turn["turn"]), "decided by the office"
            )
    return changes


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
