"""The phases of an assignment as the store words them, in the group that pages ask for.

Which phases these are is `core.dispatch.job`'s to say. Beside them the statuses of a job, both as
the codes that pages compare and, in the reader's language, show. Holds nothing else.
"""

from __future__ import annotations

from typing import Final

from core.dispatch.job import ACTIVE
from core.sentence import marked
from replica.projection.conflict import phase_words

WORKING: Final = frozenset(phase_words(phase) for phase in ACTIVE)
"""Of somebody who is at a job, or on the way to it."""
PHASES: Final = (
    marked("assigned"),
    marked("received"),
    marked("opened"),
    marked("accepted"),
    marked("travelling"),
    marked("on site"),
    marked("paused"),
    marked("finished"),
    marked("rejected"),
    marked("withdrawn"),
    marked("released"),
)
STATUSES: Final = (
    marked("open"),
    marked("in progress"),
    marked("done"),
    marked("rejected"),
    marked("cancelled"),
)
