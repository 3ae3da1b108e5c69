"""The sync pill: four states, each with a word and an icon, from proven reach alone.

Pure. Invariant: *All saved on hub* is said only when a hub has confirmed every own entry and the
phone has met a hub at all.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        return Pill("needs", f"Needs you: {len(state.needs)}", "alert")
    if state.sending is not None and state.unsent_count:
        done, total = state.sending
        return Pill("sending", f"Sending {done}/{total}", "sending")
    if state.unsent_count:
        return Pill("waiting", f"Saved on phone, {state.unsent_count} to send", "phone")
    if state.met_at_ms is None:
        return Pill("waiting", "Saved on phone, hub not met yet", "phone")
    return Pill("saved", "All saved on hub", "saved")
