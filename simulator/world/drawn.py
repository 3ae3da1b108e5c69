"""Which faults the world of a seed has, of those that a whole site can have.

What must not be together is kept apart here. Holds no strengths (see `simulator.draw`). Invariant:
what a seed draws does not depend on what is taken away from its world or given to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from simulator.draw import (
    CALM,
    FAULTS,
    GIVEN_FAULTS,
    HOSTILE_FAULTS,
    UNSAFE_FAULTS,
    Options,
    chance_for,
    differing,
    draw_options,
)
from simulator.scenario.scenario import Scenario

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


def options_of(
    seed: int,
    *,
    without: Iterable[str] = (),
    having: Collection[str] = (),
    scenario: Scenario | None = None,
) -> Options:
    """The faults of a seed's world; those named in `having` it has whatever was drawn.

    Of a scenario's world they are those that it gives, and those that the seed draws where the
    scenario lets it. Raises KeyError for a name in either that is no fault.
    """
    if scenario is None:
        return _drawn(seed, having).without(*without)
    given = {option: getattr(scenario.options, option) for option in scenario.given}
    given |= differing(scenario.options)
    if not scenario.seeded.drawn:
        options = draw_options(seed, allowed=having, having=having) if having else CALM
    else:
        options = _drawn(seed, having, tls=scenario.options.websockets)
    # What was asked for beside a scenario is as strong as the seed has it.
    asked = {option for name in having for option in FAULTS[name].fields}
    kept = {option: value for option, value in given.items() if option not in asked}
    return replace(options, **kept).without(*without)


def _drawn(seed: int, having: Collection[str], *, tls: bool = False) -> Options:
    """What a seed draws by itself; `tls` says that links are what TLS would carry in any case."""
    hostile = chance_for(seed, "hostile").random() < HOSTILE_SEEDS
    torn = chance_for(seed, "torn").random() < TORN_SEEDS
    websockets = chance_for(seed, "streams").random() < WEBSOCKET_SEEDS
    if tls or "websockets" in having:
        # A stream's bytes are TLS's to keep whole.
        hostile = False
    allowed = WORLD_FAULTS - GIVEN_FAULTS
    allowed -= set() if hostile else HOSTILE_FAULTS
    allowed -= set() if torn else TORN_FAULTS
    allowed -= set() if websockets and not hostile else {"websockets"}
    return draw_options(seed, allowed=allowed | set(having), having=having)
