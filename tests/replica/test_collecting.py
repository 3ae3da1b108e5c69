"""A program that serves collects cycles seldom, and still collects them."""

from __future__ import annotations

import gc
import weakref

from replica.collecting import NEW_OBJECTS, collecting_seldom


class Knot:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_cycles_are_collected_after_so_many_new_objects() -> None:
    before = gc.get_threshold()
    with collecting_seldom():
        knot = weakref.ref(Knot())
        assert gc.get_freeze_count() > 0
        kept = [[number] for number in range(NEW_OBJECTS + 1)]
        assert knot() is None, f"gone after {len(kept)} objects"
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
