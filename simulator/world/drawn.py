"""Which faults the world of a seed has, of those that a whole site can have.

What must not be together is kept apart here. Holds no strengths (see `simulator.draw`). Invariant:
what a seed draws does not depend on what is taken away from its world or given to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from simulator.draw import (
    FAULTS,
    HOSTILE_FAULTS,
    UNSAFE_FAULTS,
    Options,
    chance_for,
    draw_options,
)

# Faults that this world does not have: a disk's are another simulation's, a receiver's no log's.
_ELSEWHERE: Final = UNSAFE_FAULTS | {
    "unordered_directory", "canyons", "gaps", "outliers", "indoor_drift", "car_parks",
    "empty_batteries", "jams",
}  # fmt: skip
TORN_FAULTS: Final = frozenset({"torn_writes"})
WORLD_FAULTS: Final = frozenset(FAULTS) - _ELSEWHERE
# Frames that no TLS connection would give: most sessions fail there, and other faults show less.
HOSTILE_SEEDS: Final = 0.2
# Disks that tear cost time, and phones on them die of little else.
TORN_SEEDS: Final = 0.25
# Real WebSockets cost time too.
WEBSOCKET_SEEDS: Final = 0.35


def options_of(seed: int, *, without: Iterable[str] = (), having: Collection[str] = ()) -> Options:
    """The faults of a seed's world; those named in `having` it has whatever was drawn.

    Raises KeyError for a name in either that is no fault.
    """
    hostile = chance_for(seed, "hostile").random() < HOSTILE_SEEDS
    torn = chance_for(seed, "torn").random() < TORN_SEEDS
    websockets = chance_for(seed, "streams").random() < WEBSOCKET_SEEDS
    if "websockets" in having:
        # A stream's bytes are TLS's to keep whole.
        hostile = False
    allowed = WORLD_FAULTS if hostile else WORLD_FAULTS - HOSTILE_FAULTS
    allowed -= set() if torn else TORN_FAULTS
    allowed -= set() if websockets and not hostile else {"websockets"}
    return draw_options(seed, allowed=allowed | set(having), having=having).without(*without)
