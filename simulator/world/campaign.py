"""Many seeds, on all processors: what each came to, and what they came to together.

Holds no printing. A seed runs in one process from beginning to end. Invariant: what a seed comes to
does not depend on which others run, nor in which process.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import signal
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from simulator.checkers import Violation
from simulator.planted import PLANTED
from simulator.scenario.scenario import Scenario
from simulator.trace import Trace
from simulator.world.drawn import options_of
from simulator.world.run import Report, Size, memory_folder, run_seed

TAIL_LINES = 40
# Seeds that wait in the pool; more would only keep Ctrl-C waiting.
WAITING_MAX = 4


@dataclass(frozen=True, slots=True)
class Failure:
    """A seed that failed: which checker, what it found, the last events, and the world's faults."""

    seed: int
    checker: str
    words: str
    faults: tuple[str, ...]
    tail: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """What all seeds came to so far."""

    passed: int = 0
    entries: int = 0
    device_days: int = 0
    events: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, outcome: Report | Failure) -> None:
        """Count one seed."""
        if isinstance(outcome, Failure):
            self.failures.append(outcome)
            return
        self.passed += 1
        self.entries += outcome.entries
        self.device_days += outcome.device_days
        self.events.update(outcome.count_by_event)
        self.points.update(outcome.points)
        self.faults.update(outcome.options.faults())


def attempt(
    seed: int,
    size: Size,
    plant: str = "",
    without: Sequence[str] = (),
    having: Sequence[str] = (),
    scenario: Scenario | None = None,
    trace: Trace | None = None,
    parent: Path | None = None,
) -> Report | Failure:
    """Run one seed; a failure is an answer, whatever went wrong.

    `scenario` gives the world's faults (its size is `size`); `trace` is where events are noted;
    its disks are laid in `parent`, or in memory.
    """
    trace = Trace() if trace is None else trace
    options = options_of(seed, without=without, having=having, scenario=scenario)
    try:
        with _planted(plant) if plant else _quiet(logging.ERROR):
            return run_seed(seed, size=size, options=options, trace=trace, parent=parent)
    except Exception as error:  # noqa: BLE001  # any error of a seed is what we are looking for
        checker = error.checker if isinstance(error, Violation) else "crash"
        words = error.words if isinstance(error, Violation) else f"{type(error).__name__}: {error}"
        return Failure(seed, checker, words, options.faults(), tuple(trace.tail(TAIL_LINES)))


@contextlib.contextmanager
def _planted(plant: str) -> Iterator[None]:
    """A planted bug crashes programs by its nature: that is for the checkers to tell, not a log."""
    with _quiet(logging.CRITICAL), PLANTED[plant].plant():
        yield


@contextlib.contextmanager
def _quiet(level: int) -> Iterator[None]:
    """What simulated machines tell their own people is nobody's matter at this screen."""
    before = logging.root.manager.disable
    logging.disable(max(level, before))
    try:
        yield
    finally:
        logging.disable(before)


def attempts(
    seeds: Sequence[int],
    size: Size,
    workers: int,
    plant: str = "",
    without: Sequence[str] = (),
    having: Sequence[str] = (),
    scenario: Scenario | None = None,
) -> Generator[Report | Failure, None, None]:
    """Run seeds in so many processes; their outcomes as they come.

    Closed early, it ends its processes with the seeds that they have in hand.
    """
    if workers <= 1 or len(seeds) == 1:
        for seed in seeds:
            yield attempt(seed, size, plant, without, having, scenario)
        return
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with (
        memory_folder() as parent,
        ProcessPoolExecutor(workers, context, _begin) as pool,
    ):
        running: set[Future[Report | Failure]] = set()
        one = partial(
            attempt, size=size, plant=plant, without=without, having=having, scenario=scenario,
            parent=parent,
        )  # fmt: skip
        try:
            for seed in seeds:
                running.add(pool.submit(one, seed))
                if len(running) >= workers + WAITING_MAX:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from _outcomes(done)
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from _outcomes(done)
        except BaseException:
            # A seed that is asked to end can fail to hear it; what it laid goes with `parent`.
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
                process.join()
            raise


def _begin() -> None:
    """A process of seeds begins."""
    # What stands now (modules, code) is never garbage; collections pass it by.
    gc.freeze()
    # Who presses Ctrl-C in a terminal says it to all its processes; the first of them ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _outcomes(done: set[Future[Report | Failure]]) -> list[Report | Failure]:
    return sorted((future.result() for future in done), key=lambda outcome: outcome.seed)
