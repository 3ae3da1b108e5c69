"""`make seeds`: the rates of seeded sites in two tiers, and seeds that are run twice.

`--seeds` worlds of each tier, then `--twice` seeds of a small site, each run in two processes.
Prints figures, `name value unit`, and a line for each seed that failed or differs.
"""

from __future__ import annotations

import argparse
from itertools import chain
from typing import Final

from simulator.world.run import Size
from tests.proof.planted import SMALL
from tests.seeds.rates import rates, twice

FIRST_SEED: Final = 1_000


def main() -> int:
    """Print all figures as they come."""
    parser = argparse.ArgumentParser(prog="make seeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=12, help="of each tier")
    parser.add_argument("--twice", type=int, default=100)
    arguments = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    again = range(FIRST_SEED, FIRST_SEED + arguments.twice)
    tiers = (rates(tier, seeds, Size()) for tier in ("fast", "full"))
    for line in chain(*tiers, twice(again, SMALL)):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
