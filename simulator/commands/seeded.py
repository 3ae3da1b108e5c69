"""The command `fieldlog simulate seeded`: whole sites under every fault, from numbers."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from replica.clock import SystemClock
from replica.commandline import CommandError
from simulator.commands.choosing import add_world, chosen
from simulator.commands.recording import make_folder, write_report
from simulator.draw import differing
from simulator.report.of_seeds import SeedsLog, unseen
from simulator.world.campaign import Failure, ProcessGone, Tally, attempts
from simulator.world.run import Report
from simulator.world.wanted import Wanted

SEEDS_MAX = 10_000_000
TOLD_EVERY_S = 10.0
# A run in which one of these was never reached would prove little.
EXPECTED_POINTS = (
    "a conflict was settled",
    "a hub was restored",
    "a job was handed on",
    "a log was forked",
    "a phone was cloned",
    "a phone was shut out",
    "a photo was taken",
    "a stream left a phone",
    "a stream was folded anew",
    "acted from a stale page",
    "entries waited for a seal",
    "power was cut in a transaction",
    "the office erased something",
    "what a shut-out key wrote was admitted",
    "compared digests or heads",
)
# With so many seeds every expected point is reached.
POINTS_EXPECTED_FROM_SEEDS = 50


def configure(parser: argparse.ArgumentParser) -> None:
    """Run whole sites under a virtual clock, with faults and checkers, from seeds."""
    add_world(parser)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--trace", action="store_true", help="show the last events and the hashes")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at a violation")
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="leave a report of the run in a folder"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the seeds; 1 if any failed."""
    if not 1 <= arguments.seeds <= SEEDS_MAX or arguments.first < 0:
        raise CommandError(f"--seeds lies between 1 and {SEEDS_MAX:,}, --from is not negative")
    if arguments.workers < 1:
        raise CommandError("--workers is at least 1")
    wanted = chosen(arguments)
    if arguments.report is not None:
        make_folder(arguments.report)
    if wanted.scenario is not None:
        print(f"{wanted.scenario.name}: {wanted.scenario.about}", flush=True)
    log, began_ms, began_s = SeedsLog(wanted, arguments.seeds), _now_ms(), time.monotonic()
    # Whoever ends this program ends it in good order, whichever way.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    ended_by = ""
    try:
        _run_all(log, arguments, began_s)
    except KeyboardInterrupt:
        ended_by = "Somebody ended it. Run it again to its end."
        raise
    except ProcessGone as error:
        ended_by = f"{str(error)[0].upper()}{str(error)[1:]}."
        raise CommandError(str(error)) from error
    except Exception as error:
        ended_by = f"The program failed: {type(error).__name__}: {error}"
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
        took_s = time.monotonic() - began_s
        _end_line()
        _summary(log.tally, took_s, wanted, broken_off=bool(ended_by))
        if arguments.report is not None:
            _report(log, arguments, began_ms, took_s, ended_by)
    return 1 if log.tally.failures else 0


def _run_all(log: SeedsLog, arguments: argparse.Namespace, began_s: float) -> None:
    wanted = log.wanted
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    progress = _Progress(len(seeds))
    with closing(
        attempts(
            seeds,
            wanted.size,
            arguments.workers,
            wanted.plant,
            wanted.without,
            wanted.having,
            wanted.scenario,
        )
    ) as outcomes:
        for outcome in outcomes:
            log.add(outcome, time.monotonic() - began_s)
            if isinstance(outcome, Failure):
                _end_line()
                _say_failure(outcome, wanted, trace=arguments.trace)
                if not arguments.keep_going:
                    return
            elif arguments.trace:
                _say_report(outcome)
            progress.tell(log.tally, time.monotonic() - began_s)


