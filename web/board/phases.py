"""The phases of an assignment as the store words them, in the group that pages ask for.

Which phases these are is `core.dispatch.job`'s to say. Holds nothing else.
"""

from __future__ import annotations

from typing import Final

from core.dispatch.job import ACTIVE
from replica.projection.conflict import phase_words

WORKING: Final = frozenset(phase_words(phase) for phase in ACTIVE)
"""Of somebody who is at a job, or on the way to it."""
