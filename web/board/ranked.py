"""Problems in the order of the inbox, each found by a name: one that changes is put in its place.

A site in trouble has thousands, of which a commit changes one. Holds no reading and no words.
Invariant: the order is that of all of them sorted anew.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final

from web.board.problem import Problem

Rank = tuple[bool, int, int, str]
_rank_of: Final = itemgetter(0)

_MANY: Final = 8
"""More than one in so many that change, and sorting all is sooner done."""


def rank(problem: Problem) -> Rank:
    """Its place: what hurts most first; one that waits for its time is at the end."""
    return problem.aside_until_ms > 0, -problem.points, problem.since_ms, problem.key


class Ranked:
    """The problems by their names."""

    def __init__(self) -> None:
        self._by_name: dict[str, tuple[Rank, Problem]] = {}
        self._order: list[tuple[Rank, Problem]] = []

    def change(self, changes: Mapping[str, Problem | None]) -> None:
        """Take over what some names stand for now; None: for nothing any more."""
        some = len(changes) * _MANY <= len(self._order)
        for name, problem in changes.items():
            before = self._by_name.pop(name, None)
            if before is not None and some:
                del self._order[bisect_left(self._order, before[0], key=_rank_of)]
            if problem is not None:
                placed = self._by_name[name] = (rank(problem), problem)
                if some:
                    insort(self._order, placed, key=_rank_of)
        if not some:
            self._order = sorted(self._by_name.values(), key=_rank_of)

    def with_others(self, others: Sequence[Problem]) -> tuple[list[Problem], list[Problem]]:
        """All of them and `others`, in their order: what waits for a person, what is put aside."""
        order = [*self._order, *sorted(_placed(others), key=_rank_of)]
        # Two runs that are in order already.
        order.sort(key=_rank_of)
        split = bisect_left(order, (True,), key=_rank_of)
        found = [problem for _, problem in order]
        return found[:split], found[split:]


def _placed(problems: Iterable[Problem]) -> Iterable[tuple[Rank, Problem]]:
    return ((rank(problem), problem) for problem in problems)
