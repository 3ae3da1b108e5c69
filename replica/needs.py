"""What sync and the phone itself can't settle without the worker, in words.

Values alone. Invariant: each says what is wrong and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.sentence import say
from replica.clock_offset import words_of
from replica.screens.port import Need
from replica.syncing import SyncFigures

ALMOST_FULL = Need(
    say("The storage of this phone is almost full."),
    say(
        "What you do is saved for a while yet, in room that was kept back for this. Delete photos "
        "or apps that you don't need; until then new jobs may not come in."
    ),
)

DAMAGED = Need(
    say("Some of what this phone has saved is damaged."),
    say(
        "Send what waits, and ask the office: 'fieldlog check --repair' on this phone mends it, "
        "and the hub brings back what can't be mended."
    ),
)

CLOCK_IS_OFF = say(
    "Let Android set date and time by itself (Settings > System > Date and time). What you log has "
    "the right times all the same, as the hub told them."
)


def needs_of(
    figures: Sequence[SyncFigures], *, is_full: bool, is_damaged: bool, offset_ms: int
) -> tuple[Need, ...]:
    """All that needs the worker: what was refused, then what is wrong with the phone."""
    off = words_of(offset_ms)
    return (
        *(Need(each.refused_words, each.refusal) for each in figures if each.refusal),
        *([ALMOST_FULL] if is_full else []),
        *([DAMAGED] if is_damaged else []),
        *([Need(say("This phone's clock is {off}.", off=off), CLOCK_IS_OFF)] if off else []),
    )
