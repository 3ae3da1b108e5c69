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
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TypeAlias

from simulator.checkers import Violation
from simulator.planted import PLANTED
from simulator.scenario.scenario import Scenario
from simulator.trace import Trace
from simulator.world.drawn import options_of
from simulator.world.run import Report, Size, memory_folder, run_seed

TAIL_LINES = 40
_Line: TypeAlias = "Connection[int, Report | Failure]"


class ProcessGone(Exception):
    """A process that had a seed in hand ended by itself; the sentence is for people."""


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

    Raises:
        ProcessGone: a process was killed from outside, or died.
    """
    if workers <= 1 or len(seeds) == 1:
        for seed in seeds:
            yield attempt(seed, size, plant, without, having, scenario)
        return
    with memory_folder() as parent:
        one = partial(
            attempt, size=size, plant=plant, without=without, having=having, scenario=scenario,
            parent=parent,
        )  # fmt: skip
        with _processes(workers, one) as lines:
            left = iter(seeds)
            in_hand = {line: _given(line, seed) for line, seed in zip(lines, left, strict=False)}
            while in_hand:
                ready = wait(list(in_hand))
                for line in [each for each in in_hand if each in ready]:
                    outcome = _taken(line, in_hand.pop(line))
                    for seed in islice(left, 1):
                        in_hand[line] = _given(line, seed)
                    yield outcome


def _given(line: _Line, seed: int) -> int:
    with _answering(seed):
        line.send(seed)
    return seed


def _taken(line: _Line, seed: int) -> Report | Failure:
    with _answering(seed):
        return line.recv()


@contextlib.contextmanager
def _answering(seed: int) -> Iterator[None]:
    """A process is spoken to, which has a seed in hand."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise ProcessGone(
            f"the process that had seed {seed} in hand is gone; was it killed, or is there too "
            "little memory? Run that seed by itself, or fewer at once with --workers"
        ) from error


@contextlib.contextmanager
def _processes(count: int, one: Callable[[int], Report | Failure]) -> Iterator[list[_Line]]:
    """Processes that answer each seed that they are sent, by their lines; killed at the end.

    No pool of the library's: whoever presses Ctrl-C may interrupt it while it holds a lock that its
    own thread then waits for.
    """
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        lines = []
        for _ in range(count):
            line, end = context.Pipe()
            stack.enter_context(line)
            with end:
                process = context.Process(target=_work, args=(end, one), daemon=True)
                process.start()
                # Who is asked to end can fail to hear it; what its seed laid goes with its folder.
                stack.callback(process.join)
                stack.callback(process.kill)
            lines.append(line)
        yield lines


def _work(line: Connection[Report | Failure, int], one: Callable[[int], Report | Failure]) -> None:
    """A process of seeds: until nobody is there any more to ask it."""
    # What stands now (modules, code) is never garbage; collections pass it by.
    gc.freeze()
    # Who presses Ctrl-C in a terminal says it to all its processes; the first of them ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            line.send(one(line.recv()))
