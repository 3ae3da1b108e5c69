"""Parcels: slices of logs made up into frames, sealed.

The sender's own slices come under new signatures, one for each 64 of a frame; another author's
slice travels with the seal that the replica keeps for it, whose other leaves are named by an entry
of the same frame, or go as hashes. A slice too large for a frame is split: an own one anywhere,
another's so that its seal comes with the last part.
Holds no order of the conversation. Invariant: the receiver of all frames can check every entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from core.log.chain import SHORT_BYTES, seal_leaf
from core.log.limits import (
    FRAME_BYTES_TARGET,
    FRAME_ENTRIES_MAX,
    FRAME_RUNS_MAX,
    SEAL_LEAVES_MAX,
)
from core.log.messages import Run, Runs, WireLeaf, WireSeal
from core.log.seal import Seal

# What a run takes in a frame beside its entries: stream, numbers, eight bytes of hash.
_RUN_BYTES = 36

# What a seal takes beside its leaves: author, number, signature.
_SEAL_BYTES = 80


def _seal_bytes(seal: Seal) -> int:
    """What a kept seal takes in a frame at most: all its leaves as hashes."""
    return _SEAL_BYTES + 34 * len(seal.leaves)


@dataclass(frozen=True, slots=True)
class Slice:
    """Entries `first` … of one log, as (chain hash, body); `seal` covers the last one's hash.

    `seal` is None where the sender itself is the author; `previous` is empty, or eight bytes of the
    hash before the first entry where the log has branches or the slice goes on from another.
    """

    stream: bytes
    author: bytes
    branch: bytes
    first: int
    entries: tuple[tuple[bytes, bytes], ...]
    seal: Seal | None
    previous: bytes = b""

    @property
    def height(self) -> int:
        """The seq of the last entry."""
        return self.first + len(self.entries) - 1


@dataclass(frozen=True, slots=True)
class Reached:
    """What an ack of a frame proves that the receiver holds."""

    stream: bytes
    author: bytes
    branch: bytes
    height: int


@dataclass(slots=True)
class Parcel:
    """One frame in the making, and what its ack will prove.

    With `spelled` an entry within a run stands for no leaf, so that a run that is refused takes
    with it only those that end under the same seal.
    """

    spelled: bool = False
    runs: list[Run] = field(default_factory=list)
    authors: list[bytes] = field(default_factory=list)
    own_leaves: list[bytes] = field(default_factory=list)
    seals: list[Seal] = field(default_factory=list)
    place_by_leaf: dict[bytes, WireLeaf] = field(default_factory=dict)
    parts_by_author: dict[bytes, list[tuple[int, Slice]]] = field(default_factory=dict)
    reached: list[Reached] = field(default_factory=list)
    size: int = 0
    entries: int = 0

    def fits(self, part: Slice) -> bool:
        """Whether one part more keeps the frame near its target and within every limit."""
        if not self.runs:
            return True
        extra = _RUN_BYTES + sum(len(body) for _, body in part.entries)
        if part.seal is not None and part.seal not in self.seals:
            extra += _seal_bytes(part.seal)
        return (
            self.size + extra <= FRAME_BYTES_TARGET
            and len(self.runs) < FRAME_RUNS_MAX
            and self.entries + len(part.entries) <= FRAME_ENTRIES_MAX
        )

    def add(self, part: Slice, me: bytes) -> None:
        """Put a part of a log into the frame."""
        own = part.author == me
        index = 0 if own else self._author(part.author)
        bodies = tuple(body for _, body in part.entries)
        leaf = seal_leaf(part.stream, part.height, part.entries[-1][0])
        if own:
            if len(self.own_leaves) % SEAL_LEAVES_MAX == 0:
                self.size += _SEAL_BYTES
            self.own_leaves.append(leaf)
        else:
            self.parts_by_author.setdefault(part.author, []).append((len(self.runs), part))
        if part.seal is not None:
            self.place_by_leaf[leaf] = len(self.runs)
            if part.seal not in self.seals:
                self.seals.append(part.seal)
                self.size += _seal_bytes(part.seal)
        if own or part.seal is not None:
            self.reached.append(Reached(part.stream, part.author, part.branch, part.height))
        self.runs.append(Run(part.stream, index, part.first, bodies, part.previous))
        self.size += _RUN_BYTES + sum(len(body) for body in bodies)
        self.entries += len(bodies)

    def _author(self, author: bytes) -> int:
        if author not in self.authors:
            self.authors.append(author)
            self.size += 34
        return 1 + self.authors.index(author)

    def finish(
        self, number: int, position: int | None, sign: Callable[[tuple[bytes, ...]], Seal]
    ) -> Runs:
        """The frame; `sign` seals the sender's own leaves."""
        seals: list[WireSeal] = []
        for at in range(0, len(self.own_leaves), SEAL_LEAVES_MAX):
            # An own seal without leaves covers the sender's next runs, in their order.
            seal = sign(tuple(self.own_leaves[at : at + SEAL_LEAVES_MAX]))
            seals.append(WireSeal(0, seal.number, (), seal.signature))
        for kept in self.seals:
            author = 1 + self.authors.index(kept.author)
            seals.append(WireSeal(author, kept.number, self._leaves(kept), kept.signature))
        return Runs(number, position, tuple(self.authors), tuple(seals), tuple(self.runs))

    def _leaves(self, kept: Seal) -> tuple[WireLeaf, ...]:
        """A kept seal's leaves by their places in the frame, else as hashes."""
        places = self.place_by_leaf
        if not self.spelled and any(leaf not in places for leaf in kept.leaves):
            self._place_within(kept.author)
        return tuple(places.get(leaf, leaf) for leaf in kept.leaves)

    def _place_within(self, author: bytes) -> None:
        """Note every entry of an author's runs: some log may have ended there under a seal."""
        for index, part in self.parts_by_author.pop(author, ()):
            for seq, (entry_hash, _) in enumerate(part.entries[:-1], part.first):
                leaf = seal_leaf(part.stream, seq, entry_hash)
                self.place_by_leaf.setdefault(leaf, (index, seq))


def fill(
    slices: Iterable[Slice], me: bytes, begun: Parcel | None = None, *, spelled: bool = False
) -> Iterator[Parcel]:
    """Make parcels of slices, in their order, `me` being the sender's key.

    The first of them goes on from `begun`, the last may have room left.
    """
    parcel = begun or Parcel(spelled)
    for whole in slices:
        for part in _parts(whole, me):
            if not parcel.fits(part):
                yield parcel
                parcel = Parcel(spelled)
            parcel.add(part, me)
    if parcel.runs:
        yield parcel


def _parts(whole: Slice, me: bytes) -> Iterator[Slice]:
    """The slice in parts that each fit a frame; another's seal stays with the last."""
    start, size = 0, 0
    for index, (_, body) in enumerate(whole.entries):
        full = size + len(body) > FRAME_BYTES_TARGET or index - start >= FRAME_ENTRIES_MAX
        if index > start and full:
            yield _cut(whole, start, index, None)
            start, size = index, 0
        size += len(body)
    yield _cut(whole, start, len(whole.entries), whole.seal)


def _cut(whole: Slice, start: int, end: int, seal: Seal | None) -> Slice:
    previous = whole.entries[start - 1][0][:SHORT_BYTES] if start else whole.previous
    return Slice(
        whole.stream,
        whole.author,
        whole.branch,
        whole.first + start,
        whole.entries[start:end],
        seal,
        previous,
    )
