"""Acts that the office made, found again: the newest of this hub, and all the entries of one.

An act is named by one of its entries: stream and first bytes of the hash. What it did stands in the
log alone; no table lists acts. Of its own entries a store knows when they were committed, and of
each log when it last grew, so the newest are found without reading every stream. Runs on the
writer's thread. Writes nothing.
Invariant: all entries of one act have one author, and each stands in a stream of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.dispatch.acts import ActError
from core.dispatch.undoing import Part, undo_parts
from core.log.chain import SHORT_BYTES, STREAM_BYTES
from core.log.entry import act_and_rule
from core.log.errors import LogError
from core.log.stream import Placed
from core.sentence import say
from replica.generation import former_authors
from replica.replica import Replica, Written

LOGS_LOOKED_AT_MAX: Final = 4_000
"""Own logs that grew last. Whatever is newest stands in them; older acts are found by their job."""

ACT_STREAMS_MAX: Final = 2_000
"""Streams of one act that is undone at once, in one transaction of some seconds: a selection on the
board has some hundred, an import some thousand."""

_REFERENCE: Final = re.compile(rf"([0-9a-f]{{{2 * STREAM_BYTES}}})-([0-9a-f]{{{2 * SHORT_BYTES}}})")

# The newest logs first, by the index of when they grew; then their entries, the newest first.
_NEWEST: Final = """
    WITH newest AS (
        SELECT log, stream FROM log_row
        WHERE author IN (SELECT number FROM author WHERE author IN ({keys}))
        ORDER BY changed DESC LIMIT ?
    )
    SELECT newest.stream, entry.hash, entry.body, entry.arrived FROM newest
    JOIN entry ON entry.log = newest.log WHERE entry.arrived NOTNULL
    ORDER BY entry.arrived DESC, entry.log DESC, entry.seq DESC
"""
# Of one author's logs the entries that hold the bytes of an act's id, which stand in each of them.
_OF_ACT: Final = """
    SELECT log_row.stream, entry.hash, entry.body FROM log_row
    JOIN entry ON entry.log = log_row.log
    WHERE log_row.author = (SELECT number FROM author WHERE author = ?)
    AND instr(entry.body, ?) ORDER BY log_row.stream, entry.seq
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """An act by one of its entries: the stream, and the first eight bytes of the entry's hash."""

    stream: bytes
    short: bytes

    def text(self) -> str:
        """As pages and addresses carry it."""
        return f"{self.stream.hex()}-{self.short.hex()}"


@dataclass(frozen=True, slots=True)
class Found:
    """An act of this hub: its entries, the newest first, and when they were committed (ms)."""

    references: tuple[Reference, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Undoable:
    """One entry of an act with what taking it back means, as of the frontier `token`."""

    reference: Reference
    placed: Placed
    token: str
    parts: tuple[Part, ...]


def reference_of(written: Written) -> Reference:
    """By which a page names an act that was just made."""
    stream, entry_hash = min(written.hash_by_stream.items())
    return Reference(stream, entry_hash[:SHORT_BYTES])


def read_reference(text: str) -> Reference:
    """Read `Reference.text`.

    Raises:
        ActError: it is none.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise ActError(say("that names no change; look at the job again"))
    return Reference(bytes.fromhex(found[1]), bytes.fromhex(found[2]))


def newest_acts(replica: Replica, count: int) -> list[Found]:
    """The newest acts of this hub that no rule made, the newest first; at most `count`."""
    keys = [replica.author, *former_authors(replica.store)]
    sql = _NEWEST.format(keys=",".join("?" * len(keys)))
    by_act: dict[bytes | Reference, Found] = {}
    for stream, kept, body, at_ms in replica.store.db.execute(sql, (*keys, LOGS_LOOKED_AT_MAX)):
        act, by_rule = _peek(body)
        if by_rule:
            continue
        reference = Reference(stream, kept[:SHORT_BYTES])
        key = act or reference
        known = by_act.get(key)
        if known is None and len(by_act) >= count:
            break
        of_act = known.references if known is not None else ()
        by_act[key] = Found((*of_act, reference), known.at_ms if known is not None else at_ms)
    return list(by_act.values())


def entries_of(replica: Replica, reference: Reference) -> list[Reference]:
    """All entries of the act that `reference` is one of, in the order of their streams.

    Raises:
        ActError: nothing is held of it here, or it has more streams than one act may have.
    """
    placed = placed_of(replica, reference)
    act = placed.entry.act if placed.entry is not None else b""
    if not act:
        return [reference]
    found = [
        Reference(stream, kept[:SHORT_BYTES])
        for stream, kept, body in replica.store.db.execute(_OF_ACT, (placed.stored.author, act))
        if _peek(body)[0] == act
    ]
    if len(found) > ACT_STREAMS_MAX:
        raise ActError(
            say("that act has over {most} parts; undo it job by job", most=ACT_STREAMS_MAX)
        )
    return found


def placed_of(replica: Replica, reference: Reference) -> Placed:
    """The entry that `reference` names.

    Raises:
        ActError: it is not held here, or was erased.
    """
    placed = replica.state(reference.stream).named(reference.short)
    if placed is None:
        raise ActError(say("that change is not on this hub; it may have been erased"))
    return placed


def undoable(replica: Replica, references: Iterable[Reference]) -> list[Undoable]:
    """What taking back each of these entries means now.

    Raises:
        ActError: one is not held, or does not count.
    """
    return list(_undoable(replica, references))


def _undoable(replica: Replica, references: Iterable[Reference]) -> Iterator[Undoable]:
    for reference in references:
        placed, state = placed_of(replica, reference), replica.state(reference.stream)
        yield Undoable(reference, placed, state.token(), undo_parts(state, placed))


def redoing(replica: Replica, undone: Sequence[Undoable]) -> Reference | None:
    """The act that took all of these back and did nothing else in their streams: undone, it redoes.

    None where there is none: something of them is not taken back, or several acts did it.
    """
    if any(part.is_open for each in undone for part in each.parts):
        return None
    found: dict[bytes, Reference] = {}
    for each in undone:
        state = replica.state(each.reference.stream)
        done = Counter((p.done.log, p.done.seq) for p in each.parts if p.done is not None)
        for place, count in done.items():
            placed = state.placed_at(*place)
            if len(undo_parts(state, placed)) > count:
                return None
            entry_hash = placed.stored.hash[:SHORT_BYTES]
            act = placed.entry.act if placed.entry is not None else b""
            found.setdefault(act or entry_hash, Reference(state.stream, entry_hash))
    return next(iter(found.values())) if len(found) == 1 else None


def _peek(body: bytes) -> tuple[bytes, bool]:
    """The act and whether a rule made it; of bytes that can't be read, as if a rule had."""
    try:
        return act_and_rule(body)
    except LogError:
        return b"", True
