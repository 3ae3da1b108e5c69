"""Signatures are checked once: the simulator remembers which ones hold.

In one process many replicas check the same signature, which costs more than anything else they do
with it. Checking is pure, so remembering it changes no outcome; only the simulator may, because it
trusts its own memory.
Invariant: what was never checked by production code is never remembered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from core.log import certificate
from replica import checking, intake


@contextlib.contextmanager
def signatures_remembered() -> Iterator[None]:
    """Remember what holds while the block lasts; what does not hold is checked every time."""
    places: tuple[tuple[Any, str], ...] = (
        (certificate, "_check_signature"),
        (intake, "check_seal"),
        (checking, "check_seal"),
    )
    with contextlib.ExitStack() as stack:
        for owner, name in places:
            right = getattr(owner, name)
            stack.callback(setattr, owner, name, right)
            setattr(owner, name, _remembering(right))
        yield


def _remembering(right: Callable[..., None]) -> Callable[..., None]:
    held: set[Hashable] = set()

    def check(*args: Any) -> None:
        if args not in held:
            right(*args)
            held.add(args)

    return check
