"""`make battery`: what a phone's day costs and is worth, sampled in several ways, as one table.

`--days` worker-days of the tuning seeds, in the shares of the mix; the days on which a fix is taken
each second are `--every-second` of them, since these take minutes. Prints to the terminal and
writes nothing else. Invariant: nothing is judged here, and scoring seeds are never looked at.
"""

from __future__ import annotations

import argparse

from tests.battery.lived import DAY_S
from tests.battery.rounds import FIRST_SEED, figures, measured, table

DAYS = 9
"""Of the nine kinds of day that are most frequent; each is lived in six ways."""
EVERY_SECOND_DAYS = 1


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make battery", description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--every-second", type=int, default=EVERY_SECOND_DAYS)
    arguments = parser.parse_args()
    sums = measured(arguments.days, arguments.every_second)
    print(f"# {arguments.days} days of {DAY_S / 3_600:.0f} hours, tuning seeds from {FIRST_SEED}")
    print("\n".join(table(sums)))
    print()
    for name, value, unit in figures(sums):
        print(name, value, unit)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
