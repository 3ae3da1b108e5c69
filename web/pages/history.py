"""What changed in one stream, newest first: who, when, which field, to what.

Not a page of its own but a part of several. Entries that do not stand are shown and marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from core.sentence import marked, say
from web.actors import names_of_actors
from web.roster import vehicle_names

HISTORY_SHOWN_MAX: Final = 60

_FIELDS: Final = frozenset((
    *(marked("admitted"), marked("cut"), marked("snoozed"), marked("name")),
    *(marked("number"), marked("note"), marked("archived"), marked("place name")),
    *(marked("place address"), marked("place point"), marked("place radius")),
    marked("place outline"), marked("outline"),
    *(marked("place archived"), marked("contact"), marked("contact phone")),
    *(marked("contact e-mail"), marked("contact archived"), marked("phone")),
    *(marked("team"), marked("vehicle"), marked("skills"), marked("shift")),
    *(marked("absent"), marked("new key asked"), marked("jobs on")),
    *(marked("auto logging on"), marked("auto logging mode")),
    *(marked("minimum auto-logging time"), marked("repeats"), marked("starts")),
    *(marked("ends"), marked("hours"), marked("zone"), marked("horizon")),
    *(marked("skipped"), marked("title"), marked("description"), marked("customer")),
    *(marked("place"), marked("address"), marked("point"), marked("radius")),
    *(marked("priority"), marked("planned minutes"), marked("worker")),
))  # fmt: skip
"""The fields of customers, workers and recurring jobs; what a later program writes has no words."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change; `field` is a sentence and `who` a name, 'rule' or "".

    `act` names it to be undone, "" where it is none of a person of the office.
    """

    at_ms: int
    field: str
    value: str
    who: str
    inert: bool
    act: str


async def history_of(reader: Any, stream: str) -> tuple[HistoryRow, ...]:
    """The newest changes of a stream (hex id)."""
    rows = list(reversed(await reader.history(stream)))[:HISTORY_SHOWN_MAX]
    names = await names_of_actors(reader, rows)
    accounts = {row["account"] for row in await reader.rows("SELECT account FROM account")}
    vehicles = {}
    if any(row.field.startswith("vehicle") for row in rows):
        vehicles = await vehicle_names(reader)
    return tuple(
        HistoryRow(
            row.at,
            _field_words(row),
            vehicles.get(row.value, row.value) if row.field.startswith("vehicle") else row.value,
            say("rule") if row.actor == "rule" else names.get(row.actor, row.actor),
            row.inert,
            f"{stream}-{row.entry}" if row.actor in accounts and not row.inert else "",
        )
        for row in rows
    )


def _field_words(row: Any) -> str:
    if row.field == "vehicle on":
        return say("vehicle on {day}", day=row.path)
    return say(row.field) if row.field in _FIELDS else str(row.field)
