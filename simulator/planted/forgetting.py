"""Planted bugs of forgetting: what was erased comes back, or never quite goes.

Each is a context manager. Holds no judgement of who catches it. Invariant: outside their blocks
nothing is changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from core.dispatch.erasure import Erased
from replica import intake, purging
from simulator.planted.patching import replaced


@contextlib.contextmanager
def erased_comes_back() -> Iterator[None]:
    """What peers still send of an erased stream is taken in."""

    def blind(right: Any) -> Any:
        def taking(*args: Any) -> Any:
            with replaced(Erased, "covers", lambda _: lambda self, stream: False):
                return right(*args)

        return taking

    with replaced(intake, "_join_all", blind), replaced(intake, "_store", blind):
        yield


def erased_bytes_stay() -> AbstractContextManager[None]:
    """Streams are purged from the tables, and their bytes stay in free parts of the file."""
    return replaced(purging, "scrub", lambda _: lambda store: True)
