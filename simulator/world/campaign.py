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
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.checkers import Violation
from simulator.planted import PLANTED
from simulator.scenario.scenario import Scenario
from simulator.trace import Trace
from simulator.world.drawn import options_of
from simulator.world.run import Report, Size, run_seed

TAIL_LINES = 40
# Seeds that wait in the pool; more would only keep Ctrl-C waiting.
WAITING_MAX = 4
LEAVE_S_MAX: Final = 10.0
"""So long a process may take to end its seed and take away what that laid."""


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
) -> Report | Failure:
    """Run one seed; a failure is an answer, whatever went wrong.

    `scenario` gives the world's faults (its size is `size`); `trace` is where events are noted.
    """
    if _PROCESS.is_ended:
        raise KeyboardInterrupt
    trace = Trace() if trace is None else trace
    options = options_of(seed, without=without, having=having, scenario=scenario)
    try:
        with _planted(plant) if plant else _quiet(logging.ERROR):
            return run_seed(seed, size=size, options=options, trace=trace)
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

    Closed early, it ends the seeds that the processes have in hand, and drops the others.
    """
    if workers <= 1 or len(seeds) == 1:
        for seed in seeds:
            yield attempt(seed, size, plant, without, having, scenario)
        return
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin) as pool:
        running: set[Future[Report | Failure]] = set()
        try:
            for seed in seeds:
                running.add(pool.submit(_in_hand, seed, size, plant, without, having, scenario))
                if len(running) >= workers + WAITING_MAX:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from _outcomes(done)
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from _outcomes(done)
        except (KeyboardInterrupt, GeneratorExit):
            # Seeds in hand end, and what they laid goes; in a terminal they heard it themselves.
            own = set(multiprocessing.active_children()) - others
            for process in own:
                process.terminate()
            # Before they are waited for: who has ended its seed waits for the next one.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in own:
                process.join(LEAVE_S_MAX)
                if process.is_alive():
                    process.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class _Process:
    """How a process of seeds stands: whether it has one in hand, and is to end."""

    is_at_work: bool = False
    is_ended: bool = False


_PROCESS: Final = _Process()


def _in_hand(*asked: Any) -> Report | Failure:
    _PROCESS.is_at_work = True
    try:
        return attempt(*asked)
    finally:
        _PROCESS.is_at_work = False


def _begin() -> None:
    """A process of seeds begins."""
    # What stands now (modules, code) is never garbage; collections pass it by.
    gc.freeze()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _end)


def _end(*_: object) -> None:
    """Somebody ended the run: the seed in hand ends, and none is begun any more."""
    if not _PROCESS.is_at_work:
        # Quietly, and not with the lock of the queue in which all wait for the next seed.
        raise SystemExit(1)
    # A seed that is cut off leaves tasks behind which complain as they go.
    sys.unraisablehook = lambda _: None
    if not _PROCESS.is_ended:
        _PROCESS.is_ended = True
        raise KeyboardInterrupt


def _outcomes(done: set[Future[Report | Failure]]) -> list[Report | Failure]:
    return sorted((future.result() for future in done), key=lambda outcome: outcome.seed)
