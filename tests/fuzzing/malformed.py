"""So many mutants at all doors, and what was wrong with how any of them was taken.

`malformed(count, seed)` is what `make proof` runs with large numbers, `make test` with small ones.
Mutants are shared out by the doors' weights; sessions take one in seven, at one point after
another. Invariant: the same count and seed make the same mutants.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random

from tests.fuzzing.doors import DOORS, Door, fault_of, mutant
from tests.fuzzing.entries import ENTRY_DOORS
from tests.fuzzing.files import FILE_DOORS
from tests.fuzzing.hubs import HUB_DOORS
from tests.fuzzing.sessions import World, build_world, faults_at, mutant_at, seeds_of
from tests.fuzzing.stores import STORE_DOORS

ALL_DOORS: tuple[Door, ...] = (
    *DOORS, *ENTRY_DOORS, *FILE_DOORS, *HUB_DOORS, *STORE_DOORS,
)  # fmt: skip

SESSIONS_SHARE = 7
"""One mutant in so many goes into a session."""
AT_A_POINT = 40
"""So many in a row, since to go to another point costs as much as some mutants."""
THOROUGH_EVERY = 20
"""After one in so many the whole store is looked at."""
FAULTS_MAX = 100
"""More are not told one by one."""


def malformed(count: int, seed: int = 1) -> list[str]:
    """What is wrong after so many mutants, in plain sentences; empty: all doors hold."""
    found: list[str] = []
    in_sessions = count // SESSIONS_SHARE
    with _quiet():
        for fault in (*_at_doors(count - in_sessions, seed), *_in_sessions(in_sessions, seed)):
            found.append(fault)
            if len(found) >= FAULTS_MAX:
                return [*found, "there are more faults than are told"]
    return found


def _at_doors(count: int, seed: int) -> Iterator[str]:
    total = sum(door.weight for door in ALL_DOORS)
    for door in ALL_DOORS:
        chance = Random(f"{seed} {door.name}")
        for number in range(max(1, count * door.weight // total)):
            data = mutant(door, chance)
            fault = fault_of(door, data)
            if fault is not None:
                yield f"{fault} (mutant {number} of seed {seed}: {data[:400].hex()})"


def _in_sessions(count: int, seed: int) -> Iterator[str]:
    points = world().points
    chance = Random(f"{seed} sessions")
    for first in range(0, count, AT_A_POINT):
        point = chance.choice(points)
        point.set_back()
        seeds = seeds_of(point)
        point.set_back()
        for number in range(min(AT_A_POINT, count - first)):
            # One in eight is followed by two more in the same session.
            frames = [mutant_at(point, chance, seeds) for _ in range(1 if number % 8 else 3)]
            fault = faults_at(point, frames, thorough=(first + number) % THOROUGH_EVERY == 0)
            if fault is not None:
                told = " then ".join(frame[:400].hex() for frame in frames)
                yield f"{fault} (seed {seed}: {told})"


@cache
def world() -> World:
    """The one site whose sessions take mutants; its folder goes when the process ends."""
    room = tempfile.TemporaryDirectory()
    made = build_world(Path(room.name))
    made.room = room
    return made


@contextmanager
def _quiet() -> Iterator[None]:
    """What the product says of each mutant is for people, and there are a million of them."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
