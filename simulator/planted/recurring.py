"""Planted bugs of recurring jobs: what must follow from the recurrence and the day hangs on a hub.

Each is a context manager. Holds no judgement of who catches it. Invariant: outside their blocks
nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from core.dispatch import recurrence
from hub import recurring
from simulator.planted.patching import replaced


@contextmanager
def each_hub_its_own() -> Iterator[None]:
    """A hub makes the job of a day under an id of its own, so that two hubs make two."""
    maker = [b""]

    def making(plain: Any) -> Any:
        def make(replica: Any, due: Any) -> int:
            maker[0] = replica.subject
            made: int = plain(replica, due)
            return made

        return make

    def naming(plain: Any) -> Any:
        def stream(of: bytes, day: date) -> bytes:
            named: bytes = plain(of, day)
            return named[:-1] + maker[0]

        return stream

    with (
        replaced(recurring, "_make", making),
        replaced(recurring, "occurrence_stream", naming),
        replaced(recurrence, "occurrence_stream", naming),
    ):
        yield
