"""What sync can't settle without the worker, in words.

Pure. Invariant: each need says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from replica.screens.port import Need
from replica.syncing import SyncFigures

ALMOST_FULL: Final = Need(
    "The storage of this phone is almost full.",
    "What you do is saved for a while yet, in room that was kept back for this. Delete photos or "
    "apps that you don't need; until then new jobs may not come in.",
)

DAMAGED: Final = Need(
    "Some of what this phone has saved is damaged.",
    "Send what waits, and ask the office: 'fieldlog check --repair' on this phone mends it, and "
    "the hub brings back what can't be mended.",
)


def needs_of(figures: Iterable[SyncFigures], *, room_kept: bool, damaged: bool) -> tuple[Need, ...]:
    """The needs of a phone: what was refused in sessions, its disk, its store."""
    refused = [Need(each.refused_words, each.refusal) for each in figures if each.refusal]
    return (
        *refused,
        *([] if room_kept else [ALMOST_FULL]),
        *([DAMAGED] if damaged else []),
    )
