"""A fold of our own: slow in method, plain in meaning, and made without production's fold.

What each write had seen is a set of entries (here a mask of bits), closed over the chains of the
heads it names; a write stands unless one to the same path, of no earlier format, had seen it. From
production come only the bytes of an entry and what a certificate permits. Entries of formats that
the machine does not read stand nowhere, nor do those of a key that was shut out, but for what lies
before a hub's cut; that a hub itself is shut out has no place here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from core.dispatch.fields import CUT, Role
from core.dispatch.permits import permits
from core.log.certificate import Standing
from core.log.entry import Cursor, Entry, Path, decode, format_of
from core.log.errors import LogError
from core.log.stream import Stored


def fold(
    site: bytes,
    stream: bytes,
    entries: Sequence[Stored],
    standing_by_author: Mapping[bytes, Standing],
    formats: frozenset[int],
) -> dict[Path, set[bytes]]:
    """For each path the hashes of the entries whose writes stand there."""
    by_hash = {stored.hash: stored for stored in entries}
    bit = {entry_hash: 1 << number for number, entry_hash in enumerate(sorted(by_hash))}
    chain = _chains(by_hash, bit)
    read = _read(stream, by_hash, formats)
    before_cuts = _before_cuts(read, by_hash, chain, stream, standing_by_author)
    seen_by_hash: dict[bytes, int] = {}
    covered: dict[tuple[Path, int], int] = {}
    writers: dict[Path, dict[bytes, int]] = {}
    for entry_hash in sorted(by_hash, key=lambda each: by_hash[each].seq):
        stored, entry = by_hash[entry_hash], read[entry_hash]
        seen = seen_by_hash.get(stored.previous, 0)
        for short in entry.seen if entry is not None else ():
            seen |= _named(short, chain)
        seen_by_hash[entry_hash] = seen
        if entry is None or not permits(standing_by_author[stored.author], stream, entry):
            continue
        fallen = not before_cuts.get(stored.author, 0) & bit[entry_hash]
        if standing_by_author[stored.author].revoked and fallen:
            continue
        if entry.basis is None:
            context = seen | chain.get(stored.previous, 0)
        else:
            context = 0
            for short in entry.basis:
                context |= _named(short, chain)
        for path, _ in entry.changes:
            writers.setdefault(path, {})[entry_hash] = entry.version
            for version in formats:
                if version <= entry.version:
                    covered[path, version] = covered.get((path, version), 0) | context
    return {
        path: {each for each, version in made.items() if not bit[each] & covered[path, version]}
        for path, made in writers.items()
    }


def _chains(by_hash: Mapping[bytes, Stored], bit: Mapping[bytes, int]) -> dict[bytes, int]:
    """For each entry the mask of itself and all before it on its chain."""
    chain: dict[bytes, int] = {}
    for entry_hash in sorted(by_hash, key=lambda each: by_hash[each].seq):
        chain[entry_hash] = bit[entry_hash] | chain.get(by_hash[entry_hash].previous, 0)
    return chain


def _before_cuts(
    read: Mapping[bytes, Entry | None],
    by_hash: Mapping[bytes, Stored],
    chain: Mapping[bytes, int],
    stream: bytes,
    standing_by_author: Mapping[bytes, Standing],
) -> dict[bytes, int]:
    """For each author whom hubs have cut the mask of its entries up to its cuts."""
    found: dict[bytes, int] = {}
    for entry_hash, entry in read.items():
        standing = standing_by_author[by_hash[entry_hash].author]
        if entry is None or standing.role != Role.HUB or not permits(standing, stream, entry):
            continue
        for path, value in entry.changes:
            if path[0] == CUT and by_hash.get(value[1], by_hash[entry_hash]).author == path[1]:
                found[path[1]] = found.get(path[1], 0) | chain[value[1]]
    return found


def _named(short: bytes, chain: Mapping[bytes, int]) -> int:
    mask = 0
    for entry_hash, chained in chain.items():
        if entry_hash.startswith(short):
            mask |= chained
    return mask


def _read(
    stream: bytes, by_hash: Mapping[bytes, Stored], formats: frozenset[int]
) -> dict[bytes, Entry | None]:
    """Each entry decoded with its format's cursor of its chain; None where it can't be read."""
    cursors: dict[bytes, dict[int, Cursor]] = {}
    read: dict[bytes, Entry | None] = {}
    for entry_hash in sorted(by_hash, key=lambda each: by_hash[each].seq):
        stored = by_hash[entry_hash]
        before = cursors.get(stored.previous, {})
        after = {version: cursor.copy() for version, cursor in before.items()}
        read[entry_hash], cursors[entry_hash] = None, after
        with contextlib.suppress(LogError):
            version = format_of(stored.body)
            if version in formats:
                cursor = after.setdefault(version, Cursor.at_start(stream))
                read[entry_hash] = decode(stored.body, cursor, stored.hash)
    return read
