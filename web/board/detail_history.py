"""A job's states and changes, out of its history, as the detail pane lists them.

States are what happened (assigned, travelling, done); changes are edits of fields, those of one act
together. Holds no decision: which of two values is shown first is the fold's. Invariant: a change
that does not stand is listed and marked, never left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from core.dispatch.attached import shown_name
from core.sentence import listed, marked, say
from replica.history import HistoryRow
from web import formats
from web.board.words import LABEL_BY_FIELD, STATE_FIELDS, Names, state_words, value_words

CHANGES_MAX: Final = 300
"""More changes of one job than anybody reads; the newest are shown, and how many there are."""
NOT_LISTED: Final = frozenset({"note", "decision", "order", "number", "reason", "file name"})
FILE_FIELDS: Final = frozenset({"file", "file removed"})
NEAR_MS: Final = 5 * formats.MINUTE_MS
"""A fix tells where somebody was when a state was set within so much of it."""
PHONE, OFFICE = marked("phone"), marked("office")
"""Where a state was set, as the template asks and says it."""


@dataclass(frozen=True, slots=True)
class StateView:
    """One state: what, by whom, when, on what (phone or office).

    `place` says how far from the job's place it was set, as far as a track tells; `late` until when
    the hub did not have it, where that was long: it was made without a network.
    """

    words: str
    who: str
    where: str
    at_ms: int
    inert: bool
    act: str = ""
    place: str = ""
    late: str = ""


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

    @property
    def labels(self) -> str:
        """The fields that were edited, in one line."""
        return listed(label for label, _, _ in self.edits)


@dataclass(frozen=True, slots=True)
class HistoryView:
    """States and changes, the newest first; `more` counts those that are not shown."""

    states: tuple[StateView, ...]
    changes: tuple[ChangeView, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Around:
    """What is known about a job's states beside its log.

    `fixes_by_worker` are positions (ms, metres from the job's place) in order of time;
    `known_by_entry` is when the hub had entries (16 digits) that it did not have at once.
    """

    fixes_by_worker: Mapping[str, Sequence[tuple[int, float]]]
    known_by_entry: Mapping[str, int]


NOTHING_AROUND: Final = Around({}, {})


def history_of(
    job: str,
    all_rows: Sequence[HistoryRow],
    names: Names,
    zone: ZoneInfo,
    now_ms: int,
    around: Around = NOTHING_AROUND,
) -> HistoryView:
    """States and changes of a job, the newest first, from all that its log says."""
    rows = list(reversed(all_rows))[:CHANGES_MAX]
    states = tuple(
        StateView(
            words=state_words(row.field, row.path, row.value, names),
            who=names.actor(row.actor),
            where=PHONE if names.is_worker(row.actor) else OFFICE,
            at_ms=row.at,
            inert=row.inert,
            act=act_of(job, row, names),
            place=_place_words(row, around) if names.is_worker(row.actor) else "",
            late=(
                formats.moment_words(around.known_by_entry[row.entry], zone, now_ms)
                if row.entry in around.known_by_entry and names.is_worker(row.actor)
                else ""
            ),
        )
        for row in rows
        if row.field in STATE_FIELDS
    )
    changes = _changes(job, rows, names, zone, now_ms)
    return HistoryView(states, changes, len(all_rows) - len(rows))


def _place_words(row: HistoryRow, around: Around) -> str:
    """How far off it was by the fix nearest in time, "" where none is near enough."""
    fixes = around.fixes_by_worker.get(row.actor, ())
    at = bisect_left(fixes, (row.at, 0.0))
    near = min(fixes[max(at - 1, 0) : at + 1], key=lambda fix: abs(fix[0] - row.at), default=None)
    if row.field != "phase" or near is None or abs(near[0] - row.at) > NEAR_MS:
        return ""
    return say("{distance} from the place", distance=formats.distance_words(near[1]))


def act_of(job: str, row: HistoryRow, names: Names) -> str:
    """By which the act of a row is undone; "" where it is none of a person of the office."""
    undoable = row.actor in names.account and not row.inert
    return f"{job}-{row.entry}" if undoable else ""


def _label(row: HistoryRow) -> str:
    if row.field == "file removed" and row.value != "true":
        return say("File put back")
    label = LABEL_BY_FIELD.get(row.field)
    return say(label) if label else row.field or say("A change of a newer version")


def _changes(
    job: str, rows: Sequence[HistoryRow], names: Names, zone: ZoneInfo, now_ms: int
) -> tuple[ChangeView, ...]:
    by_entry: dict[str, list[HistoryRow]] = {}
    for row in rows:
        if row.field not in STATE_FIELDS and row.field not in NOT_LISTED:
            by_entry.setdefault(row.entry, []).append(row)
    found = []

    def in_words(row: HistoryRow, value: str) -> str:
        if row.field in FILE_FIELDS:
            return "" if value == row.before else file_names.get(row.path, say("a file"))
        return value_words(row.field, value, names, zone, now_ms)

    file_names = {row.path: shown_name(row.value) for row in rows if row.field == "file name"}

    # Of a new job nothing stood before.
    made = {row.entry for row in rows if row.field == "created"}
    for own in by_entry.values():
        first, is_new = own[0], own[0].entry in made
        edits = tuple(
            (
                _label(row),
                "" if is_new or not row.before else in_words(row, row.before),
                in_words(row, row.value),
            )
            for row in reversed(own)
        )
        who, act = names.actor(first.actor), act_of(job, first, names)
        found.append(ChangeView(who, first.at, edits, first.inert, act))
    return tuple(found)
