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


@dataclass(frozen=True, slots=True)
class ChangeView:
    """Edits of one entry: who and when, and each field with its value."""

    who: str
    at_ms: int
    edits: tuple[tuple[str, str], ...]
    inert: bool


@dataclass(frozen=True, slots=True)
class HistoryView:
    """States and changes, the newest first; `more` counts those that are not shown."""

    states: tuple[StateView, ...]
    changes: tuple[ChangeView, ...]
    more: int


def history_of(
    all_rows: Sequence[HistoryRow], names: Names, zone: ZoneInfo, now_ms: int
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
        )
        for row in rows
        if row.field in STATE_FIELDS
    )
    changes = _changes(rows, names, zone, now_ms)
    return HistoryView(states, changes, len(all_rows) - len(rows))


def _changes(
    rows: Sequence[HistoryRow], names: Names, zone: ZoneInfo, now_ms: int
) -> tuple[ChangeView, ...]:
    by_entry: dict[str, list[HistoryRow]] = {}
    for row in rows:
        if row.field not in STATE_FIELDS and row.field not in NOT_LISTED:
            by_entry.setdefault(row.entry, []).append(row)
    found = []
    for own in by_entry.values():
        first = own[0]
        edits = tuple(
            (
                LABEL_BY_FIELD.get(row.field, row.field or "A change of a newer version"),
                value_words(row.field, row.value, names, zone, now_ms),
            )
            for row in reversed(own)
        )
        found.append(ChangeView(names.actor(first.actor), first.at, edits, first.inert))
    return tuple(found)
