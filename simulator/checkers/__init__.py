"""The checkers of the seeded world: each looks for one kind of wrong, in a file of its own.

They measure the replicas by what was written down beside them (`simulator.world.truth`) and by each
other, and change nothing. Here is which of them looks when. Invariant: a checker that found
nothing says nothing, and one that found something says what and where.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.checkers import (
    arrived,
    ballast,
    digests,
    durable,
    equal,
    erased,
    folded,
    found,
    genuine,
    minutes,
    overwritten,
    photos,
    reach,
    recurring,
    revoked,
    scope,
)
from simulator.checkers.violation import Violation

if TYPE_CHECKING:
    from simulator.world.machine import Machine
    from simulator.world.run import World

__all__ = [
    "Violation",
    "at_end",
    "at_reopening",
    "before_upkeep",
    "differing",
    "leak",
    "on_the_way",
    "photos_are_on_hubs",
]


def at_reopening(world: World, machine: Machine) -> None:
    """A machine's files were opened again."""
    _raise("durable", durable.missing(world, machine))
    _raise("photos", photos.missing(world, machine))


def on_the_way(world: World) -> None:
    """Some hours have passed."""
    for machine in _up(world):
        _raise("scope", scope.foreign(world, machine))
        _raise("erased", erased.back(world, machine))
    _raise("ballast", ballast.refused(world))
    _raise("reach", reach.overstated(world))
    _raise("equal", equal.unlike(world, whole=False))


def before_upkeep(world: World, machine: Machine) -> None:
    """A machine is about to purge what it should have purged before."""
    _raise("erased", erased.back(world, machine))


def at_end(world: World) -> None:
    """All has healed and all agree."""
    for machine in world.machines:
        _raise("durable", durable.missing(world, machine))
        _raise("photos", photos.missing(world, machine))
        _raise("scope", scope.foreign(world, machine))
        _raise("erased", erased.back(world, machine))
    _raise("ballast", ballast.refused(world))
    _raise("erased", erased.left(world))
    _raise("photos", photos.left(world))
    _raise("arrived", arrived.missing(world))
    _raise("digests", digests.differing(world))
    _raise("equal", equal.unlike(world, whole=True))
    _raise("genuine", genuine.forged(world))
    _raise("revoked", revoked.wrong(world))
    _raise("folded", folded.wrong(world))
    # After the rows: a hub takes what its rows name.
    _raise("photos", photos.not_on_hubs(world))
    _raise("overwritten", overwritten.wrong(world))
    _raise("reach", reach.overstated(world))
    _raise("minutes", minutes.wrong(world))
    _raise("recurring", recurring.wrong(world))
    _raise("found", found.lost(world))


def differing(world: World) -> list[str]:
    """Which machines do not agree yet."""
    return list(digests.differing(world))


def photos_are_on_hubs(world: World) -> bool:
    """Whether every photo that should come to the hubs is there."""
    return not any(True for _ in photos.not_on_hubs(world))


def leak(peer: str, stream: bytes) -> Violation:
    """A hub sends a stream to a phone that it was never for."""
    return Violation("scope", f"{peer} is sent stream {stream.hex()}, which was never in its scope")


def _up(world: World) -> list[Machine]:
    return [machine for machine in world.machines if machine.up]


def _raise(checker: str, findings: Iterable[str]) -> None:
    for finding in findings:
        raise Violation(checker, finding)
