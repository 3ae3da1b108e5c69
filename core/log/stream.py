"""A stream: the set of its entries, and the fold of that set.

`StreamState` takes entries in any order in which each chain is whole, and holds the logs (a fork's
branches are logs of their own), what each entry had seen, which entries stand, and the registers.
It knows no store and no meaning; whether a certificate permits an entry is asked of `permits`.
Invariant: everything it holds is a function of the set of entries and of the authors' standings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from core.log import chain
from core.log.canonical import pack, unpack
from core.log.certificate import HUB_ROLE, Standing
from core.log.entry import FORMAT, Cursor, Entry, Path, read_parts, version_of
from core.log.errors import LogError, OverLimit
from core.log.frontier import Head, frontier_token, leaf_of
from core.log.limits import ENTRY_BYTES_MAX, SEEN_NAMED_MAX
from core.log.registers import LogKey, Register, Registers, Write

# The path of a cut: (CUT, author) in any stream, written by a hub, with value [height, hash].
CUT = 1

# Why an entry of a revoked key does not stand that a certificate permits.
AFTER_REVOCATION = "after revocation"

Permits = Callable[[Standing, bytes, Entry], bool]


class Stored(NamedTuple):
    """One entry as it is kept: its author, its place in the chain and its bytes."""

    author: bytes
    seq: int
    previous: bytes
    hash: bytes
    body: bytes


class Placed(NamedTuple):
    """A stored entry with what became of it. `inert` says in words why it does not stand."""

    stored: Stored
    log: LogKey
    entry: Entry | None
    standing: Standing
    inert: str = ""


@dataclass(slots=True)
class LogState:
    """One log of the stream: its entries in order and how far their author had seen others."""

    key: LogKey
    parent: LogKey | None
    base: int
    base_hash: bytes
    placed: list[Placed] = field(default_factory=list)
    seen: dict[LogKey, int] = field(default_factory=dict)
    cursors: dict[int, Cursor] = field(default_factory=dict)
    drift: bool = False

    @property
    def height(self) -> int:
        """The seq of the last entry."""
        return self.base + len(self.placed)

    @property
    def head(self) -> bytes:
        """The chain hash of the last entry."""
        return self.placed[-1].stored.hash if self.placed else self.base_hash


class StreamState:
    """The fold of one stream's entries.

    `standings` gives each author's standing; an author that it lacks has none and its entries are
    inert (a store never takes them in). `supported` are the formats this version reads.
    """

    def __init__(
        self,
        site: bytes,
        stream: bytes,
        permits: Permits,
        supported: frozenset[int] = frozenset({FORMAT}),
    ) -> None:
        self.site = site
        self.stream = stream
        self.registers: Registers = {}
        self.logs: dict[LogKey, LogState] = {}
        self._permits = permits
        self._supported = supported
        self._place_by_hash: dict[bytes, tuple[LogKey, int]] = {}
        self._hashes_by_short: dict[bytes, list[bytes]] = {}
        self._unresolved: set[bytes] = set()
        self._cuts: dict[bytes, set[bytes]] = {}
        self._grown: list[Placed] | None = None
        self._inert = 0
        self.size = 0
        self.has_revoked_author = False

    # --- building

    @classmethod
    def build(
        cls,
        site: bytes,
        stream: bytes,
        entries: Iterable[Stored],
        standings: Mapping[bytes, Standing],
        permits: Permits,
        supported: frozenset[int] = frozenset({FORMAT}),
    ) -> StreamState:
        """The fold of a whole set of entries, in whatever order they are given."""
        state = cls(site, stream, permits, supported)
        state._place_all(list(entries), standings)
        state._collect_cuts()
        state._fold_all()
        return state

    def extend_all(
        self, entries: Iterable[Stored], standing_of: Callable[[bytes], Standing]
    ) -> bool:
        """Add entries, each chain in order; False where the whole stream must be built again.

        That is so for a fork, a cut, and in streams where a revoked author wrote; then this state
        says nothing any more and must be thrown away. All are placed before any is folded, so that
        entries which name each other as seen need no second fold. Where one comes that others had
        named before it was here, all that is placed is folded again.
        """
        new: list[Placed] = []
        was_named = False
        for stored in entries:
            if stored.hash in self._place_by_hash:
                continue
            standing = standing_of(stored.author)
            key = self._key_to_grow(stored, standing)
            if key is None:
                return False
            was_named = self._was_named(stored) or was_named
            new.append(self._place(stored, key, standing))
        if was_named:
            self._fold_again()
            return True
        for placed in new:
            self._fold(placed)
        if self._grown is not None:
            self._grown += new
        return True

    def take_grown(self) -> list[Placed] | None:
        """What was added since this was last asked; None for all that it holds.

        That is so at the first time, and where all of it was folded again.

        It is for one who keeps beside the state what follows from it, as rows do.
        """
        grown, self._grown = self._grown, []
        return grown

    def _key_to_grow(self, stored: Stored, standing: Standing) -> LogKey | None:
        """The log that an entry simply grows, None where its coming changes more than that."""
        key = self._key_after(stored)
        short = stored.hash[: chain.SHORT_BYTES]
        if key is None or self.has_revoked_author:
            return None
        if short in self._hashes_by_short:
            # Two entries that begin alike are both meant by whoever named one of them.
            return None
        return None if standing.revoked or _is_cut(stored.body) else key

    def _was_named(self, stored: Stored) -> bool:
        """Whether an entry here says that its author had seen this one, which was not here yet."""
        return stored.hash[: chain.SHORT_BYTES] in self._unresolved

    def _key_after(self, stored: Stored) -> LogKey | None:
        """The log that `stored` grows, None if that would make a fork."""
        key = (stored.author, b"")
        if stored.seq == 1:
            return None if key in self.logs else key
        place = self._place_by_hash.get(stored.previous)
        if place is None:
            return None
        log = self.logs[place[0]]
        return place[0] if log.height == place[1] and not log.drift else None

    def _place_all(self, entries: list[Stored], standings: Mapping[bytes, Standing]) -> None:
        children: dict[bytes, dict[bytes, Stored]] = {}
        starts: dict[bytes, dict[bytes, Stored]] = {}
        for stored in entries:
            if stored.seq == 1:
                starts.setdefault(stored.author, {})[stored.hash] = stored
            else:
                children.setdefault(stored.previous, {})[stored.hash] = stored
        for author in sorted(starts):
            standing = standings.get(author, Standing(b"", 0))
            roots = sorted(starts[author].values(), key=lambda s: s.hash)
            if len(roots) > 1:
                start = chain.chain_start(self.site, self.stream, author)
                self.logs[(author, b"")] = LogState((author, b""), None, 0, start, drift=True)
            pending = [((author, b"") if len(roots) == 1 else (author, s.hash), s) for s in roots]
            while pending:
                key, stored = pending.pop()
                placed = self._place(stored, key, standing)
                after = sorted(children.get(stored.hash, {}).values(), key=lambda s: s.hash)
                if len(after) == 1:
                    pending.append((placed.log, after[0]))
                elif after:
                    self.logs[placed.log].drift = True
                    pending.extend(((author, branch.hash), branch) for branch in after)

    def _place(self, stored: Stored, key: LogKey, standing: Standing) -> Placed:
        log = self.logs.get(key)
        if log is None:
            log = self.logs[key] = self._open_log(stored, key)
        placed = self._read(stored, log, standing)
        log.placed.append(placed)
        self._place_by_hash[stored.hash] = (key, stored.seq)
        short = stored.hash[: chain.SHORT_BYTES]
        self._hashes_by_short.setdefault(short, []).append(stored.hash)
        self.size += 1
        if placed.inert:
            self._inert += 1
        if standing.revoked:
            self.has_revoked_author = True
        return placed

    def _open_log(self, stored: Stored, key: LogKey) -> LogState:
        """A log begins at height 0, or, a fork's branch, where its parent ends."""
        if stored.seq == 1:
            parent = (key[0], b"") if key[1] else None
            start = chain.chain_start(self.site, self.stream, key[0])
            return LogState(key, parent, 0, start)
        parent_key, base = self._place_by_hash[stored.previous]
        parent_log = self.logs[parent_key]
        cursors = {version: cursor.copy() for version, cursor in parent_log.cursors.items()}
        return LogState(key, parent_key, base, stored.previous, cursors=cursors)

    def _read(self, stored: Stored, log: LogState, standing: Standing) -> Placed:
        try:
            value = unpack(stored.body)
            version = version_of(value)
            if version not in self._supported:
                return Placed(stored, log.key, None, standing, f"of format {version}")
            cursor = log.cursors.get(version)
            if cursor is None:
                cursor = log.cursors[version] = Cursor.at_start(self.stream)
            if len(stored.body) > ENTRY_BYTES_MAX:
                raise OverLimit(f"an entry of {len(stored.body)} bytes is over {ENTRY_BYTES_MAX}")
            entry = read_parts(value, cursor, stored.hash)
        except LogError as error:
            return Placed(stored, log.key, None, standing, f"unreadable: {error}")
        if not self._permits(standing, self.stream, entry):
            return Placed(stored, log.key, entry, standing, "not permitted")
        return Placed(stored, log.key, entry, standing)

    # --- folding

    def _collect_cuts(self) -> None:
        """Keep the cuts that count: those by hubs in standing, and those that stand by such cuts.

        A revoked hub's cut counts only where another's lets it stand, else a stolen hub could cut
        its own log, or a thief's, ever further on. Each that counts may let others count and takes
        none away, so there is one end to it, whichever is looked at first.
        """
        waiting: list[Placed] = []
        for log in self.logs.values():
            for placed in log.placed:
                if placed.entry is None or placed.inert or placed.standing.role != HUB_ROLE:
                    continue
                if not placed.standing.revoked:
                    self._keep_cuts(placed.entry)
                elif any(path[0] == CUT for path, _ in placed.entry.changes):
                    waiting.append(placed)
        while waiting:
            standing = [placed for placed in waiting if self._before_cut(placed)]
            if not standing:
                return
            for placed in standing:
                assert placed.entry is not None
                self._keep_cuts(placed.entry)
            waiting = [placed for placed in waiting if placed not in standing]

    def _keep_cuts(self, entry: Entry) -> None:
        for path, value in entry.changes:
            if path[0] == CUT and len(path) == 2 and _is_cut_value(value):
                self._cuts.setdefault(path[1], set()).add(value[1])

    def _fold_all(self) -> None:
        pending = sorted(self.logs.values(), key=lambda log: (log.base, log.key))
        for log in pending:
            if log.parent is not None:
                log.seen = dict(self._seen_at(log.parent, log.base))
            for index, placed in enumerate(log.placed):
                if placed.standing.revoked and not placed.inert and not self._before_cut(placed):
                    placed = Placed(
                        placed.stored, placed.log, placed.entry, placed.standing, AFTER_REVOCATION
                    )
                    log.placed[index] = placed
                    self._inert += 1
                self._fold(placed)

    def _fold_again(self) -> None:
        """Fold what is placed from the beginning; nobody who wrote here is revoked."""
        self.registers = {}
        self._unresolved = set()
        for log in self.logs.values():
            log.seen = {}
        self._fold_all()
        self._grown = None

    def _before_cut(self, placed: Placed) -> bool:
        """Whether a cut of the author that is held lies at the entry or later on its chain."""
        cuts = self._cuts.get(placed.stored.author, ())
        return any(self.is_before(placed, cut_hash) for cut_hash in cuts)

    def is_before(self, placed: Placed, last: bytes) -> bool:
        """Whether an entry is that of the hash `last`, or lies before it on its author's chain."""
        place = self._place_by_hash.get(last)
        if place is None or place[0][0] != placed.stored.author:
            return False
        return self._ancestry(*place).get(placed.log, 0) >= placed.stored.seq

    def _fold(self, placed: Placed) -> None:
        entry = placed.entry
        if entry is None:
            return
        log = self.logs[placed.log]
        for short in entry.seen:
            self._join(log.seen, short)
        if placed.inert:
            return
        context = self._context(placed, entry, log.seen)
        for path, value in entry.changes:
            register = self.registers.get(path)
            if register is None:
                register = self.registers[path] = Register()
            register.add(_write_of(placed, entry, value, context))

    def _context(
        self, placed: Placed, entry: Entry, seen: Mapping[LogKey, int]
    ) -> dict[LogKey, int]:
        """What the author of an entry knew when it wrote; `seen` is what its log had seen by then.

        That is less where it acted from a page: what stood there then.
        """
        if entry.basis is None:
            context = dict(seen)
            _join_heights(context, self._ancestry(placed.log, placed.stored.seq - 1))
        else:
            context = {}
            for short in entry.basis:
                self._join(context, short)
        return context

    def _join(self, context: dict[LogKey, int], short: bytes) -> None:
        """Add to `context` all that an author had seen that names `short` as a head."""
        hashes = self._hashes_by_short.get(short)
        if not hashes:
            self._unresolved.add(short)
            return
        for entry_hash in hashes:
            _join_heights(context, self._ancestry(*self._place_by_hash[entry_hash]))

    def _ancestry(self, key: LogKey, seq: int) -> dict[LogKey, int]:
        """The heights of a log up to `seq` and of the logs that it branched from."""
        heights: dict[LogKey, int] = {}
        at: LogKey | None = key
        while at is not None:
            log = self.logs[at]
            if seq > log.base:
                heights[at] = seq
            at, seq = log.parent, min(seq, log.base)
        return heights

    def _seen_at(self, key: LogKey, height: int) -> dict[LogKey, int]:
        seen: dict[LogKey, int] = {}
        at: LogKey | None = key
        while at is not None:
            log = self.logs[at]
            for placed in log.placed:
                if placed.stored.seq <= height and placed.entry is not None:
                    for short in placed.entry.seen:
                        self._join(seen, short)
            at = log.parent
        return seen

    # --- answers

    def heads(self) -> list[Head]:
        """The heads of all logs that hold an entry of their own, sorted."""
        return sorted(
            Head(log.key[0], log.key[1], log.height, log.head)
            for log in self.logs.values()
            if log.placed
        )

    def tips(self) -> list[bytes]:
        """First eight bytes of the heads that no branch follows: what an author has now seen."""
        return _named(log for log in self.logs.values() if log.placed and not log.drift)

    def token(self) -> str:
        """The basis token of the whole stream as it is held now."""
        return frontier_token(self.tips())

    def leaf(self) -> bytes:
        """The 32-byte leaf of the stream in a digest."""
        return leaf_of(self.stream, self.heads())

    def cursor_of(self, key: LogKey, version: int = FORMAT) -> Cursor:
        """A copy of the cursor with which the next entry of a log is written in a format."""
        log = self.logs.get(key)
        cursor = log.cursors.get(version) if log is not None else None
        return cursor.copy() if cursor is not None else Cursor.at_start(self.stream)

    def position(self, entry_hash: bytes) -> tuple[LogKey, int] | None:
        """Log and seq of an entry, None if it is not held."""
        return self._place_by_hash.get(entry_hash)

    def named(self, short: bytes) -> Placed | None:
        """The entry whose hash begins with these eight bytes; None where none or several do."""
        hashes = self._hashes_by_short.get(short, [])
        return self.placed_at(*self._place_by_hash[hashes[0]]) if len(hashes) == 1 else None

    def placed_at(self, key: LogKey, seq: int) -> Placed:
        """The entry of a log at `seq`, which the log itself holds."""
        log = self.logs[key]
        return log.placed[seq - log.base - 1]

    def writes_to(self, paths: Collection[Path]) -> dict[Path, list[Write]]:
        """All writes that stand to these registers, by path, with what each had seen.

        Those too that others have covered since: what a register showed at any time follows from
        them. In an order that the set of entries alone decides; every path has a list.
        """
        found: dict[Path, list[Write]] = {path: [] for path in paths}
        for log in sorted(self.logs.values(), key=lambda log: (log.base, log.key)):
            seen = {} if log.parent is None else dict(self._seen_at(log.parent, log.base))
            for placed in log.placed:
                entry = placed.entry
                if entry is None:
                    continue
                for short in entry.seen:
                    self._join(seen, short)
                wanted = [] if placed.inert else [c for c in entry.changes if c[0] in found]
                if wanted:
                    context = self._context(placed, entry, seen)
                    for path, value in wanted:
                        found[path].append(_write_of(placed, entry, value, context))
        return found

    def unseen_by(self, key: LogKey) -> list[bytes]:
        """First eight bytes of the heads that the author of a log has not named as seen yet."""
        log = self.logs.get(key)
        seen = log.seen if log is not None else {}
        own = self._ancestry(key, log.height) if log is not None else {}
        return _named(
            other
            for other in self.logs.values()
            if other.placed
            and not other.drift
            and own.get(other.key, 0) < other.height
            and seen.get(other.key, 0) < other.height
        )

    def entries(self) -> Iterable[Placed]:
        """All entries, in an order that the set alone decides."""
        everything = [placed for log in self.logs.values() for placed in log.placed]
        return sorted(
            everything,
            key=lambda p: (p.entry.corrected_ms if p.entry else 0, p.stored.seq, p.stored.hash),
        )

    def inert_count(self) -> int:
        """How many entries are held that do not stand."""
        return self._inert

    def plain(self) -> list[Any]:
        """Canonical form of heads, standings and registers: equal for equal sets of entries."""
        registers = [
            [pack(list(path)), self.registers[path].plain()]
            for path in sorted(self.registers, key=lambda path: pack(list(path)))
        ]
        # Of the reason only what it begins with: the rest is a library's wording.
        inert = sorted(
            [placed.stored.hash, placed.inert.partition(":")[0]]
            for log in self.logs.values()
            for placed in log.placed
            if placed.inert
        )
        heads = [[h.author, h.branch, h.height, h.hash] for h in self.heads()]
        return [heads, inert, registers]

    def fingerprint(self) -> bytes:
        """32 bytes that are equal on two replicas exactly where the states are."""
        return blake2b(pack(self.plain()), digest_size=32, person=b"fieldlog.state").digest()


