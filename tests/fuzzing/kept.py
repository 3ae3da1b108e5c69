"""The corpus: a few small mutants for each door, and each that once found a fault, by its name.

`python -m tests.fuzzing.kept` makes it anew below `corpus/<door>/`: the sound examples, and of
some thousands of mutants the shortest for each answer that the door has, by that answer. What once
found a fault begins with `fault-`, what the search led by coverage reached new code with begins
with `reach-`, and both stay. Invariant: all of it is less than 200 kB.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from random import Random

from core.log.session import Close, Stage
from tests.fuzzing.doors import Door, mutant
from tests.fuzzing.malformed import ALL_DOORS, world
from tests.fuzzing.sessions import Point, mutant_at, seeds_of

FOLDER = Path(__file__).parent / "corpus"
SESSIONS = "session"
STAYS = ("fault-", "reach-")

TRIED = 3_000
FILE_BYTES_MAX = 2_048
ANSWERS_MAX = 24
"""Answers that a door has, beyond which its words differ in numbers alone."""


def kept_at(door: str) -> list[Path]:
    """The files of a door, in order."""
    return sorted((FOLDER / door).glob("*.bin"))


def live_points() -> Iterator[Point]:
    """Where the corpus of sessions is let in: at the end of each meeting, on both sides."""
    return (point for point in world().points if point.session["stage"] is Stage.LIVE)


def make() -> None:
    """Make the corpus anew, but for what stays."""
    for door in ALL_DOORS:
        _lay(door.name, _shortest(door))
    _lay(SESSIONS, _shortest_in_sessions())


def _lay(door: str, data_by_answer: dict[str, bytes]) -> None:
    folder = FOLDER / door
    folder.mkdir(parents=True, exist_ok=True)
    for path in kept_at(door):
        if not path.name.startswith(STAYS):
            path.unlink()
    for answer, data in list(data_by_answer.items())[:ANSWERS_MAX]:
        if len(data) <= FILE_BYTES_MAX:
            words = re.sub(r"[^a-z]+", "-", answer.lower()).strip("-")[:60]
            (folder / f"{words}-{blake2b(data, digest_size=3).hexdigest()}.bin").write_bytes(data)


def _shortest(door: Door) -> dict[str, bytes]:
    chance = Random(1)
    found = {f"sound {number}": data for number, data in enumerate(door.examples())}
    for _ in range(TRIED if door.weight > 2 else TRIED // 20):
        data = mutant(door, chance)
        try:
            door.enter(data)
            answer = "taken"
        except door.refusals as error:
            answer = _plain(str(error))
        if len(data) < len(found.get(answer, data + b"x")):
            found[answer] = data
    return found


def _shortest_in_sessions() -> dict[str, bytes]:
    chance = Random(1)
    found: dict[str, bytes] = {}
    for point in live_points():
        point.set_back()
        seeds = seeds_of(point)
        for _ in range(TRIED // 20):
            data = mutant_at(point, chance, seeds)
            ends = [each for each in point.twin().receive(data) if isinstance(each, Close)]
            answer = _plain(str(ends[0].error)) if ends else f"taken by {point.name}"
            if len(data) < len(found.get(answer, data + b"x")):
                found[answer] = data
            point.set_back()
    return found


def _plain(words: str) -> str:
    """An answer without what differs from mutant to mutant."""
    first = words.replace(str(tempfile.gettempdir()), "").split(":")[0]
    return re.sub(r"'.*'|[0-9]+", "", first)


if __name__ == "__main__":
    make()
