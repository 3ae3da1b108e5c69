"""A fold of our own: slow in method, plain in meaning, and made without production's fold.

What each write had seen is a set of entries (here a mask of bits), closed over the chains of the
heads it names; a write stands unless one to the same path had seen it. From production come only
the bytes of an entry and what a certificate permits. Entries of formats other than the first stand
nowhere, and cuts have no place here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.dispatch.permits import permits
from core.log.certificate import Standing
from core.log.entry import FORMAT, Cursor, Entry, Path, decode, format_of
from core.log.errors import LogError
from core.log.stream import Stored


def fold(
    site: bytes,
    stream: bytes,
    entries: Sequence[Stored],
    standing_by_author: Mapping[bytes, Standing],
) -> dict[Path, set[bytes]]:
    """For each path the hashes of the entries whose writes stand there."""
    by_hash = {stored.hash: stored for stored in entries}
    bit = {entry_hash: 1 << number for number, entry_hash in enumerate(sorted(by_hash))}
    chain = _chains(by_hash, bit)
    read = _read(stream, by_hash)
    seen_by_hash: dict[bytes, int] = {}
    covered: dict[Path, int] = {}
    writers: dict[Path, set[bytes]] = {}
    for entry_hash in sorted(by_hash, key=lambda each: by_hash[each].seq):
        stored, entry = by_hash[entry_hash], read[entry_hash]
        seen = seen_by_hash.get(stored.previous, 0)
        for short in entry.seen if entry is not None else ():
            seen |= _named(short, chain)
        seen_by_hash[entry_hash] = seen
        if entry is None or not permits(standing_by_author[stored.author], stream, entry):
            continue
        if entry.basis is None:
            context = seen | chain.get(stored.previous, 0)
        else:
            context = 0
            for short in entry.basis:
                context |= _named(short, chain)
        for path, _ in entry.changes:
            writers.setdefault(path, set()).add(entry_hash)
            covered[path] = covered.get(path, 0) | context
    return {
        path: {entry_hash for entry_hash in hashes if not bit[entry_hash] & covered[path]}
        for path, hashes in writers.items()
    }


def _chains(by_hash: Mapping[bytes, Stored], bit: Mapping[bytes, int]) -> dict[bytes, int]:
    """For each entry the mask of itself and all before it on its chain."""
    chain: dict[bytes, int] = {}
    for entry_hash in sorted(by_hash, key=lambda each: by_hash[each].seq):
        chain[entry_hash] = bit[entry_hash] | chain.get(by_hash[entry_hash].previous, 0)
    return chain


def _named(short: bytes, chain: Mapping[bytes, int]) -> int:
    mask = 0
    for entry_hash, chained in chain.items():
        if entry_hash.startswith(short):
            mask |= chained
    return mask


def _read(stream: bytes, by_hash: Mapping[bytes, Stored]) -> dict[bytes, Entry | None]:
    """Each entry decoded with the cursor of its chain; None where it can't be read."""
    cursors: dict[bytes, Cursor] = {}
    read: dict[bytes, Entry | None] = {}
    for entry_hash in sorted(by_hash, key=lambda each: by_hash[each].seq):
        stored = by_hash[entry_hash]
        before = cursors.get(stored.previous)
        cursor = Cursor.at_start(stream) if before is None else before.copy()
        try:
            known = format_of(stored.body) == FORMAT
            read[entry_hash] = decode(stored.body, cursor, stored.hash) if known else None
        except LogError:
            read[entry_hash] = None
        cursors[entry_hash] = cursor
    return read
