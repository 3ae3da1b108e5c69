"""What no honest connection does to a frame: loses, repeats, reorders, splits it, flips its bits.

A session need not get on under this; it must refuse by name, lose nothing and hold nothing false.
Holds the frames that it overheard, to repeat them on other links. Invariant: without hostile
options a frame comes out as it went in, once, and no chance is drawn.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Final

from simulator.draw import Options

OVERHEARD_MAX: Final = 32
"""Frames are up to 256 KiB, so these are 8 MiB at most."""
LATE_S_MAX: Final = 3.0
BITS_MAX: Final = 4


class Batterer:
    """Batters the frames of all links of one world.

    Args:
        chance: the world's source of chance.
    """

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._overheard: deque[bytes] = deque(maxlen=OVERHEARD_MAX)

    def batter(self, frame: bytes, options: Options) -> list[tuple[float, bytes]]:
        """What arrives in the frame's place: how many seconds late, and the bytes of each."""
        if not is_hostile(options):
            return [(0.0, frame)]
        chance = self._chance
        self._overheard.append(frame)
        if chance.random() < options.lost_per_frame:
            return []
        if chance.random() < options.flipped_per_frame:
            frame = _flipped(frame, chance)
        pieces = [frame]
        if len(frame) > 1 and chance.random() < options.split_per_frame:
            place = chance.randrange(1, len(frame))
            pieces = [frame[:place], frame[place:]]
        if chance.random() < options.repeated_per_frame:
            pieces.append(chance.choice((frame, chance.choice(self._overheard))))
        return [(self._late_s(options), piece) for piece in pieces]

    def _late_s(self, options: Options) -> float:
        late = self._chance.random() < options.reordered_per_frame
        return self._chance.uniform(0.0, LATE_S_MAX) if late else 0.0


def is_hostile(options: Options) -> bool:
    """Whether frames may arrive other than they were sent."""
    return bool(
        options.lost_per_frame
        or options.repeated_per_frame
        or options.reordered_per_frame
        or options.split_per_frame
        or options.flipped_per_frame
    )


def _flipped(frame: bytes, chance: Random) -> bytes:
    changed = bytearray(frame)
    for _ in range(chance.randint(1, BITS_MAX) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)
