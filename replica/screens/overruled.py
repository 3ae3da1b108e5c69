"""What the worker wrote that the office did not take, in the worker's words.

Follows from the entries of the job alone; what the worker has put away as seen is remembered beside
the store. Invariant: each line says what was written, what stands instead, and since when.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.dispatch.fields import PHASES, Phase
from core.dispatch.overruled import NotTaken, not_taken
from core.dispatch.reasons import reason_words
from core.sentence import say, say_n, small
from replica.projection.conflict import phase_words, words
from replica.screens.here import Here
from replica.screens.joblist import Card
from replica.screens.marks import Marks
from replica.screens.words import PRIORITY_WORDS, SHOWN_BY_PHASE, field_words

SEEN = "not taken"
"""Under this name the marks keep the keys of what the worker has put away."""


@dataclass(frozen=True, slots=True)
class Overruled:
    """One line: what was not taken, and what stands. `decided`: the office knew of both."""

    key: str
    text: str
    decided: bool


async def overruled(reader: Any, here: Here, card: Card, marks: Marks) -> list[Overruled]:
    """What this worker wrote in a job that was not taken, and that was not put away yet."""
    state = await reader.state(card.job)
    found = not_taken(state, bytes.fromhex(here.worker))
    if not found:
        return []
    put_away = seen_keys(marks, card.job)
    names = await _names(reader, found)
    return [
        Overruled(each.key.hex(), _line(each, here, names), each.decided)
        for each in found
        if each.key.hex() not in put_away
    ]


def seen_keys(marks: Marks, job: str) -> list[str]:
    """The keys of a job's lines that the worker has put away."""
    kept = (marks.seen(job) or {}).get(SEEN, [])
    return [str(key) for key in kept] if isinstance(kept, list) else []


async def _names(reader: Any, found: Iterable[NotTaken]) -> dict[str, str]:
    wanted = {words(value) for each in found for value in (each.own, each.instead) if value}
    names: dict[str, str] = {}
    for table in ("worker", "customer"):
        rows = await reader.rows(f"SELECT {table} AS id, name FROM {table}")
        names |= {row["id"]: row["name"] for row in rows if row["id"] in wanted}
    return names


def _line(each: NotTaken, here: Here, names: dict[str, str]) -> str:
    at = here.moment(each.by.corrected_ms)
    match each.kind:
        case "worked after cancel":
            return say(
                "The office keeps the job cancelled ({reason}), decided {at}. The time that you "
                "logged stays.",
                reason=each.instead,
                at=at,
            )
        case "worked after withdrawal":
            return say(
                "The office took the job back all the same, decided {at}. The time that you "
                "logged stays.",
                at=at,
            )
        case "double assignment":
            who = names.get(each.instead.hex(), say("a colleague"))
            return say(
                "You and {who} both had this job. {who} keeps it, decided {at}.", who=who, at=at
            )
    own, instead = (_value(each.field, value, here, names) for value in (each.own, each.instead))
    name = small(field_words(each.field))
    if each.decided:
        return say(
            "Changed by the office: your {name} “{own}” was not taken. It is “{instead}”, {at}.",
            name=name,
            own=own,
            instead=instead,
            at=at,
        )
    return say(
        "Your {name} “{own}” met the office's “{instead}”. Both are kept until they decide.",
        name=name,
        own=own,
        instead=instead,
    )


def _value(field: str, value: Any, here: Here, names: dict[str, str]) -> str:
    match field, value:
        case _, None:
            return say("nothing")
        case "phase", int() if value in PHASES:
            return SHOWN_BY_PHASE[phase_words(Phase(value))][0]
        case "window", [int(start), int(end)]:
            return here.window(start, end)
        case "priority", int():
            return PRIORITY_WORDS.get(value) or say("Normal")
        case "planned minutes", int():
            return say("{minutes} min", minutes=value)
        case "radius", int():
            return say("{metres} m", metres=value)
        case "outline", list():
            return say_n("{n} corner", "{n} corners", len(value) // 2)
        case "point", [int(), int()]:
            return say("another position")
        case _, bytes():
            return names.get(value.hex(), say("another one"))
    return reason_words(words(value)) if field == "reason" else words(value)