def _write_of(placed: Placed, entry: Entry, value: Any, context: Mapping[LogKey, int]) -> Write:
    return Write(
        placed.log,
        placed.stored.seq,
        value,
        entry.corrected_ms,
        entry.actor,
        placed.standing.role,
        entry.by_rule,
        entry.version,
        context,
    )


def _join_heights(context: dict[LogKey, int], heights: Mapping[LogKey, int]) -> None:
    for key, height in heights.items():
        if height > context.get(key, 0):
            context[key] = height


def _is_cut_value(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and type(value[0]) is int
        and isinstance(value[1], bytes)
        and len(value[1]) == chain.HASH_BYTES
    )


def _is_cut(body: bytes) -> bool:
    """Whether the bytes may hold a cut; a wrong yes costs one fold of the stream."""
    return bytes([0x92, CUT]) in body


def _named(logs: Iterable[LogState]) -> list[bytes]:
    """First eight bytes of the heads of logs, ascending; of too many for one entry some.

    One author may fork its log so often that no entry can name all branches, and nobody could write
    to the stream again. So authors take turns: of all others each log is named, and the rest of the
    branches by the entries that follow. What is not named counts as not seen, which is no lie.
    """
    named = sorted(logs, key=lambda log: log.key)
    if len(named) > SEEN_NAMED_MAX:
        turns: Counter[bytes] = Counter()
        ranked: list[tuple[int, LogKey, LogState]] = []
        for log in named:
            ranked.append((turns[log.key[0]], log.key, log))
            turns[log.key[0]] += 1
        named = [log for _, _, log in sorted(ranked, key=lambda row: row[:2])[:SEEN_NAMED_MAX]]
    return sorted(log.head[: chain.SHORT_BYTES] for log in named)
