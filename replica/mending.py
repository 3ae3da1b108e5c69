"""Mending: the chains that salvaged rows make, proven from their starts, flipped bits set right.

An entry counts only where its hash follows from the one before; of most a row keeps the first bytes
alone. Where it does not, they tell which bit of the body flipped, or the next entry that it was the
hash itself. What lies beyond an entry that is good nowhere is kept loose: it joins again when that
entry comes back, and is proven then. Reads and writes no file. Invariant: what stands in a `Chain`
is, byte for byte, what its author wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from core.log.chain import HASH_BYTES, chain_next, chain_start, seal_leaf
from core.log.errors import LogError
from core.log.seal import Seal, check_seal
from core.log.stream import Stored
from replica.salvage import Hint, Row, Salvaged

# Bodies up to this are tried with each bit flipped: 32,768 hashes, a quarter of a second.
MENDED_BYTES_MAX = 4_096

# Where chains break, all rows are looked through for one that goes on; not more often than this.
SEARCHES_MAX = 200

# Lost entries of one log that are counted: a height that rotted may say anything.
LOST_MAX = 10_000

Loose = tuple[int, bytes, bytes]
"""Seq, hash (or how it begins) and body of an entry whose predecessor is lost."""


@dataclass(slots=True)
class Chain:
    """Entries of one log that follow from each other, each with its time of arrival.

    `mended` counts those that were set right, `lost` are seqs that are good nowhere.
    """

    stream: bytes
    author: bytes
    entries: list[tuple[Stored, int | None]]
    mended: int = 0
    lost: list[int] = field(default_factory=list)
    loose: list[Loose] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a chain begins: after the entry `seq` with this hash, 0 for the start of the log."""

    stream: bytes
    author: bytes
    seq: int
    hash: bytes


def chains_of(site: bytes, found: Salvaged, authors: Iterable[bytes]) -> list[Chain]:
    """The logs as far as their hashes prove them, trunks before the branches that grow on them.

    `authors` are keys that may have written, beside those that the rows name.
    """
    return _Mender(site, found, authors).chains()


class _Mender:
    def __init__(self, site: bytes, found: Salvaged, authors: Iterable[bytes]) -> None:
        hints = [hint for row in found.hints.values() for hint in row]
        self._site = site
        self._found = found
        named = {*(s.author for s in found.seals), *(h.author for h in hints)}
        self._authors = {*authors, *named, *(key for each in found.keys.values() for key in each)}
        self._authors.discard(b"")
        self._streams = found.streams | {hint.stream for hint in hints}
        self._ends: dict[bytes, _Start] = {}
        self._searches = 0

    def chains(self) -> list[Chain]:
        """Walk every log that has rows; tell those that have none."""
        rows = self._found.rows
        chains: list[Chain] = []
        for log in sorted(rows, key=lambda log: (min(rows[log]), log)):
            hints = self._found.hints.get(log, [])
            for start in self._starts(rows[log], hints):
                chain = self._walk(start, rows[log], hints)
                chains.append(chain)
                for stored, _ in chain.entries:
                    end = _Start(chain.stream, chain.author, stored.seq, stored.hash)
                    self._ends[stored.hash] = end
        for log in self._found.hints.keys() - rows.keys():
            for hint in self._found.hints[log]:
                top = min(hint.height, hint.base + LOST_MAX)
                lost = list(range(hint.base + 1, top + 1))
                chains.append(Chain(hint.stream, hint.author, [], lost=lost))
        _forget_what_is_held(chains)
        return chains

    def _starts(self, by_seq: dict[int, list[Row]], hints: list[Hint]) -> list[_Start]:
        """What the log may begin after: what its row says, else whatever its first rows fit."""
        first = min(by_seq)
        said = [start for hint in hints for start in self._said(hint)]
        for starts in (said, self._everywhere(first)):
            fitting = [
                start for start in starts if _good(start.hash, by_seq.get(start.seq + 1, []))
            ]
            if fitting:
                return fitting[:1] if starts is said else fitting
        known = {hint.author for hint in hints}
        return [start for start in said if start.author in known][:1]

    def _said(self, hint: Hint) -> Iterator[_Start]:
        """Where a row of `log` says that it begins, by each key that may have written it."""
        if hint.base:
            if hint.base_hash in self._ends:
                yield self._ends[hint.base_hash]
            return
        for author in [hint.author] if hint.author else sorted(self._authors):
            start = chain_start(self._site, hint.stream, author)
            yield _Start(hint.stream, author, 0, start)

    def _everywhere(self, first: int) -> Iterator[_Start]:
        """Every place that a log may begin after, with its first entry `first`."""
        if first > 1:
            yield from [end for end in self._ends.values() if end.seq == first - 1]
            return
        for stream in self._streams:
            for author in self._authors:
                yield _Start(stream, author, 0, chain_start(self._site, stream, author))

    def _walk(self, start: _Start, by_seq: dict[int, list[Row]], hints: list[Hint]) -> Chain:
        chain = Chain(start.stream, start.author, [])
        keys = (start.author, b"")
        own = [hint for hint in hints if hint.stream == start.stream and hint.author in keys]
        heads = {hint.height: hint.head for hint in own}
        top = max([*heads, start.seq])
        previous, seq = start.hash, start.seq
        while seq < top or seq + 1 in by_seq:
            rows, after = by_seq.get(seq + 1, []), by_seq.get(seq + 2, [])
            row = _good(previous, rows)
            if row is None:
                row = _mended(previous, rows, after, heads.get(seq + 1)) or self._stray(previous)
                if row is None:
                    break
                chain.mended += 1
            seq += 1
            chain.entries.append((Stored(start.author, seq, previous, row[0], row[1]), row[2]))
            previous = row[0]
        top = min(max([top, *(other for other in by_seq if own)]), seq + LOST_MAX)
        chain.loose = list(_loose(by_seq, seq, top, heads))
        kept = {loose for loose, _, _ in chain.loose}
        chain.lost = [other for other in range(seq + 1, top + 1) if other not in kept]
        return chain

    def _stray(self, previous: bytes) -> Row | None:
        """A row that goes on from here and says that it stands elsewhere."""
        self._searches += 1
        if self._searches > SEARCHES_MAX:
            return None
        rows = (row for by_seq in self._found.rows.values() for row in by_seq.values())
        return next((good for each in rows if (good := _good(previous, each))), None)


