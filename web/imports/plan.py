"""What an import would do: each row's outcome, and the one act that would do it.

A plan is made from a table, what its columns are taken for and what the hub knows; nothing is
written while it is made. Holds what all kinds of import share; `customers`, `workers` and `jobs`
plan one kind each. Invariant: a faulty row adds no change, and all changes together are one act.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.dispatch.acts import Act, new_stream_id
from core.dispatch.fields import Kind
from core.log.limits import CHANGES_MAX, ENTRY_BYTES_MAX
from core.sentence import Sentence, say
from web.imports.known import Known
from web.imports.places import Addresses
from web.imports.table import Row, Table

SAME_CHOICES: Final = {
    "skip": say("leave them as they are"),
    "update": say("fill in what the file says"),
    "anyway": say("make them once more"),
}
_CHANGE_BYTES: Final = 40


class RowError(ValueError):
    """A row can't be imported; the sentence says why."""


class Cancelled(Exception):
    """The person gave up the import while it was prepared; nothing was written."""


@dataclass(slots=True)
class Progress:
    """How far some work is; asked and cancelled from another thread than the one that works."""

    what: str = say("Reading")
    done: int = 0
    total: int = 0
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def step(self, what: str, done: int, total: int) -> None:
        """Say how far it is. Raises Cancelled where somebody gave it up."""
        if self._cancelled.is_set():
            raise Cancelled
        self.what, self.done, self.total = what, done, total

    def cancel(self) -> None:
        """Let the next step end the work."""
        self._cancelled.set()


@dataclass(frozen=True, slots=True)
class Item:
    """One row's outcome.

    `state` is new, updated, same (as one that exists), more (of an earlier row's), or faulty;
    `words` say which or why, `shown` the fields as they would be, `notes` what to look at.
    """

    line: int
    state: str
    words: str = ""
    shown: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All outcomes, the act, the frontiers that the changed streams were read at, what is added."""

    items: tuple[Item, ...]
    changes: Act
    basis: Mapping[bytes, str]
    added: tuple[str, ...]
    made: Mapping[int, str]
    """The hex stream of each new customer, worker or job, by its row's line."""

    def count(self, state: str) -> int:
        """How many rows come out like this."""
        return Counter(item.state for item in self.items)[state]

    @property
    def same(self) -> int:
        """Rows that were found to exist already, whatever is done with them."""
        return self.count("same") + self.count("updated")

    @property
    def mark(self) -> str:
        """16 digits that differ where a row comes out differently, or what it would change did."""
        rows = [
            f"{item.line} {item.state} {item.words} {sorted(item.shown.items())} {item.notes}"
            for item in self.items
        ]
        read = [f"{stream.hex()} {token}" for stream, token in sorted(self.basis.items())]
        told = "\n".join(rows + read)
        return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a plan is made with, besides the rows."""

    known: Known
    addresses: Addresses
    progress: Progress
    zone: ZoneInfo
    now_ms: int
    radius_m: int
    entropy: Callable[[int], bytes]
    same: str
    order: str

    def new_stream(self, kind: Kind) -> bytes:
        """An id for a stream that the act begins."""
        return new_stream_id(kind, self.now_ms, self.entropy(7))


Cells = Mapping[str, str]


class Draft:
    """A plan that is being made, row by row."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.changes: Act = []
        self.basis: dict[bytes, str] = {}
        self.added: list[str] = []
        self.made: dict[int, str] = {}
        self._changes_by_stream: dict[bytes, int] = defaultdict(int)
        self._bytes_by_stream: dict[bytes, int] = defaultdict(int)

    def add(self, changes: Act) -> None:
        """Take changes into the act.

        Raises:
            RowError: one entry can't carry as much of one stream; none was taken.
        """
        count: dict[bytes, int] = defaultdict(int)
        size: dict[bytes, int] = defaultdict(int)
        for change in changes:
            count[change.stream] += 1
            size[change.stream] += _CHANGE_BYTES + _size(change.value)
        for stream in count:
            too_many = self._changes_by_stream[stream] + count[stream] > CHANGES_MAX - 6
            too_long = self._bytes_by_stream[stream] + size[stream] > ENTRY_BYTES_MAX - 1_000
            if too_many or too_long:
                raise RowError(
                    say(
                        "that is more about one customer, or more new teams, vehicles and skills, "
                        "than one act carries; import this row in a second file"
                    )
                )
        for stream in count:
            self._changes_by_stream[stream] += count[stream]
            self._bytes_by_stream[stream] += size[stream]
        self.changes += changes

    def finished(self) -> Plan:
        """The plan."""
        return Plan(tuple(self.items), self.changes, self.basis, tuple(self.added), dict(self.made))


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    return sum(map(_size, value)) if isinstance(value, list) else 8


def cells_of(row: Row, columns: Sequence[str]) -> dict[str, str]:
    """The cells of a row by field; what is left out is not among them, nor what is empty."""
    return {key: cell for key, cell in zip(columns, row.cells, strict=False) if key and cell}


def address_of(cells: Cells) -> str:
    """The address in one line, from the cells of street, postcode and town."""
    town = " ".join(filter(None, (cells.get("postcode", ""), cells.get("town", ""))))
    return ", ".join(filter(None, (cells.get("address", "").replace("\n", ", "), town)))


def equal_to(name: str) -> Sentence:
    """That a row is the same as something that exists."""
    return say("equal to {name}", name=name)


def once_more(name: str) -> Sentence:
    """That a row makes what exists a second time, as was asked for."""
    return say("like {name}, once more", name=name)


def same_as(line: int) -> Sentence:
    """That an earlier row says the same."""
    return say("says the same as line {line}", line=line)


RowPlanner = Callable[[int, Cells], Item]


def plan_rows(
    table: Table, columns: Sequence[str], progress: Progress, plan_row: RowPlanner, into: Draft
) -> Plan:
    """Let each row be planned; what can't be read is a faulty row with its reason."""
    total = len(table.rows)
    for index, row in enumerate(table.rows):
        progress.step(say("Checking rows"), index, total)
        cells = cells_of(row, columns)
        try:
            item = plan_row(row.line, cells)
        except ValueError as error:
            item = Item(row.line, "faulty", str(error), cells)
        into.items.append(item)
    return into.finished()
