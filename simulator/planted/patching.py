"""How a bug is planted: one function of production code is another one while a block lasts.

Holds no bugs. Invariant: after the block the function is what it was, whatever happened in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def replaced(owner: Any, name: str, wrong: Callable[..., Any]) -> Iterator[None]:
    """Let `owner.name` be `wrong(right)` while the block lasts; `right` is the true function."""
    right = getattr(owner, name)
    setattr(owner, name, wrong(right))
    try:
        yield
    finally:
        setattr(owner, name, right)
