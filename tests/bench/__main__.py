"""`make bench-log`: the log beside its peers and the floors, as one table and as figures.

`--jobs` is the size of the trace, `--large` the jobs of the rows about opening, `--years` those of
the rows about growth (several with commas), `--rounds` how often the timed ones are repeated,
`--only` the families to run, `--no-peers` leaves the peers out. Prints to the terminal; writes
nothing but the cache below `tests/.cache`.
Invariant: a row that can't be measured here is named in the output with the reason.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import hostile, merging, peering, storing, wire
from tests.bench.measuring import ROUNDS, Row, figures, table
from tests.bench.peering import Peers
from tests.bench.stores import CACHE, Built, built, runs_of

FAMILIES = (
    "day", "reconnect", "first", "apart", "repair", "merge", "disk", "open", "scale", "hostile"
)  # fmt: skip
DICTIONARY_JOBS = 200
QUICK_FAMILIES = ("reconnect", "first", "apart", "merge", "disk", "scale", "hostile")


@dataclass
class Run:
    """One run: its sizes, and the sites and peers that it measures, made when they are needed."""

    jobs: int
    large: int
    rounds: int
    peers: Peers | None
    years: tuple[int, ...] = ()
    cache: Path = CACHE
    quick: bool = False

    def site(self) -> Built:
        """The site of the trace."""
        return built(self.jobs, cache=self.cache)

    def large_site(self) -> Built:
        """The site that is large."""
        return built(self.large, live=False, cache=self.cache)

    def sites_of_years(self) -> list[Built]:
        """The site of the trace, and those whose newest jobs are as many and as whole."""
        of_years = [built(jobs, whole=self.jobs, cache=self.cache) for jobs in self.years]
        return [self.site(), *of_years]

    def dictionary(self) -> list[bytes]:
        """Frames of another site, for ways of compression that know some before."""
        return [] if self.quick else runs_of(built(DICTIONARY_JOBS, cache=self.cache).first)

    def rows(self, family: str) -> list[Row]:
        """The rows of one family."""
        works: dict[str, Callable[[], list[Row]]] = {
            "day": wire.day_rows,
            "reconnect": lambda: wire.reconnect_rows(self.site(), self.peers),
            "first": lambda: wire.first_rows(self.site(), self.dictionary(), self.peers),
            "apart": lambda: wire.apart_rows(self.site(), self.dictionary(), self.peers),
            "repair": wire.repair_rows,
            "merge": lambda: merging.merge_rows(self.site(), self.peers, self.rounds),
            "disk": lambda: storing.disk_rows(self.site(), self.peers),
            "open": lambda: storing.open_rows(
                self.large_site(), self.peers_of_large(), self.rounds
            ),
            "hostile": lambda: hostile.hostile_rows(self.rounds),
            "scale": lambda: storing.scale_rows(self.sites_of_years(), self.rounds),
        }
        return works[family]()

    def peers_of_large(self) -> Peers | None:
        """The peers on the large trace, each with what it merged."""
        if self.peers is None:
            return None
        large = Peers(self.large, self.peers.folder / "large")
        large.prepare(tuple(name for name in self.peers.versions if name != "sqlite-sync-core"))
        for name in list(large.versions):
            large.turn(name, "merge")
        return large


def quick_rows() -> Iterator[Row]:
    """A selection that takes seconds, on a small site: for `make figures`."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(24, 48, 1, peers=None, years=(48,), cache=Path(folder), quick=True)
        for family in QUICK_FAMILIES:
            yield from run.rows(family)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-log", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--large", type=int, default=20_000)
    parser.add_argument("--years", default="20000")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default=",".join(FAMILIES))
    parser.add_argument("--no-peers", action="store_true")
    arguments = parser.parse_args()
    peers = None if arguments.no_peers else _peers(arguments.jobs)
    years = tuple(int(jobs) for jobs in arguments.years.split(","))
    run = Run(arguments.jobs, arguments.large, arguments.rounds, peers, years)
    rows: list[Row] = []
    for family in arguments.only.split(","):
        found = run.rows(family)
        rows += found
        for name, value, unit in figures(found):
            print(name, value, unit, flush=True)
    print("\n" + table(rows))
    return 0


def _peers(jobs: int) -> Peers | None:
    """The peers' environment and what each wrote, with words on those that can't be had."""
    fault = peering.install()
    if fault:
        print(f"# no peers, since their packages could not be installed: {fault}")
        return None
    peers = Peers(jobs, CACHE / "written")
    peers.prepare()
    for name, version in peers.versions.items():
        print(f"# {name} {version}")
    for name, words in peers.missing.items():
        print(f"# not measured: {name}: {words}")
    print(f"# {peering.NOT_IN_A_REGISTRY}")
    return peers


if __name__ == "__main__":
    raise SystemExit(main())