def _forget_what_is_held(chains: list[Chain]) -> None:
    """What an old row of a log misses may stand in another chain of the same author."""
    held = {
        (chain.stream, chain.author, stored.seq) for chain in chains for stored, _ in chain.entries
    }
    for chain in chains:
        place = (chain.stream, chain.author)
        chain.lost = [seq for seq in chain.lost if (*place, seq) not in held]
        chain.loose = [loose for loose in chain.loose if (*place, loose[0]) not in held]


def _good(previous: bytes, rows: list[Row]) -> Row | None:
    """The row that follows from `previous`, with its whole hash."""
    for kept, body, arrived in rows:
        computed = chain_next(previous, body)
        if computed.startswith(kept):
            return computed, body, arrived
    return None


def _mended(
    previous: bytes, rows: list[Row], following: list[Row], head: bytes | None
) -> Row | None:
    """The entry with what rotted in it set right: its stored hash, or one bit of its body."""
    for entry_hash, body, arrived in rows:
        computed = chain_next(previous, body)
        goes_on = any(chain_next(computed, after).startswith(own) for own, after, _ in following)
        if computed == head or goes_on:
            return computed, body, arrived
        if len(body) > MENDED_BYTES_MAX:
            continue
        targets = (entry_hash, head or entry_hash)
        for variant in _flipped(body):
            computed = chain_next(previous, variant)
            if computed.startswith(targets):
                return computed, variant, arrived
    return None


def _flipped(body: bytes) -> Iterator[bytes]:
    """The bytes with each bit flipped in turn."""
    draft = bytearray(body)
    for at in range(len(draft)):
        for bit in range(8):
            draft[at] ^= 1 << bit
            yield bytes(draft)
            draft[at] ^= 1 << bit


def _loose(
    by_seq: dict[int, list[Row]], reached: int, top: int, heads: dict[int, bytes]
) -> Iterator[Loose]:
    """Rows beyond the damage, each with its whole hash where that is known.

    Where the whole hash of the one before is known, only one that follows from it counts. Of the
    others nothing is proven before what is lost comes back; then each must follow from the last.
    """
    before: bytes | None = None
    for seq in range(reached + 2, top + 1):
        rows = by_seq.get(seq, [])
        row = rows[0] if before is None and rows else _good(before, rows) if before else None
        if row is None:
            before = None
            continue
        own = heads.get(seq, row[0]) if heads.get(seq, b"").startswith(row[0]) else row[0]
        before = own if len(own) == HASH_BYTES else None
        yield seq, own, row[1]


# --- seals


def seals_by_leaf(site: bytes, seals: Iterable[Seal], chains: list[Chain]) -> dict[bytes, Seal]:
    """Of each leaf the newest seal that holds; one in which a bit flipped is set right."""
    leaves_by_author: dict[bytes, list[bytes]] = {}
    for chain in chains:
        for stored, _ in chain.entries[-1:]:
            leaf = seal_leaf(chain.stream, stored.seq, stored.hash)
            leaves_by_author.setdefault(chain.author, []).append(leaf)
    found: dict[bytes, Seal] = {}
    for seal in sorted(seals, key=lambda seal: seal.number):
        own = leaves_by_author.get(seal.author, [])
        sound = seal if _holds(site, seal) else _mended_seal(site, seal, own)
        if sound is not None:
            found.update(dict.fromkeys(sound.leaves, sound))
    return found


def _holds(site: bytes, seal: Seal) -> bool:
    try:
        check_seal(site, seal)
    except LogError:
        return False
    return True


def _mended_seal(site: bytes, seal: Seal, own: list[bytes]) -> Seal | None:
    """The seal with one leaf, or one bit of its signature or number, set right."""
    drafts: Iterator[Seal] = (
        Seal(
            seal.author,
            seal.number,
            (*seal.leaves[:at], leaf, *seal.leaves[at + 1 :]),
            seal.signature,
        )
        for at, rotten in enumerate(seal.leaves)
        for leaf in own
        if _distance(leaf, rotten) == 1
    )
    for draft in drafts:
        if _holds(site, draft):
            return draft
    for signature in _flipped(seal.signature):
        draft = Seal(seal.author, seal.number, seal.leaves, signature)
        if _holds(site, draft):
            return draft
    numbers = (seal.number ^ 1 << bit for bit in range(40))
    drafts = (Seal(seal.author, number, seal.leaves, seal.signature) for number in numbers)
    return next((draft for draft in drafts if _holds(site, draft)), None)


def _distance(one: bytes, other: bytes) -> int:
    """In how many bits two strings of bytes differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
