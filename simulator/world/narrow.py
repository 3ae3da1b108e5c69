"""Small limits: frames and windows so narrow that a small site meets what a large one does.

A run split over frames, entries that wait for a seal and a full window would need thousands of
entries. Holds which limits, and how narrow a seed may make them.
Invariant: after the block they are as they were.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random

from core.log import chunk_list, parcel, session


@contextlib.contextmanager
def narrowed(chance: Random) -> Iterator[None]:
    """Draw the limits for one run; half of all runs have the true ones."""
    drawn = [
        (parcel, "FRAME_BYTES_TARGET", chance.choice((100, 400, 2_000))),
        (session, "FRAMES_IN_FLIGHT_MAX", chance.choice((1, 2, 8))),
        (session, "HEADS_PER_FRAME", chance.choice((1, 7, 1_000))),
    ]
    if chance.random() < 0.5:
        drawn = []
    else:
        # So that photos of a few kilobytes have several chunks.
        drawn.append((chunk_list, "FILE_CHUNK_BYTES", chance.choice((700, 5_000))))
    with contextlib.ExitStack() as stack:
        for owner, name, value in drawn:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        yield
