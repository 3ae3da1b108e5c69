"""A job's states and changes, out of its history, as the detail pane lists them.

States are what happened (assigned, travelling, done); changes are edits of fields, those of one act
together. Holds no decision: which of two values is shown first is the fold's. Invariant: a change
that does not stand is listed and marked, never left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from replica.history import HistoryRow
from web.board.words import LABEL_BY_FIELD, STATE_FIELDS, Names, state_words, value_words

CHANGES_MAX: Final = 300
"""More changes of one job than anybody reads; the newest are shown, and how many there are."""
NOT_LISTED: Final = frozenset({"note", "decision", "order", "number", "reason", "file"})


@dataclass(frozen=True, slots=True)
class StateView:
    """One state: what, by whom, when, on what (phone or office)."""

    words: str
    who: str
    where: str
    at_ms: int
    inert: bool
    act: str = ""


@dataclass(frozen=True, slots=True)
class ChangeView:
    """Edits of one entry: who and when, and each field with its value before and after.

    `act` names it to be undone, "" where a worker, a rule or a program made it.
    """

    who: str
    at_ms: int
    edits: tuple[tuple[str, str, str], ...]
    inert: bool
    act: str = ""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """States and changes, the newest first; `more` counts those that are not shown."""

    states: tuple[StateView, ...]
    changes: tuple[ChangeView, ...]
    more: int


def history_of(
    job: str, all_rows: Sequence[HistoryRow], names: Names, zone: ZoneInfo, now_ms: int
) -> HistoryView:
    """States and changes of a job, the newest first, from all that its log says."""
    rows = list(reversed(all_rows))[:CHANGES_MAX]
    states = tuple(
        StateView(
            words=state_words(row.field, row.path, row.value, names),
            who=names.actor(row.actor),
            where="phone" if names.is_worker(row.actor) else "office",
            at_ms=row.at,
            inert=row.inert,
            act=act_of(job, row, names),
        )
        for row in rows
        if row.field in STATE_FIELDS
    )
    changes = _changes(job, rows, names, zone, now_ms)
    return HistoryView(states, changes, len(all_rows) - len(rows))


def act_of(job: str, row: HistoryRow, names: Names) -> str:
    """By which the act of a row is undone; "" where it is none of a person of the office."""
    undoable = row.actor in names.account and not row.inert
    return f"{job}-{row.entry}" if undoable else ""


def _changes(
    job: str, rows: Sequence[HistoryRow], names: Names, zone: ZoneInfo, now_ms: int
) -> tuple[ChangeView, ...]:
    by_entry: dict[str, list[HistoryRow]] = {}
    for row in rows:
        if row.field not in STATE_FIELDS and row.field not in NOT_LISTED:
            by_entry.setdefault(row.entry, []).append(row)
    found = []

    def in_words(field: str, value: str) -> str:
        return value_words(field, value, names, zone, now_ms)

    # Of a new job nothing stood before.
    made = {row.entry for row in rows if row.field == "created"}
    for own in by_entry.values():
        first, is_new = own[0], own[0].entry in made
        edits = tuple(
            (
                LABEL_BY_FIELD.get(row.field, row.field or "A change of a newer version"),
                "" if is_new or not row.before else in_words(row.field, row.before),
                in_words(row.field, row.value),
            )
            for row in reversed(own)
        )
        who, act = names.actor(first.actor), act_of(job, first, names)
        found.append(ChangeView(who, first.at, edits, first.inert, act))
    return tuple(found)
