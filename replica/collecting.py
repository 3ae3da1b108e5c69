"""Python's collector of cycles, told to look seldom while a program serves.

Nearly all that a replica makes goes when the last name of it goes: entries, writes and rows are
tuples that hold no cycles. The collector walks over them all the same, after every 700 objects that
stay, and over the states of two thousand streams whenever these have grown by a quarter; that took
a seventh of merging. The programs use it at their edge, once they have started. Invariant: what was
set before stands again afterwards.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# So many objects more than before until the collector looks at what is new: some 10 MB of garbage
# in cycles at the most, which a phone has to spare.
NEW_OBJECTS = 50_000


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """For the length of a block; what stands at its beginning is taken to stay."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
