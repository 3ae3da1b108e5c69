"""While ballast lies there, a full disk refuses nobody's act.

What was refused although room had been kept back was written down as it happened. Does not look at
photos, for which that room is not kept, nor at what peers bring.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.world.run import World


def refused(world: World) -> Iterator[str]:
    """Acts that were refused beside ballast."""
    yield from world.truth.refused_beside_ballast
