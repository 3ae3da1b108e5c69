"""`make proof`: everything that is drawn from chance, in the numbers that are promised.

Each family is a function of how many and of a seed, which gives back what went wrong in plain
sentences. Their parts wait in one queue for all processors, so that none stands still while a
family ends, but those of families that mostly wait for others: they go on beside, one by one.
Every part's seed is printed with what it found, so that it can be run again alone (`--only NAME
--seed N`). `--share` runs a part of each, or more than is promised. Prints a line `name value unit`
for each family once it is whole and for what it counted, and of each part the first twenty
violations.
Invariant: the exit code is 0 only where nothing was found.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor

from tests.proof.families import (
    FAMILIES,
    TIMED,
    Family,
    Part,
    begin_process,
    parts_of,
    run_part,
)
from tests.proof.found import Found


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="make proof", description=__doc__)
    parser.add_argument(
        "--share", type=float, default=1.0, help="how much of each; 4 is four times as much"
    )
    parser.add_argument("--ci", action="store_true", help="of some families a fifth, as CI does")
    parser.add_argument("--only", default="", help="families, with commas between them")
    parser.add_argument("--seed", type=int, default=0, help="where the seeds begin")
    # No more than processors: with one more on two, all that is done takes a sixth more of them.
    workers = os.cpu_count() or 1
    parser.add_argument("--workers", type=int, default=workers, help="processes at work")
    arguments = parser.parse_args()
    only = [name.strip() for name in arguments.only.split(",") if name.strip()]
    known = {each.name: each for each in FAMILIES}
    if unknown := sorted(set(only) - known.keys()):
        parser.error(f"no family {', '.join(unknown)}; there are {', '.join(known)}")
    only = [name for name in known if not only or name in only]
    if arguments.share <= 0:
        parser.error("--share lies above 0")
    if arguments.workers < 1 or arguments.seed < 0:
        parser.error("--workers is at least 1, and --seed not negative")
    shares = {name: arguments.share * (known[name].in_ci if arguments.ci else 1.0) for name in only}
    began_s = time.monotonic()
    wrong, timed_s = 0, 0.0
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(arguments.workers, context, begin_process) as pool,
        ProcessPoolExecutor(1, context, begin_process) as beside,
    ):
        begun = {
            name: [
                (part, (beside if known[name].waits else pool).submit(run_part, part))
                for part in parts_of(known[name], shares[name], arguments.seed)
            ]
            for name in only
        }
        for name, parts in begun.items():
            wrong += _told(known[name], parts)
            if known[name] in TIMED:
                timed_s = time.monotonic() - began_s
    print(f"proof_violations {wrong} violations", flush=True)
    if {each.name for each in TIMED} <= set(only):
        print(f"# what has 25 minutes took {timed_s:.0f} s", flush=True)
    print(f"# all of it took {time.monotonic() - began_s:.0f} s", flush=True)
    return 1 if wrong else 0


def _told(family: Family, parts: Sequence[tuple[Part, Future[Found]]]) -> int:
    """Print what the parts of a family found, as each ends; how much that is."""
    wrong = 0
    happened = Counter[str]()
    for part, ending in parts:
        found = ending.result()
        wrong += len(found.violations)
        happened += found.happened
        for words in found.violations[:20]:
            print(f"# {family.name} {part.count} from {part.seed}: {words}", flush=True)
    done = sum(part.count for part, _ in parts)
    print(f"proof_{family.name} {done} {family.unit}", flush=True)
    for what, often in happened.items():
        print(f"proof_{family.name}_had {often} {what}", flush=True)
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
