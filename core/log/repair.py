"""Repair: two replicas find the streams that they hold otherwise, and tell each other the heads.

In turns each answers the other's nodes of the digest tree: equal ones it passes by, of differing
ones it gives the next sixteen ways, or, where few streams lie below, what it holds of each. Three
round trips find what differs among 100,000 streams. Holds no messages on their way and no store.
Invariant: of every stream that was compared a side comes to know that the other holds the same, or
what it holds instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from core.log.errors import Malformed, OverLimit
from core.log.frontier import DIGEST_BYTES
from core.log.limits import FRAME_BYTES_TARGET, HEADS_STREAMS_MAX
from core.log.messages import Compare, StreamHeads
from core.log.tree import DigestTree, Split

# Below a prefix with so few streams their heads cost no more than another step.
STREAMS_FEW = 4

# The first word goes so far down that it has about so many digests; each further one costs a turn.
FIRST_DIGESTS = 24

# Where the differing nodes lead to more digests than a frame or two should have, and after so many
# steps, heads are told whatever their number.
DIGESTS_MAX = 2_048
STEPS_MAX = 6

# Nodes, prefixes, streams and heads of one step, over all its frames, which wait in memory for its
# last: so many take some 300 MB, and a site of half a million jobs with three logs each is told.
NAMES_MAX = 2_000_000

HeadsOf = Callable[[Iterable[bytes]], list[StreamHeads]]


@dataclass(slots=True)
class Found:
    """What a step of the other side proves.

    `same` are streams of which it held what this side held when the repair began; `theirs` is what
    it holds now of others, `lacked` are streams of which it holds nothing.
    """

    same: frozenset[bytes]
    theirs: list[StreamHeads]
    lacked: frozenset[bytes]


class Repair:
    """One side of a repair, over its `leaves` as they were at `position` of its store."""

    def __init__(
        self, leaves: Iterable[tuple[bytes, bytes]], position: int, heads_of: HeadsOf
    ) -> None:
        self.position = position
        self.step = -1
        self._tree = DigestTree(leaves)
        self._heads_of = heads_of
        self._asked: list[str] = []
        self._told: set[bytes] = set()
        self._heard: list[Compare] = []
        self._names = 0

    def begin(self) -> Compare:
        """The first step: some levels of the tree at once, for each costs a turn."""
        level = [self._tree.split("")]
        splits = list(level)
        while level and sum(len(each.digest_by_digit) for each in splits) < FIRST_DIGESTS:
            level = [
                self._tree.split(each.stem + digit)
                for each in level
                for digit in each.digest_by_digit
                if self._tree.count(each.stem + digit) > STREAMS_FEW
            ]
            splits += level
        return self._say(Compare(0, True, tuple(splits)))

    def hear(self, frame: Compare) -> tuple[Found, Compare | None] | None:
        """Take a frame of the other's next step; with the last, what it proves and the answer.

        The answer is None where the other asked for nothing.

        Raises:
            Malformed: a step out of turn, or one that names a node twice.
            OverLimit: a step has more than `NAMES_MAX` names.
        """
        if frame.step != self.step + 1:
            raise Malformed(f"step {frame.step} of a repair follows step {self.step}")
        names = _names_in(frame)
        if not (names or frame.last):
            raise Malformed("a frame of a repair names nothing and is not the last of its step")
        self._heard.append(frame)
        self._names += names
        if self._names > NAMES_MAX:
            raise OverLimit(f"a step of a repair has more than {NAMES_MAX:,} names")
        if not frame.last:
            return None
        splits = [split for each in self._heard for split in each.splits]
        covered = [prefix for each in self._heard for prefix in each.covered]
        # Each costs a look at all that lies below it.
        if len({split.prefix for split in splits}) < len(splits) or len({*covered}) < len(covered):
            raise Malformed("a step of a repair names a node or a prefix twice")
        theirs = {held.stream: held for each in self._heard for held in each.streams}
        self._heard.clear()
        self._names = 0
        self.step += 1
        found, differing = self._prove(splits, covered, theirs)
        if not splits and not covered:
            return found, None
        return found, self._say(self._answer(differing, covered, theirs))

    def _prove(
        self, splits: list[Split], covered: list[str], theirs: dict[bytes, StreamHeads]
    ) -> tuple[Found, list[str]]:
        finer = {split.prefix for split in splits}
        differing = [
            prefix
            for split in splits
            for prefix in self._tree.differing(split)
            if prefix not in finer
        ]
        besides = {stream for split in splits for stream in self._tree.besides(split)}
        unlike = besides | {s for prefix in differing for s in self._tree.streams(prefix)}
        below = {stream for split in splits for stream in self._tree.streams(split.prefix)}
        mentioned = finer | set(covered)
        passed_by = {
            stream
            for prefix in self._asked
            if prefix not in mentioned
            for stream in self._tree.streams(prefix)
        }
        same = (below - unlike) | passed_by | (self._told - theirs.keys())
        held = [each for each in theirs.values() if each.heads or each.stream not in self._told]
        empty = {each.stream for each in theirs.values()} - {each.stream for each in held}
        unnamed = {
            stream
            for prefix in covered
            for stream in self._tree.streams(prefix)
            if stream not in theirs
        }
        return Found(frozenset(same), held, frozenset(empty | unnamed | besides)), differing

    def _answer(
        self, differing: list[str], covered: list[str], theirs: dict[bytes, StreamHeads]
    ) -> Compare:
        few = [p for p in differing if self._tree.count(p) <= STREAMS_FEW]
        splits = [self._tree.split(p) for p in differing if self._tree.count(p) > STREAMS_FEW]
        if (
            sum(len(split.digest_by_digit) for split in splits) > DIGESTS_MAX
            or self.step + 1 >= STEPS_MAX
        ):
            few, splits = differing, []
        own = [stream for prefix in few for stream in self._tree.streams(prefix)]
        # What it did not name it lacks: it needs no heads of ours to know that.
        asked = _below(theirs, covered)
        ours = {held.stream: held for held in self._heads_of(asked)}
        unlike = [
            ours.get(stream, StreamHeads(stream, ()))
            for stream in sorted(asked)
            if set(ours.get(stream, StreamHeads(stream, ())).heads)
            != set(theirs.get(stream, StreamHeads(stream, ())).heads)
        ]
        told = self._heads_of(own)
        return Compare(self.step + 1, True, tuple(splits), tuple(few), (*told, *unlike))

    def _say(self, message: Compare) -> Compare:
        """Remember what is asked, to know what an answer that is silent of it proves."""
        finer = {split.prefix for split in message.splits}
        self._asked = [
            split.stem + digit
            for split in message.splits
            for digit in split.digest_by_digit
            if split.stem + digit not in finer
        ]
        self._told = _below([held.stream for held in message.streams], message.covered)
        self.step = message.step
        return message


def _names_in(frame: Compare) -> int:
    heads = sum(len(held.heads) for held in frame.streams)
    return len(frame.splits) + len(frame.covered) + len(frame.streams) + heads


def _below(streams: Iterable[bytes], prefixes: Iterable[str]) -> set[bytes]:
    """Those of `streams` that lie below one of the prefixes."""
    wanted = frozenset(prefixes)
    lengths = {len(prefix) for prefix in wanted}
    return {stream for stream in streams if any(stream.hex()[:size] in wanted for size in lengths)}


def frames(step: Compare) -> Iterator[Compare]:
    """A step in as many frames as its size asks for, the last one marked."""
    parts: list[Split | str | StreamHeads] = [*step.splits, *step.covered, *step.streams]
    frame: list[Split | str | StreamHeads] = []
    size = 0
    for part in parts:
        extra = _size(part)
        if frame and (size + extra > FRAME_BYTES_TARGET or len(frame) >= HEADS_STREAMS_MAX):
            yield _frame(step.step, frame, last=False)
            frame, size = [], 0
        frame.append(part)
        size += extra
    yield _frame(step.step, frame, last=True)


def _size(part: Split | str | StreamHeads) -> int:
    """About how many bytes it takes in a frame, at most."""
    if isinstance(part, str):
        return 1 + len(part)
    if isinstance(part, Split):
        return 10 + len(part.stem) + DIGEST_BYTES * len(part.digest_by_digit)
    # Each author's key stands once in a frame; at worst every head brings a new one.
    return 16 + sum(56 + len(branch) for _, branch, _, _ in part.heads)


def _frame(step: int, parts: list[Split | str | StreamHeads], *, last: bool) -> Compare:
    return Compare(
        step,
        last,
        tuple(part for part in parts if isinstance(part, Split)),
        tuple(part for part in parts if isinstance(part, str)),
        tuple(part for part in parts if isinstance(part, StreamHeads)),
    )
