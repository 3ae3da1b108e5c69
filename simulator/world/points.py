"""Sometimes-points: interesting places of production code, counted when a run comes by.

A run that reaches none of them proves nothing, however many seeds pass. Holds the places and how
they are counted; changes nothing that passes through.
Invariant: after the block every function is as it was.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from core.log.stream import StreamState
from replica import intake, logs

# (where it stands, its name, what to count, when by its answer)
_PLACES: tuple[tuple[Any, str, str, Callable[[Any], bool]], ...] = (
    (StreamState, "extend_all", "a stream was folded anew", lambda answer: answer is False),
    (StreamState, "_fold_again", "a stream was folded anew", lambda _: True),
    (logs, "_split", "a log was forked", lambda _: True),
    (logs, "stage", "entries waited for a seal", lambda _: True),
    (intake, "_certified_by", "a certificate came with its author's run", lambda ok: bool(ok)),
)


@contextlib.contextmanager
def watching() -> Iterator[Counter[str]]:
    """Count what the places see while the block lasts."""
    seen: Counter[str] = Counter()
    with contextlib.ExitStack() as stack:
        for owner, name, words, counts in _PLACES:
            stack.enter_context(_watched(owner, name, words, counts, seen))
        yield seen


@contextlib.contextmanager
def _watched(
    owner: Any, name: str, words: str, counts: Callable[[Any], bool], seen: Counter[str]
) -> Iterator[None]:
    plain = getattr(owner, name)

    def watched(*args: Any, **options: Any) -> Any:
        answer = plain(*args, **options)
        seen[words] += counts(answer)
        return answer

    setattr(owner, name, watched)
    try:
        yield
    finally:
        setattr(owner, name, plain)
