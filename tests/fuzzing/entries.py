"""The door of entries: read beside a log that has walked so far, and folded into its stream.

A log of sound entries uses all that an entry can say. A mutant of one takes its place; whatever it
is, the cursor stands where it stood if it was refused, what was read is written as it came, and the
stream folds. Holds no store. Invariant: a mutant's chain hash is right, for anybody can make that.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import msgpack

from core.dispatch.permits import permits
from core.log.canonical import pack
from core.log.chain import chain_next, minted_id
from core.log.entry import MINT, Cursor, Entry, Path, decode, encode
from core.log.errors import LogError
from core.log.stream import Stored, StreamState
from tests.core.log.authors import AT_MS, SITE, STREAM, Log, author_of, standing
from tests.fuzzing.doors import Door, Fault

STANDINGS = {author_of("ana"): standing(1), author_of("north"): standing(3)}


@cache
def sound_log() -> tuple[bytes, ...]:
    """The bodies of a log that says all that an entry can say."""
    log = _walked()
    return tuple(stored.body for stored in log.entries)


def _walked() -> Log:
    log = Log("north")
    other = b"\x01" * 8
    log.write([((87,), True), ((70,), "Boiler")])
    drafts = [
        Entry(AT_MS, (((97, MINT), "one"),), seen=(other,)),
        Entry(AT_MS + 10, (((97, MINT), "two"), ((98, MINT, MINT), [1, 2, None])), act=b"act"),
        Entry(AT_MS, (((71,), None),), offset_ms=-5_000, boot=3, uptime_ms=100, actor=b"dan"),
        Entry(AT_MS + 990, (((1, author_of("ana")), [1, b"h" * 32]),), basis=(), by_rule=True),
        Entry(AT_MS + 990, (((95, 7), "item"), ((96, 7), True)), basis=(other,), actor=b"dan"),
    ]
    for draft in drafts:
        body, entry_hash, _ = encode(draft, log.cursor(), log.head)
        log._keep(body, entry_hash)
    return log


@cache
def _places() -> tuple[tuple[Cursor, bytes], ...]:
    """Cursor and hash before the first entry, before the third, and after the last."""
    log = _walked()
    found = []
    cursor = Cursor.at_start(STREAM)
    for stored in log.entries:
        found.append((cursor.copy(), stored.previous))
        decode(stored.body, cursor, stored.hash)
    found.append((cursor.copy(), log.head))
    return found[0], found[2], found[-1]


def enter_entry(body: bytes) -> None:
    """Read as the next entry at one of three places of the log."""
    cursor, previous = _places()[len(body) % 3]
    before = cursor.mark()
    tables = dict(cursor.index_by_id), dict(cursor.index_by_path)
    entry_hash = chain_next(previous, body)
    try:
        entry = decode(body, cursor, entry_hash)
    except LogError as error:
        if cursor.mark() != before or tables != (cursor.index_by_id, cursor.index_by_path):
            raise Fault("a cursor walked on though the entry was refused") from error
        raise
    cursor.go_back(before)
    again, _, _ = encode(_draft_of(entry, entry_hash), cursor, previous)
    if again != body:
        raise Fault(f"an entry is written otherwise than it came: {again.hex()}")


def _draft_of(entry: Entry, entry_hash: bytes) -> Entry:
    """The entry as its author drafted it: with places for the ids that it minted."""
    minted = {minted_id(entry_hash, index) for index in range(len(entry.changes) * 4)}

    def path_of(path: Path) -> tuple[Any, ...]:
        return tuple(MINT if part in minted else part for part in path)

    return replace(entry, changes=tuple((path_of(path), value) for path, value in entry.changes))


def enter_fold(body: bytes) -> None:
    """Folded as an entry of either of two authors of a stream: nothing is raised, all is held."""
    log = _walked()
    ana = Log("ana")
    ana.write([((97, b"note0001"), "one")], seen=[log.entries[0]])
    for grown in (log, ana):
        grown.write_bytes(body)
    ana.write_bytes(sound_log()[-1])
    entries: list[Stored] = [*log.entries, *ana.entries]
    state = StreamState.build(SITE, STREAM, entries, STANDINGS, permits)
    pack(state.plain())
    state.token()
    if sum(len(each.placed) for each in state.logs.values()) != len(entries):
        raise Fault("an entry is missing in the fold")
    other = StreamState.build(SITE, STREAM, entries[::-1], STANDINGS, permits)
    if other.fingerprint() != state.fingerprint():
        raise Fault("the order of arrival changed the fold")


def _open(body: bytes) -> Any:
    return msgpack.unpackb(body, strict_map_key=False)


ENTRY_DOORS: tuple[Door, ...] = (
    Door("entry", sound_log, enter_entry, open=_open, weight=60),
    Door("fold", sound_log, enter_fold, (), _open, weight=3),
)
