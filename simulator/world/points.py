"""Sometimes-points: interesting places of production code, counted when a run comes by.

A run that reaches none of them proves nothing, however many seeds pass. Holds the places and how
they are counted, and the names of all that a world counts; changes nothing that passes through.
Invariant: after the block every function is as it was.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from core.log import errors
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

_REFUSALS: Final = (
    errors.LogError, errors.Malformed, errors.OverLimit, errors.Unauthentic, errors.Uncertified,
    errors.WrongSite, errors.Gap, errors.Erased, errors.Foreign, errors.SessionRefused,
    errors.EnrolAgain, errors.Revoked,
)  # fmt: skip
POINTS: Final = (
    frozenset(words for _, _, words, _ in _PLACES)
    | {f"refused: {refusal.name}" for refusal in _REFUSALS}
    | {
        "a captive portal stood in the way",
        "a hub moved house",
        "a phone came back into coverage",
        "a phone came into the depot's network",
        "a phone came on in the morning rush",
        "hubs were apart for a day or longer",
        "somebody found a hub that had moved",
        "two dispatchers took one job at once",
        "a conflict was settled",
        "a day was left out",
        "a disk was full",
        "a dispatcher could not save",
        "a hostile phone was let in",
        "a hostile phone was let in while the others healed",
        "a hostile phone was shown out",
        "a hostile phone went by itself",
        "a hub could not make recurring jobs",
        "a hub was restored",
        "a job was handed on",
        "a link ended",
        "a phone was away for a month or longer",
        "a phone was cloned",
        "a phone was shut out",
        "a photo was taken",
        "a program was replaced by a later one",
        "a recurring job was begun",
        "a recurring job was made",
        "a session met a failing disk",
        "a store was not looked after",
        "a stream left a phone",
        "a worker could not save",
        "a worker was told that it is erased",
        "acted from a stale page",
        "ballast was given up",
        "compared digests or heads",
        "differed for a while",
        "phones came to agree",
        "power was cut in a transaction",
        "the office could not erase",
        "the office could not save",
        "the office could not shut a phone out",
        "the office erased something",
        "what a shut-out key wrote was admitted",
    }
)
"""All that a world counts, by name."""


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
