"""History in words: every change of a stream, in an order that the entries alone decide.

It is made from the entries when somebody asks, one stream at a time, and stands in no table:
written out, it took more of the disk than all entries. Writes nothing. Invariant: equal sets of
entries give equal histories, and a change that does not stand is told and marked, never left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.dispatch import fields
from core.dispatch.fields import FIELDS, PHASES, Phase
from core.dispatch.permits import permits
from core.dispatch.roster import Absence
from core.dispatch.shapes import well_formed
from core.dispatch.undoing import UNTOLD, shown_to
from core.log.certificate import read_certificate, standing_of
from core.log.chain import SHORT_BYTES
from core.log.entry import Path
from core.log.registers import LogKey
from core.log.stream import Placed, Stored, StreamState
from core.sentence import listed, say
from replica.projection.conflict import actor_of, phase_words, words


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change, as people and pages read it.

    `at` is ms UTC by the author's clock, corrected by its offset; `author` 64 hex digits, `actor`
    the id of an account or a worker in hex, 'rule' or ''; `entry` the first 16 digits of its hash,
    `act` an id or ''; `field` as in 'phase' or 'window', '' for an entry that this version can't
    read; `path` the ids of the register, in hex, joined by '/'; `value` in words, and `before` what
    the register showed to whoever wrote it ('' for an entry that does not stand).
    """

    at: int
    author: str
    actor: str
    entry: str
    act: str
    field: str
    path: str
    value: str
    inert: bool
    before: str = ""


def history_of(state: StreamState) -> list[HistoryRow]:
    """Every change of a stream, the oldest first."""
    return _told(state, state.entries())


def history_since(state: StreamState, tips: Collection[bytes]) -> list[HistoryRow]:
    """The changes of entries that no log covers up to one of `tips` (8 first bytes of hashes)."""
    covered: dict[LogKey, int] = {}
    for placed in state.entries():
        if placed.stored.hash[:SHORT_BYTES] in tips:
            covered[placed.log] = max(covered.get(placed.log, 0), placed.stored.seq)
    beyond = [p for p in state.entries() if p.stored.seq > covered.get(p.log, 0)]
    return _told(state, beyond)


def folded(
    site: bytes,
    stream: bytes,
    entries: Sequence[Stored],
    certificates: Iterable[tuple[bytes, bytes]],
    revoked: Collection[bytes],
) -> StreamState:
    """The fold of a stream from what a store's tables say; certificates by their author."""
    certificates_by_author: dict[bytes, list[bytes]] = {}
    for author, certificate in certificates:
        certificates_by_author.setdefault(author, []).append(certificate)
    standings = {
        author: standing_of([read_certificate(data) for data in own], author in revoked)
        for author, own in certificates_by_author.items()
    }
    return StreamState.build(site, stream, entries, standings, permits)


def _changes(entries: Iterable[Placed]) -> Iterator[tuple[Placed, Path, Any]]:
    """Every change that people read, in order; an entry that nobody can read has an empty path."""
    for placed in entries:
        if placed.entry is None:
            yield placed, (), placed.inert
            continue
        for path, value in placed.entry.changes:
            if path[0] not in UNTOLD:
                yield placed, path, value


def _told(state: StreamState, entries: Iterable[Placed]) -> list[HistoryRow]:
    changes = list(_changes(entries))
    writes = state.writes_to({path for _, path, _ in changes if path})
    write_by_place = {
        (path, write.log, write.seq): write for path in writes for write in writes[path]
    }
    found = []
    for placed, path, value in changes:
        write = write_by_place.get((path, placed.log, placed.stored.seq))
        before = ""
        if write is not None:
            was = shown_to(writes[path], write, path[0])
            before = words(None) if was is None else _shown(path, was)
        found.append(replace(_row(placed, path, value), before=before))
    return found


def _row(placed: Placed, path: Path, value: Any) -> HistoryRow:
    entry = placed.entry
    field = FIELDS.get(path[0]) if path else None
    name = field.name if field is not None else f"field {path[0]}" if path else ""
    return HistoryRow(
        at=entry.corrected_ms if entry is not None else 0,
        author=placed.stored.author.hex(),
        actor=actor_of(placed),
        entry=placed.stored.hash[:SHORT_BYTES].hex(),
        act=entry.act.hex() if entry is not None else "",
        field=name,
        path="/".join(part.hex() if isinstance(part, bytes) else str(part) for part in path[1:]),
        value=_shown(path, value) if path else value,
        inert=bool(placed.inert),
    )


def _shown(path: Path, value: object) -> str:
    if path[0] == fields.WORKER_ABSENT and isinstance(value, list) and well_formed(path, value):
        absence = Absence(*value)
        days = say(
            "{what} {first} to {last}", what=absence.words, first=absence.first, last=absence.last
        )
        return listed([days, absence.note]) if absence.note else days
    if path[0] == fields.ADMITTED and isinstance(path[1], bytes):
        # By the digits under which the entry itself stands here.
        return say("entry {digits}", digits=path[1][:8].hex())
    return _value(path[0], value)


def _value(code: int, value: object) -> str:
    if code == fields.PHASE and type(value) is int and value in PHASES:
        return phase_words(Phase(value))
    return words(value)
