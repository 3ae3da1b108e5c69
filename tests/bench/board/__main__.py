"""`make bench-board`: the board with many jobs, workers and phones, as one table and as figures.

`--jobs`, `--workers` and `--phones` are the size of the site, `--rounds` how often what is timed is
repeated, `--seconds` how long phones write, `--hours` how long a page stays open for its memory to
be read (each hour passes in some two minutes; 0 leaves it out). Each time stands beside its floor
of the same run, and is judged here and nowhere else. Prints to the terminal; writes into a folder
of memory.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from replica.collecting import collecting_seldom
from tests.bench.board.pages import page_rows
from tests.bench.board.questions import question_rows
from tests.bench.board.site import fill
from tests.bench.measuring import ROUNDS, Row, figures, table
from tests.conftest import find_chromium
from tests.web.board.town import Town
from tests.web.office import Office


async def measure(arguments: argparse.Namespace, folder: Path) -> list[Row]:
    """Build the site and measure."""
    async with Office(folder / "hub") as office:
        await office.set_up_done()
        await office.listen_for_phones()
        town = Town(office, folder)
        await town.turn_on()
        person = await office.signed_in("Eva")
        filled = await fill(town, arguments.jobs, arguments.workers, arguments.phones)
        # As `fieldlog hub` does once it serves.
        with collecting_seldom():
            rows = await question_rows(town, person, filled, arguments.rounds)
            path = find_chromium()
            if path is None:
                print("# no Chromium on this machine, so nothing of pages", file=sys.stderr)
                return rows
            rows += await page_rows(
                town, filled, folder, path, "Eva", arguments.rounds, arguments.seconds,
                arguments.moving, arguments.hours,
            )  # fmt: skip
            return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-board", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=500)
    parser.add_argument("--phones", type=int, default=200)
    parser.add_argument("--moving", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--hours", type=float, default=2.0)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        rows = asyncio.run(measure(arguments, Path(folder)))
    for name, value, unit in figures(rows):
        print(name, value, unit)
    print("\n" + table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
