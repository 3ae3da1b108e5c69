"""The sync pill: four states, each with a word and an icon, from proven reach alone.

Pure. Invariant: *All saved on hub* is said only when a hub has confirmed every own entry and the
phone has met a hub at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.sentence import say, say_n
from replica.screens.port import SyncState


@dataclass(frozen=True, slots=True)
class Pill:
    """`tone` is 'saved', 'waiting', 'sending' or 'needs'; the words say the same."""

    tone: str
    words: str
    icon: str


def pill_of(state: SyncState) -> Pill:
    """What the pill says; what needs the worker comes before everything else."""
    if state.needs:
        return Pill("needs", say("Needs you: {count}", count=len(state.needs)), "alert")
    if state.sending is not None and state.unsent_count:
        done, total = state.sending
        return Pill("sending", say("Sending {done}/{total}", done=done, total=total), "sending")
    if state.unsent_count:
        words = say_n(
            "Saved on phone, {n} to send", "Saved on phone, {n} to send", state.unsent_count
        )
        return Pill("waiting", words, "phone")
    if state.met_at_ms is None:
        return Pill("waiting", say("Saved on phone, hub not met yet"), "phone")
    return Pill("saved", say("All saved on hub"), "saved")
