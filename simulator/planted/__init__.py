"""Planted bugs: each makes production code wrong in one place, to prove that a checker sees it.

A simulation that has never failed proves nothing. Holds the list: what each does, which faults a
world needs for it to matter, and who catches it. Invariant: a bug is there only within its block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from simulator.planted import (
    folding,
    forgetting,
    linking,
    meeting,
    photographing,
    recurring,
    saving,
    shutting_out,
)


@dataclass(frozen=True, slots=True)
class Plant:
    """A planted bug.

    `faults` are those that a world must have for it to matter; `caught_by` the checkers of which
    one must see it.
    """

    plant: Callable[[], AbstractContextManager[None]]
    caught_by: frozenset[str]
    faults: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What is wrong, as a sentence."""
        return (self.plant.__doc__ or "").strip()


def _plant(
    plant: Callable[[], AbstractContextManager[None]], *caught_by: str, faults: tuple[str, ...] = ()
) -> Plant:
    return Plant(plant, frozenset(caught_by), faults)


PLANTED: Final[Mapping[str, Plant]] = MappingProxyType(
    {
        "early-ack": _plant(saving.early_ack, "durable", faults=("kills",)),
        # A store that was torn may not open any more, or hold other than it held.
        "not-synced": _plant(
            saving.not_synced, "crash", "durable", "photos", faults=("torn_writes", "power_cuts")
        ),
        "ballast-kept": _plant(
            saving.ballast_kept, "ballast", faults=("torn_writes", "full_disks")
        ),
        "phantom-states": _plant(saving.phantom_states, "crash", "folded", faults=("full_disks",)),
        "appends-twice": _plant(saving.appends_twice, "crash"),
        "stale-rows": _plant(saving.stale_rows, "equal", "folded"),
        "forgets-staged": _plant(saving.forgets_staged, "liveness"),
        "forgets-own-log": _plant(saving.forgets_own_log, "durable"),
        "seal-unverified": _plant(saving.seal_unverified, "genuine", "folded", faults=("flipped",)),
        "last-arrival-wins": _plant(folding.last_arrival_wins, "equal"),
        "clock-decides": _plant(folding.clock_decides, "folded"),
        "late-seen-ignored": _plant(folding.late_seen_ignored, "equal", "folded"),
        "nothing-seen": _plant(folding.nothing_seen, "overwritten"),
        "order-of-arrival": _plant(folding.order_of_arrival, "equal", "folded"),
        # Who takes for equal what is not tells that it was held, which shows as reach first.
        "leaf-misses-a-log": _plant(folding.leaf_misses_a_log, "equal", "reach"),
        "no-scope": _plant(meeting.no_scope, "scope"),
        "reach-at-sending": _plant(meeting.reach_at_sending, "reach", faults=("cuts",)),
        "drops-before-sending": _plant(meeting.drops_before_sending, "arrived"),
        "erased-comes-back": _plant(
            forgetting.erased_comes_back, "erased", "liveness", faults=("erasures",)
        ),
        "erased-bytes-stay": _plant(forgetting.erased_bytes_stay, "erased", faults=("erasures",)),
        "revoked-counts": _plant(
            shutting_out.revoked_counts, "folded", "revoked", faults=("revocations",)
        ),
        "cuts-forgotten": _plant(shutting_out.cuts_forgotten, "revoked", faults=("revocations",)),
        "photo-saved-too-early": _plant(
            photographing.photo_saved_too_early, "photos", faults=("photos",)
        ),
        "photo-let-go": _plant(photographing.photo_let_go, "photos", faults=("photos",)),
        "small-messages": _plant(linking.small_messages, "link", faults=("websockets",)),
        "silence-refused": _plant(
            linking.silence_refused, "link", faults=("websockets", "half_open")
        ),
        "frames-cut-off": _plant(linking.frames_cut_off, "link", faults=("websockets",)),
        "each-hub-its-own": _plant(
            recurring.each_hub_its_own, "recurring", faults=("recurrences",)
        ),
        "all-to-colleagues": _plant(meeting.all_to_colleagues, "scope", faults=("colleagues",)),
        "mark-too-far": _plant(meeting.mark_too_far, "liveness", "reach"),
    }
)
