"""A search led by coverage, for machines where atheris is installed (`pip install atheris`).

`python -m tests.fuzzing.coverage_guided DOOR [options of libFuzzer] [folders]` lets mutants in at
one door for as long as it is told, and keeps those that reach new code of the product:

    python -m tests.fuzzing.coverage_guided frame -max_total_time=300 /tmp/frames \\
        tests/fuzzing/corpus/frame

For `session` the first byte says at which point the frame behind it comes in. What ends in a fault
lies in a file `crash-…`; it goes to the corpus as `fault-NAME.bin`, with a test of its own. No test
needs this file: atheris is not there for every version of Python.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from random import Random
from typing import Any

PRODUCT = ("core", "replica", "hub")
SESSIONS = "session"

Mutate = Callable[[bytes, int, int], bytes]


class FaultFound(Exception):
    """A door did what it must not; libFuzzer keeps the bytes that made it."""


def main(arguments: list[str]) -> None:
    """Search at the door that the first argument names."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=list(PRODUCT)):
        malformed: Any = importlib.import_module("tests.fuzzing.malformed")
    name, options = arguments[1], [arguments[0], *arguments[2:]]
    if name == SESSIONS:
        fault_of, mutate = _at_points(malformed.world().points)
    else:
        fault_of, mutate = _at_door(next(d for d in malformed.ALL_DOORS if d.name == name))

    def enter(data: bytes) -> None:
        fault = fault_of(data)
        if fault is not None:
            raise FaultFound(fault)

    def mutant(data: bytes, size_max: int, seed: int) -> bytes:
        found = mutate(data, size_max, seed) if seed % 2 else b""
        # What has no structure, or grew too long, is for libFuzzer's own mutations.
        sound = found and len(found) <= size_max
        return found if sound else bytes(atheris.Mutate(data, size_max))

    atheris.Setup(options, enter, custom_mutator=mutant)
    atheris.Fuzz()


def _at_door(door: Any) -> tuple[Callable[[bytes], str | None], Mutate]:
    doors: Any = importlib.import_module("tests.fuzzing.doors")
    mutation: Any = importlib.import_module("tests.fuzzing.mutation")

    def mutate(data: bytes, size_max: int, seed: int) -> bytes:
        if door.open is None:
            return b""
        chance = Random(seed)
        try:
            made: bytes = door.close(mutation.changed(door.open(data), chance), chance)
        except Exception:  # noqa: BLE001 - most of what libFuzzer makes has no structure
            return b""
        return made

    return lambda data: doors.fault_of(door, data), mutate


def _at_points(points: list[Any]) -> tuple[Callable[[bytes], str | None], Mutate]:
    sessions: Any = importlib.import_module("tests.fuzzing.sessions")
    standing: list[Any] = []
    seeds_by_point: dict[int, list[bytes]] = {}

    def at(data: bytes) -> Any:
        point = points[data[0] % len(points)]
        if standing != [point]:
            standing[:] = [point]
            point.set_back()
        return point

    def fault_of(data: bytes) -> str | None:
        fault: str | None = sessions.faults_at(at(data), [data[1:]]) if data else None
        return fault

    def mutate(data: bytes, size_max: int, seed: int) -> bytes:
        if not data:
            return b""
        point, number = at(data), data[0] % len(points)
        if number not in seeds_by_point:
            seeds_by_point[number] = sessions.seeds_of(point)
            point.set_back()
        made: bytes = sessions.mutant_at(point, Random(seed), seeds_by_point[number])
        return data[:1] + made

    return fault_of, mutate


if __name__ == "__main__":
    main(sys.argv)