def _report(
    log: SeedsLog,
    arguments: argparse.Namespace,
    began_ms: int,
    took_s: float,
    ended_by: str,
) -> None:
    began = datetime.fromtimestamp(began_ms / 1_000, UTC).isoformat(timespec="seconds")
    command = f"fieldlog simulate seeded{log.wanted.words()}"
    command += f" --seeds {arguments.seeds} --from {arguments.first}"
    command += " --keep-going" if arguments.keep_going else ""
    record = log.record(
        began=began,
        took_s=took_s,
        command=command,
        workers=arguments.workers,
        missed=missed_points(log.tally, log.wanted),
        ended_by=ended_by,
    )
    for path in write_report(arguments.report, record):
        print(f"report: {path}")


def _now_ms() -> int:
    return SystemClock().now_ms()


def _say_failure(failure: Failure, wanted: Wanted, *, trace: bool) -> None:
    options = wanted.options_of(failure.seed)
    print(f"seed {failure.seed}: {options.in_words()}")
    print(f"  options: {differing(options)}")
    print(f"  {failure.checker}: {failure.words}")
    if trace:
        print("  last events:")
        for line in failure.tail:
            print(f"    {line}")
    print(f"  replay:  fieldlog simulate replay {failure.seed}{wanted.words()}")
    print(f"  smaller: fieldlog simulate shrink {failure.seed}{wanted.words()}", flush=True)


def _say_report(report: Report) -> None:
    print(f"seed {report.seed}: {report.options.in_words()}")
    print(
        f"  trace {report.digest} state {report.state} entries {report.entries} "
        f"(a phone at least {report.phone_entries_min}) steps {report.steps}",
        flush=True,
    )


class _Progress:
    """How far the seeds are: one line that is overwritten, or in a file one now and then."""

    def __init__(self, seeds: int) -> None:
        self._seeds = seeds
        self._told_s = -TOLD_EVERY_S

    def tell(self, tally: Tally, took_s: float) -> None:
        """Tell it, unless that was just told."""
        done = tally.passed + len(tally.failures)
        left_s = took_s / done * (self._seeds - done)
        words = f"{done} of {self._seeds} seeds in {took_s:.0f} s, some {left_s:.0f} s left"
        if sys.stdout.isatty():
            print(f"\r{words}\x1b[K", end="", flush=True)
        elif took_s - self._told_s >= TOLD_EVERY_S:
            self._told_s = took_s
            print(words, flush=True)


def _end_line() -> None:
    if sys.stdout.isatty():
        print()


def _summary(tally: Tally, took_s: float, wanted: Wanted, *, broken_off: bool) -> None:
    if broken_off:
        print("broken off; of the seeds that were run until then:")
    per_min = 60 / max(took_s, 0.001)
    print(
        f"{tally.passed} seeds passed, {len(tally.failures)} failed, in {took_s:.0f} s: "
        f"{tally.entries:,} entries, {tally.device_days:,} device-days; "
        f"{tally.entries * per_min:,.0f} entries and {tally.device_days * per_min:,.0f} "
        "device-days a minute"
    )
    _list("seeds by fault", tally.faults)
    _list("what happened", tally.events)
    _list("places reached", tally.points)
    if wanted.plant and not tally.failures:
        print(". ".join(unseen(wanted)))
    if missed := missed_points(tally, wanted):
        print(f"never reached: {', '.join(missed)}; these seeds prove nothing of that")


def missed_points(tally: Tally, wanted: Wanted) -> list[str]:
    """What the seeds together should have come by and did not, in order.

    A scenario says what that is; without one it is what so many seeds come by in any case.
    """
    expected: Sequence[str] = ()
    if not tally.passed:
        # What a seed came by before it failed, nobody counted.
        return []
    if wanted.scenario is not None:
        expected = wanted.scenario.seeded.reaches
    elif tally.passed >= POINTS_EXPECTED_FROM_SEEDS:
        expected = EXPECTED_POINTS
    return [point for point in expected if not tally.points[point]]


def _list(words: str, count_by_name: dict[str, int]) -> None:
    if count_by_name:
        parts = [f"{name} {count:,}" for name, count in sorted(count_by_name.items()) if count]
        print(f"{words}: {', '.join(parts)}")
