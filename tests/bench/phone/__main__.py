"""`make bench-phone`: a phone with 500 jobs and two years of its own history, as one table.

`--jobs` and `--years` are what is on it, `--rounds` how often what is timed is repeated. Each time
stands beside its floor of the same run, and is judged here and nowhere else. Prints to the
terminal; writes into a folder on the disk, since a tap has to be durable there.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from replica.clock import SystemClock
from tests.bench.measuring import ROUNDS, figures, table
from tests.bench.phone.screens import screen_rows
from tests.bench.phone.site import fill
from tests.conftest import find_chromium


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-phone", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--years", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    path = find_chromium()
    if path is None:
        print("no Chromium on this machine: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        phone = fill(Path(folder) / "site", arguments.jobs, arguments.years, SystemClock().now_ms())
        print(f"# {arguments.jobs} jobs, {phone.entries:,} entries on the phone", flush=True)
        rows = asyncio.run(screen_rows(phone, Path(folder), path, arguments.rounds))
    for name, value, unit in figures(rows):
        print(name, value, unit)
    print("\n" + table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
