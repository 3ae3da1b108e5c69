"""Values of the log in words: what a history row, a conflict or a form's other side says.

The projections keep a value as text (JSON, ids in hex); this turns it into what a dispatcher reads,
with names for ids and the site's clock for times. Holds the names that one answer needs and no SQL
but the one that loads them. Invariant: a value that is not understood is shown as it stands, never
left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.fields import FIELDS, PHASES, Kind, Phase
from core.dispatch.reasons import note_words, reason_words
from core.dispatch.snooze import FOR_GOOD_MS
from core.log.certificate import Standing
from core.sentence import listed, say
from replica.projection.conflict import phase_words
from web import formats
from web.board.reader import Rows
from web.board.rows import PRIORITY_WORDS, code_words
from web.outlines import corners_words

LABEL_BY_FIELD: Final = {
    field.name: field.called for field in FIELDS.values() if field.kind in (Kind.JOB, None)
}
STATE_FIELDS: Final = frozenset(
    {"created", "assigned", "withdrawn", "handed to", "phase", "cancelled", "override"}
)
NOTHING: Final = say("nothing")
_PHASE_WORDS: Final = {
    "assigned": say("Assigned"),
    "received": say("Received"),
    "opened": say("Opened"),
    "accepted": say("Accepted"),
    "travelling": say("Travelling"),
    "on site": say("On site"),
    "paused": say("Paused"),
    "finished": say("Finished"),
    "rejected": say("Rejected"),
}
_NOT_CANCELLED: Final = say("Cancellation taken back")


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id: of accounts, workers, customers, places and skills.

    `worker_by_key` says whose phone a public key (hex) was certified for.
    """

    account: dict[str, str]
    worker: dict[str, str]
    customer: dict[str, str]
    place: dict[str, str]
    skill: dict[str, str]
    worker_by_key: dict[str, str]

    def author(self, actor: str, key: str) -> str:
        """Who wrote something, by the person who acted or else by whose key it is."""
        return self.actor(actor or self.worker_by_key.get(key, ""))

    def actor(self, actor: str) -> str:
        """Who acted, in words."""
        if actor == "rule":
            return say("a rule")
        if not actor:
            return say("the hub")
        return self.account.get(actor) or self.worker.get(actor) or say("the hub")

    def has_more_phones(self, standing: Standing) -> bool:
        """Whether more than one key was certified for the worker of this standing."""
        worker = standing.subject.hex()
        return sum(worker == other for other in self.worker_by_key.values()) > 1

    def is_worker(self, actor: str) -> bool:
        """Whether the actor is a worker, on a phone."""
        return actor in self.worker


async def load_names(reader: Rows, customer: str) -> Names:
    """The names that one job's pane can need."""

    async def pairs(sql: str, *parameters: str) -> dict[str, str]:
        return {row[0]: row[1] for row in await reader.rows(sql, parameters)}

    return Names(
        account=await pairs("SELECT account, name FROM account"),
        worker=await pairs("SELECT worker, name FROM worker"),
        customer=await pairs("SELECT customer, name FROM customer"),
        place=await pairs("SELECT place, name FROM customer_place WHERE customer = ?", customer),
        skill=await pairs("SELECT skill, name FROM skill"),
        worker_by_key=await pairs(
            "SELECT lower(hex(author)), lower(hex(subject)) FROM certificate WHERE role = 1"
        ),
    )


def value_words(field: str, text: str, names: Names, zone: ZoneInfo, now_ms: int) -> str:
    """One field's value, given as the projections' text, in words."""
    value = _parsed(text)
    if value is None:
        return NOTHING
    match field:
        case "window" if isinstance(value, list) and len(value) == 2:
            return formats.window_words(value[0], value[1], zone, now_ms)
        case "point" if isinstance(value, list) and len(value) == 2:
            return formats.point_words(value[0], value[1])
        case "phase" if type(value) is int and value in PHASES:
            return _PHASE_WORDS[phase_words(Phase(value))]
        case "snoozed" if isinstance(value, list) and len(value) == 2:
            return snooze_words(value[0], value[1] or "", zone, now_ms)
        case "priority" if type(value) is int and 0 <= value < len(PRIORITY_WORDS):
            return PRIORITY_WORDS[value]
        case "planned minutes" if type(value) is int:
            return formats.minutes_words(value)
        case "radius":
            return f"{value} m"
        case "outline" if isinstance(value, list):
            return corners_words(len(value) // 2)
        case "customer":
            return names.customer.get(text, say("an unknown customer"))
        case "place":
            return names.place.get(text, say("another place"))
        case "assignment":
            return names.worker.get(text, text)
        case "skills" if isinstance(value, list):
            return listed(names.skill.get(str(item), say("unknown")) for item in value) or NOTHING
        case "override" if isinstance(value, list) and len(value) == 2:
            status = code_words(str(value[0]))
            return say("{status} ({reason})", status=status, reason=value[1])
        case "tick":
            return say("ticked") if value else say("not ticked")
        case "note":
            return note_words(text) or NOTHING
        case "reason" | "log removed":
            return reason_words(text) or NOTHING
    return text or NOTHING


def snooze_words(until_ms: int, reason: str, zone: ZoneInfo, now_ms: int) -> str:
    """Until when an alert is put aside, and why."""
    until = say("for good")
    if until_ms < FOR_GOOD_MS:
        until = say("until {moment}", moment=formats.moment_words(until_ms, zone, now_ms))
    return listed((until, reason), ": ") if reason else until


def state_words(field: str, path: str, text: str, names: Names) -> str:
    """A change of state as a sentence's beginning: `Assigned to Jan`, `On site`."""
    worker = names.worker.get(path.partition("/")[0], say("a worker"))
    value = _parsed(text)
    match field:
        case "created":
            return say("Created")
        case "assigned" if value:
            return say("Assigned to {worker}", worker=worker)
        case "assigned":
            return say("Not assigned to {worker}", worker=worker)
        case "withdrawn" if isinstance(value, str):
            return say("Taken back from {worker}: {reason}", worker=worker, reason=text)
        case "withdrawn":
            return say("Taken back from {worker}", worker=worker)
        case "handed to":
            colleague = names.worker.get(text, say("a colleague"))
            return say("{worker} handed it to {colleague}", worker=worker, colleague=colleague)
        case "cancelled":
            return say("Cancelled: {reason}", reason=text) if value else _NOT_CANCELLED
        case "override" if isinstance(value, list) and len(value) == 2:
            status = code_words(str(value[0]))
            return say("Set to {status}: {reason}", status=status, reason=value[1])
        case "override":
            return say("Status left to the assignments")
    return _PHASE_WORDS.get(text, text[:1].upper() + text[1:])


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # Plain texts are kept as they are, so `12` may be a title: only what JSON wrote is parsed.
    return value if value is None or isinstance(value, (list, int, bool)) else text
