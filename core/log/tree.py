"""The digest tree: which of many streams differ, found by prefixes of their ids.

A node of the tree is a prefix of stream ids, in hex digits; its digest is the sum of the leaves
below it (`core.log.frontier`). Ids begin with a time, so streams that live together lie together,
and a node stands for the longest prefix that its streams share: sixteen ways lead on from it.
Holds no session. Invariant: two trees with equal digests of a prefix hold the same below it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from core.log.frontier import shorten

DIGITS = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Split:
    """What a side holds below `prefix`: all of it begins with `stem`; by next digit, its digest.

    A digit that is not named leads to nothing. `stem` begins with `prefix`; with nothing held at
    all it is `prefix`, and no digit is named.
    """

    prefix: str
    stem: str
    digest_by_digit: dict[str, bytes]


class DigestTree:
    """The leaves of a set of streams as they were at one moment."""

    def __init__(self, leaves: Iterable[tuple[bytes, bytes]]) -> None:
        ordered = sorted(leaves)
        self._streams = [stream for stream, _ in ordered]
        self._names = [stream.hex() for stream in self._streams]
        self._sums = list(
            accumulate((int.from_bytes(leaf, "big") for _, leaf in ordered), initial=0)
        )

    def _range(self, prefix: str) -> tuple[int, int]:
        # "g" comes after every hex digit, so it ends what begins with the prefix.
        return bisect_left(self._names, prefix), bisect_left(self._names, prefix + "g")

    def streams(self, prefix: str) -> list[bytes]:
        """The streams below a prefix, in order."""
        first, last = self._range(prefix)
        return self._streams[first:last]

    def count(self, prefix: str) -> int:
        """How many streams lie below a prefix."""
        first, last = self._range(prefix)
        return last - first

    def digest(self, prefix: str) -> bytes:
        """The digest of what lies below a prefix; of nothing, zeros."""
        first, last = self._range(prefix)
        return shorten(self._sums[last] - self._sums[first])

    def split(self, prefix: str) -> Split:
        """What lies below a prefix, by the digit that comes next."""
        first, last = self._range(prefix)
        if first == last:
            return Split(prefix, prefix, {})
        stem = _shared_start(self._names[first], self._names[last - 1])
        stem = stem[: len(self._names[first]) - 1]
        ways = {digit: self.digest(stem + digit) for digit in DIGITS if self.count(stem + digit)}
        return Split(prefix, stem, ways)

    def differing(self, theirs: Split) -> list[str]:
        """The other's ways below which this side holds something else, or nothing."""
        return [
            theirs.stem + digit
            for digit, digest in theirs.digest_by_digit.items()
            if self.digest(theirs.stem + digit) != digest
        ]

    def besides(self, theirs: Split) -> list[bytes]:
        """What this side holds below the other's prefix and on none of its ways: it has none of it.

        Besides these and what lies below `differing`, both hold the same below the prefix.
        """
        first, last = self._range(theirs.prefix)
        ways = {theirs.stem + digit for digit in theirs.digest_by_digit}
        size = len(theirs.stem) + 1
        return [
            self._streams[at] for at in range(first, last) if self._names[at][:size] not in ways
        ]


def _shared_start(first: str, last: str) -> str:
    """How two names of the same length begin alike; so do all that lie between them in order."""
    unlike = (at for at, (one, other) in enumerate(zip(first, last, strict=True)) if one != other)
    return first[: next(unlike, len(first))]
