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
from replica.projection.conflict import phase_words, words
from replica.screens.here import Here
from replica.screens.joblist import Card
from replica.screens.marks import Marks
from replica.screens.words import PRIORITY_WORDS, SHOWN_BY_PHASE

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
            return (
                f"The office keeps the job cancelled ({each.instead}), decided {at}. "
                "The time that you logged stays."
            )
        case "worked after withdrawal":
            return (
                f"The office took the job back all the same, decided {at}. "
                "The time that you logged stays."
            )
        case "double assignment":
            who = names.get(each.instead.hex(), "a colleague")
            return f"You and {who} both had this job. {who} keeps it, decided {at}."
    own, instead = (_value(each.field, value, here, names) for value in (each.own, each.instead))
    name = "state" if each.field == "phase" else each.field
    if each.decided:
        return f"Changed by the office: your {name} “{own}” was not taken. It is “{instead}”, {at}."
    return f"Your {name} “{own}” met the office's “{instead}”. Both are kept until they decide."


def _value(field: str, value: Any, here: Here, names: dict[str, str]) -> str:
    match field, value:
        case _, None:
            return "nothing"
        case "phase", int() if value in PHASES:
            return SHOWN_BY_PHASE[phase_words(Phase(value))][0]
        case "window", [int(start), int(end)]:
            return here.window(start, end)
        case "priority", int():
            return PRIORITY_WORDS.get(value) or "Normal"
        case "planned minutes", int():
            return f"{value} min"
        case "radius", int():
            return f"{value} m"
        case "outline", list():
            return f"{len(value) // 2} corners"
        case "point", [int(), int()]:
            return "another position"
        case _, bytes():
            return names.get(value.hex(), "another one")
    return words(value)
